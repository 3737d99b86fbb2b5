/*
 * Sets of scopes. Only pull and push of repositories exist here: nothing in this program deletes or
 * reads a catalog, whatever a registry asks to be asked for.
 */
#include "registry/auth_scope.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define NAME_MAX_BYTES 255
static const char repository_type[] = "repository:";

void auth_scopes_release(struct auth_scopes *scopes)
{
	for (size_t i = 0; i < scopes->len; i++)
		mem_free(scopes->items[i].repository);
	scopes->len = 0;
}

bool auth_scopes_add(struct auth_scopes *scopes, const char *repository, unsigned actions)
{
	for (size_t i = 0; i < scopes->len; i++) {
		if (strcmp(scopes->items[i].repository, repository) == 0) {
			scopes->items[i].actions |= actions;
			return true;
		}
	}
	if (scopes->len == AUTH_SCOPES_MAX)
		return false;
	scopes->items[scopes->len++] =
		(struct auth_scope){.repository = mem_strdup(repository), .actions = actions};
	return true;
}

static unsigned parse_actions(const char *text, size_t len)
{
	unsigned actions = 0;
	for (size_t at = 0, n; at < len; at += n + 1) {
		n = strcspn(text + at, ", ");
		if (n == 4 && strncmp(text + at, "pull", n) == 0)
			actions |= AUTH_PULL;
		else if (n == 4 && strncmp(text + at, "push", n) == 0)
			actions |= AUTH_PUSH;
		else if (n == 1 && text[at] == '*')
			actions |= AUTH_PULL | AUTH_PUSH;
	}
	return actions;
}

/* Names may hold a port's colon, so the actions start behind the last one. */
static bool add_element(
	struct auth_scopes *scopes, const char *element, size_t len, unsigned allowed)
{
	size_t type = sizeof(repository_type) - 1;
	if (len <= type || strncmp(element, repository_type, type) != 0)
		return false;
	const char *colon = memrchr(element + type, ':', len - type);
	if (!colon || colon == element + type || (size_t)(colon - element) - type > NAME_MAX_BYTES)
		return false;
	size_t before = (size_t)(colon - element);
	unsigned actions = parse_actions(colon + 1, len - before - 1) & allowed;
	CLEANUP(mem_freep) char *name = mem_strndup(element + type, before - type);
	for (size_t i = 0; i < scopes->len; i++)
		if (strcmp(scopes->items[i].repository, name) == 0 &&
			(scopes->items[i].actions & actions) == actions)
			return false;
	return actions && auth_scopes_add(scopes, name, actions);
}

bool auth_scopes_add_text(struct auth_scopes *scopes, const char *text, unsigned allowed)
{
	bool any = false;
	while (*(text += strspn(text, " "))) {
		size_t len = strcspn(text, " ");
		any |= add_element(scopes, text, len, allowed);
		text += len;
	}
	return any;
}

void auth_scope_format(const struct auth_scope *scope, struct str *out)
{
	bool pull = scope->actions & AUTH_PULL, push = scope->actions & AUTH_PUSH;
	str_addf(out, "%s%s:%s%s%s", repository_type, scope->repository, pull ? "pull" : "",
		pull && push ? "," : "", push ? "push" : "");
}

static int compare(const void *left, const void *right)
{
	const struct auth_scope *a = left, *b = right;
	return strcmp(a->repository, b->repository);
}

void auth_scopes_key(const struct auth_scopes *scopes, struct str *out)
{
	struct auth_scopes sorted = *scopes;
	qsort(sorted.items, sorted.len, sizeof(sorted.items[0]), compare);
	for (size_t i = 0; i < sorted.len; i++) {
		str_add_text(out, i ? " " : "");
		auth_scope_format(&sorted.items[i], out);
	}
}
