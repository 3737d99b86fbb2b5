/*
 * The order of places, and what was found there. Every credential that was handed out lives until
 * the end, once for each distinct secret. How files read and helpers talk is in the files beside.
 */
#include "registry/credentials.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "registry/auth_google.h"
#include "registry/auth_token.h"
#include "registry/credentials_private.h"
#include "registry/json_wipe.h"
#include "registry/lease.h"
#include "registry/quirks.h"

#define FILE_MAX_BYTES ((size_t)1 << 20)
/* Helpers of clouds hand out what lives for an hour; asked again before that. */
#define HELPER_LIFE_MS ((int64_t)15 * 60 * 1000)

struct credentials {
	struct credential_watch *authfile[CREDENTIAL_SIDES]; /* NULL: not given */
	struct credential_config *config;
	VEC(struct credential_file *) files; /* of both sides, in order */
	struct google *google;		     /* NULL: not asked */
	struct leases *helpers;
	struct cancel *cancel;
	bool read_only;
	pthread_mutex_t lock;		     /* guards what follows */
	VEC(struct credential *) handed_out; /* owned */
};

static const char nobody[] = "";
const struct credential credential_anonymous = {
	.username = (char *)(uintptr_t)nobody,
	.secret = (char *)(uintptr_t)nobody,
	.origin = (char *)(uintptr_t)nobody,
};

/* ---- Files ---- */

static void file_free(struct credential_file *file)
{
	if (!file)
		return;
	credential_file_release(file);
	mem_free(file);
}
DEFINE_CLEANUP(struct credential_file, file_freep, file_free)

/* NULL with ERR_NOT_FOUND if there is none, ERR_IO if it cannot be read, ERR_USAGE if malformed. */
static struct credential_file *read_file(const char *path, struct err **err)
{
	CLEANUP(str_release_secret) struct str text = STR_INIT(FILE_MAX_BYTES);
	CLEANUP(err_freep) struct err *failure = NULL;
	CLEANUP(file_freep) struct credential_file *file = mem_new(1, sizeof(*file));
	if (!fs_read_file(path, &text, &failure)) {
		if (failure->kind == ERR_TOO_LARGE)
			failure->kind = ERR_USAGE;
		err_keep_first(err, &failure);
		return NULL;
	}
	if (!credential_file_parse(str_text(&text), text.len, path, file, err))
		return NULL;
	return steal_ptr(&file);
}

static bool add_authfile(struct credentials *credentials, enum credential_side side,
	const char *path, struct err **err)
{
	if (!path)
		return true;
	credentials->authfile[side] = credential_watch_new(path, true, err);
	return credentials->authfile[side] ||
		err_prefix(err, side == CREDENTIAL_SOURCE ? "--src-authfile" : "--dest-authfile");
}

/*
 * One of the places that may be empty. `path` may be NULL. Where nobody named the place, a file that
 * cannot be read is somebody else's: a job often runs without a home of its own.
 */
static bool add_place(
	struct credentials *credentials, const char *path, bool is_named, struct err **err)
{
	CLEANUP(err_freep) struct err *failure = NULL;
	struct credential_file *file = path ? read_file(path, &failure) : NULL;
	if (file)
		*vec_push(&credentials->files) = file;
	if (!path || file || err_is(failure, ERR_NOT_FOUND))
		return true;
	err_prefix(&failure, "credentials");
	if (err_is(failure, ERR_IO) && !is_named) {
		log_warning("%s: passed over", failure->msg);
		return true;
	}
	failure->kind = ERR_USAGE;
	err_keep_first(err, &failure);
	return false;
}

static bool add_variable(struct credentials *credentials, struct err **err)
{
	const char *text = getenv("DOCKER_AUTH_CONFIG");
	CLEANUP(file_freep) struct credential_file *file = NULL;
	if (!text || !*text)
		return true;
	if (strlen(text) > FILE_MAX_BYTES)
		return err_set(err, ERR_USAGE, "DOCKER_AUTH_CONFIG: more than 1 MiB");
	file = mem_new(1, sizeof(*file));
	if (!credential_file_parse(text, strlen(text), "DOCKER_AUTH_CONFIG", file, err))
		return err_prefix(err, "credentials");
	*vec_push(&credentials->files) = steal_ptr(&file);
	return true;
}

/* "$variable/rest", or "$HOME/otherwise/rest"; NULL without either. */
static char *place(const char *variable, const char *otherwise, const char *rest)
{
	const char *directory = getenv(variable), *home = getenv("HOME");
	if (directory && *directory)
		return mem_printf("%s/%s", directory, rest);
	if (!otherwise || !home || !*home)
		return NULL;
	return mem_printf("%s/%s/%s", home, otherwise, rest);
}

static bool add_places(struct credentials *credentials, struct err **err)
{
	const char *named = getenv("REGISTRY_AUTH_FILE");
	CLEANUP(mem_freep) char *runtime = place("XDG_RUNTIME_DIR", NULL, "containers/auth.json");
	CLEANUP(mem_freep)
	char *config = place("XDG_CONFIG_HOME", ".config", "containers/auth.json");
	CLEANUP(mem_freep) char *docker = place("DOCKER_CONFIG", ".docker", "config.json");
	if (named && !*named)
		named = NULL;
	return add_variable(credentials, err) && add_place(credentials, named, true, err) &&
		add_place(credentials, runtime, false, err) &&
		add_place(credentials, config, false, err) &&
		add_place(credentials, docker, getenv("DOCKER_CONFIG") != NULL, err);
}

/* ---- Life ---- */

static bool add_google(struct credentials *credentials, const struct credentials_options *options,
	struct err **err)
{
	const struct google_options google = {
		.http = options->http,
		.clock = options->clock,
		.read_only = options->read_only,
		.iam_endpoint = options->google.iam_endpoint,
	};
	if (!options->http)
		return true;
	credentials->google = google_new(&google, err);
	return credentials->google != NULL;
}

struct credentials *credentials_new(const struct credentials_options *options, struct err **err)
{
	json_wipe_install();
	CLEANUP(credentials_freep)
	struct credentials *credentials = mem_new(1, sizeof(*credentials));
	pthread_mutex_init(&credentials->lock, NULL);
	credentials->helpers = leases_new(options->clock);
	credentials->cancel = options->cancel;
	credentials->read_only = options->read_only;
	for (int side = 0; side < CREDENTIAL_SIDES; side++)
		if (!add_authfile(
			    credentials, (enum credential_side)side, options->authfile[side], err))
			return NULL;
	credentials->config = credential_config_new(options, err);
	if (!credentials->config || !add_places(credentials, err) ||
		!add_google(credentials, options, err))
		return NULL;
	return steal_ptr(&credentials);
}

void credentials_free(struct credentials *credentials)
{
	if (!credentials)
		return;
	for (int side = 0; side < CREDENTIAL_SIDES; side++)
		credential_watch_free(credentials->authfile[side]);
	credential_config_free(credentials->config);
	for (size_t i = 0; i < credentials->files.len; i++)
		file_free(credentials->files.items[i]);
	vec_release(&credentials->files);
	for (size_t i = 0; i < credentials->handed_out.len; i++) {
		struct credential *credential = credentials->handed_out.items[i];
		mem_free_secret_string(credential->username);
		mem_free_secret_string(credential->secret);
		mem_free(credential->origin);
		mem_free(credential);
	}
	vec_release(&credentials->handed_out);
	leases_free(credentials->helpers);
	google_free(credentials->google);
	pthread_mutex_destroy(&credentials->lock);
	mem_free(credentials);
}

/* ---- Handing out ---- */

static bool is_same(const struct credential *a, const struct credential *b)
{
	return a->kind == b->kind && a->google == b->google &&
		strcmp(a->username, b->username) == 0 && strcmp(a->secret, b->secret) == 0;
}

/* Texts are copied. */
static const struct credential *hand_out(
	struct credentials *credentials, const struct credential *wanted)
{
	unsigned id = 0;
	struct credential *found = NULL;
	pthread_mutex_lock(&credentials->lock);
	for (size_t i = 0; i < credentials->handed_out.len && !found; i++) {
		struct credential *old = credentials->handed_out.items[i];
		bool same = is_same(old, wanted);
		if (same)
			id = old->id;
		if (same && strcmp(old->origin, wanted->origin) == 0)
			found = old;
	}
	if (!found) {
		found = mem_new(1, sizeof(*found));
		*found = *wanted;
		found->id = id ? id : (unsigned)credentials->handed_out.len + 1;
		found->username = mem_strdup(wanted->username);
		found->secret = mem_strdup(wanted->secret);
		found->origin = mem_strdup(wanted->origin);
		*vec_push(&credentials->handed_out) = found;
	}
	pthread_mutex_unlock(&credentials->lock);
	return found;
}

/* ---- Helpers ---- */

struct helper_call {
	struct credentials *credentials;
	const char *suffix;
	const char *host;
};

static const char *server_key(const char *host)
{
	const char *key = quirks_of(host)->helper_key;
	return key ? key : host;
}

/* The text of a lease: kind, user name and secret, a line each. */
static bool fetch_helper(void *ctx, char **ret_text, int64_t *ret_life_ms, struct err **err)
{
	const struct helper_call *call = ctx;
	CLEANUP(credential_answer_release) struct credential_answer answer = {0};
	if (!credential_helper_run(call->suffix, server_key(call->host),
		    CREDENTIAL_HELPER_TIMEOUT_MS, call->credentials->cancel, &answer, err))
		return false;
	if (strchr(answer.username, '\n'))
		return err_set(err, ERR_AUTH,
			"credential helper docker-credential-%s for %s: a line break in the user "
			"name",
			call->suffix, call->host);
	*ret_text = mem_printf("%d\n%s\n%s", answer.kind, answer.username, answer.secret);
	*ret_life_ms = HELPER_LIFE_MS;
	return true;
}

/* *ret_credential stays as it is if the helper has nothing. */
static bool ask_helper(struct credentials *credentials, const char *suffix, const char *host,
	const struct credential **ret_credential, struct err **err)
{
	struct helper_call call = {credentials, suffix, host};
	CLEANUP(lease_release) struct lease lease = {0};
	CLEANUP(mem_freep) char *key = mem_printf("%s %s", suffix, host);
	CLEANUP(mem_freep) char *origin = mem_printf("docker-credential-%s", suffix);
	if (!leases_get(credentials->helpers, key, fetch_helper, &call, &lease, err))
		return false;
	enum credential_kind kind = (enum credential_kind)(lease.text[0] - '0');
	char *username = lease.text + 2, *end = strchr(username, '\n');
	*end = '\0';
	const struct credential answer = {
		.kind = kind, .username = username, .secret = end + 1, .origin = origin};
	if (kind != CREDENTIAL_ANONYMOUS)
		*ret_credential = hand_out(credentials, &answer);
	*end = '\n';
	return true;
}

/* ---- Looking up ---- */

/* *ret_credential stays as it is if the file has nothing for the place. */
static bool find_in(struct credentials *credentials, const struct credential_file *file,
	const char *host, const char *path, const struct credential **ret_credential,
	struct err **err)
{
	const char *helper = credential_file_helper(file, host);
	if (helper) {
		if (!ask_helper(credentials, helper, host, ret_credential, err))
			return err_prefix(err, "%s", file->origin);
		if (*ret_credential)
			return true;
	}
	const struct credential_entry *entry = credential_file_entry(file, host, path);
	if (entry)
		*ret_credential = hand_out(credentials,
			&(struct credential){.kind = entry->kind,
				.username = entry->username,
				.secret = entry->secret,
				.origin = file->origin});
	return true;
}

/* A secret that is alone in its file. */
static bool take_secret(struct credentials *credentials, const struct credential_given *given,
	enum credential_kind kind, const struct credential **ret_credential, struct err **err)
{
	char *secret = credential_watch_secret(given->watch);
	bool ok = kind == CREDENTIAL_PASSWORD || auth_token_is_valid(secret);
	if (ok)
		*ret_credential = hand_out(credentials,
			&(struct credential){.kind = kind,
				.username = given->username,
				.secret = secret,
				.origin = given->origin});
	mem_free_secret_string(secret);
	return ok || err_set(err, ERR_AUTH, "%s: what it holds is no token", given->origin);
}

/* What cip.yaml says, Google's credentials apart. */
static bool find_given(struct credentials *credentials, const struct credential_given *given,
	const char *host, const char *path, const struct credential **ret_credential,
	struct err **err)
{
	switch (given->way) {
	case CREDENTIAL_WAY_PASSWORD_FILE:
		return take_secret(credentials, given, CREDENTIAL_PASSWORD, ret_credential, err);
	case CREDENTIAL_WAY_TOKEN_FILE:
		return take_secret(
			credentials, given, CREDENTIAL_REGISTRY_TOKEN, ret_credential, err);
	case CREDENTIAL_WAY_IDENTITY_TOKEN_FILE:
		return take_secret(
			credentials, given, CREDENTIAL_IDENTITY_TOKEN, ret_credential, err);
	case CREDENTIAL_WAY_AUTHFILE:
		return find_in(credentials, credential_watch_file(given->watch), host, path,
			ret_credential, err);
	case CREDENTIAL_WAY_HELPER:
		return ask_helper(credentials, given->helper, host, ret_credential, err) ||
			err_prefix(err, "cip.yaml");
	case CREDENTIAL_WAY_ANONYMOUS:
		*ret_credential = &credential_anonymous;
		break;
	case CREDENTIAL_WAY_NONE:
	case CREDENTIAL_WAY_GOOGLE:
		break;
	}
	return true;
}

static bool find_stored(struct credentials *credentials, const char *host, const char *path,
	const struct credential **ret_credential, struct err **err)
{
	for (size_t i = 0; i < credentials->files.len && !*ret_credential; i++)
		if (!find_in(credentials, credentials->files.items[i], host, path, ret_credential,
			    err))
			return false;
	return true;
}

/* ---- Google ---- */

/* What there is of Google's credentials, for the account or, with "", for themselves. */
static bool find_google(struct credentials *credentials, struct google *google, const char *account,
	const struct credential **ret_credential, struct err **err)
{
	CLEANUP(mem_freep) char *found = NULL;
	if (!google_find(google, &found, err))
		return false;
	if (!found)
		return true;
	CLEANUP(mem_freep)
	char *origin = *account ? mem_printf("the account %s, with %s", account, found)
				: mem_strdup(found);
	const struct credential credential = {
		.kind = CREDENTIAL_GOOGLE,
		.username = (char *)(uintptr_t)account,
		.secret = (char *)(uintptr_t)nobody,
		.origin = origin,
		.google = google,
	};
	*ret_credential = hand_out(credentials, &credential);
	return true;
}

/* What somebody asked for in so many words has to be there. */
static bool find_wanted_google(struct credentials *credentials,
	const struct credential_given *given, const char *account,
	const struct credential **ret_credential, struct err **err)
{
	struct google *google = given->google ? given->google : credentials->google;
	if (!find_google(credentials, google, account, ret_credential, err))
		return false;
	return *ret_credential ||
		err_set(err, ERR_AUTH,
			"cip.yaml wants Google's credentials%s%s, and there are none: neither "
			"GOOGLE_APPLICATION_CREDENTIALS, nor \"gcloud auth application-default "
			"login\", nor a metadata server",
			*account ? " to impersonate " : "", account);
}

/* ---- The order ---- */

static bool find(struct credentials *credentials, enum credential_side side, const char *host,
	const char *path, bool with_google, const struct credential **ret_credential,
	struct err **err)
{
	const struct credential_given *given =
		credential_config_find(credentials->config, side, host);
	bool is_google = with_google && credentials->google && quirks_of(host)->is_google;
	const char *account = "";
	if (credentials->authfile[side] &&
		!find_in(credentials, credential_watch_file(credentials->authfile[side]), host,
			path, ret_credential, err))
		return false;
	if (!*ret_credential && !find_given(credentials, given, host, path, ret_credential, err))
		return false;
	if (!*ret_credential && is_google && !credentials->read_only &&
		!credential_config_account(credentials->config, side, host, path, &account, err))
		return false;
	if (!*ret_credential && given->google && !is_google)
		*ret_credential = hand_out(credentials,
			&(struct credential){.kind = CREDENTIAL_GOOGLE,
				.username = (char *)(uintptr_t)nobody,
				.secret = (char *)(uintptr_t)nobody,
				.origin = given->origin,
				.google = given->google});
	if (!*ret_credential && (given->google || *account))
		return find_wanted_google(credentials, given, account, ret_credential, err);
	if (!*ret_credential && !find_stored(credentials, host, path, ret_credential, err))
		return false;
	return *ret_credential || !is_google ||
		find_google(credentials, credentials->google, "", ret_credential, err);
}

bool credentials_find(struct credentials *credentials, enum credential_side side, const char *host,
	const char *path, const struct credential **ret_credential, struct err **err)
{
	const struct credential *found = NULL;
	if (!find(credentials, side, host, path, true, &found, err))
		return false;
	*ret_credential = found ? found : &credential_anonymous;
	return true;
}

bool credentials_find_stored(struct credentials *credentials, enum credential_side side,
	const char *host, const char *path, const struct credential **ret_credential,
	struct err **err)
{
	const struct credential *found = NULL;
	if (!find(credentials, side, host, path, false, &found, err))
		return false;
	*ret_credential = found ? found : &credential_anonymous;
	return true;
}
