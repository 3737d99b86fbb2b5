/*
 * A reader for the one header whose grammar uses commas at two levels. Laxer than the grammar in
 * one thing: zot writes URLs without quotes, so an unquoted value ends at a comma or a space.
 * Whether the realm may be used is auth_realm.c.
 */
#include "registry/auth_challenge.h"

#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/str.h"

#define VALUE_MAX ((size_t)8 * 1024)

void auth_challenge_release(struct auth_challenge *challenge)
{
	mem_free(challenge->realm);
	mem_free(challenge->service);
	mem_free(challenge->scope);
	mem_free(challenge->error);
	*challenge = (struct auth_challenge){0};
}

/* ---- Characters ---- */

static bool is_token_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		(c && strchr("!#$%&'*+-.^_`|~", c));
}

static const char *skip_space(const char *at)
{
	return at + strspn(at, " \t");
}

static const char *skip_list_space(const char *at)
{
	return at + strspn(at, " \t,");
}

static size_t token_len(const char *at)
{
	size_t len = 0;
	while (is_token_char(at[len]))
		len++;
	return len;
}

/* `abc==` behind a scheme: credentials of the older kind, of no use here. 0 if it is none. */
static size_t token68_len(const char *at)
{
	size_t len = 0;
	while (is_token_char(at[len]) || at[len] == '/')
		len++;
	if (len == 0)
		return 0;
	len += strspn(at + len, "=");
	const char *end = skip_space(at + len);
	return *end == ',' || *end == '\0' ? len : 0;
}

/* ---- Values ---- */

/* Moves *at past a value. NULL if it is malformed; else fresh text. */
static char *read_quoted(const char **at)
{
	CLEANUP(str_release) struct str text = STR_INIT(VALUE_MAX);
	const char *c = *at + 1;
	for (; *c != '"'; c++) {
		if (*c == '\\')
			c++;
		if ((unsigned char)*c < 0x20 || *c == 0x7f || !str_add_char(&text, *c))
			return NULL;
	}
	*at = c + 1;
	return str_steal(&text, NULL);
}

static char *read_value(const char **at)
{
	if (**at == '"')
		return read_quoted(at);
	size_t len = strcspn(*at, ", \t");
	if (len > VALUE_MAX)
		return NULL;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)(*at)[i] < 0x20 || (*at)[i] == 0x7f || (*at)[i] == '"')
			return NULL;
	char *text = mem_strndup(*at, len);
	*at += len;
	return text;
}

/* ---- One challenge ---- */

static char **field(struct auth_challenge *challenge, const char *name, size_t len)
{
	const struct {
		const char *name;
		char **value;
	} fields[] = {{"realm", &challenge->realm}, {"service", &challenge->service},
		{"scope", &challenge->scope}, {"error", &challenge->error}};
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strlen(fields[i].name) == len && strncasecmp(fields[i].name, name, len) == 0)
			return fields[i].value;
	return NULL;
}

/* A parameter twice could be read in two ways: no. */
static bool read_parameter(const char **at, size_t name_len, struct auth_challenge *challenge)
{
	const char *name = *at;
	*at = skip_space(skip_space(*at + name_len) + 1);
	CLEANUP(mem_freep) char *value = read_value(at);
	char **place = field(challenge, name, name_len);
	if (!value || (place && *place))
		return false;
	if (place)
		*place = steal_ptr(&value);
	return true;
}

static void drop_empty(char **text)
{
	if (*text && !**text)
		mem_free(steal_ptr(text));
}

/* Parameters up to the next scheme or the end. False if malformed. */
static bool read_parameters(const char **at, struct auth_challenge *challenge)
{
	for (;;) {
		*at = skip_list_space(*at);
		size_t len = token_len(*at);
		if (len == 0)
			break;
		if (*skip_space(*at + len) != '=')
			break;
		if (!read_parameter(at, len, challenge))
			return false;
		/* Something other than a comma between two parameters. */
		const char *next = skip_space(*at);
		if (*next && *next != ',')
			return false;
	}
	drop_empty(&challenge->realm);
	drop_empty(&challenge->service);
	drop_empty(&challenge->scope);
	drop_empty(&challenge->error);
	return true;
}

static enum auth_scheme scheme_of(const char *name, size_t len)
{
	if (len == 6 && strncasecmp(name, "bearer", len) == 0)
		return AUTH_SCHEME_BEARER;
	if (len == 5 && strncasecmp(name, "basic", len) == 0)
		return AUTH_SCHEME_BASIC;
	return AUTH_SCHEME_NONE;
}

/* Moves *at past one challenge. False at the end or where nothing can be made of it. */
static bool read_challenge(const char **at, struct auth_challenge *challenge)
{
	*at = skip_list_space(*at);
	size_t len = token_len(*at);
	if (len == 0)
		return false;
	enum auth_scheme scheme = scheme_of(*at, len);
	*at += len;
	if (**at && !strchr(" \t,", **at))
		return false;
	if (**at != ',') {
		*at = skip_space(*at);
		size_t skip = token68_len(*at);
		/* Without '=' it may also be the next scheme; but schemes follow commas. */
		*at += skip;
		if (skip == 0 && !read_parameters(at, challenge))
			return false;
	}
	challenge->scheme = scheme;
	if (scheme == AUTH_SCHEME_BEARER && !challenge->realm)
		challenge->scheme = AUTH_SCHEME_NONE;
	return true;
}

void auth_challenge_read(struct auth_challenge *challenge, const char *value)
{
	for (bool more = true; more;) {
		CLEANUP(auth_challenge_release) struct auth_challenge next = {0};
		more = read_challenge(&value, &next);
		if (!more || next.scheme <= challenge->scheme)
			continue;
		auth_challenge_release(challenge);
		*challenge = next;
		next = (struct auth_challenge){0};
	}
}

void auth_challenge_of(const struct http_response *response, struct auth_challenge *ret_challenge)
{
	*ret_challenge = (struct auth_challenge){0};
	for (size_t n = 0;; n++) {
		CLEANUP(mem_freep)
		char *value = http_response_header(response, "WWW-Authenticate", n);
		if (!value)
			return;
		auth_challenge_read(ret_challenge, value);
	}
}
