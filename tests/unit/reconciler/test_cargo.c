/* What goes along with an image, on its way: in which order, and what is told of it. */
#include <criterion/criterion.h>

#include "reconciler/carry.h"

static struct cargo cargo;
static struct record_carried told;

static void teardown(void)
{
	cargo_finish(&cargo, "image", &told);
	mem_free(told.why);
}

TestSuite(cargo, .fini = teardown);

static const struct attached_parts *add(enum attached_kind kind, const char *manifest)
{
	struct attached_item *item = vec_push(&cargo.attached.items);

	item->kind = kind;
	item->parts = mem_new(1, sizeof(*item->parts));
	if (manifest)
		item->parts->manifest =
			(struct document){.bytes = mem_strdup(manifest), .len = strlen(manifest)};
	return item->parts;
}

#define LABELLED(type) "{\"annotations\":{\"dev.sigstore.bundle.predicateType\":\"" type "\"}}"

Test(cargo, layers_stand_before_ours)
{
	const struct attach_item ours = {.payload = "ours"};
	const struct attached_parts *first = add(ATTACHED_SIG, NULL);
	const struct attached_parts *other = add(ATTACHED_ATT, NULL);
	const struct attached_parts *second = add(ATTACHED_SIG, NULL);
	CLEANUP(mem_freep) struct attach_item *all = cargo_load(&cargo, ATTACHED_SIG, &ours, 1);
	CLEANUP(mem_freep) struct attach_item *alone = cargo_load(&cargo, ATTACHED_ATT, NULL, 0);

	cr_assert_eq(cargo_count(&cargo, ATTACHED_SIG), 2);
	cr_expect_eq(all[0].parts, first);
	cr_expect_eq(all[1].parts, second);
	cr_expect_eq(all[2].payload, ours.payload);
	cr_assert_eq(cargo_count(&cargo, ATTACHED_ATT), 1);
	cr_expect_eq(alone[0].parts, other);
}

Test(cargo, bundles_go_after_ours_and_signatures_before_statements)
{
	const struct attach_item ours = {.payload = "ours"};
	const struct attached_parts *statement = add(ATTACHED_BUNDLE, LABELLED("https://a.b/c"));
	const struct attached_parts *signature =
		add(ATTACHED_BUNDLE, LABELLED("https://sigstore.dev/cosign/sign/v1"));
	CLEANUP(mem_freep) struct attach_item *all = cargo_load(&cargo, ATTACHED_BUNDLE, &ours, 1);

	cr_expect_eq(all[0].payload, ours.payload);
	cr_expect_eq(all[1].parts, signature);
	cr_expect_eq(all[2].parts, statement);
}

Test(cargo, what_came_of_it_is_told)
{
	CLEANUP(err_freep) struct err *err = NULL;

	add(ATTACHED_SIG, NULL);
	add(ATTACHED_ATT, NULL);
	add(ATTACHED_ATT, NULL);
	add(ATTACHED_BUNDLE, NULL);
	cargo_arrived(&cargo, ATTACHED_ATT);
	err_set(&err, ERR_INVALID, "refused");
	cargo_stayed(&cargo, ATTACHED_SIG, err);
	cr_expect_eq(cargo_count(&cargo, ATTACHED_SIG) + cargo_count(&cargo, ATTACHED_ATT), 0);
	cargo_finish(&cargo, "image", &told);
	cr_expect_eq(told.brought[CARRIED_ATTESTATIONS], 2);
	cr_expect_eq(told.brought[CARRIED_SIGNATURES], 0);
	/* The bundle was never sent: the image could not be signed. */
	cr_expect_eq(told.left, 2);
	cr_expect(told.failed);
	cr_expect_str_eq(told.why, "refused");
	mem_free(told.why);
}
