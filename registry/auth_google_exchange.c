/*
 * From credentials to a token: one or two requests, by the type of the file. Where the
 * URLs may lead was checked when the file was read; bodies of both directions are secret, wiped and
 * never shown. Times of the servers are not believed: a life counts from the answer.
 */
#include <jansson.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fs.h"
#include "net/url.h"
#include "registry/auth_form.h"
#include "registry/auth_google_private.h"
#include "registry/auth_token.h"

#define FORM_MAX ((size_t)256 * 1024)
#define SUBJECT_MAX ((size_t)64 * 1024)
#define CODE_MAX 60
#define ASSERTION_LIFE_S 3600
/* Google refuses assertions from the future. */
#define ASSERTION_SKEW_S 10
/* Google's, and nobody counts it: the token says itself when it ends. */
#define LIFE_OF_IDENTITY_MS ((int64_t)GOOGLE_LIFE_DEFAULT_S * 1000)

static void json_freep(json_t **value)
{
	json_decref(*value);
}

static void response_wipe(struct http_response *response)
{
	str_release_secret(&response->body);
	http_response_release(response);
}

/* ---- Answers ---- */

/* "invalid_grant" of OAuth, "PERMISSION_DENIED" of Google's API; fresh text, "" for anything else. */
static char *error_code(const struct str *body)
{
	CLEANUP(json_freep) json_t *root = json_loadb(str_text(body), body->len, 0, NULL);
	const json_t *error = json_object_get(root, "error");
	const char *code =
		json_string_value(json_is_object(error) ? json_object_get(error, "status") : error);
	size_t len =
		code ? strspn(code, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_") : 0;
	bool is_code = len > 0 && len <= CODE_MAX && code[len] == '\0';
	return is_code ? mem_printf(" (%s)", code) : mem_strdup("");
}

static bool refused(const struct http_response *response, struct err **err)
{
	int status = response->status;
	CLEANUP(mem_freep) char *code = error_code(&response->body);
	enum err_kind kind = ERR_AUTH;
	if (status == 429)
		kind = ERR_THROTTLED;
	else if (status >= 500 || status == 408)
		kind = ERR_TRANSIENT;
	return err_set_http(err, kind, status, "status %d%s%s", status, code,
		kind == ERR_AUTH ? ": the credentials were refused: they may have been revoked, or "
				   "lack the right to do this"
				 : "");
}

bool google_answer_parse(
	const char *text, size_t len, const char *member, char **ret_token, struct err **err)
{
	CLEANUP(json_freep)
	json_t *root = len <= GOOGLE_ANSWER_MAX ? json_loadb(text, len, 0, NULL) : NULL;
	const char *token = json_string_value(json_object_get(root, member));
	if (!token || !auth_token_is_valid(token))
		return err_set(err, ERR_AUTH, "the answer holds no token");
	*ret_token = mem_strdup(token);
	return true;
}

bool google_subject_parse(
	const char *text, size_t len, const char *field, char **ret_token, struct err **err)
{
	CLEANUP(json_freep) json_t *root = NULL;
	CLEANUP(mem_freep) char *plain = NULL;
	const char *token = NULL;
	if (*field) {
		root = len <= SUBJECT_MAX ? json_loadb(text, len, 0, NULL) : NULL;
		token = json_string_value(json_object_get(root, field));
	} else {
		while (len > 0 && strchr(" \t\r\n", text[len - 1]))
			len--;
		token = plain = mem_new(len + 1, 1);
		if (len > 0)
			memcpy(plain, text, len);
	}
	bool ok =
		token && *token && strlen(token) <= SUBJECT_MAX && (!plain || strlen(plain) == len);
	if (ok)
		*ret_token = mem_strdup(token);
	if (plain)
		explicit_bzero(plain, len);
	return ok || err_set(err, ERR_AUTH, "there is no subject token in it");
}

/* ---- Requests ---- */

/* What messages call the URL, behind an error. Always false. */
static bool failed_at(const char *text, struct err **err)
{
	CLEANUP(url_release) struct url url = {0};
	CLEANUP(mem_freep) char *label = url_parse(text, &url, NULL) ? url_label(&url) : NULL;
	return err_prefix(err, "%s", label ? label : "an unusable URL");
}

bool google_do(struct http *http, const struct http_request *request, struct http_response *ret,
	struct err **err)
{
	CLEANUP(url_release) struct url url = {0};
	CLEANUP(mem_freep) char *quota = NULL;
	struct http_request drawing = *request;
	if (url_parse(request->url, &url, NULL))
		quota = mem_printf("%s %u", url.host, (unsigned)url.port);
	drawing.quota = quota;
	return http_do(http, &drawing, ret, err);
}

static bool post(const struct google_exchange *exchange, const char *url, const struct str *body,
	const struct http_header *headers, size_t header_count, struct http_response *ret,
	struct err **err)
{
	const struct http_request request = {
		.method = "POST",
		.url = url,
		.headers = headers,
		.header_count = header_count,
		.body = str_text(body),
		.body_len = body->len,
		.response_max = GOOGLE_ANSWER_MAX,
		.repeatable = true,
		.tally = exchange->tally,
	};
	if (str_overflowed(body))
		return err_set(err, ERR_INVALID, "the request would be too long");
	if (!google_do(exchange->http, &request, ret, err))
		return false;
	return ret->status == 200 || refused(ret, err);
}

/* A token endpoint of OAuth 2.0. */
static bool post_form(const struct google_exchange *exchange, const char *url,
	const struct str *form, char **ret_token, int64_t *ret_life_ms, struct err **err)
{
	static const struct http_header type = {
		"Content-Type", "application/x-www-form-urlencoded", false};
	CLEANUP(response_wipe) struct http_response response = {0};
	if (!post(exchange, url, form, &type, 1, &response, err))
		return failed_at(url, err);
	const char *text = str_text(&response.body);
	size_t len = response.body.len;
	*ret_life_ms = LIFE_OF_IDENTITY_MS;
	bool ok = exchange->audience ? google_answer_parse(text, len, "id_token", ret_token, err)
				     : auth_token_parse(text, len, ret_token, ret_life_ms, err);
	return ok || failed_at(url, err);
}

/* ---- Service account: RFC 7523 ---- */

/* Fresh secret text of the members given as in json_pack. */
#define JSON_TEXT(...) json_text(json_pack(__VA_ARGS__))
static char *json_text(json_t *value)
{
	CLEANUP(json_freep) json_t *owned = value;
	size_t len = owned ? json_dumpb(owned, NULL, 0, JSON_COMPACT) : 0;
	char *text = mem_new(len + 1, 1);
	if (len > 0)
		json_dumpb(owned, text, len, JSON_COMPACT);
	return text;
}

static bool sign_assertion(const struct google_exchange *exchange, const struct google_file *file,
	char **ret_jwt, struct err **err)
{
	json_int_t now = clock_unix_ms(exchange->clock) / 1000 - ASSERTION_SKEW_S;
	char *header = *file->key_id
		? JSON_TEXT("{ss ss ss}", "alg", "RS256", "typ", "JWT", "kid", file->key_id)
		: JSON_TEXT("{ss ss}", "alg", "RS256", "typ", "JWT");
	/* "target_audience" is Google's own: an identity token is wanted. */
	char *claims = JSON_TEXT("{ss ss ss sI sI}", "iss", file->email,
		exchange->audience ? "target_audience" : "scope",
		exchange->audience ? exchange->audience : exchange->scope, "aud", file->token_url,
		"iat", now, "exp", now + ASSERTION_LIFE_S);
	bool ok = google_sign(file->key, header, claims, ret_jwt, err);
	mem_free_secret_string(header);
	mem_free_secret_string(claims);
	return ok;
}

static bool exchange_key(const struct google_exchange *exchange, const struct google_file *file,
	char **ret_token, int64_t *ret_life_ms, struct err **err)
{
	CLEANUP(str_release_secret) struct str form = STR_INIT(FORM_MAX);
	char *jwt;
	if (!sign_assertion(exchange, file, &jwt, err))
		return false;
	auth_form_add(&form, "grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
	auth_form_add(&form, "assertion", jwt);
	mem_free_secret_string(jwt);
	return post_form(exchange, file->token_url, &form, ret_token, ret_life_ms, err);
}

/* ---- Authorised user: RFC 6749 section 6 ---- */

static bool exchange_user(const struct google_exchange *exchange, const struct google_file *file,
	char **ret_token, int64_t *ret_life_ms, struct err **err)
{
	CLEANUP(str_release_secret) struct str form = STR_INIT(FORM_MAX);
	auth_form_add(&form, "grant_type", "refresh_token");
	auth_form_add(&form, "client_id", file->client_id);
	auth_form_add(&form, "client_secret", file->client_secret);
	auth_form_add(&form, "refresh_token", file->refresh_token);
	return post_form(exchange, file->token_url, &form, ret_token, ret_life_ms, err);
}

/* ---- Workload identity federation: RFC 8693 ---- */

static bool get_subject(const struct google_exchange *exchange, const struct google_file *file,
	struct http_response *ret, struct err **err)
{
	struct http_header *headers = mem_new(file->headers.len, sizeof(*headers));
	for (size_t i = 0; i < file->headers.len; i++)
		headers[i] = (struct http_header){
			file->headers.items[i].name, file->headers.items[i].value, true};
	const struct http_request request = {
		.method = "GET",
		.url = file->subject_url,
		.headers = headers,
		.header_count = file->headers.len,
		.response_max = SUBJECT_MAX,
		.repeatable = true,
		.tally = exchange->tally,
	};
	bool ok = google_do(exchange->http, &request, ret, err) &&
		(ret->status == 200 || refused(ret, err));
	mem_free(headers);
	return ok || failed_at(file->subject_url, err);
}

static bool read_subject(const struct google_exchange *exchange, const struct google_file *file,
	char **ret_token, struct err **err)
{
	CLEANUP(response_wipe) struct http_response response = {0};
	CLEANUP(str_release_secret) struct str text = STR_INIT(SUBJECT_MAX);
	if (*file->subject_url)
		return (get_subject(exchange, file, &response, err) &&
			       google_subject_parse(str_text(&response.body), response.body.len,
				       file->subject_field, ret_token, err)) ||
			err_prefix(err, "subject token");
	if (!fs_read_file(file->subject_file, &text, err))
		return err_prefix(err, "subject token");
	return google_subject_parse(
		       str_text(&text), text.len, file->subject_field, ret_token, err) ||
		err_prefix(err, "subject token %s", file->subject_file);
}

static bool exchange_subject(const struct google_exchange *exchange, const struct google_file *file,
	char **ret_token, int64_t *ret_life_ms, struct err **err)
{
	CLEANUP(str_release_secret) struct str form = STR_INIT(FORM_MAX);
	char *subject;
	if (!read_subject(exchange, file, &subject, err))
		return false;
	auth_form_add(&form, "grant_type", "urn:ietf:params:oauth:grant-type:token-exchange");
	auth_form_add(&form, "audience", file->audience);
	auth_form_add(&form, "scope", exchange->scope);
	auth_form_add(
		&form, "requested_token_type", "urn:ietf:params:oauth:token-type:access_token");
	auth_form_add(&form, "subject_token", subject);
	auth_form_add(&form, "subject_token_type", file->subject_type);
	mem_free_secret_string(subject);
	return post_form(exchange, file->token_url, &form, ret_token, ret_life_ms, err);
}

/* ---- Impersonation ---- */

static char *impersonation_body(const struct google_exchange *exchange, char *const *delegates,
	size_t delegate_count, unsigned life_s)
{
	json_t *list = json_array();
	CLEANUP(mem_freep) char *life = mem_printf("%us", life_s);
	for (size_t i = 0; i < delegate_count; i++)
		json_array_append_new(list, json_string(delegates[i]));
	/* Without the e-mail address the token names nobody whom a person would recognise. */
	if (exchange->audience)
		return JSON_TEXT("{ss sb so}", "audience", exchange->audience, "includeEmail", 1,
			"delegates", list);
	return JSON_TEXT(
		"{s[s] ss so}", "scope", exchange->scope, "lifetime", life, "delegates", list);
}

/* Files name the method that makes access tokens; its sibling makes the others. Fresh text. */
static char *impersonation_url(const struct google_exchange *exchange, const char *url)
{
	static const char access[] = ":generateAccessToken";
	size_t len = strlen(url), end = sizeof(access) - 1;
	if (!exchange->audience)
		return mem_strdup(url);
	if (len > end && strcmp(url + len - end, access) == 0)
		len -= end;
	return mem_printf("%.*s:generateIdToken", (int)len, url);
}

bool google_exchange_impersonate(const struct google_exchange *exchange, const char *account_url,
	const char *token, char *const *delegates, size_t delegate_count, unsigned life_s,
	char **ret_token, int64_t *ret_life_ms, struct err **err)
{
	CLEANUP(response_wipe) struct http_response response = {0};
	CLEANUP(str_release_secret) struct str body = STR_INIT(FORM_MAX);
	CLEANUP(mem_freep) char *url = impersonation_url(exchange, account_url);
	CLEANUP(mem_freep)
	char *text = impersonation_body(exchange, delegates, delegate_count, life_s);
	char *bearer = mem_printf("Bearer %s", token);
	const struct http_header headers[] = {
		{"Content-Type", "application/json", false}, {"Authorization", bearer, true}};
	str_add_text(&body, text);
	bool ok = post(exchange, url, &body, headers, 2, &response, err) &&
		google_answer_parse(str_text(&response.body), response.body.len,
			exchange->audience ? "token" : "accessToken", ret_token, err);
	mem_free_secret_string(bearer);
	if (!ok)
		return failed_at(url, err);
	*ret_life_ms = (int64_t)life_s * 1000;
	return true;
}

/* With the first token, which has to be good for that, an account is impersonated. */
static bool exchange_twice(const struct google_exchange *exchange, const struct google_file *file,
	char **ret_token, int64_t *ret_life_ms, struct err **err)
{
	struct google_exchange wide = *exchange;
	char *token = NULL;
	int64_t life_ms;
	wide.scope = GOOGLE_SCOPE_WRITE;
	wide.audience = NULL;
	bool ok = file->source ? google_exchange_file(&wide, file->source, &token, &life_ms, err)
			       : exchange_subject(&wide, file, &token, &life_ms, err);
	if (!ok)
		return false;
	ok = google_exchange_impersonate(exchange, file->impersonation_url, token,
		file->delegates.items, file->delegates.len, file->impersonation_life_s, ret_token,
		ret_life_ms, err);
	mem_free_secret_string(token);
	return ok;
}

/* Only service accounts have identity tokens for audiences of one's choice. */
static bool has_no_identity(const char *who, struct err **err)
{
	return err_set(err, ERR_AUTH,
		"%s has no identity token for others: name a service account that it may "
		"impersonate",
		who);
}

bool google_exchange_file(const struct google_exchange *exchange, const struct google_file *file,
	char **ret_token, int64_t *ret_life_ms, struct err **err)
{
	switch (file->type) {
	case GOOGLE_SERVICE_ACCOUNT:
		return exchange_key(exchange, file, ret_token, ret_life_ms, err);
	case GOOGLE_AUTHORIZED_USER:
		if (exchange->audience)
			return has_no_identity("a person's login (authorized_user)", err);
		return exchange_user(exchange, file, ret_token, ret_life_ms, err);
	case GOOGLE_EXTERNAL_ACCOUNT:
		if (!*file->impersonation_url && exchange->audience)
			return has_no_identity(
				"a federated identity without a service account", err);
		if (!*file->impersonation_url)
			return exchange_subject(exchange, file, ret_token, ret_life_ms, err);
		break;
	case GOOGLE_IMPERSONATED:
		break;
	}
	return exchange_twice(exchange, file, ret_token, ret_life_ms, err);
}
