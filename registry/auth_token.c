/*
 * The exchange with a token server. Bodies of both directions are secret: they are wiped and never
 * shown. The server's clock is not believed: a life counts from the moment the answer is here.
 */
#include "registry/auth_token.h"

#include <jansson.h>
#include <string.h>

#include "base/alloc.h"
#include "base/enc.h"
#include "net/url.h"
#include "registry/auth_form.h"

#define URL_BYTES ((size_t)16 * 1024)
#define TOKEN_MAX ((size_t)32 * 1024)
static const char client_id[] = "cip";

/* ---- Answers ---- */

static int64_t life_of(const json_t *expires_in)
{
	double seconds = json_is_number(expires_in) ? json_number_value(expires_in) : 0;
	if (!(seconds >= 1))
		return AUTH_TOKEN_LIFE_DEFAULT_MS;
	/* One server counts in nanoseconds. */
	if (seconds * 1000 >= (double)AUTH_TOKEN_LIFE_MAX_MS)
		return AUTH_TOKEN_LIFE_MAX_MS;
	return (int64_t)(seconds * 1000);
}

bool auth_token_is_valid(const char *text)
{
	size_t len = strlen(text);
	for (size_t i = 0; i < len; i++)
		if (text[i] < 0x21 || text[i] > 0x7e)
			return false;
	return len > 0 && len <= TOKEN_MAX;
}

bool auth_token_parse(
	const char *text, size_t len, char **ret_token, int64_t *ret_life_ms, struct err **err)
{
	json_t *root = len <= AUTH_TOKEN_RESPONSE_MAX ? json_loadb(text, len, 0, NULL) : NULL;
	const char *token = json_string_value(json_object_get(root, "token"));
	if (!token || !*token)
		token = json_string_value(json_object_get(root, "access_token"));
	bool ok = token && auth_token_is_valid(token);
	if (ok) {
		*ret_token = mem_strdup(token);
		*ret_life_ms = life_of(json_object_get(root, "expires_in"));
	}
	json_decref(root);
	return ok || err_set(err, ERR_AUTH, "the answer holds no token");
}

/* ---- Questions ---- */

static void add_scopes_apart(struct str *out, const struct auth_scopes *scopes)
{
	for (size_t i = 0; i < scopes->len; i++) {
		CLEANUP(str_release) struct str scope = STR_INIT(URL_BYTES);
		auth_scope_format(&scopes->items[i], &scope);
		auth_form_add(out, "scope", str_text(&scope));
	}
}

static void add_scopes_together(struct str *out, const struct auth_scopes *scopes)
{
	CLEANUP(str_release) struct str all = STR_INIT(URL_BYTES);
	for (size_t i = 0; i < scopes->len; i++) {
		str_add_text(&all, i ? " " : "");
		auth_scope_format(&scopes->items[i], &all);
	}
	auth_form_add(out, "scope", str_text(&all));
}

char *auth_basic(const char *username, const char *secret)
{
	char *pair = mem_printf("%s:%s", username, secret);
	char *encoded = base64_encode(pair, strlen(pair));
	char *value = mem_printf("Basic %s", encoded);
	mem_free_secret_string(encoded);
	mem_free_secret_string(pair);
	return value;
}

/* ---- The exchange ---- */

static struct http_request http_request_of(const struct auth_token_request *request)
{
	CLEANUP(url_release) struct url origin = {0};
	CLEANUP(url_release) struct url realm = {0};
	struct http_request http = {
		.method = "GET",
		.url = request->realm->url,
		.source = request->realm->source,
		.response_max = AUTH_TOKEN_RESPONSE_MAX,
		.repeatable = true,
		.quota = request->quota,
		.tally = request->tally,
	};
	/* The trust that was configured is for the registry's machine, whatever the port. */
	if (url_parse(request->host->origin, &origin, NULL) &&
		url_parse(request->realm->url, &realm, NULL) &&
		strcmp(origin.host, realm.host) == 0)
		http.tls = request->host->tls;
	return http;
}

static bool is_secret(const struct auth_token_request *request)
{
	return request->credential->kind != CREDENTIAL_ANONYMOUS;
}

static bool do_get(
	const struct auth_token_request *request, struct http_response *ret, struct err **err)
{
	struct http_request http = http_request_of(request);
	CLEANUP(str_release) struct str query = STR_INIT(URL_BYTES);
	const struct credential *credential = request->credential;
	if (request->service)
		auth_form_add(&query, "service", request->service);
	add_scopes_apart(&query, request->scopes);
	CLEANUP(mem_freep)
	char *url = mem_printf("%s%c%s", request->realm->url,
		strchr(request->realm->url, '?') ? '&' : '?', str_text(&query));
	char *basic = is_secret(request)
		? auth_basic(*credential->username ? credential->username : "<token>",
			  credential->secret)
		: NULL;
	const struct http_header header = {"Authorization", basic, true};
	http.url = url;
	http.headers = &header;
	http.header_count = basic != NULL;
	bool ok = http_do(request->http, &http, ret, err);
	mem_free_secret_string(basic);
	return ok;
}

static bool do_post(
	const struct auth_token_request *request, struct http_response *ret, struct err **err)
{
	struct http_request http = http_request_of(request);
	CLEANUP(str_release_secret) struct str form = STR_INIT(AUTH_TOKEN_RESPONSE_MAX);
	static const struct http_header header = {
		"Content-Type", "application/x-www-form-urlencoded", false};
	auth_form_add(&form, "grant_type", "refresh_token");
	if (request->service)
		auth_form_add(&form, "service", request->service);
	auth_form_add(&form, "client_id", client_id);
	add_scopes_together(&form, request->scopes);
	auth_form_add(&form, "refresh_token", request->credential->secret);
	if (str_overflowed(&form))
		return err_set(err, ERR_AUTH, "the identity token is too long");
	http.method = "POST";
	http.body = str_text(&form);
	http.body_len = form.len;
	http.headers = &header;
	http.header_count = 1;
	return http_do(request->http, &http, ret, err);
}

static bool exchange(
	const struct auth_token_request *request, struct http_response *ret, struct err **err)
{
	if (request->credential->kind == CREDENTIAL_IDENTITY_TOKEN) {
		if (!do_post(request, ret, err))
			return false;
		if (ret->status != 404 && ret->status != 405)
			return true;
		str_release_secret(&ret->body);
		http_response_release(ret);
		*ret = (struct http_response){0};
	}
	return do_get(request, ret, err);
}

static enum err_kind kind_of(int status)
{
	if (status == 429)
		return ERR_THROTTLED;
	return status >= 500 || status == 408 ? ERR_TRANSIENT : ERR_AUTH;
}

static bool refused(const struct auth_token_request *request, int status, struct err **err)
{
	const struct credential *credential = request->credential;
	if (kind_of(status) != ERR_AUTH)
		return err_set_http(err, kind_of(status), status, "status %d", status);
	if (!is_secret(request))
		return err_set_http(err, ERR_AUTH, status,
			"status %d: it gives no token to anonymous clients", status);
	return err_set_http(err, ERR_AUTH, status,
		"status %d: it refused the credentials of %s (they may have expired or may not "
		"cover this repository: log in again)",
		status, credential->origin);
}

static void response_wipe(struct http_response *response)
{
	str_release_secret(&response->body);
	http_response_release(response);
}

bool auth_token_fetch(const struct auth_token_request *request, char **ret_token,
	int64_t *ret_life_ms, struct err **err)
{
	CLEANUP(response_wipe) struct http_response response = {0};
	CLEANUP(url_release) struct url realm = {0};
	if (!url_parse(request->realm->url, &realm, err))
		return false;
	CLEANUP(mem_freep) char *label = url_label(&realm);
	bool ok = exchange(request, &response, err);
	if (ok && response.status != 200)
		ok = refused(request, response.status, err);
	ok = ok &&
		auth_token_parse(
			str_text(&response.body), response.body.len, ret_token, ret_life_ms, err);
	return ok || err_prefix(err, "token server %s of %s", label, request->host->name);
}
