/*
 * Words about what was read and judged in signing.c. Knows the difference between a signature of
 * somebody else and a bundle that hides ours, not how either was verified.
 */
#include "reconciler/signing_reader.h"

static const struct attached_item *first_bundle(const struct attached *attached)
{
	for (size_t i = 0; i < attached->items.len; i++)
		if (attached->items.items[i].kind == ATTACHED_BUNDLE)
			return &attached->items.items[i];
	return NULL;
}

static bool is_ours(const struct signing_found *found, enum sign_form form)
{
	return found->is_signed[form] || found->says[form][PROMOTION_RECORD] ||
		found->says[form][PROMOTION_SLSA];
}

static void say_instead(const char *identity, const struct attached *attached,
	const struct signing_found *found, struct signing_outcome *outcome)
{
	const struct attached_item *bundle = first_bundle(attached);
	char digest[DIGEST_TEXT_SIZE];

	if (bundle && !is_ours(found, SIGN_BUNDLE)) {
		outcome->is_hidden = true;
		outcome->instead = mem_printf("the bundle %s is not by %s",
			digest_format(&bundle->manifest, digest), identity);
	} else if (attached->items.len) {
		outcome->instead = mem_printf("%zu attached, no signature among them that is by %s",
			attached->items.len, identity);
	}
}

void signing_reader_tell(const char *identity, const struct attached *attached,
	const struct signing_found *found, const struct signing_todo *todo,
	struct signing_outcome *outcome)
{
	outcome->signature = signing_todo_signs(todo) ? SIGNED_PLANNED : SIGNED_BEFORE;
	outcome->attestation = signing_todo_states(todo) ? SIGNED_PLANNED : SIGNED_BEFORE;
	if (signing_todo_signs(todo))
		say_instead(identity, attached, found, outcome);
}
