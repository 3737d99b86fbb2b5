/*
 * Reads `<target>; param; param=token; param="quoted \" text", <target> ...`. What the target
 * means, and whether it may be followed, is decided by who asks.
 */
#include "registry/linkheader.h"

#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/str.h"

#define PARAMETER_MAX 4096

static const char *skip_space(const char *at)
{
	return at + strspn(at, " \t");
}

/* A token or a quoted string from *at, which moves behind it. */
static bool read_value(const char **at, struct str *out)
{
	const char *p = *at;
	if (*p != '"') {
		size_t len = strcspn(p, " \t;,\"");
		*at = p + len;
		return str_add(out, p, len);
	}
	for (p++; *p && *p != '"'; p++) {
		if (*p == '\\' && p[1])
			p++;
		if (!str_add_char(out, *p))
			return false;
	}
	if (*p != '"')
		return false;
	*at = p + 1;
	return true;
}

/* rel holds one or more relation types with spaces between. */
static bool has_next(const char *relations)
{
	for (const char *at = relations; *at;) {
		at += strspn(at, " \t");
		size_t len = strcspn(at, " \t");
		if (len == 4 && strncasecmp(at, "next", 4) == 0)
			return true;
		at += len;
	}
	return false;
}

/* One parameter behind its semicolon; only the first `rel` of a link counts. */
static bool read_parameter(const char **at, bool *saw_rel, bool *is_next)
{
	CLEANUP(str_release) struct str value = STR_INIT(PARAMETER_MAX);
	const char *name = skip_space(*at);
	size_t name_len = strcspn(name, " \t=;,");
	const char *p = skip_space(name + name_len);
	if (*p == '=') {
		p = skip_space(p + 1);
		if (!read_value(&p, &value))
			return false;
	}
	if (name_len == 3 && strncasecmp(name, "rel", 3) == 0 && !*saw_rel) {
		*saw_rel = true;
		*is_next = has_next(str_text(&value));
	}
	*at = skip_space(p);
	return true;
}

bool linkheader_next(const char *value, char **ret_target, struct err **err)
{
	const char *at = value;
	for (;;) {
		at += strspn(at, " \t,");
		if (!*at) {
			*ret_target = NULL;
			return true;
		}
		const char *end = *at == '<' ? strchr(at, '>') : NULL;
		if (!end)
			break;
		const char *target = at + 1;
		bool saw_rel = false, is_next = false;
		at = skip_space(end + 1);
		while (*at == ';') {
			at++;
			if (!read_parameter(&at, &saw_rel, &is_next))
				return err_set(
					err, ERR_INVALID, "Link header: a parameter is malformed");
		}
		if (*at && *at != ',')
			break;
		if (is_next) {
			*ret_target = mem_strndup(target, (size_t)(end - target));
			return true;
		}
	}
	return err_set(err, ERR_INVALID, "Link header: no <target> where one should be");
}
