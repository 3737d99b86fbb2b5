/*
 * The list of --fail-on. Knows the names of findings and which of them may be chosen, not what the
 * exit code becomes.
 */
#include "cli/fail_on.h"

#include <string.h>

#include "base/cleanup.h"
#include "cli/nearest.h"

static bool is_choosable(enum finding_kind kind)
{
	return kind != FINDING_TREE && kind != FINDING_WARNING;
}

static bool unknown_name(const char *name, struct err **err)
{
	CLEANUP(str_release) struct str names = STR_INIT(STR_TEXT_MAX);
	struct nearest search;

	nearest_init(&search, name, strlen(name));
	for (enum finding_kind kind = 0; kind < FINDING_KINDS; kind++) {
		if (!is_choosable(kind))
			continue;
		nearest_offer(&search, finding_kind_name(kind));
		str_addf(&names, "%s, ", finding_kind_name(kind));
	}
	if (search.best)
		return err_set(err, ERR_USAGE,
			"--fail-on: there is no finding \"%s\"; did you mean %s?", name,
			search.best);
	return err_set(err, ERR_USAGE,
		"--fail-on: there is no finding \"%s\"; there are %sall and none", name,
		str_text(&names));
}

static bool add_name(const char *name, unsigned *kinds, struct err **err)
{
	enum finding_kind kind;

	if (*name == '\0' || strcmp(name, "none") == 0)
		return true;
	if (strcmp(name, "all") == 0) {
		for (kind = 0; kind < FINDING_KINDS; kind++)
			*kinds |= is_choosable(kind) ? 1u << kind : 0;
		return true;
	}
	if (!finding_kind_parse(name, &kind))
		return unknown_name(name, err);
	if (kind == FINDING_WARNING)
		return err_set(err, ERR_USAGE, "--fail-on: a warning never changes the exit code");
	if (kind == FINDING_TREE)
		return err_set(err, ERR_USAGE,
			"--fail-on: a tree of the wrong shape always fails; leave \"tree\" out");
	*kinds |= 1u << kind;
	return true;
}

bool fail_on_parse(const char *list, unsigned *ret_kinds, struct err **err)
{
	unsigned kinds = 0;

	for (const char *at = list; at;) {
		size_t len = strcspn(at, ",");
		CLEANUP(mem_freep) char *name = mem_strndup(at, len);

		if (!add_name(name, &kinds, err))
			return false;
		at = at[len] ? at + len + 1 : NULL;
	}
	*ret_kinds = kinds;
	return true;
}

bool fail_on_met(unsigned kinds, const uint64_t *counts, struct str *reasons)
{
	bool met = false;

	for (enum finding_kind kind = 0; kind < FINDING_KINDS; kind++) {
		if (!(kinds & 1u << kind) || counts[kind] == 0)
			continue;
		str_addf(reasons, "%s%s %llu", met ? ", " : "", finding_kind_name(kind),
			(unsigned long long)counts[kind]);
		met = true;
	}
	return met;
}
