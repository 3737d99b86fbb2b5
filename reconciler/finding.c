/*
 * The names of findings as people write them in --fail-on and read them in reports. Knows nothing
 * of exit codes: which finding changes them is the program's business.
 */
#include "reconciler/finding.h"

#include <string.h>

static const char *const names[FINDING_KINDS] = {
	[FINDING_MALFORMED] = "malformed",
	[FINDING_INVALID_FILE] = "invalid-file",
	[FINDING_OVERLAP] = "overlap",
	[FINDING_TREE] = "tree",
	[FINDING_TAG_MOVE] = "tag-move",
	[FINDING_LOST] = "lost",
	[FINDING_CYCLE] = "cycle",
	[FINDING_ERROR] = "error",
	[FINDING_UNSIGNED] = "unsigned",
	[FINDING_WARNING] = "warning",
};

const char *finding_kind_name(enum finding_kind kind)
{
	return names[kind];
}

bool finding_kind_parse(const char *name, enum finding_kind *ret_kind)
{
	for (unsigned i = 0; i < FINDING_KINDS; i++) {
		if (strcmp(names[i], name) == 0) {
			*ret_kind = (enum finding_kind)i;
			return true;
		}
	}
	return false;
}
