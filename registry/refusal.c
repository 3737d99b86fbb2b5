/*
 * The table of registry-client facts 6.1 as code. Codes go before statuses, because registries
 * agree more on codes: D2 answers 400 to a manifest whose blob is missing, others 404.
 */
#include "registry/refusal.h"

#include <jansson.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/str.h"
#include "registry/quirks.h"

#define TEXT_MAX 1000
#define ERRORS_MAX 3

struct code_meaning {
	const char *code;
	enum err_kind kind;
};

static const struct code_meaning meanings[] = {
	{"MANIFEST_BLOB_UNKNOWN", ERR_NOT_FOUND},
	{"BLOB_UNKNOWN", ERR_NOT_FOUND},
	{"BLOB_UPLOAD_UNKNOWN", ERR_NOT_FOUND},
	{"BLOB_UPLOAD_INVALID", ERR_NOT_FOUND},
	{"MANIFEST_UNKNOWN", ERR_NOT_FOUND},
	{"NAME_UNKNOWN", ERR_NOT_FOUND},
	{"DIGEST_INVALID", ERR_DIGEST},
	{"TOOMANYREQUESTS", ERR_THROTTLED},
	{"UNAUTHORIZED", ERR_AUTH},
	{"DENIED", ERR_AUTH},
	{"UNSUPPORTED", ERR_UNSUPPORTED},
};

static void json_freep(json_t **value)
{
	json_decref(*value);
}

static enum err_kind kind_of_status(int status)
{
	switch (status) {
	case 401:
	case 403:
		return ERR_AUTH;
	case 404:
		return ERR_NOT_FOUND;
	case 405:
	case 406:
	case 415:
	case 501:
		return ERR_UNSUPPORTED;
	case 409:
	case 412:
		return ERR_CONFLICT;
	case 413:
		return ERR_TOO_LARGE;
	case 429:
		return ERR_THROTTLED;
	case 408:
		return ERR_TRANSIENT;
	default:
		return status >= 500 ? ERR_TRANSIENT : ERR_INVALID;
	}
}

/* 401, 403, 429 and 5xx say enough: a 503 with "DENIED" in it is still a server in trouble. */
static bool code_decides(int status)
{
	return status == 400 || status == 404;
}

static enum err_kind kind_of_code(const char *code, enum err_kind otherwise)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (strcmp(code, meanings[i].code) == 0)
			return meanings[i].kind;
	return otherwise;
}

static void add_bounded(struct str *out, const char *text)
{
	size_t len = strlen(text), space = out->max - out->len;
	str_add(out, text, len < space ? len : space);
}

/* "CODE: message; CODE: message" of a JSON error body, and the first code; false if it is none. */
static bool read_errors(const struct refusal *refusal, struct str *text, char **ret_code)
{
	CLEANUP(json_freep) json_t *root = json_loadb(refusal->body, refusal->body_len, 0, NULL);
	const json_t *list = json_object_get(root, "errors");
	size_t i;
	const json_t *item;
	json_array_foreach(list, i, item)
	{
		const char *code = json_string_value(json_object_get(item, "code"));
		const char *message = json_string_value(json_object_get(item, "message"));
		if (i == ERRORS_MAX)
			break;
		if (i == 0 && code)
			*ret_code = mem_strdup(code);
		add_bounded(text, i ? "; " : "");
		add_bounded(text, code ? code : "error");
		if (message && *message) {
			add_bounded(text, ": ");
			add_bounded(text, message);
		}
	}
	return text->len > 0;
}

/* A page of HTML says nothing to a person who reads a log line. */
static void read_plain(const struct refusal *refusal, struct str *text)
{
	const char *body = refusal->body;
	size_t len = refusal->body_len;
	while (len > 0 && strchr(" \t\r\n", body[len - 1]))
		len--;
	if (len == 0 || body[0] == '<' || memchr(body, '\0', len))
		return;
	str_add(text, body, len < 200 ? len : 200);
}

static bool says_immutable(const char *text)
{
	return strcasestr(text, "immutable") != NULL;
}

/*
 * docker-registry answers so to layers with `urls` ("foreign" ones, which are not copied) unless it
 * is told which URLs it may see: registry-client facts 5.8.
 */
static bool is_about_foreign_layers(const struct refusal *refusal, const char *code)
{
	return refusal->status == 500 && code && strcmp(code, "MANIFEST_BLOB_UNKNOWN") == 0;
}

/* Whose access was refused, and what can be done. Fresh text. */
static char *advice_for(const struct refusal *refusal)
{
	if (!refusal->credential && quirks_of(refusal->host)->is_google)
		return mem_printf(
			"%s refused anonymous access: set GOOGLE_APPLICATION_CREDENTIALS, "
			"or log in with \"gcloud auth application-default login\": see "
			"\"Google\" in docs/registries.md",
			refusal->host);
	if (!refusal->credential)
		return mem_printf("%s refused anonymous access: log in with \"docker login %s\" or "
				  "\"podman login %s\", or give --src-authfile or --dest-authfile",
			refusal->host, refusal->host, refusal->host);
	if (refusal->is_withheld)
		return mem_printf("%s refused anonymous access; the credentials of %s were not "
				  "sent, since another host would have received them: see \"Which "
				  "secret goes where\" in docs/registries.md",
			refusal->host, refusal->credential);
	return mem_printf("%s refused the credentials of %s: they may be wrong, have expired, or "
			  "lack the right to do this there",
		refusal->host, refusal->credential);
}

/* True if the registry said it in the form of the specification. */
static bool read_body(const struct refusal *refusal, struct str *text, char **ret_code)
{
	if (refusal->body_len > REFUSAL_BODY_MAX)
		return false;
	if (read_errors(refusal, text, ret_code))
		return true;
	read_plain(refusal, text);
	return false;
}

void refusal_words(int status, const char *body, size_t body_len, char **ret_code, char **ret_text)
{
	const struct refusal refusal = {.status = status, .body = body, .body_len = body_len};
	CLEANUP(str_release) struct str text = STR_INIT(TEXT_MAX);
	char *code = NULL;
	read_body(&refusal, &text, &code);
	*ret_code = code ? code : mem_strdup("");
	*ret_text = mem_printf("status %d%s%s", status, text.len ? ": " : "", str_text(&text));
}

bool refusal_set(const struct refusal *refusal, struct err **err)
{
	CLEANUP(str_release) struct str text = STR_INIT(TEXT_MAX);
	CLEANUP(mem_freep) char *code = NULL;
	enum err_kind kind = kind_of_status(refusal->status);
	bool own_words = read_body(refusal, &text, &code);
	if (code && code_decides(refusal->status))
		kind = kind_of_code(code, kind);
	if (refusal->status < 500 && says_immutable(str_text(&text)))
		kind = ERR_CONFLICT;
	if (is_about_foreign_layers(refusal, code))
		return err_set_http(err, ERR_UNSUPPORTED, refusal->status,
			"%s: status %d: %s (this registry takes no image with non-distributable "
			"layers unless its setting validation.manifests.urls.allow permits their "
			"URLs)",
			refusal->what, refusal->status, str_text(&text));

	const char *colon = text.len ? ": " : "";
	if (refusal->elsewhere && !own_words) {
		/* Storage that a redirect led to does not speak for the registry. */
		if (kind == ERR_NOT_FOUND || kind == ERR_AUTH)
			kind = ERR_TRANSIENT;
		return err_set_http(err, kind, refusal->status,
			"%s: status %d from %s, where the registry redirected to%s%s",
			refusal->what, refusal->status, refusal->elsewhere, colon, str_text(&text));
	}
	if (kind == ERR_AUTH) {
		CLEANUP(mem_freep) char *advice = advice_for(refusal);
		return err_set_http(err, kind, refusal->status, "%s: status %d%s%s (%s)",
			refusal->what, refusal->status, colon, str_text(&text), advice);
	}
	return err_set_http(err, kind, refusal->status, "%s: status %d%s%s", refusal->what,
		refusal->status, colon, str_text(&text));
}
