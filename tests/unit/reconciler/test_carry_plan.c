/* What goes along to the primary of what stands beside an image in its source. */
#include <criterion/criterion.h>

#include "reconciler/carry_plan.h"

static struct attached staging, primary;
static struct image_verdicts verdicts;
static struct record_carried carried;

static void teardown(void)
{
	for (size_t i = 0; i < staging.items.len; i++)
		attached_item_release(&staging.items.items[i]);
	for (size_t i = 0; i < primary.items.len; i++)
		attached_item_release(&primary.items.items[i]);
	vec_release(&staging.items);
	vec_release(&staging.others);
	vec_release(&primary.items);
	image_verdicts_release(&verdicts);
	mem_free(carried.why);
}

TestSuite(carry_plan, .fini = teardown);

/* Something that is known by its number. */
static struct attached_item *add(struct attached *to, enum attached_kind kind, unsigned number)
{
	struct attached_item *item = vec_push(&to->items);
	char signature[32];

	snprintf(signature, sizeof(signature), "%u", number);
	*item = (struct attached_item){
		.kind = kind,
		.layer = number,
		.manifest = digest_of(DIGEST_SHA256, &number, sizeof(number)),
		.parts = mem_new(1, sizeof(*item->parts)),
	};
	item->parts->layer.media_type = mem_strdup("a/b");
	item->parts->layer.json = mem_strdup("{}");
	item->parts->layer.annotations[LEGACY_SIGNATURE] = mem_strdup(signature);
	return item;
}

static struct attached_item *add_staging(
	enum attached_kind kind, unsigned number, const char *why_not)
{
	struct image_verdict *verdict = vec_push(&verdicts.items);

	verdict->counts = !why_not;
	verdict->why_not = why_not ? mem_strdup(why_not) : NULL;
	return add(&staging, kind, number);
}

static void expect_kept(size_t count, const unsigned *numbers)
{
	carry_plan(&staging, &verdicts, &primary, &carried);
	cr_assert_eq(staging.items.len, count);
	for (size_t i = 0; i < count; i++)
		cr_expect_eq(staging.items.items[i].layer, numbers[i]);
}

Test(carry_plan, what_verifies_goes_along_in_its_order)
{
	add_staging(ATTACHED_SIG, 1, NULL);
	add_staging(ATTACHED_SIG, 2, "not verified, at identity");
	add_staging(ATTACHED_ATT, 3, NULL);
	add_staging(ATTACHED_BUNDLE, 4, "another reason");
	add_staging(ATTACHED_BUNDLE, 5, NULL);
	expect_kept(3, (unsigned[]){1, 3, 5});
	cr_expect_eq(carried.left, 2);
	cr_expect_not(carried.failed);
	cr_expect_str_eq(carried.why, "not verified, at identity");
}

Test(carry_plan, what_is_there_needs_nothing)
{
	add(&primary, ATTACHED_SIG, 1);
	add(&primary, ATTACHED_BUNDLE, 2);
	add_staging(ATTACHED_SIG, 1, NULL);
	add_staging(ATTACHED_BUNDLE, 2, NULL);
	/* Nor is it told of, if it was brought by somebody else. */
	add(&primary, ATTACHED_SIG, 3);
	add_staging(ATTACHED_SIG, 3, "not verified, at identity");
	/* The same number, but another kind. */
	add_staging(ATTACHED_ATT, 1, NULL);
	expect_kept(1, (unsigned[]){1});
	cr_expect_eq(staging.items.items[0].kind, ATTACHED_ATT);
	cr_expect_eq(carried.left, 0);
	cr_expect_null(carried.why);
}

Test(carry_plan, what_could_not_be_read_is_left)
{
	struct attached_item *item = add_staging(ATTACHED_SIG, 1, "the tag holds an image index");

	attached_item_release(item);
	*item = (struct attached_item){
		.kind = ATTACHED_SIG, .error = mem_strdup("tag: an image index")};
	expect_kept(0, NULL);
	cr_expect_eq(carried.left, 1);
	cr_expect_str_eq(carried.why, "tag: an image index");
}

Test(carry_plan, foreign_layers_are_left_and_referrers_are_not_counted)
{
	staging.foreign = 3;
	*vec_push(&staging.others) = (struct digest){0};
	expect_kept(0, NULL);
	cr_expect_eq(carried.left, 2);
}

Test(carry_plan, no_more_than_so_many_of_each_kind)
{
	for (unsigned i = 0; i < CARRY_MAX + 3; i++)
		add_staging(ATTACHED_SIG, i, NULL);
	add_staging(ATTACHED_ATT, 1, NULL);
	carry_plan(&staging, &verdicts, &primary, &carried);
	cr_expect_eq(staging.items.len, CARRY_MAX + 1);
	cr_expect_eq(carried.left, 3);
}

Test(carry_plan, no_more_than_so_many_bytes_of_descriptors)
{
	struct attached_item *item = add_staging(ATTACHED_SIG, 1, NULL);

	mem_free(item->parts->layer.json);
	item->parts->layer.json = mem_new(CARRY_DESCRIPTORS_MAX + 2, 1);
	memset(item->parts->layer.json, 'x', CARRY_DESCRIPTORS_MAX + 1);
	add_staging(ATTACHED_SIG, 2, NULL);
	expect_kept(1, (unsigned[]){2});
	cr_expect_eq(carried.left, 1);
}

Test(carry_plan, an_error_is_told_rather_than_a_verdict)
{
	CLEANUP(err_freep) struct err *err = NULL;

	carry_leave(&carried, 2, "not verified");
	err_set(&err, ERR_TRANSIENT, "registry: 503");
	carry_fail(&carried, 1, err);
	carry_leave(&carried, 1, "not verified either");
	cr_expect_eq(carried.left, 4);
	cr_expect(carried.failed);
	cr_expect_str_eq(carried.why, "registry: 503");
}
