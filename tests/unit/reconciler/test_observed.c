#include "reconciler/observed.h"

#include <criterion/criterion.h>
#include <string.h>

#include "replicator/replica_tag.h"
#include "tests/unit/reconciler/model_fixture.h"

static struct manifest_tree tree;
static struct registry *model;
static struct worklist *list;
static struct wanted wanted;
static struct observed observed;
static const struct repository *repository;

/* dst.io/foo wants digest 1 as v1 and v2, digest 2 as v3, digest 3 by itself. */
static void set_up(void)
{
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);
	static const char *const tags[] = {"[\"v1\", \"v2\"]", "[\"v3\"]", "[]"};

	str_add_text(&text, "- name: foo\n  dmap:\n");
	for (unsigned i = 1; i <= 3; i++) {
		struct digest digest = model_digest(i);
		char shown[DIGEST_TEXT_SIZE];

		str_addf(&text, "    \"%s\": %s\n", digest_format(&digest, shown), tags[i - 1]);
	}
	manifest_tree_init(&tree);
	manifest_tree_project(&tree, "a", "*src.io dst.io", str_text(&text));
	manifest_tree_load(&tree);
	model = model_new();
	list = worklist_new(tree.declared);
	repository = &list->destinations.items[0].repository;
	wanted_init(&wanted, list, 0);
	observed_init(&observed, &wanted);
}

static void tear_down(void)
{
	observed_release(&observed);
	wanted_release(&wanted);
	worklist_free(list);
	model_free(model);
	manifest_tree_release(&tree);
}

TestSuite(observed, .init = set_up, .fini = tear_down);

static void look(void)
{
	cr_assert(observed_list(&observed, model, repository, NULL));
	for (size_t i = 0; i < observed.questions.len; i++)
		observed_ask(&observed, model, repository, i, NULL);
	observed_finish(&observed);
}

static enum tag_found tag(const char *name)
{
	return observed.tags[wanted_slot(&wanted, name)].found;
}

static enum known digest(unsigned number)
{
	struct digest value = model_digest(number);

	return observed.digests[wanted_find(&wanted, value.bytes)];
}

static void fill(void)
{
	model_hold(model, "dst.io/foo", 1, "v1");
	model_hold(model, "dst.io/foo", 9, "v3");
	model_hold(model, "dst.io/foo", 2, NULL);
	model_hold(model, "dst.io/foo", 9, "unrelated");
}

Test(observed, google_tells_everything_in_one_request)
{
	model_set_google(model, "dst.io");
	fill();
	look();
	cr_expect_eq(model_counts(model).requests, 1);
	cr_expect_eq(tag("v1"), TAG_AT_DIGEST);
	cr_expect_eq(tag("v2"), TAG_ABSENT);
	cr_expect_eq(tag("v3"), TAG_ELSEWHERE);
	cr_expect_eq(digest(1), KNOWN_PRESENT);
	cr_expect_eq(digest(2), KNOWN_PRESENT);
	cr_expect_eq(digest(3), KNOWN_ABSENT);
}

Test(observed, plain_asks_for_listed_tags_and_tagless_digests_only)
{
	fill();
	look();
	/* The list, v1, v3, digest 3. */
	cr_expect_eq(model_counts(model).requests, 4);
	cr_expect_eq(tag("v1"), TAG_AT_DIGEST);
	cr_expect_eq(tag("v2"), TAG_ABSENT);
	cr_expect_eq(tag("v3"), TAG_ELSEWHERE);
	cr_expect_eq(digest(1), KNOWN_PRESENT);
	cr_expect_eq(digest(2), KNOWN_NOTHING, "a plain list is silent about it");
	cr_expect_eq(digest(3), KNOWN_ABSENT);
	cr_expect_eq(observed.tally.requests, 4);
}

Test(observed, a_plain_404_proves_no_digest_absent)
{
	model_hold(model, "dst.io/foo", 3, NULL);
	look();
	cr_expect_eq(tag("v1"), TAG_ABSENT);
	cr_expect_eq(digest(1), KNOWN_NOTHING);
	cr_expect_eq(digest(3), KNOWN_PRESENT);
	cr_expect_null(observed.err);
}

static bool refuse(
	void *ctx, enum model_verb verb, const char *name, const char *reference, struct err **err)
{
	(void)name;
	(void)reference;
	if (verb != *(enum model_verb *)ctx)
		return true;
	return err_set_http(err, ERR_AUTH, 403, "403 Forbidden");
}

Test(observed, nothing_of_a_broken_list_is_used)
{
	enum model_verb verb = MODEL_LIST;
	struct err *err = NULL;

	model_set_google(model, "dst.io");
	fill();
	model_set_fault(model, refuse, &verb);
	cr_assert_not(observed_list(&observed, model, repository, &err));
	cr_expect_eq(err->kind, ERR_AUTH);
	observed_finish(&observed);
	cr_expect_eq(tag("v1"), TAG_UNKNOWN);
	cr_expect_eq(tag("v2"), TAG_UNKNOWN);
	cr_expect_eq(digest(1), KNOWN_NOTHING);
	cr_expect_eq(observed.questions.len, 0);
	cr_expect_eq(observed_error(&observed, false, 0)->kind, ERR_AUTH);
	cr_expect_eq(observed_beside(&observed, 0, BESIDE_SIG), KNOWN_NOTHING);
	err_free(err);
}

Test(observed, a_question_without_answer_leaves_only_its_subject_unknown)
{
	enum model_verb verb = MODEL_HEAD;

	fill();
	model_set_fault(model, refuse, &verb);
	look();
	cr_expect_eq(tag("v1"), TAG_UNKNOWN);
	cr_expect_eq(tag("v2"), TAG_ABSENT);
	cr_expect_eq(digest(3), KNOWN_NOTHING);
	cr_expect_not_null(observed_error(&observed, false, wanted_slot(&wanted, "v1")));
	cr_expect_null(observed_error(&observed, false, wanted_slot(&wanted, "v2")));
}

Test(observed, a_tag_deleted_between_list_and_head_is_absent)
{
	fill();
	cr_assert(observed_list(&observed, model, repository, NULL));
	model_free(model);
	model = model_new();
	for (size_t i = 0; i < observed.questions.len; i++)
		cr_expect(observed_ask(&observed, model, repository, i, NULL));
	cr_expect_eq(tag("v1"), TAG_ABSENT);
}

Test(observed, absence_from_a_list_at_the_cut_off_is_asked_for)
{
	model_set_google(model, "dst.io");
	for (unsigned i = 0; i < 10000; i++)
		model_hold(model, "dst.io/foo", 100 + i, NULL);
	look();
	/* The list, three tags, the tagless digest. */
	cr_expect_eq(model_counts(model).requests, 5);
	cr_expect_eq(tag("v1"), TAG_ABSENT);
	cr_expect_eq(digest(3), KNOWN_ABSENT);
	cr_expect_eq(digest(1), KNOWN_NOTHING);
	cr_expect_eq(observed_beside(&observed, 0, BESIDE_SIG), KNOWN_NOTHING);
}

Test(observed, a_tag_listed_under_two_digests_is_asked_for)
{
	model_set_google(model, "dst.io");
	fill();
	model_contradict(model, "dst.io/foo", 2, "v1");
	look();
	cr_expect_eq(model_counts(model).heads, 1);
	cr_expect_eq(tag("v1"), TAG_AT_DIGEST);
	cr_expect_eq(observed.tags[wanted_slot(&wanted, "v1")].digest,
		wanted_find(&wanted, model_digest(1).bytes));
}

static enum known beside(unsigned number, enum observed_beside what)
{
	struct digest value = model_digest(number);

	return observed_beside(&observed, wanted_find(&wanted, value.bytes), what);
}

static void hold_beside(unsigned number, enum replica_kind kind)
{
	struct replica_tag tag = {.kind = kind};
	char text[REPLICA_TAG_TEXT_SIZE];

	memcpy(tag.image, model_digest(number).bytes, sizeof(tag.image));
	model_hold(model, "dst.io/foo", 8, replica_tag_format(&tag, text));
}

static void expect_beside(void)
{
	look();
	cr_expect_eq(beside(1, BESIDE_SIG), KNOWN_PRESENT);
	cr_expect_eq(beside(1, BESIDE_ATT), KNOWN_ABSENT);
	cr_expect_eq(beside(1, BESIDE_INDEX), KNOWN_ABSENT);
	cr_expect_eq(beside(2, BESIDE_SIG), KNOWN_ABSENT);
	cr_expect_eq(beside(2, BESIDE_ATT), KNOWN_PRESENT);
	cr_expect_eq(beside(2, BESIDE_SBOM), KNOWN_PRESENT);
	cr_expect_eq(beside(2, BESIDE_INDEX), KNOWN_PRESENT);
	cr_expect_eq(beside(3, BESIDE_SIG), KNOWN_ABSENT);
}

static void fill_beside(void)
{
	fill();
	hold_beside(1, REPLICA_SIG);
	hold_beside(2, REPLICA_ATT);
	hold_beside(2, REPLICA_SBOM);
	hold_beside(2, REPLICA_REFERRERS);
	hold_beside(9, REPLICA_SIG); /* of nothing that is wanted */
}

Test(observed, a_plain_list_tells_what_stands_beside)
{
	fill_beside();
	expect_beside();
}

Test(observed, so_does_googles)
{
	model_set_google(model, "dst.io");
	fill_beside();
	expect_beside();
	cr_expect_eq(model_counts(model).requests, 1);
}

Test(observed, nothing_stands_beside_in_a_repository_that_is_not_there)
{
	look();
	cr_expect_eq(beside(1, BESIDE_SIG), KNOWN_ABSENT);
}

Test(observed, tags_that_nobody_declares)
{
	struct replica_tag beside = {.kind = REPLICA_SIG};
	char name[REPLICA_TAG_TEXT_SIZE];

	model_set_google(model, "dst.io");
	fill();
	model_hold(model, "dst.io/foo", 9, "another");
	model_hold(model, "dst.io/foo", 9, replica_tag_format(&beside, name));
	observed_want_extra(&observed);
	look();
	cr_expect_eq(observed.extra->count, 2);
	cr_assert_eq(observed.extra->names.len, 2);
	cr_expect_str_eq(observed.extra->names.items[0], "another");
	cr_expect_str_eq(observed.extra->names.items[1], "unrelated");
}

Test(observed, at_the_depth_of_presence_a_listed_tag_is_believed)
{
	observed.believes_tags = true;
	fill();
	look();
	/* The list, and the digest without a tag. */
	cr_expect_eq(model_counts(model).requests, 2);
	cr_expect_eq(tag("v1"), TAG_AT_DIGEST);
	cr_expect_eq(tag("v2"), TAG_ABSENT);
	cr_expect_eq(tag("v3"), TAG_AT_DIGEST, "which is not so");
	cr_expect_eq(digest(1), KNOWN_PRESENT);
}

Test(observed, a_tag_that_may_move_is_not_believed)
{
	for (uint32_t i = 0; i < wanted.tags.len; i++)
		wanted.tags.items[i].is_mutable = strcmp(wanted.tags.items[i].name, "v3") == 0;
	observed.believes_tags = true;
	fill();
	look();
	cr_expect_eq(model_counts(model).requests, 3);
	cr_expect_eq(tag("v1"), TAG_AT_DIGEST);
	cr_expect_eq(tag("v3"), TAG_ELSEWHERE);
}

Test(observed, what_a_list_says_of_digests_is_believed_before)
{
	observed.believes_tags = true;
	model_set_google(model, "dst.io");
	fill();
	look();
	cr_expect_eq(model_counts(model).requests, 1);
	cr_expect_eq(tag("v3"), TAG_ELSEWHERE);
}
