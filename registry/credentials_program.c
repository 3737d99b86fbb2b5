/*
 * Credential helpers (docker-credential-helpers protocol): started without a shell, from an
 * absolute entry of PATH, with a listed environment and a deadline; what they print is bounded and
 * never shown, except the message of one that failed, which the protocol means for people.
 */
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/spawn.h"
#include "base/str.h"
#include "registry/credentials_private.h"

#define OUTPUT_MAX ((size_t)64 * 1024)
#define NAME_MAX_BYTES 64
/* How often a wait looks whether the run was stopped. */
#define NAP_MS 200

/* What helpers of the large clouds and desktops need; nothing else of ours is theirs to see. */
static const char *const passed_on[] = {"PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL",
	"TMPDIR", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME",
	"DOCKER_CONFIG", "DBUS_SESSION_BUS_ADDRESS", "GNUPGHOME", "GPG_TTY", "GPG_AGENT_INFO",
	"PASSWORD_STORE_DIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy",
	"no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR", "GOOGLE_APPLICATION_CREDENTIALS",
	"CLOUDSDK_CONFIG", "CLOUDSDK_CORE_ACCOUNT", "CLOUDSDK_CORE_PROJECT", "GCE_METADATA_HOST",
	"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE",
	"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE",
	"AWS_SDK_LOAD_CONFIG", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME",
	"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
	"AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_ECR_DISABLE_CACHE", "AWS_ECR_CACHE_DIR",
	"AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET", "AZURE_FEDERATED_TOKEN_FILE",
	"AZURE_AUTHORITY_HOST", "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_ENDPOINT"};
#define PASSED_ON (sizeof(passed_on) / sizeof(passed_on[0]))

bool credential_helper_name_is_valid(const char *suffix)
{
	size_t len =
		strspn(suffix, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");
	return len > 0 && len <= NAME_MAX_BYTES && suffix[len] == '\0';
}

/* ---- Answers ---- */

void credential_answer_release(struct credential_answer *answer)
{
	mem_free_secret_string(answer->username);
	mem_free_secret_string(answer->secret);
	*answer = (struct credential_answer){0};
}

bool credential_answer_parse(
	const char *text, size_t len, struct credential_answer *ret_answer, struct err **err)
{
	json_t *root = json_loadb(text, len, 0, NULL);
	const char *username = json_string_value(json_object_get(root, "Username"));
	const char *secret = json_string_value(json_object_get(root, "Secret"));
	bool ok = username && secret && *secret;
	if (ok) {
		bool is_token = strcmp(username, "<token>") == 0;
		*ret_answer = (struct credential_answer){
			.kind = is_token ? CREDENTIAL_IDENTITY_TOKEN : CREDENTIAL_PASSWORD,
			.username = mem_strdup(username),
			.secret = mem_strdup(secret),
		};
	}
	json_decref(root);
	if (!ok)
		return err_set(err, ERR_AUTH,
			"its output is not the JSON of the credential helper protocol (Username "
			"and Secret)");
	return true;
}

bool credential_answer_means_none(const char *text, size_t len)
{
	static const char *const none[] = {"credentials not found in native keychain",
		"no credentials server URL", "no credentials username"};
	while (len > 0 && strchr(" \t\r\n", text[len - 1]))
		len--;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		if (strlen(none[i]) == len && strncmp(none[i], text, len) == 0)
			return true;
	return false;
}

/* ---- Talking ---- */

static void write_server(struct spawn_child *child, const char *server)
{
	/* Far below what a pipe takes at once. A helper that does not read it is told nothing. */
	if (write(child->input, server, strlen(server)) < 0)
		errno = 0;
	fd_closep(&child->input);
	child->input = -1;
}

/* Appends what is there; false at the end. `keep` NULL: dropped. */
static bool drain(int fd, struct str *keep, bool *ret_too_much)
{
	char bytes[4096];
	ssize_t len = read(fd, bytes, sizeof(bytes));
	if (len < 0)
		return errno == EINTR || errno == EAGAIN;
	if (len > 0 && keep && !str_add(keep, bytes, (size_t)len))
		*ret_too_much = true;
	explicit_bzero(bytes, sizeof(bytes));
	return len > 0;
}

/* Until both outputs end. False on a deadline, on too much output, or when the run is stopped. */
static bool read_output(struct spawn_child *child, int64_t timeout_ms, struct cancel *cancel,
	struct str *out, struct err **err)
{
	int64_t deadline = clock_monotonic_ms(&clock_system) + timeout_ms;
	struct pollfd fds[2] = {
		{.fd = child->output, .events = POLLIN}, {.fd = child->errors, .events = POLLIN}};
	bool too_much = false;
	while (fds[0].fd >= 0 || fds[1].fd >= 0) {
		int64_t left = deadline - clock_monotonic_ms(&clock_system);
		if (!cancel_check(cancel, CANCEL_NOW, err))
			return false;
		if (left <= 0)
			return err_set(err, ERR_AUTH, "gave no answer in %lld s",
				(long long)timeout_ms / 1000);
		if (poll(fds, 2, (int)(left < NAP_MS ? left : NAP_MS)) <= 0)
			continue;
		if (fds[0].revents && !drain(fds[0].fd, out, &too_much))
			fds[0].fd = -1;
		if (fds[1].revents && !drain(fds[1].fd, NULL, &too_much))
			fds[1].fd = -1;
		if (too_much)
			return err_set(err, ERR_AUTH, "printed more than %zu bytes", OUTPUT_MAX);
	}
	return true;
}

/* ---- Running ---- */

struct environment {
	char *owned[PASSED_ON];
	const char *items[PASSED_ON + 1];
};

static void environment_init(struct environment *environment)
{
	size_t n = 0;
	*environment = (struct environment){0};
	for (size_t i = 0; i < PASSED_ON; i++) {
		const char *value = getenv(passed_on[i]);
		if (!value)
			continue;
		environment->owned[n] = mem_printf("%s=%s", passed_on[i], value);
		environment->items[n] = environment->owned[n];
		n++;
	}
}

static void environment_release(struct environment *environment)
{
	for (size_t i = 0; i < PASSED_ON; i++)
		mem_free_secret_string(environment->owned[i]);
}

static bool judge(
	int status, const struct str *out, struct credential_answer *ret_answer, struct err **err)
{
	if (status == 0)
		return credential_answer_parse(str_text(out), out->len, ret_answer, err);
	if (credential_answer_means_none(str_text(out), out->len)) {
		*ret_answer = (struct credential_answer){
			.username = mem_strdup(""), .secret = mem_strdup("")};
		return true;
	}
	/* The protocol puts a message there; what looks like an answer is not shown. */
	bool shown = out->len > 0 && !memchr(str_text(out), '{', out->len);
	CLEANUP(mem_freep) char *text = escape_terminal_text(shown ? str_text(out) : "");
	return err_set(err, ERR_AUTH, "failed%s%.200s", shown ? ": " : "", text);
}

static bool run_program(const char *program, const char *server, int64_t timeout_ms,
	struct cancel *cancel, struct credential_answer *ret_answer, struct err **err)
{
	CLEANUP(environment_release) struct environment environment;
	struct spawn_child child = SPAWN_CHILD_INIT;
	struct str out = STR_INIT(OUTPUT_MAX);
	const char *const arguments[] = {program, "get", NULL};
	int status = -1;
	environment_init(&environment);
	const struct spawn_options options = {
		.program = program, .arguments = arguments, .environment = environment.items};
	if (!spawn_start(&options, &child, err))
		return false;
	write_server(&child, server);
	bool ok = read_output(&child, timeout_ms, cancel, &out, err);
	spawn_stop(&child, ok ? 1000 : 0, &status);
	ok = ok && judge(status, &out, ret_answer, err);
	str_release_secret(&out);
	return ok;
}

bool credential_helper_run(const char *suffix, const char *server, int64_t timeout_ms,
	struct cancel *cancel, struct credential_answer *ret_answer, struct err **err)
{
	CLEANUP(mem_freep) char *name = mem_printf("docker-credential-%s", suffix);
	CLEANUP(mem_freep) char *program = spawn_find_program(name);
	CLEANUP(err_freep) struct err *failure = NULL;
	if (!program)
		return err_set(err, ERR_AUTH,
			"credential helper %s: not found in the absolute entries of PATH", name);
	if (run_program(program, server, timeout_ms, cancel, ret_answer, &failure))
		return true;
	if (failure->kind != ERR_CANCELLED)
		failure->kind = ERR_AUTH;
	err_prefix(&failure, "credential helper %s for %s", name, server);
	err_keep_first(err, &failure);
	return false;
}
