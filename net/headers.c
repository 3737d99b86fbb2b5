/*
 * Collects and searches header lines (RFC 9110 section 5). Folded lines stay in the block but are
 * never part of a value: no registry sends them, and guessing what they mean is how headers get
 * smuggled.
 */
#include "net/headers.h"

#include <string.h>
#include <strings.h>

bool headers_spend(struct headers_budget *budget, size_t len)
{
	if (len > HEADERS_MAX_BYTES - budget->bytes || budget->lines >= HEADERS_MAX_LINES)
		return false;
	budget->bytes += len;
	budget->lines++;
	return true;
}

bool headers_add(struct str *head, const char *line, size_t len)
{
	while (len && (line[len - 1] == '\n' || line[len - 1] == '\r'))
		len--;
	if (memchr(line, '\0', len) || memchr(line, '\r', len) || memchr(line, '\n', len))
		return false;
	return str_add(head, line, len) && str_add_char(head, '\n');
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The value's start and length if the line is a header of this name. */
static bool match(
	const char *line, size_t len, const char *name, const char **ret_value, size_t *ret_len)
{
	size_t name_len = strlen(name);

	if (len <= name_len || line[name_len] != ':' || strncasecmp(line, name, name_len) != 0)
		return false;
	line += name_len + 1;
	len -= name_len + 1;
	while (len && is_blank(*line)) {
		line++;
		len--;
	}
	while (len && is_blank(line[len - 1]))
		len--;
	*ret_value = line;
	*ret_len = len;
	return true;
}

char *headers_value(const struct str *head, const char *name, size_t n)
{
	const char *at = str_text(head), *end = at + head->len;

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t len = newline ? (size_t)(newline - at) : (size_t)(end - at);
		const char *value;
		size_t value_len;

		if (match(at, len, name, &value, &value_len) && n-- == 0)
			return mem_strndup(value, value_len);
		at += len + 1;
	}
	return NULL;
}

static bool is_token_byte(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		(c && strchr("!#$%&'*+-.^_`|~", c));
}

bool headers_may_send(const char *name, const char *value)
{
	if (!*name)
		return false;
	for (; *name; name++) {
		if (!is_token_byte((unsigned char)*name))
			return false;
	}
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;
		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}
