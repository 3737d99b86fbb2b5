/*
 * Reading a JSON Web Token (RFC 7519) in its compact form (RFC 7515), as far as whoever shows it
 * must: which claims are in it, and whether it can be shown now. Its signature is not looked at, and
 * where it came from is id_token_source.c's.
 *
 * Errors say what is wrong with a token, never what is in it besides issuer, audience and times:
 * the parser's own messages quote the text and are dropped.
 */
#include "signer/id_token.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "signer/bytes.h"
#include "signer/id_token_private.h"
#include "signer/json_private.h"

/* Far beyond any date, and exact in a double. */
#define TIME_MAX ((int64_t)1 << 53)
#define SHOWN_MAX 200

void id_token_free(struct id_token *token)
{
	if (!token)
		return;
	mem_free_secret_string(token->jwt);
	mem_free_secret_string(token->issuer);
	mem_free_secret_string(token->subject);
	mem_free_secret_string(token->email);
	mem_free(token);
}

struct id_token *id_token_copy(const struct id_token *token)
{
	struct id_token *copy = mem_dup(token, sizeof(*token));
	copy->jwt = mem_strdup(token->jwt);
	copy->issuer = mem_strdup(token->issuer);
	copy->subject = mem_strdup(token->subject);
	copy->email = mem_strdup(token->email);
	return copy;
}

/* ---- The compact form ---- */

static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Without padding, decoded; an object, or NULL. The caller frees it. */
static json_t *part_decode(const char *text, size_t len)
{
	json_t *object = NULL;
	char *part = mem_strndup(text, len);
	struct bytes bytes = {0};

	if (bytes_from_base64(part, &bytes) &&
		!json_load_object(
			(const char *)bytes.data, bytes.len, ID_TOKEN_MAX_SIZE, &object, NULL))
		object = NULL;
	mem_free_secret(bytes.data, bytes.len);
	mem_free_secret_string(part);
	return object;
}

struct parts {
	const char *text;
	size_t header, claims, signature; /* lengths */
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Three parts in base64url, none empty, and nothing else but white space around them. */
static bool parts_find(const char *text, size_t len, struct parts *ret_parts)
{
	struct parts parts;
	while (len > 0 && is_space(*text)) {
		text++;
		len--;
	}
	while (len > 0 && is_space(text[len - 1]))
		len--;
	char *copy = mem_strndup(text, len);
	parts.text = text;
	parts.header = strspn(copy, base64url);
	const char *at = copy + parts.header;
	parts.claims = *at == '.' ? strspn(at + 1, base64url) : 0;
	at += *at == '.' ? 1 + parts.claims : 0;
	parts.signature = *at == '.' ? strspn(at + 1, base64url) : 0;
	mem_free_secret_string(copy);
	if (!parts.header || !parts.claims || !parts.signature ||
		parts.header + parts.claims + parts.signature + 2 != len)
		return false;
	*ret_parts = parts;
	return true;
}

static size_t parts_len(const struct parts *parts)
{
	return parts->header + parts->claims + parts->signature + 2;
}

bool id_token_is_literal(const char *text)
{
	CLEANUP(json_tree_freep) json_t *header = NULL;
	struct parts parts;
	size_t len = strlen(text);

	if (len > ID_TOKEN_MAX_SIZE || !parts_find(text, len, &parts))
		return false;
	header = part_decode(parts.text, parts.header);
	return header != NULL;
}

static bool check_header(const struct parts *parts, struct err **err)
{
	CLEANUP(json_tree_freep) json_t *header = part_decode(parts->text, parts->header);
	const char *algorithm = json_string_value(json_object_get(header, "alg"));

	if (!header)
		return err_set(err, ERR_INVALID, "not an identity token: its header is no JSON");
	if (!algorithm || !*algorithm || strcasecmp(algorithm, "none") == 0)
		return err_set(err, ERR_INVALID, "not an identity token: it is not signed");
	return true;
}

/* ---- Claims ---- */

/* Absent or null: "". */
static bool read_text(
	const json_t *claims, const char *name, const char **ret_text, struct err **err)
{
	const json_t *value = json_object_get(claims, name);

	if (value && !json_is_null(value) && !json_is_string(value))
		return err_set(err, ERR_INVALID, "its claim \"%s\" is no text", name);
	*ret_text = json_is_string(value) ? json_string_value(value) : "";
	return true;
}

/* A NumericDate: seconds, perhaps with a fraction. Absent or null: 0. */
static bool read_time(
	const json_t *claims, const char *name, int64_t *ret_seconds, struct err **err)
{
	const json_t *value = json_object_get(claims, name);
	double seconds = json_number_value(value);

	if (value && !json_is_null(value) && !json_is_number(value))
		return err_set(err, ERR_INVALID, "its claim \"%s\" is no time", name);
	if (!isfinite(seconds) || seconds < 0 || seconds > (double)TIME_MAX)
		return err_set(err, ERR_INVALID, "its claim \"%s\" is no possible time", name);
	*ret_seconds = (int64_t)seconds;
	return true;
}

static bool is_ours(const json_t *audience)
{
	const char *text = json_string_value(audience);
	return text && strcmp(text, ID_TOKEN_AUDIENCE) == 0;
}

static bool check_audience(const json_t *claims, struct err **err)
{
	const json_t *audience = json_object_get(claims, "aud");
	const json_t *first = json_is_array(audience) ? json_array_get(audience, 0) : audience;
	const json_t *value;
	size_t i;
	bool ok = is_ours(audience);

	json_array_foreach(audience, i, value) ok = ok || is_ours(value);
	if (ok)
		return true;
	if (!json_is_string(first))
		return err_set(err, ERR_INVALID,
			"it is for no audience; it must be asked for with the audience \"%s\"",
			ID_TOKEN_AUDIENCE);
	return err_set(err, ERR_INVALID,
		"it is for the audience \"%.*s\"%s; it must be asked for with the audience \"%s\"",
		SHOWN_MAX, json_string_value(first),
		json_array_size(audience) > 1 ? " and others" : "", ID_TOKEN_AUDIENCE);
}

static void format_time(int64_t seconds, char ret_text[CLOCK_RFC3339_SIZE])
{
	clock_format_rfc3339(seconds < INT64_MAX / 1000 ? seconds * 1000 : 0, ret_text);
}

static bool check_times(const struct id_token *token, int64_t now, struct err **err)
{
	char then[CLOCK_RFC3339_SIZE], here[CLOCK_RFC3339_SIZE];

	format_time(now, here);
	if (token->expires <= now) {
		format_time(token->expires, then);
		return err_set(err, ERR_AUTH,
			"it expired at %s (here it is %s): get a new one, or see whether this "
			"machine's clock is right",
			then, here);
	}
	if (token->not_before > now + ID_TOKEN_SKEW_S) {
		format_time(token->not_before, then);
		return err_set(err, ERR_AUTH,
			"it is not valid before %s (here it is %s): see whether this machine's "
			"clock is right",
			then, here);
	}
	return true;
}

static bool is_true(const json_t *value)
{
	const char *text = json_string_value(value);
	return json_is_true(value) || (text && strcasecmp(text, "true") == 0);
}

static bool read_claims(const json_t *claims, struct id_token *token, struct err **err)
{
	const char *issuer, *subject, *email;

	if (!read_text(claims, "iss", &issuer, err) || !read_text(claims, "sub", &subject, err) ||
		!read_text(claims, "email", &email, err) ||
		!read_time(claims, "exp", &token->expires, err) ||
		!read_time(claims, "nbf", &token->not_before, err))
		return false;
	token->issuer = mem_strdup(issuer);
	token->subject = mem_strdup(subject);
	token->email = mem_strdup(email);
	token->email_verified = is_true(json_object_get(claims, "email_verified"));
	if (!*issuer)
		return err_set(err, ERR_INVALID, "it has no issuer");
	if (!json_is_number(json_object_get(claims, "exp")))
		return err_set(err, ERR_INVALID, "it has no time of expiry");
	if (!*subject && !*email)
		return err_set(err, ERR_INVALID, "it names nobody: no subject, no e-mail address");
	return true;
}

bool id_token_parse(
	const char *text, size_t len, int64_t now, struct id_token **ret_token, struct err **err)
{
	CLEANUP(id_token_freep) struct id_token *token = mem_new(1, sizeof(*token));
	CLEANUP(json_tree_freep) json_t *claims = NULL;
	struct parts parts;

	if (len > ID_TOKEN_MAX_SIZE)
		return err_set(err, ERR_TOO_LARGE, "not an identity token: larger than %zu bytes",
			ID_TOKEN_MAX_SIZE);
	if (!parts_find(text, len, &parts))
		return err_set(err, ERR_INVALID,
			"not an identity token: three parts in base64url with dots between were "
			"expected (a JWT)");
	if (!check_header(&parts, err))
		return false;
	claims = part_decode(parts.text + parts.header + 1, parts.claims);
	if (!claims)
		return err_set(err, ERR_INVALID, "not an identity token: its claims are no JSON");
	token->jwt = mem_strndup(parts.text, parts_len(&parts));
	if (!read_claims(claims, token, err))
		return err_prefix(err, "not a usable identity token");
	if (!check_audience(claims, err) || !check_times(token, now, err))
		return err_prefix(err, "identity token of %.*s", SHOWN_MAX, token->issuer);
	*ret_token = steal_ptr(&token);
	return true;
}
