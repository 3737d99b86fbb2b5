/*
 * What is to be signed of an image: a pure function of what is wanted and what is verified to be
 * there. Why it is asked (the image was just promoted, or found unsigned) makes no difference.
 *
 * Form by form, since a client that sees one Sigstore bundle looks at nothing else: where a bundle
 * is attached, by whomever, ours are attached too; a statement never stands in a form in which the
 * signature does not.
 */
#ifndef CIP_RECONCILER_SIGNING_PLAN_H
#define CIP_RECONCILER_SIGNING_PLAN_H

#include <stdbool.h>

#include "reconciler/promotion_record.h"
#include "signer/signer.h"

#define SIGN_FORMS 2 /* enum sign_form: cosign's .sig and .att, and bundles as referrers */

struct signing_wanted {
	bool forms[SIGN_FORMS];
	bool statements[PROMOTION_STATEMENTS];
};

/* Verified, under exactly our identity. */
struct signing_found {
	bool has_bundle; /* of anybody, verified or not */
	bool is_signed[SIGN_FORMS];
	bool says[SIGN_FORMS][PROMOTION_STATEMENTS]; /* with the same content */
};

struct signing_todo {
	bool sign[SIGN_FORMS];
	bool state[SIGN_FORMS][PROMOTION_STATEMENTS];
};

struct signing_todo signing_plan(
	const struct signing_wanted *wanted, const struct signing_found *found);

/* Of the forms together: is there a signature to make, a statement? */
bool signing_todo_signs(const struct signing_todo *todo);
bool signing_todo_states(const struct signing_todo *todo);

#endif
