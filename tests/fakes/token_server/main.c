/*
 * A token server for tests of a real registry with token authentication (distribution's token
 * specification): GET with Basic, POST with an identity token, JWTs signed with ES256 and x5c.
 * Grants the intersection of what is asked for and what the user may do, as real ones do.
 */
#include <getopt.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/enc.h"
#include "base/fs.h"
#include "base/str.h"
#include "tests/fakes/tiny_server.h"

#define BODY_MAX (64 * 1024)

static struct {
	const char *key, *certificate, *users, *issuer, *access_log, *expired_file;
	long life;
	bool one_scope, no_post;
} options = {.issuer = "test-issuer", .life = 300};

static EVP_PKEY *signing_key;
static char *x5c;

static const char usage[] =
	"usage: token-server --key FILE --certificate FILE --users FILE [--issuer NAME]\n"
	"                    [--life SECONDS] [--access-log FILE] [--one-scope] [--no-post]\n"
	"                    [--expired-file FILE]\n"
	"Each line of the users' file: NAME PASSWORD ACTIONS PREFIX..., where NAME - is anonymous "
	"and\n"
	"ACTIONS is pull or pull,push for repositories that start with a PREFIX. A password is an\n"
	"identity token as well. While the expired file exists, tokens are expired when issued.\n";

static void die(const char *what)
{
	fprintf(stderr, "token-server: %s\n", what);
	exit(1);
}

/* ---- Parameters ---- */

static char *decode(const char *text, size_t len)
{
	char *decoded = mem_strndup(text, len);
	size_t out = 0;
	for (size_t i = 0; i < len; i++) {
		char c = text[i] == '+' ? ' ' : text[i];
		if (c == '%' && i + 2 < len) {
			char digits[3] = {text[i + 1], text[i + 2], '\0'};
			c = (char)strtoul(digits, NULL, 16);
			i += 2;
		}
		decoded[out++] = c;
	}
	decoded[out] = '\0';
	return decoded;
}

/* The n-th value of a name, in fresh memory; NULL if there is none. */
static char *parameter(const char *query, const char *name, size_t n)
{
	size_t name_len = strlen(name);
	for (const char *at = query; *at;) {
		size_t len = strcspn(at, "&");
		if (len > name_len && strncmp(at, name, name_len) == 0 && at[name_len] == '=' &&
			n-- == 0)
			return decode(at + name_len + 1, len - name_len - 1);
		at += len;
		at += *at == '&';
	}
	return NULL;
}

/* ---- Users ---- */

/* The user's line, "ACTIONS PREFIX...", in fresh memory; NULL: unknown. NULL name: by password. */
static char *find_user(const char *name, const char *password)
{
	CLEANUP(str_release) struct str text = STR_INIT(1 << 20);
	char *found = NULL, *save = NULL;
	if (!fs_read_file(options.users, &text, NULL))
		die("cannot read the users");
	for (char *line = strtok_r(text.bytes, "\n", &save); line && !found;
		line = strtok_r(NULL, "\n", &save)) {
		char *rest = NULL;
		const char *user = strtok_r(line, " ", &rest);
		const char *secret = strtok_r(NULL, " ", &rest);
		if (user && secret && (!name || strcmp(user, name) == 0) &&
			(strcmp(user, "-") == 0 || strcmp(secret, password) == 0))
			found = mem_strdup(rest);
	}
	return found;
}

static char *user_of_header(const struct tiny_exchange *exchange)
{
	const char *header = tiny_header(exchange, "Authorization");
	size_t len = 0;
	if (!header)
		return find_user("-", "");
	if (strncmp(header, "Basic ", 6) != 0)
		return NULL;
	CLEANUP(mem_freep)
	char *pair = (char *)base64_decode(header + 6, strlen(header + 6), &len);
	char *colon = pair ? strchr(pair, ':') : NULL;
	if (!colon)
		return NULL;
	*colon = '\0';
	return find_user(strcmp(pair, "<token>") == 0 ? NULL : pair, colon + 1);
}

static bool may(const char *user, const char *repository, const char *action)
{
	size_t actions = strcspn(user, " ");
	CLEANUP(mem_freep) char *allowed = mem_strndup(user, actions);
	if (!strstr(allowed, action))
		return false;
	for (const char *at = user + actions; *(at += strspn(at, " "));) {
		size_t len = strcspn(at, " ");
		if (strncmp(at, repository, len) == 0)
			return true;
		at += len;
	}
	return false;
}

/* ---- Tokens ---- */

static void add_access(struct str *out, const char *user, const char *scope)
{
	const char *name = strchr(scope, ':'), *colon = strrchr(scope, ':');
	if (strncmp(scope, "repository:", 11) != 0 || colon == name)
		return;
	CLEANUP(mem_freep)
	char *repository = mem_strndup(name + 1, (size_t)(colon - name - 1));
	bool pull = strstr(colon, "pull") && may(user, repository, "pull");
	bool push = strstr(colon, "push") && may(user, repository, "push");
	str_addf(out, "%s{\"type\":\"repository\",\"name\":\"%s\",\"actions\":[%s%s%s]}",
		out->bytes[out->len - 1] == '[' ? "" : ",", repository, pull ? "\"pull\"" : "",
		pull && push ? "," : "", push ? "\"push\"" : "");
}

static size_t add_scopes(struct str *out, const char *user, const char *query)
{
	char *value;
	size_t count = 0;
	for (size_t n = 0; (value = parameter(query, "scope", n)); n++) {
		char *rest = NULL;
		for (char *scope = strtok_r(value, " ", &rest); scope;
			scope = strtok_r(NULL, " ", &rest), count++)
			add_access(out, user, scope);
		mem_free(value);
	}
	return count;
}

static void add_base64url(struct str *out, const void *bytes, size_t len)
{
	CLEANUP(mem_freep) char *text = base64_encode(bytes, len);
	for (const char *c = text; *c && *c != '='; c++)
		str_add_char(out, *c == '+' ? '-' : *c == '/' ? '_' : *c);
}

static void add_signature(struct str *token)
{
	uint8_t der[256], raw[64];
	size_t len = sizeof(der);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	const uint8_t *at = der;
	if (EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, signing_key) != 1 ||
		EVP_DigestSign(context, der, &len, (const uint8_t *)token->bytes, token->len) != 1)
		die("cannot sign");
	EVP_MD_CTX_free(context);
	ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &at, (long)len);
	BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw + 32, 32);
	ECDSA_SIG_free(signature);
	str_add_char(token, '.');
	add_base64url(token, raw, sizeof(raw));
}

/* Appends the JWT; returns the number of scopes asked for. */
static size_t add_token(struct str *token, const char *user, const char *query)
{
	CLEANUP(str_release) struct str header = STR_INIT(BODY_MAX);
	CLEANUP(str_release) struct str claims = STR_INIT(BODY_MAX);
	CLEANUP(mem_freep) char *service = parameter(query, "service", 0);
	bool expired = options.expired_file && access(options.expired_file, F_OK) == 0;
	long now = (long)time(NULL), from = expired ? now - 7200 : now - 60;
	str_addf(&header, "{\"typ\":\"JWT\",\"alg\":\"ES256\",\"x5c\":[\"%s\"]}", x5c);
	str_addf(&claims,
		"{\"iss\":\"%s\",\"aud\":\"%s\",\"sub\":\"user\",\"jti\":\"1\",\"iat\":%ld,"
		"\"nbf\":%ld,\"exp\":%ld,\"access\":[",
		options.issuer, service ? service : "", from, from,
		expired ? now - 3600 : now + options.life);
	size_t count = add_scopes(&claims, user, query);
	str_add_text(&claims, "]}");
	add_base64url(token, header.bytes, header.len);
	str_add_char(token, '.');
	add_base64url(token, claims.bytes, claims.len);
	add_signature(token);
	return count;
}

/* ---- Requests ---- */

static int respond(struct tiny_exchange *exchange, int status, const char *body)
{
	tiny_reply(exchange, status, "Content-Type: application/json\r\n", body);
	return status;
}

static int answer(struct tiny_exchange *exchange, const char *query, const char *user, bool is_post)
{
	CLEANUP(str_release) struct str token = STR_INIT(BODY_MAX);
	CLEANUP(str_release) struct str body = STR_INIT(BODY_MAX);
	if (!user)
		return respond(exchange, 401, "{\"details\":\"incorrect username or password\"}");
	size_t scopes = add_token(&token, user, query);
	if (options.one_scope && scopes > 1)
		return respond(exchange, 400, "{\"details\":\"one scope at a time\"}");
	str_addf(&body, "{\"%s\":\"%s\",\"expires_in\":%ld}", is_post ? "access_token" : "token",
		str_text(&token), options.life);
	return respond(exchange, 200, str_text(&body));
}

static int handle_get(struct tiny_exchange *exchange, const char *query)
{
	CLEANUP(mem_freep) char *user = user_of_header(exchange);
	return answer(exchange, query, user, false);
}

static int handle_post(struct tiny_exchange *exchange, const char **ret_query)
{
	static _Thread_local char form[BODY_MAX];
	size_t len = 0, more;
	while (len + 1 < sizeof(form) &&
		(more = tiny_read_body(exchange, form + len, sizeof(form) - 1 - len)) > 0)
		len += more;
	form[len] = '\0';
	*ret_query = form;
	if (options.no_post)
		return respond(exchange, 404, "");
	CLEANUP(mem_freep) char *token = parameter(form, "refresh_token", 0);
	CLEANUP(mem_freep) char *user = token ? find_user(NULL, token) : NULL;
	return answer(exchange, form, user, true);
}

/* What was asked for, not who asked with what. */
static void log_request(const struct tiny_exchange *exchange, const char *query, int status)
{
	FILE *log = options.access_log ? fopen(options.access_log, "a") : NULL;
	char *scope;
	if (!log)
		return;
	fprintf(log, "%s /token?", exchange->method);
	for (size_t n = 0; (scope = parameter(query, "scope", n)); n++) {
		for (char *c = scope; *c; c++)
			*c = *c == ' ' ? '+' : *c;
		fprintf(log, "%s%s", n ? "+" : "", scope);
		mem_free(scope);
	}
	fprintf(log, " %d 0\n", status);
	fclose(log);
}

static void handle(struct tiny_exchange *exchange, void *ctx)
{
	const char *query = strchr(exchange->target, '?');
	int status;
	(void)ctx;
	query = query ? query + 1 : "";
	if (strcmp(exchange->method, "POST") == 0)
		status = handle_post(exchange, &query);
	else
		status = handle_get(exchange, query);
	log_request(exchange, query, status);
}

/* ---- Start ---- */

static void load_keys(void)
{
	FILE *file = fopen(options.key, "r");
	signing_key = file ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;
	if (!signing_key)
		die("cannot read the key");
	fclose(file);
	file = fopen(options.certificate, "r");
	X509 *certificate = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
	uint8_t *der = NULL;
	int len = certificate ? i2d_X509(certificate, &der) : -1;
	if (len <= 0)
		die("cannot read the certificate");
	fclose(file);
	x5c = base64_encode(der, (size_t)len);
	OPENSSL_free(der);
	X509_free(certificate);
}

static const struct option long_options[] = {
	{"key", required_argument, NULL, 'k'},
	{"certificate", required_argument, NULL, 'c'},
	{"users", required_argument, NULL, 'u'},
	{"issuer", required_argument, NULL, 'i'},
	{"life", required_argument, NULL, 'l'},
	{"access-log", required_argument, NULL, 'a'},
	{"expired-file", required_argument, NULL, 'e'},
	{"one-scope", no_argument, NULL, '1'},
	{"no-post", no_argument, NULL, 'p'},
	{0},
};

static void set_option(int option)
{
	const char **const texts[128] = {['k'] = &options.key,
		['c'] = &options.certificate,
		['u'] = &options.users,
		['i'] = &options.issuer,
		['a'] = &options.access_log,
		['e'] = &options.expired_file};
	if (option == '1')
		options.one_scope = true;
	else if (option == 'p')
		options.no_post = true;
	else if (option == 'l')
		options.life = strtol(optarg, NULL, 10);
	else if (option > 0 && option < 128 && texts[option])
		*texts[option] = optarg;
	else
		die(usage);
}

int main(int argc, char **argv)
{
	int option;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		set_option(option);
	if (optind != argc || !options.key || !options.certificate || !options.users)
		die(usage);
	load_keys();
	struct tiny_server *server = tiny_server_new(handle, NULL);
	printf("%u\n", tiny_server_port(server));
	fflush(stdout);
	for (;;)
		pause();
}
