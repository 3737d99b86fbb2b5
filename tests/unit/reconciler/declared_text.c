#include "tests/unit/reconciler/declared_text.h"

#include <criterion/criterion.h>

struct declared *declared_of(const struct memory_file *files, bool succeeds)
{
	CLEANUP(err_freep) struct err *err = NULL;
	CLEANUP(source_freep) struct source *source = memory_source(files);
	struct declared *declared = NULL;
	bool loaded = declared_load_thin(source, NULL, &declared, &err);
	cr_assert_eq(loaded, succeeds, "%s", err ? err->msg : "it succeeded");
	cr_assert_not_null(declared);
	cr_assert_eq(err == NULL, succeeds);
	return declared;
}

void add_findings(const struct declared *declared, struct str *out)
{
	for (size_t i = 0; i < declared->findings.len; i++) {
		const struct finding *finding = &declared->findings.items[i];
		str_addf(out, "%s:%u:%u %s: %s\n", finding->place.file, finding->place.line,
			finding->place.column, finding_kind_name(finding->kind), finding->message);
	}
}

void expect_findings(const struct declared *declared, const char *wanted)
{
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);
	add_findings(declared, &text);
	cr_assert_str_eq(str_text(&text), wanted);
}
