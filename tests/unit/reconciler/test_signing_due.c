#include "reconciler/signing_due.h"

#include <criterion/criterion.h>
#include <string.h>

#define LACKS_BOTH (SIGNING_LACKS_SIGNATURE | SIGNING_LACKS_STATEMENT)

static const uint8_t digest[DIGEST_SHA256_SIZE] = {0, 0, 0, 0, 0, 0, 1, 4, 77}; /* 260 */

static const struct signing_rules legacy = {
	.wanted = {.forms = {[SIGN_LEGACY] = true}, .statements = {true, true}}};

static struct signing_subject subject(enum known signature, enum known statements)
{
	struct signing_subject subject = {.sha256 = digest, .signature[SIGN_LEGACY] = signature};

	for (int i = 0; i < PROMOTION_STATEMENTS; i++)
		subject.statements[SIGN_LEGACY][i] = statements;
	return subject;
}

static void expect(const struct signing_rules *rules, enum known signature, enum known statements,
	unsigned due)
{
	struct signing_subject what = subject(signature, statements);

	cr_expect_eq(signing_due(rules, &what), due, "%s/%s: %x", known_name(signature),
		known_name(statements), signing_due(rules, &what));
}

Test(signing_due, only_what_is_known_to_be_absent_is_missing)
{
	expect(&legacy, KNOWN_PRESENT, KNOWN_PRESENT, 0);
	expect(&legacy, KNOWN_ABSENT, KNOWN_PRESENT, SIGNING_LACKS_SIGNATURE);
	expect(&legacy, KNOWN_PRESENT, KNOWN_ABSENT, SIGNING_LACKS_STATEMENT);
	expect(&legacy, KNOWN_ABSENT, KNOWN_ABSENT, LACKS_BOTH);
	expect(&legacy, KNOWN_NOTHING, KNOWN_NOTHING, 0);
}

Test(signing_due, only_what_is_wanted_can_be_missing)
{
	struct signing_rules rules = legacy;

	rules.wanted.statements[PROMOTION_RECORD] = rules.wanted.statements[PROMOTION_SLSA] = false;
	expect(&rules, KNOWN_ABSENT, KNOWN_ABSENT, SIGNING_LACKS_SIGNATURE);
	rules.wanted.statements[PROMOTION_SLSA] = true;
	expect(&rules, KNOWN_ABSENT, KNOWN_ABSENT, LACKS_BOTH);
	rules.wanted.forms[SIGN_LEGACY] = false;
	rules.wanted.forms[SIGN_BUNDLE] = true;
	expect(&rules, KNOWN_ABSENT, KNOWN_ABSENT, 0);
}

Test(signing_due, each_digest_has_its_hour)
{
	struct signing_rules rules = legacy;

	rules.sweep = 167;
	for (uint64_t hour = 0; hour < 400; hour++) {
		rules.unix_hour = hour;
		expect(&rules, KNOWN_PRESENT, KNOWN_PRESENT,
			hour % 167 == 260 % 167 ? SIGNING_TO_CHECK : 0);
	}
	rules.unix_hour = 260;
	expect(&rules, KNOWN_PRESENT, KNOWN_ABSENT, SIGNING_LACKS_STATEMENT | SIGNING_TO_CHECK);
	rules.sweep = 0;
	expect(&rules, KNOWN_PRESENT, KNOWN_PRESENT, 0);
}

/* However far apart runs are, as long as they are regular. */
Test(signing_due, every_interval_comes_to_every_digest)
{
	struct signing_rules rules = legacy;

	rules.sweep = 167;
	for (unsigned interval = 1; interval <= 24; interval++) {
		unsigned times = 0;

		for (unsigned run = 0; run < 167; run++) {
			struct signing_subject what = subject(KNOWN_PRESENT, KNOWN_PRESENT);

			rules.unix_hour = 495000 + run * interval;
			times += signing_due(&rules, &what) != 0;
		}
		cr_expect_eq(times, 1, "every %u hours: %u times", interval, times);
	}
}

Test(signing_due, full_depth_and_writes_are_always_checked)
{
	struct signing_rules rules = legacy;
	struct signing_subject what = subject(KNOWN_PRESENT, KNOWN_PRESENT);

	what.is_changed = true;
	cr_expect_eq(signing_due(&rules, &what), SIGNING_TO_CHECK);
	rules.depth = VERIFY_FULL;
	expect(&rules, KNOWN_PRESENT, KNOWN_PRESENT, SIGNING_TO_CHECK);
}

Test(signing_due, what_is_withheld_is_left_alone)
{
	struct signing_rules rules = legacy;
	struct signing_subject what = subject(KNOWN_ABSENT, KNOWN_ABSENT);

	rules.depth = VERIFY_FULL;
	what.is_changed = what.is_withheld = true;
	cr_expect_eq(signing_due(&rules, &what), 0);
}
