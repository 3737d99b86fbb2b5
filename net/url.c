/*
 * Splitting, joining and showing URLs. The grammar is deliberately smaller than RFC 3986: what is
 * refused here can not be read differently by libcurl later. Knows nothing of trust; that is
 * net/redirect.c and net/address.c.
 */
#include "net/url.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/enc.h"
#include "base/str.h"

enum { HTTP_PORT = 80, HTTPS_PORT = 443, HOST_MAX = 255 };

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Compares without case, in the C locale. */
static bool starts_with(const char *text, const char *lower_prefix)
{
	for (; *lower_prefix; text++, lower_prefix++) {
		if (lower(*text) != *lower_prefix)
			return false;
	}
	return true;
}

/* "scheme:" of RFC 3986 at the start of text: its length without the colon, 0 if there is none. */
static size_t scheme_length(const char *text)
{
	size_t len = 0;

	if (!is_letter(text[0]))
		return 0;
	while (is_letter(text[len]) || is_digit(text[len]) || text[len] == '+' ||
		text[len] == '-' || text[len] == '.')
		len++;
	return text[len] == ':' ? len : 0;
}

static bool check_bytes(const char *text, struct err **err)
{
	size_t len = strnlen(text, URL_MAX_BYTES + 1);

	if (len > URL_MAX_BYTES)
		return err_set(err, ERR_INVALID, "the URL is longer than %zu bytes", URL_MAX_BYTES);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c <= ' ' || c == 0x7f || c == '\\' || c == '"' || c == '<' || c == '>')
			return err_set(err, ERR_INVALID,
				"the URL holds the character 0x%02x, which must be encoded", c);
	}
	return true;
}

static bool is_name(const char *host, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = host[i];
		if (!is_letter(c) && !is_digit(c) && c != '.' && c != '-' && c != '_')
			return false;
	}
	return host[0] != '.';
}

static bool is_address6(const char *host, size_t len)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (len >= sizeof(text))
		return false;
	memcpy(text, host, len);
	text[len] = '\0';
	return inet_pton(AF_INET6, text, &address) == 1;
}

static bool host_is_valid(const char *host, size_t len, bool bracketed)
{
	if (len == 0 || len > HOST_MAX)
		return false;
	return bracketed ? is_address6(host, len) : is_name(host, len);
}

static bool parse_port(const char *text, size_t len, bool is_https, uint16_t *ret_port)
{
	char digits[6];
	uint64_t port;

	if (len == 0) {
		*ret_port = is_https ? HTTPS_PORT : HTTP_PORT;
		return true;
	}
	if (len >= sizeof(digits))
		return false;
	memcpy(digits, text, len);
	digits[len] = '\0';
	if (!number_parse(digits, UINT16_MAX, &port) || port == 0)
		return false;
	*ret_port = (uint16_t)port;
	return true;
}

/* host, "[" address "]", each with an optional ":port". */
static bool parse_authority(const char *text, size_t len, struct url *url, struct err **err)
{
	const char *host = text, *after;
	bool bracketed = len && text[0] == '[';
	size_t host_len;

	if (bracketed) {
		const char *close = memchr(text, ']', len);
		if (!close)
			return err_set(err, ERR_INVALID, "the URL's IPv6 address has no end");
		host = text + 1;
		host_len = (size_t)(close - host);
		after = close + 1;
	} else {
		const char *colon = memchr(text, ':', len);
		host_len = colon ? (size_t)(colon - text) : len;
		after = text + host_len;
	}
	size_t rest = len - (size_t)(after - text);
	if (!host_is_valid(host, host_len, bracketed) || (rest && after[0] != ':'))
		return err_set(err, ERR_INVALID, "the URL has no usable host name");
	if (!parse_port(after + (rest ? 1 : 0), rest ? rest - 1 : 0, url->is_https, &url->port))
		return err_set(err, ERR_INVALID, "the URL's port is not a number in 1..65535");
	url->host = mem_strndup(host, host_len);
	for (char *c = url->host; *c; c++)
		*c = lower(*c);
	return true;
}

/* Path and query up to the fragment. */
static char *make_target(const char *text)
{
	size_t len = strcspn(text, "#");

	if (text[0] == '/')
		return mem_strndup(text, len);
	return mem_printf("/%.*s", (int)len, text);
}

bool url_parse(const char *text, struct url *ret_url, struct err **err)
{
	struct url url = {0};
	size_t scheme = scheme_length(text);

	if (!check_bytes(text, err))
		return false;
	url.is_https = starts_with(text, "https:");
	if (!url.is_https && !starts_with(text, "http:"))
		return err_set(err, ERR_INVALID, "the URL is neither https:// nor http://");
	if (strncmp(text + scheme, "://", 3) != 0)
		return err_set(err, ERR_INVALID, "the URL has no host");
	const char *authority = text + scheme + 3;
	size_t len = strcspn(authority, "/?#");
	if (!parse_authority(authority, len, &url, err))
		return false;
	url.target = make_target(authority + len);
	*ret_url = url;
	return true;
}

void url_release(struct url *url)
{
	mem_free(url->host);
	mem_free(url->target);
	*url = (struct url){0};
}

void url_copy(struct url *copy, const struct url *url)
{
	*copy = *url;
	copy->host = mem_strdup(url->host);
	copy->target = mem_strdup(url->target);
}

static void add_authority(struct str *out, const struct url *url)
{
	bool bracketed = strchr(url->host, ':') != NULL;

	str_addf(out, bracketed ? "[%s]" : "%s", url->host);
	if (url->port != (url->is_https ? HTTPS_PORT : HTTP_PORT))
		str_addf(out, ":%u", (unsigned)url->port);
}

char *url_format(const struct url *url)
{
	CLEANUP(str_release) struct str out = STR_INIT(STR_TEXT_MAX);

	str_add_text(&out, url->is_https ? "https://" : "http://");
	add_authority(&out, url);
	str_add_text(&out, url->target);
	return str_steal(&out, NULL);
}

char *url_label(const struct url *url)
{
	CLEANUP(str_release) struct str out = STR_INIT(STR_TEXT_MAX);

	add_authority(&out, url);
	str_add(&out, url->target, strcspn(url->target, "?"));
	return str_steal(&out, NULL);
}

bool url_same_origin(const struct url *a, const struct url *b)
{
	return a->is_https == b->is_https && a->port == b->port && strcmp(a->host, b->host) == 0;
}

/* Removes the last segment and its slash: "/a/b" becomes "/a". */
static void drop_segment(struct str *path)
{
	while (path->len && path->bytes[path->len - 1] != '/')
		path->len--;
	if (path->len)
		path->len--;
}

/* RFC 3986 section 5.2.4 for a path that starts with '/'. */
static void add_without_dot_segments(struct str *out, const char *path, size_t len)
{
	CLEANUP(str_release) struct str kept = STR_INIT(2 * URL_MAX_BYTES);
	size_t at = 0;

	while (at < len) {
		const char *segment = path + at + 1; /* path[at] is the slash */
		const char *slash = memchr(segment, '/', len - at - 1);
		size_t size = slash ? (size_t)(slash - segment) : len - at - 1;
		bool is_up = size == 2 && memcmp(segment, "..", 2) == 0;
		bool is_here = size == 1 && segment[0] == '.';

		if (is_up)
			drop_segment(&kept);
		if (!is_up && !is_here)
			str_add(&kept, path + at, size + 1);
		else if (!slash)
			str_add_char(&kept, '/');
		at += size + 1;
	}
	str_add(out, kept.len ? kept.bytes : "/", kept.len ? kept.len : 1);
}

/* The target of a reference without scheme and host. */
static char *merge_target(const char *base, const char *reference)
{
	CLEANUP(str_release) struct str merged = STR_INIT(2 * URL_MAX_BYTES);
	CLEANUP(str_release) struct str out = STR_INIT(2 * URL_MAX_BYTES);
	size_t base_path = strcspn(base, "?");
	size_t path = strcspn(reference, "?#");
	const char *query = reference + path;

	if (reference[0] == '/')
		return make_target(reference);
	if (path == 0) {
		str_add(&out, base, *query == '?' ? base_path : strlen(base));
	} else {
		while (base[base_path - 1] != '/')
			base_path--;
		str_add(&merged, base, base_path);
		str_add(&merged, reference, path);
		add_without_dot_segments(&out, merged.bytes, merged.len);
	}
	if (*query == '?')
		str_add(&out, query, strcspn(query, "#"));
	return str_steal(&out, NULL);
}

bool url_resolve(
	const struct url *base, const char *reference, struct url *ret_url, struct err **err)
{
	struct url url = {.is_https = base->is_https};

	if (scheme_length(reference))
		return url_parse(reference, ret_url, err);
	if (!check_bytes(reference, err))
		return false;
	if (reference[0] == '/' && reference[1] == '/') {
		size_t len = strcspn(reference + 2, "/?#");
		if (!parse_authority(reference + 2, len, &url, err))
			return false;
		url.target = make_target(reference + 2 + len);
	} else {
		url.host = mem_strdup(base->host);
		url.port = base->port;
		url.target = merge_target(base->target, reference);
	}
	*ret_url = url;
	return true;
}
