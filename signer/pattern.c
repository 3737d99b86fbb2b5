/*
 * PCRE2 behind a scanner and under limits (docs/decisions/042). The only file that sees PCRE2.
 */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "signer/pattern.h"

#include <pcre2.h>
#include <string.h>

#include "base/alloc.h"
#include "signer/pattern_syntax_private.h"

/* Far beyond what an honest pattern needs for 8 KiB of subject; a fraction of a second of work. */
#define MATCH_LIMIT 1000000
#define DEPTH_LIMIT 10000
#define HEAP_LIMIT_KIB (32 * 1024)
#define GROUPS_MAX_DEPTH 100

struct pattern {
	pcre2_code *code;
	enum pattern_extent extent;
};

static bool compile(const char *text, struct pattern *pattern, struct err **err)
{
	const uint32_t options = PCRE2_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C |
		PCRE2_DOLLAR_ENDONLY | PCRE2_NO_AUTO_CAPTURE;
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	PCRE2_SIZE position = 0;
	PCRE2_UCHAR reason[160] = "";
	int code = 0;

	if (!context)
		return err_set(err, ERR_INTERNAL, "PCRE2 has no memory");
	pcre2_set_newline(context, PCRE2_NEWLINE_LF);
	pcre2_set_parens_nest_limit(context, GROUPS_MAX_DEPTH);
	pattern->code = pcre2_compile(
		(PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, options, &code, &position, context);
	pcre2_compile_context_free(context);
	if (pattern->code)
		return true;
	pcre2_get_error_message(code, reason, sizeof(reason));
	return err_set(err, ERR_USAGE, "regular expression, position %zu: %s", position + 1,
		(const char *)reason);
}

bool pattern_new(const char *text, enum pattern_extent extent, struct pattern **ret_pattern,
	struct err **err)
{
	if (strlen(text) > PATTERN_MAX_SIZE)
		return err_set(err, ERR_TOO_LARGE, "regular expression: larger than %zu bytes",
			PATTERN_MAX_SIZE);
	if (!pattern_syntax_check(text, err))
		return false;
	CLEANUP(pattern_freep) struct pattern *pattern = mem_new(1, sizeof(*pattern));
	pattern->extent = extent;
	if (!compile(text, pattern, err))
		return false;
	*ret_pattern = steal_ptr(&pattern);
	return true;
}

void pattern_free(struct pattern *pattern)
{
	if (!pattern)
		return;
	pcre2_code_free(pattern->code);
	mem_free(pattern);
}

/* What RE2 and PCRE2 see differently (line ends, vertical tab) is in no identity. */
static bool subject_is_plain(const char *subject)
{
	for (; *subject; subject++)
		if ((unsigned char)*subject < 0x20 || *subject == 0x7f)
			return false;
	return true;
}

static bool match(const struct pattern *pattern, const char *subject, pcre2_match_context *context,
	pcre2_match_data *data, bool *ret_matches, struct err **err)
{
	uint32_t options =
		pattern->extent == PATTERN_WHOLE ? PCRE2_ANCHORED | PCRE2_ENDANCHORED : 0;
	PCRE2_UCHAR reason[160] = "";

	pcre2_set_match_limit(context, MATCH_LIMIT);
	pcre2_set_depth_limit(context, DEPTH_LIMIT);
	pcre2_set_heap_limit(context, HEAP_LIMIT_KIB);
	int code = pcre2_match(pattern->code, (PCRE2_SPTR)subject, PCRE2_ZERO_TERMINATED, 0,
		options, data, context);
	if (code == PCRE2_ERROR_MATCHLIMIT || code == PCRE2_ERROR_DEPTHLIMIT ||
		code == PCRE2_ERROR_HEAPLIMIT)
		return err_set(err, ERR_TOO_LARGE,
			"regular expression: too much work for this text; make it simpler");
	if (code < 0 && code != PCRE2_ERROR_NOMATCH) {
		pcre2_get_error_message(code, reason, sizeof(reason));
		return err_set(err, ERR_INVALID, "regular expression: %s", (const char *)reason);
	}
	*ret_matches = code >= 0;
	return true;
}

bool pattern_matches(
	const struct pattern *pattern, const char *subject, bool *ret_matches, struct err **err)
{
	if (strlen(subject) > PATTERN_SUBJECT_MAX_SIZE)
		return err_set(err, ERR_TOO_LARGE,
			"regular expression: the text is larger than %zu bytes",
			PATTERN_SUBJECT_MAX_SIZE);
	if (!subject_is_plain(subject))
		return err_set(
			err, ERR_INVALID, "regular expression: the text has control characters");

	pcre2_match_context *context = pcre2_match_context_create(NULL);
	pcre2_match_data *data = pcre2_match_data_create(1, NULL);
	bool ok = context && data ? match(pattern, subject, context, data, ret_matches, err)
				  : err_set(err, ERR_INTERNAL, "PCRE2 has no memory");
	pcre2_match_data_free(data);
	pcre2_match_context_free(context);
	return ok;
}
