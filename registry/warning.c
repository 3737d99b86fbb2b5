/*
 * Reading warnings and telling new ones from old. Who prints them escapes them, as everything from
 * outside.
 */
#include "registry/warning.h"

#include <string.h>

#include "base/strmap.h"

bool warning_parse(const char *value, struct str *out)
{
	static const char start[] = "299 - \"";
	if (strncmp(value, start, sizeof(start) - 1) != 0)
		return false;
	const char *at = value + sizeof(start) - 1;
	for (; *at && *at != '"'; at++) {
		at += *at == '\\' && at[1];
		if (out->len < WARNING_TEXT_MAX)
			str_add_char(out, *at);
	}
	return *at == '"' && out->len > 0;
}

bool warnings_add(struct warnings *warnings, const char *text)
{
	unsigned hash = strmap_hash(text, strlen(text));
	for (unsigned i = 0; i < warnings->count; i++)
		if (warnings->seen[i] == hash)
			return false;
	if (warnings->count == WARNINGS_MAX)
		return false;
	warnings->seen[warnings->count++] = hash;
	return true;
}
