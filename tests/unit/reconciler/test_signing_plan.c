#include <criterion/criterion.h>

#include "reconciler/signing_plan.h"

#define LEGACY [SIGN_LEGACY] = true
#define BUNDLE [SIGN_BUNDLE] = true
#define ALL                                                                                        \
	{                                                                                          \
		true, true                                                                         \
	}

static const struct signing_wanted legacy = {{LEGACY}, ALL};
static const struct signing_wanted bundle = {{BUNDLE}, ALL};
static const struct signing_wanted both = {ALL, ALL};

/* "L" and "B" sign, "l" and "b" the record, "s" and "t" the provenance. */
static void expect(
	const struct signing_wanted *wanted, struct signing_found found, const char *letters)
{
	const struct signing_todo todo = signing_plan(wanted, &found);
	char text[8] = "";
	size_t len = 0;

	if (todo.sign[SIGN_LEGACY])
		text[len++] = 'L';
	if (todo.sign[SIGN_BUNDLE])
		text[len++] = 'B';
	cr_expect_eq(signing_todo_signs(&todo), len > 0);
	size_t signs = len;
	if (todo.state[SIGN_LEGACY][PROMOTION_RECORD])
		text[len++] = 'l';
	if (todo.state[SIGN_LEGACY][PROMOTION_SLSA])
		text[len++] = 's';
	if (todo.state[SIGN_BUNDLE][PROMOTION_RECORD])
		text[len++] = 'b';
	if (todo.state[SIGN_BUNDLE][PROMOTION_SLSA])
		text[len++] = 't';
	cr_expect_eq(signing_todo_states(&todo), len > signs);
	cr_expect_str_eq(text, letters);
}

Test(signing_plan, nothing_is_there)
{
	const struct signing_found found = {0};

	expect(&legacy, found, "Lls");
	expect(&bundle, found, "Bbt");
	expect(&both, found, "LBlsbt");
	expect(&(struct signing_wanted){{LEGACY}, {true, false}}, found, "Ll");
	expect(&(struct signing_wanted){{LEGACY}, {false, false}}, found, "L");
}

Test(signing_plan, all_is_there)
{
	const struct signing_found found = {true, ALL, {ALL, ALL}};

	expect(&legacy, found, "");
	expect(&bundle, found, "");
	expect(&both, found, "");
}

Test(signing_plan, a_bundle_of_anybody_makes_ours_needed)
{
	expect(&legacy, (struct signing_found){.has_bundle = true}, "LBlsbt");
	expect(&legacy,
		(struct signing_found){
			.has_bundle = true, .is_signed = {LEGACY}, .says = {[SIGN_LEGACY] = ALL}},
		"Bbt");
}

Test(signing_plan, a_legacy_signature_is_none_for_bundles)
{
	expect(&bundle,
		(struct signing_found){.is_signed = {LEGACY}, .says = {[SIGN_LEGACY] = ALL}},
		"Bbt");
}

Test(signing_plan, only_what_is_missing)
{
	expect(&legacy, (struct signing_found){.is_signed = {LEGACY}}, "ls");
	expect(&legacy,
		(struct signing_found){
			.is_signed = {LEGACY}, .says = {[SIGN_LEGACY] = {true, false}}},
		"s");
	expect(&legacy, (struct signing_found){.says = {[SIGN_LEGACY] = ALL}}, "L");
}
