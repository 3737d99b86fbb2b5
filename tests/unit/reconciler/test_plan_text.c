#include "reconciler/plan_text.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reconciler/sorter.h"

static struct record record;
static struct str out = STR_INIT(STR_TEXT_MAX);

static void set_up(void)
{
	record = (struct record){
		.project = "a",
		.source = "src.io/foo",
		.destination = "dst.io/foo",
		.place = {"images/a/images.yaml", 3, 5},
		.outcome = OUTCOME_PLANNED,
	};
	/* As short as a digest can be shown in a test. */
	memset(record.digest.bytes, 0x11, DIGEST_SHA256_SIZE);
}

static void tear_down(void)
{
	record_release(&record);
	str_release(&out);
}

TestSuite(plan_text, .init = set_up, .fini = tear_down);

#define DIGEST "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define OTHER "sha256:2222222222222222222222222222222222222222222222222222222222222222"

static struct record_tag *add_tag(const char *name, enum tag_found found, enum tag_done done)
{
	struct record_tag *tag = vec_push(&record.tags);

	*tag = (struct record_tag){.name = name,
		.found = found,
		.done = done,
		.place = {"images/a/images.yaml", 4, 7}};
	return tag;
}

static void expect(const char *lines)
{
	str_clear(&out);
	plan_text_lines(&record, &out);
	cr_expect_str_eq(str_text(&out), lines);
}

static void set_signing(enum signed_state signature, enum signed_state attestation, bool leads)
{
	mem_free(record.signing.identity);
	record.signing.identity = mem_strdup("registry.example.com/foo");
	record.signing.primary = "dst.io/foo";
	record.signing.signature = signature;
	record.signing.attestation = attestation;
	record.signing.leads = leads;
}

Test(plan_text, what_a_tag_would_leave)
{
	struct record_tag *tag;

	add_tag("v1", TAG_ABSENT, TAG_DONE_PLANNED);
	tag = add_tag("latest", TAG_ELSEWHERE, TAG_DONE_PLANNED);
	memset(tag->found_digest.bytes, 0x22, DIGEST_SHA256_SIZE);
	expect("tag          dst.io/foo@" DIGEST " tags v1 moving latest from " OTHER "\n");
	vec_clear(&record.tags);
	tag = add_tag("latest", TAG_ELSEWHERE, TAG_DONE_QUARANTINED);
	tag->reason = FINDING_TAG_MOVE;
	tag->why = mem_strdup("moved by a newer \033 commit");
	memset(tag->found_digest.bytes, 0x22, DIGEST_SHA256_SIZE);
	record.outcome = OUTCOME_QUARANTINED;
	expect("quarantined  dst.io/foo:latest tag-move: is at " OTHER ", declared for " DIGEST
	       ": moved by a newer \\x1b commit (images/a/images.yaml:4)\n");
}

Test(plan_text, what_would_be_signed_once)
{
	record.digest_done = TAG_DONE_PLANNED;
	set_signing(SIGNED_PLANNED, SIGNED_PLANNED, true);
	expect("promote      dst.io/foo@" DIGEST " from src.io/foo\n"
	       "sign         dst.io/foo@" DIGEST
	       " as registry.example.com/foo, with a promotion record\n");
	set_signing(SIGNED_PLANNED, SIGNED_NOT_ASKED, true);
	expect("promote      dst.io/foo@" DIGEST " from src.io/foo\n"
	       "sign         dst.io/foo@" DIGEST " as registry.example.com/foo\n");
	set_signing(SIGNED_PLANNED, SIGNED_PLANNED, false);
	expect("promote      dst.io/foo@" DIGEST " from src.io/foo\n");
}

Test(plan_text, what_could_not_be_signed)
{
	record.outcome = OUTCOME_UNSIGNED;
	record.reason = FINDING_UNSIGNED;
	record.error = mem_strdup("not signed: Rekor");
	expect("unsigned     dst.io/foo@" DIGEST ": not signed: Rekor (images/a/images.yaml:3)\n");
}

Test(plan_text, a_copy_with_its_tags)
{
	record.digest_done = TAG_DONE_PLANNED;
	add_tag("v1", TAG_ABSENT, TAG_DONE_PLANNED);
	add_tag("v2", TAG_ABSENT, TAG_DONE_PLANNED);
	expect("promote      dst.io/foo@" DIGEST " from src.io/foo tags v1,v2\n");
}

Test(plan_text, a_copy_without_tags)
{
	record.digest_done = TAG_DONE_PLANNED;
	expect("promote      dst.io/foo@" DIGEST " from src.io/foo\n");
}

Test(plan_text, tags_only)
{
	add_tag("v1", TAG_AT_DIGEST, TAG_DONE_NOTHING);
	add_tag("v2", TAG_ABSENT, TAG_DONE_PLANNED);
	expect("tag          dst.io/foo@" DIGEST " tags v2\n");
}

Test(plan_text, a_moved_tag_beside_a_planned_one)
{
	struct record_tag *tag;

	record.outcome = OUTCOME_QUARANTINED;
	record.digest_done = TAG_DONE_PLANNED;
	add_tag("v1", TAG_ABSENT, TAG_DONE_PLANNED);
	tag = add_tag("v2", TAG_ELSEWHERE, TAG_DONE_QUARANTINED);
	tag->reason = FINDING_TAG_MOVE;
	memset(tag->found_digest.bytes, 0x22, DIGEST_SHA256_SIZE);
	expect("promote      dst.io/foo@" DIGEST " from src.io/foo tags v1\n"
	       "quarantined  dst.io/foo:v2 tag-move: is at " OTHER ", declared for " DIGEST
	       " (images/a/images.yaml:4)\n");
}

Test(plan_text, a_malformed_digest)
{
	record.outcome = OUTCOME_QUARANTINED;
	record.reason = FINDING_MALFORMED;
	record.digest_malformed = true;
	record.error = mem_strdup("the digest is malformed");
	expect("quarantined  dst.io/foo malformed: the digest is malformed "
	       "(images/a/images.yaml:3)\n");
}

Test(plan_text, lost_and_failed_say_why_without_control_characters)
{
	record.outcome = OUTCOME_LOST;
	record.error = mem_strdup("neither");
	expect("lost         dst.io/foo@" DIGEST ": neither (images/a/images.yaml:3)\n");
	record.outcome = OUTCOME_FAILED;
	record.error[0] = '\033';
	expect("failed       dst.io/foo@" DIGEST ": \\x1beither (images/a/images.yaml:3)\n");
}

Test(plan_text, waiting_for_another_destination)
{
	record.outcome = OUTCOME_WAITING;
	add_tag("v1", TAG_ABSENT, TAG_DONE_NOTHING);
	expect("waiting      dst.io/foo@" DIGEST " for src.io/foo tags v1\n");
}

Test(plan_text, in_place_is_no_line)
{
	record.outcome = OUTCOME_IN_PLACE;
	add_tag("v1", TAG_AT_DIGEST, TAG_DONE_NOTHING);
	expect("");
}

static bool append(void *ctx, const char *bytes, size_t len, struct err **err)
{
	(void)err;
	return str_add(ctx, bytes, len);
}

Test(plan_text, sorted_by_project_destination_digest)
{
	CLEANUP(plan_text_freep) struct plan_text *text = plan_text_new();
	static const char *const order[][2] = {
		{"b", "a.io/x"}, {"a", "z.io/x"}, {"a", "a.io/x"}, {"ab", "a.io/x"}};

	record.digest_done = TAG_DONE_PLANNED;
	for (size_t i = 0; i < 4; i++) {
		record.project = order[i][0];
		record.destination = order[i][1];
		record.source = order[i][0];
		plan_text_add(text, &record);
	}
	cr_assert(plan_text_write(text, append, &out, NULL));
	cr_expect_str_eq(str_text(&out),
		"promote      a.io/x@" DIGEST " from a\n"
		"promote      z.io/x@" DIGEST " from a\n"
		"promote      a.io/x@" DIGEST " from ab\n"
		"promote      a.io/x@" DIGEST " from b\n");
}

/* ---- The sorter below it ---- */

struct order_check {
	uint64_t count;
	unsigned long last;
	bool sorted;
};

static bool check_order(void *ctx, const char *bytes, size_t len, struct err **err)
{
	struct order_check *check = ctx;
	char text[16] = "";
	unsigned long number;

	(void)err;
	memcpy(text, bytes, len);
	number = strtoul(text, NULL, 10);
	check->sorted &= check->count == 0 || number >= check->last;
	check->last = number;
	check->count++;
	return true;
}

/* Everything in memory, one run in a file, and so many that the bound has grown. */
static void sort_numbers(size_t memory, unsigned long count)
{
	CLEANUP(sorter_freep) struct sorter *sorter = sorter_new(memory);
	struct order_check check = {.sorted = true};

	for (unsigned long i = 0; i < count; i++) {
		char text[16];
		int len = snprintf(text, sizeof(text), "%08lu", i * 7919 % count);

		cr_assert(sorter_add(sorter, text, (size_t)len, text, (size_t)len, NULL));
	}
	cr_assert(sorter_finish(sorter, check_order, &check, NULL));
	cr_expect_eq(check.count, count);
	cr_expect(check.sorted);
}

Test(sorter, more_than_fits)
{
	sort_numbers(0, 5000);
	sort_numbers(100 * 1000, 5000);
	sort_numbers(1000, 5000);
	sort_numbers(0, 0);
}

Test(sorter, a_missing_directory_is_an_error)
{
	CLEANUP(sorter_freep) struct sorter *sorter = sorter_new(1);
	CLEANUP(err_freep) struct err *err = NULL;

	setenv("TMPDIR", "/nowhere/at/all", 1);
	cr_expect(sorter_add(sorter, "k", 1, "t", 1, &err));
	cr_expect_not(sorter_add(sorter, "k", 1, "t", 1, &err));
	cr_assert(err);
	cr_expect_eq(err->kind, ERR_IO);
}
