/* Walks over JSON that is known to be valid. What the values mean is not known here. */
#include "registry/json_text.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define SPACE " \t\r\n"

/* Past the string that starts at `at`. */
static const char *skip_string(const char *at)
{
	for (at++; *at != '"'; at++)
		at += *at == '\\';
	return at + 1;
}

const char *json_text_end(const char *value)
{
	const char *at = value;
	unsigned depth = 0;

	if (*at != '"' && *at != '{' && *at != '[')
		return at + strcspn(at, ",]}" SPACE);
	do {
		if (*at == '"') {
			at = skip_string(at);
			continue;
		}
		depth += *at == '{' || *at == '[';
		depth -= *at == '}' || *at == ']';
		at++;
	} while (depth > 0);
	return at;
}

const char *json_text_member(const char *text, const char *name)
{
	const char *at = text + strspn(text, SPACE);

	while (*at == '{' || *at == ',') {
		at += 1 + strspn(at + 1, SPACE);
		if (*at != '"')
			return NULL;
		const char *key = at + 1;
		at = skip_string(at);
		size_t len = (size_t)(at - 1 - key);
		at += strspn(at, SPACE);
		at += 1 + strspn(at + 1, SPACE);
		if (len == strlen(name) && memcmp(key, name, len) == 0)
			return at;
		at = json_text_end(at);
		at += strspn(at, SPACE);
	}
	return NULL;
}
