/*
 * Regular expressions for identities, in the language that Go's RE2 has, as cosign's -regexp flags
 * take it: matched with PCRE2 under limits of work and depth, after everything that RE2 does not
 * have (look-around, back-references, atomic groups, possessive repeats, recursion, conditions,
 * verbs, ...) has been refused, so that one text means the same everywhere.
 *
 * Immutable once made; any thread.
 */
#ifndef CIP_SIGNER_PATTERN_H
#define CIP_SIGNER_PATTERN_H

#include "base/err.h"

#define PATTERN_MAX_SIZE ((size_t)64 * 1024)
#define PATTERN_SUBJECT_MAX_SIZE ((size_t)8 * 1024)

enum pattern_extent {
	PATTERN_ANYWHERE, /* as cosign: ^ and $ are the writer's job */
	PATTERN_WHOLE,	  /* the whole text */
};

struct pattern;

/* ERR_USAGE says what is wrong and where; ERR_TOO_LARGE. */
bool pattern_new(const char *text, enum pattern_extent extent, struct pattern **ret_pattern,
	struct err **err);
void pattern_free(struct pattern *pattern);
DEFINE_CLEANUP(struct pattern, pattern_freep, pattern_free)

/*
 * ERR_TOO_LARGE if the subject or the work exceeds its limit, ERR_INVALID if it is not UTF-8: an
 * error is never a match.
 */
bool pattern_matches(
	const struct pattern *pattern, const char *subject, bool *ret_matches, struct err **err);

#endif
