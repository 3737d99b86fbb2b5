/*
 * Strict where a real server would be: methods, paths, headers, grant types, the signature and the
 * claims of assertions, the token that another one is asked for with.
 */
#include "tests/fakes/google_api.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/enc.h"
#include "base/str.h"
#include "tests/fakes/jwt_text.h"

#define BODY_MAX ((size_t)64 * 1024)
#define ACCOUNTS_PATH "/v1/projects/-/serviceAccounts/"
#define METADATA_PATH "/computeMetadata/v1/instance/service-accounts/default/"

void google_api_init(struct google_api *api)
{
	BIO *bio = BIO_new(BIO_s_mem());
	CLEANUP(str_release) struct str pem = STR_INIT(BODY_MAX);
	char *text;
	*api = (struct google_api){.expires_in = 3600, .key = EVP_RSA_gen(2048)};
	pthread_mutex_init(&api->lock, NULL);
	if (!api->key || PEM_write_bio_PrivateKey(bio, api->key, NULL, NULL, 0, NULL, NULL) != 1)
		abort();
	long len = BIO_get_mem_data(bio, &text);
	for (long i = 0; i < len; i++) {
		if (text[i] == '\n')
			str_add_text(&pem, "\\n");
		else
			str_add_char(&pem, text[i]);
	}
	BIO_free(bio);
	api->pem = str_steal(&pem, NULL);
}

void google_api_release(struct google_api *api)
{
	EVP_PKEY_free(api->key);
	mem_free(api->pem);
	pthread_mutex_destroy(&api->lock);
}

/* ---- Answers ---- */

struct answer {
	struct tiny_exchange *exchange;
	struct google_api *api;
	char body[BODY_MAX];
	int status;
};

static void answer(struct answer *to, int status, const char *headers, const char *body)
{
	to->status = status;
	tiny_reply(to->exchange, status, headers, body);
}

static void complain(struct answer *to, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void complain(struct answer *to, const char *fmt, ...)
{
	va_list args;
	pthread_mutex_lock(&to->api->lock);
	if (!to->api->complaint[0]) {
		va_start(args, fmt);
		vsnprintf(to->api->complaint, sizeof(to->api->complaint), fmt, args);
		va_end(args);
		fprintf(stderr, "google: %s\n", to->api->complaint);
	}
	pthread_mutex_unlock(&to->api->lock);
	answer(to, 400, "", "{\"error\":\"invalid_request\",\"error_description\":\"hidden\"}");
}

/* A new token of somebody, that may write or not. In fresh text. */
static char *issue(struct answer *to, const char *owner, bool writes)
{
	char *token = mem_printf("ya29.%s-%u", owner, ++to->api->tokens);
	FILE *file = to->api->issued_file ? fopen(to->api->issued_file, "a") : NULL;
	if (file) {
		fprintf(file, "%s %s\n", token, writes ? "w" : "r");
		fclose(file);
	}
	return token;
}

static void give_token(struct answer *to, const char *owner, bool writes, const char *headers)
{
	CLEANUP(mem_freep) char *token = issue(to, owner, writes);
	CLEANUP(mem_freep)
	char *body = mem_printf("{\"access_token\":\"%s\",\"expires_in\":%u,"
				"\"token_type\":\"Bearer\"}",
		token, to->api->expires_in);
	answer(to, 200, headers, body);
}

/* An identity token of somebody for cip's audience. In fresh text. */
static char *issue_identity(struct answer *to, const char *owner)
{
	to->api->identities++;
	if (to->api->identity)
		return to->api->identity(owner, to->api->identity_ctx);
	CLEANUP(mem_freep)
	char *claims = mem_printf("{\"iss\":\"https://accounts.google.com\",\"sub\":\"%s\","
				  "\"email\":\"%s\",\"email_verified\":true,"
				  "\"aud\":\"sigstore\",\"exp\":%jd}",
		owner, owner,
		(intmax_t)(clock_unix_ms(&clock_system) / 1000 + to->api->expires_in));
	return jwt_text(JWT_TEXT_HEADER, claims);
}

static void give_identity(struct answer *to, const char *owner, const char *member)
{
	CLEANUP(mem_freep) char *token = issue_identity(to, owner);
	CLEANUP(mem_freep) char *body = mem_printf("{\"%s\":\"%s\"}", member, token);
	answer(to, 200, "", body);
}

static bool scope_writes(const char *text)
{
	return strstr(text, "auth/cloud-platform") && !strstr(text, "cloud-platform.read-only");
}

/* ---- Forms ---- */

static bool has(const char *form, const char *name, const char *value)
{
	CLEANUP(mem_freep) char *found = tiny_parameter(form, name);
	return strcmp(found, value) == 0;
}

/* ---- Assertions ---- */

static char *decode_part(const char *text, size_t len, size_t *ret_len)
{
	CLEANUP(str_release) struct str padded = STR_INIT(BODY_MAX);
	for (size_t i = 0; i < len; i++)
		str_add_char(&padded, text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i]);
	while (padded.len % 4)
		str_add_char(&padded, '=');
	return (char *)base64_decode(str_text(&padded), padded.len, ret_len);
}

static bool is_signed(struct google_api *api, const char *jwt, const char *dot)
{
	size_t len = 0;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	CLEANUP(mem_freep) char *signature = decode_part(dot + 1, strlen(dot + 1), &len);
	bool ok = signature &&
		EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, api->key) == 1 &&
		EVP_DigestVerify(context, (const uint8_t *)signature, len, (const uint8_t *)jwt,
			(size_t)(dot - jwt)) == 1;
	EVP_MD_CTX_free(context);
	return ok;
}

static void take_assertion(struct answer *to, const char *form)
{
	CLEANUP(mem_freep) char *jwt = tiny_parameter(form, "assertion");
	const char *first = strchr(jwt, '.'), *last = strrchr(jwt, '.');
	size_t header_len = 0, claims_len = 0;
	to->api->assertions++;
	if (!first || first == last || !is_signed(to->api, jwt, last)) {
		complain(to, "an assertion without a signature");
		return;
	}
	CLEANUP(mem_freep) char *header = decode_part(jwt, (size_t)(first - jwt), &header_len);
	CLEANUP(mem_freep)
	char *claims = decode_part(first + 1, (size_t)(last - first - 1), &claims_len);
	CLEANUP(mem_freep)
	char *audience =
		mem_printf("\"aud\":\"http://%s/token\"", tiny_header(to->exchange, "Host"));
	if (!header || !strstr(header, "\"RS256\"") || !strstr(header, "\"kid\":\"key-1\""))
		complain(to, "header of an assertion");
	else if (!claims || !strstr(claims, audience) || !strstr(claims, "\"iss\":\"robot@p\""))
		complain(to, "claims of an assertion");
	else if (strstr(claims, "\"target_audience\":\"sigstore\"") && !strstr(claims, "scope"))
		give_identity(to, "robot@p", "id_token");
	else
		give_token(to, "robot", scope_writes(claims), "");
}

/* ---- Endpoints ---- */

static void handle_token(struct answer *to)
{
	if (has(to->body, "grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")) {
		take_assertion(to, to->body);
		return;
	}
	to->api->refreshes++;
	if (!has(to->body, "grant_type", "refresh_token") ||
		!has(to->body, "client_id", "client") ||
		!has(to->body, "client_secret", GOOGLE_API_CLIENT_SECRET) ||
		!has(to->body, "refresh_token", GOOGLE_API_REFRESH_TOKEN))
		complain(to, "a refresh that is none");
	else
		give_token(to, "person", true, "");
}

static void handle_sts(struct answer *to)
{
	CLEANUP(mem_freep) char *scope = tiny_parameter(to->body, "scope");
	to->api->exchanges++;
	if (!has(to->body, "grant_type", "urn:ietf:params:oauth:grant-type:token-exchange") ||
		!has(to->body, "audience", "//iam/pool") ||
		!has(to->body, "requested_token_type",
			"urn:ietf:params:oauth:token-type:access_token") ||
		!has(to->body, "subject_token_type", "urn:ietf:params:oauth:token-type:jwt") ||
		!has(to->body, "subject_token", GOOGLE_API_SUBJECT_TOKEN))
		complain(to, "a token exchange that is none");
	else
		give_token(to, "federated", scope_writes(scope), "");
}

static void handle_impersonation(struct answer *to)
{
	const char *bearer = tiny_header(to->exchange, "Authorization");
	const char *account = to->exchange->target + strlen(ACCOUNTS_PATH);
	size_t len = strcspn(account, ":");
	bool identifies = strcmp(account + len, ":generateIdToken") == 0;
	to->api->impersonations++;
	if (!bearer || strncmp(bearer, "Bearer ya29.", 12) != 0 ||
		(!identifies && strcmp(account + len, ":generateAccessToken") != 0) ||
		(identifies ? !strstr(to->body, "{\"audience\":\"sigstore\",\"includeEmail\":true,")
			    : !strstr(to->body, "\"lifetime\":\"3600s\"") ||
					!strstr(to->body, "\"scope\":["))) {
		complain(to, "an impersonation that is none: %s", to->exchange->target);
		return;
	}
	CLEANUP(mem_freep) char *name = mem_strndup(account, len);
	CLEANUP(mem_freep) char *token = issue(to, name, scope_writes(to->body));
	CLEANUP(mem_freep)
	char *body = mem_printf(
		"{\"accessToken\":\"%s\",\"expireTime\":\"2026-01-01T00:00:00Z\"}", token);
	if (strncmp(name, "forbidden@", 10) == 0)
		answer(to, 403, "",
			"{\"error\":{\"code\":403,\"message\":\"hidden\","
			"\"status\":\"PERMISSION_DENIED\"}}");
	else if (identifies)
		give_identity(to, name, "token");
	else
		answer(to, 200, "", body);
}

static void give_machine_identity(struct answer *to, const char *headers)
{
	CLEANUP(mem_freep) char *token = issue_identity(to, "machine@p");
	answer(to, 200, headers, token);
}

static void handle_metadata(struct answer *to)
{
	const char *flavor = tiny_header(to->exchange, "Metadata-Flavor");
	const char *headers = to->api->without_flavor ? "" : "Metadata-Flavor: Google\r\n";
	const char *what = to->exchange->target + strlen(METADATA_PATH);
	to->api->metadata++;
	if (!flavor || strcmp(flavor, "Google") != 0)
		complain(to, "the metadata server was asked without its header");
	else if (to->api->without_account)
		answer(to, 404, headers, "");
	else if (strcmp(what, "email") == 0)
		answer(to, 200, headers, "machine@p");
	else if (strcmp(what, "identity?audience=sigstore&format=full") == 0)
		give_machine_identity(to, headers);
	else if (strcmp(what, "token") != 0)
		complain(to, "the metadata server was asked for %s", what);
	else
		give_token(to, "machine", true, headers);
}

static void handle_subject(struct answer *to)
{
	const char *secret = tiny_header(to->exchange, "Authorization");
	to->api->subjects++;
	if (!secret || strcmp(secret, "bearer " GOOGLE_API_HEADER_SECRET) != 0)
		complain(to, "the subject token was asked for without its header");
	else
		answer(to, 200, "", "{\"value\":\"" GOOGLE_API_SUBJECT_TOKEN "\"}");
}

static void dispatch(struct answer *to)
{
	const char *target = to->exchange->target;
	bool posts = strcmp(to->exchange->method, "POST") == 0;
	if (to->api->status)
		answer(to, to->api->status, "Metadata-Flavor: Google\r\n",
			"{\"error\":\"invalid_grant\",\"error_description\":\"hidden\"}");
	else if (posts && strcmp(target, "/token") == 0)
		handle_token(to);
	else if (posts && strcmp(target, "/sts") == 0)
		handle_sts(to);
	else if (posts && strncmp(target, ACCOUNTS_PATH, strlen(ACCOUNTS_PATH)) == 0)
		handle_impersonation(to);
	else if (!posts && strncmp(target, METADATA_PATH, strlen(METADATA_PATH)) == 0)
		handle_metadata(to);
	else if (!posts && strcmp(target, "/subject") == 0)
		handle_subject(to);
	else
		complain(to, "%s %s", to->exchange->method, target);
}

void google_api_handle(struct tiny_exchange *exchange, void *ctx)
{
	struct answer *to = mem_new(1, sizeof(*to));
	size_t len = 0, more;
	to->exchange = exchange;
	to->api = ctx;
	while (len + 1 < sizeof(to->body) &&
		(more = tiny_read_body(exchange, to->body + len, sizeof(to->body) - 1 - len)) > 0)
		len += more;
	dispatch(to);
	FILE *log = to->api->access_log ? fopen(to->api->access_log, "a") : NULL;
	if (log) {
		fprintf(log, "%s %s %d 0\n", exchange->method, exchange->target, to->status);
		fclose(log);
	}
	mem_free(to);
}

/* ---- Files of credentials ---- */

char *google_api_service_account(const struct google_api *api, const char *server)
{
	return mem_printf("{\"type\":\"service_account\",\"client_email\":\"robot@p\","
			  "\"private_key_id\":\"key-1\",\"private_key\":\"%s\","
			  "\"token_uri\":\"%s/token\",\"universe_domain\":\"googleapis.com\"}",
		api->pem, server);
}

char *google_api_authorized_user(const char *server)
{
	return mem_printf("{\"type\":\"authorized_user\",\"client_id\":\"client\","
			  "\"client_secret\":\"" GOOGLE_API_CLIENT_SECRET "\","
			  "\"refresh_token\":\"" GOOGLE_API_REFRESH_TOKEN "\","
			  "\"token_uri\":\"%s/token\"}",
		server);
}

char *google_api_external_account(const char *server, const char *subject, const char *impersonated)
{
	CLEANUP(mem_freep)
	char *url = impersonated
		? mem_printf("\"service_account_impersonation_url\":\"%s" ACCOUNTS_PATH
			     "%s:generateAccessToken\",",
			  server, impersonated)
		: mem_strdup("");
	return mem_printf("{\"type\":\"external_account\",\"audience\":\"//iam/pool\","
			  "\"subject_token_type\":\"urn:ietf:params:oauth:token-type:jwt\",%s"
			  "\"token_url\":\"%s/sts\",\"credential_source\":{%s}}",
		url, server, subject);
}

char *google_api_impersonated(const char *server, const char *source, const char *account)
{
	return mem_printf("{\"type\":\"impersonated_service_account\","
			  "\"service_account_impersonation_url\":\"%s" ACCOUNTS_PATH
			  "%s:generateAccessToken\",\"delegates\":[],\"source_credentials\":%s}",
		server, account, source);
}
