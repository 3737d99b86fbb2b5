/*
 * How a line of the format looks. Which metrics there are is the business of metrics.c and
 * status_metrics.c.
 */
#include "cli/metrics_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "image/digest.h"

enum { LABEL_MAX = 1024, HASH_DIGITS = 16 };

void metrics_text_family(struct str *out, const char *name, const char *help)
{
	str_addf(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

/* What fits, and of what does not, enough to tell it from its like. */
static void add_readable(struct str *out, const char *text)
{
	size_t len = strlen(text);
	char hash[DIGEST_TEXT_SIZE];
	struct digest digest;

	escape_terminal(out, text, len, SIZE_MAX);
	if (out->len <= LABEL_MAX)
		return;
	digest = digest_of(DIGEST_SHA256, text, len);
	str_clear(out);
	escape_terminal(out, text, len, LABEL_MAX);
	str_addf(out, "%.*s", HASH_DIGITS, strchr(digest_format(&digest, hash), ':') + 1);
}

void metrics_text_label(struct str *out, const char *text)
{
	CLEANUP(str_release) struct str readable = STR_INIT(STR_TEXT_MAX);

	add_readable(&readable, text);
	for (const char *at = str_text(&readable); *at; at++) {
		if (*at == '\\' || *at == '"')
			str_add_char(out, '\\');
		str_add_char(out, *at);
	}
}

static void add_name(struct str *out, const char *name, const struct metric_label *labels)
{
	char before = '{';

	str_add_text(out, name);
	for (const struct metric_label *label = labels; label->name; label++) {
		str_addf(out, "%c%s=\"", before, label->name);
		metrics_text_label(out, label->value);
		str_add_char(out, '"');
		before = ',';
	}
	if (before == ',')
		str_add_char(out, '}');
	str_add_char(out, ' ');
}

void metrics_text_sample(
	struct str *out, const char *name, const struct metric_label *labels, uint64_t value)
{
	add_name(out, name, labels);
	str_addf(out, "%" PRIu64 "\n", value);
}

void metrics_text_thousandths(
	struct str *out, const char *name, const struct metric_label *labels, int64_t value)
{
	uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

	add_name(out, name, labels);
	str_addf(out, "%s%" PRIu64 ".%03" PRIu64 "\n", value < 0 ? "-" : "", size / 1000,
		size % 1000);
}
