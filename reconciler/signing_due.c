/*
 * Unknown is never missing: a list that was cut off, or a question without an answer, makes nothing due.
 */
#include "reconciler/signing_due.h"

#include "reconciler/observed_bundles.h"

static unsigned lacks(const struct signing_wanted *wanted, const struct signing_subject *subject)
{
	unsigned due = 0;

	for (int form = 0; form < SIGN_FORMS; form++) {
		if (!wanted->forms[form])
			continue;
		if (subject->signature[form] == KNOWN_ABSENT)
			due |= SIGNING_LACKS_SIGNATURE;
		for (int i = 0; i < PROMOTION_STATEMENTS; i++)
			if (wanted->statements[i] && subject->statements[form][i] == KNOWN_ABSENT)
				due |= SIGNING_LACKS_STATEMENT;
	}
	return due;
}

static bool is_swept(const struct signing_rules *rules, const uint8_t *sha256)
{
	uint64_t number = 0;

	if (!rules->sweep)
		return false;
	for (int i = 0; i < 8; i++)
		number = number << 8 | sha256[i];
	return number % rules->sweep == rules->unix_hour % rules->sweep;
}

unsigned signing_due(const struct signing_rules *rules, const struct signing_subject *subject)
{
	unsigned due;

	if (subject->is_withheld)
		return 0;
	due = lacks(&rules->wanted, subject);
	if (subject->is_changed || rules->depth == VERIFY_FULL || is_swept(rules, subject->sha256))
		due |= SIGNING_TO_CHECK;
	return due;
}

struct signing_subject signing_subject_of(const struct observed *observed, uint32_t digest)
{
	struct signing_subject subject = {
		.sha256 = observed->wanted->digests.items[digest].sha256,
		.signature[SIGN_LEGACY] = observed_beside(observed, digest, BESIDE_SIG),
		.signature[SIGN_BUNDLE] = observed_bundle_signature(observed, digest),
	};

	for (int i = 0; i < PROMOTION_STATEMENTS; i++) {
		subject.statements[SIGN_LEGACY][i] = observed_beside(observed, digest, BESIDE_ATT);
		subject.statements[SIGN_BUNDLE][i] = observed_bundle_statement(observed, digest, i);
	}
	return subject;
}
