/* reconciler/drift.h: events in, numbers and items out. */
#include "reconciler/drift.h"

#include <criterion/criterion.h>
#include <string.h>

static struct drift drift;

static void begin(void)
{
	drift_init(&drift);
}

static void done(void)
{
	drift_release(&drift);
}

TestSuite(drift, .init = begin, .fini = done);

static struct digest digest_number(uint8_t number)
{
	const uint8_t bytes[DIGEST_SHA256_SIZE] = {number};

	return digest_from_sha256(bytes);
}

/* A pair of project "a" in "dst/app" that is there, signed at this primary. */
static struct record pair(uint8_t number)
{
	return (struct record){
		.project = "a",
		.destination = "dst/app",
		.place = {"images/a/images.yaml", 10, 5},
		.digest = digest_number(number),
		.digest_found = KNOWN_PRESENT,
		.outcome = OUTCOME_IN_PLACE,
		.signing = {.leads = true,
			.primary = "dst/app",
			.signature = SIGNED_BEFORE,
			.attestation = SIGNED_BEFORE},
	};
}

static void add_tag(struct record *record, const char *name, enum tag_found found)
{
	*vec_push(&record->tags) = (struct record_tag){
		.name = name, .found = found, .place = {"images/a/images.yaml", 11, 20}};
}

static void tell(struct record *record)
{
	const struct event event = {.kind = EVENT_RECORD, .record = *record};

	drift_event(&drift, &event);
	vec_release(&record->tags);
}

static void tell_look(const struct repository_look *look)
{
	const struct event event = {.kind = EVENT_LOOK, .look = *look};

	drift_event(&drift, &event);
}

static uint64_t total_of(enum drift_kind kind)
{
	return drift_total(&drift).drift[kind];
}

/* The only item. */
static const struct drift_item *single(enum drift_kind kind)
{
	struct drift_project total = drift_total(&drift);

	cr_assert_eq(drift.items.len, 1);
	cr_assert_eq(drift.items.items[0].kind, kind);
	cr_assert_eq(total.drift[kind], 1);
	cr_assert_not(drift_is_none(&total));
	return &drift.items.items[0];
}

Test(drift, nothing_drifted)
{
	struct record record = pair(1);
	struct drift_project total;

	add_tag(&record, "v1", TAG_AT_DIGEST);
	add_tag(&record, "v2", TAG_AT_DIGEST);
	tell(&record);
	tell_look(&(struct repository_look){.repository = "dst/app", .project = "a"});
	drift_finish(&drift);
	total = drift_total(&drift);
	cr_expect(drift_is_none(&total));
	cr_expect_eq(drift.items.len, 0);
	cr_expect_eq(drift.repositories, 1);
	cr_expect_eq(total.images, 1);
	cr_expect_eq(total.images_in_place, 1);
	cr_expect_eq(total.tags, 2);
	cr_expect_eq(total.tags_in_place, 2);
	cr_expect_eq(total.signed_assumed, 1);
}

Test(drift, a_tag_that_points_elsewhere)
{
	struct record record = pair(1);
	const struct drift_item *item;
	struct digest declared = digest_number(1), found = digest_number(9);

	add_tag(&record, "v1", TAG_ELSEWHERE);
	record.tags.items[0].found_digest = found;
	add_tag(&record, "v2", TAG_AT_DIGEST);
	record.outcome = OUTCOME_QUARANTINED;
	tell(&record);
	item = single(DRIFT_TAG_ELSEWHERE);
	cr_expect_str_eq(item->repository, "dst/app");
	cr_expect_str_eq(item->tag, "v1");
	cr_expect(digest_equal(&item->digest, &declared));
	cr_expect(item->has_found && digest_equal(&item->found, &found));
	cr_expect_eq(item->place.line, 11);
	cr_expect_eq(drift_total(&drift).images_in_place, 0);
	cr_expect_eq(drift_total(&drift).tags_in_place, 1);
}

Test(drift, a_tag_that_may_move)
{
	struct record record = pair(1);

	add_tag(&record, "v1", TAG_ELSEWHERE);
	record.tags.items[0].done = TAG_DONE_PLANNED;
	record.outcome = OUTCOME_PLANNED;
	tell(&record);
	cr_expect_str_eq(single(DRIFT_TAG_ELSEWHERE)->message, "the next run moves it");
}

Test(drift, what_was_read_and_is_not_ours)
{
	struct record verified = pair(1), foreign = pair(2), hidden = pair(3);

	verified.signing.verified = true;
	tell(&verified);
	foreign.signing.signature = SIGNED_PLANNED;
	foreign.signing.instead = mem_strdup("1 attached");
	tell(&foreign);
	cr_expect_str_eq(single(DRIFT_UNSIGNED)->message, "1 attached");
	mem_free(foreign.signing.instead);
	hidden.signing.signature = hidden.signing.attestation = SIGNED_PLANNED;
	hidden.signing.is_hidden = true;
	tell(&hidden);
	cr_expect_eq(total_of(DRIFT_FOREIGN_BUNDLE), 1);
	cr_expect_eq(total_of(DRIFT_UNSIGNED), 1);
	cr_expect_eq(total_of(DRIFT_UNRECORDED), 1);
	cr_expect_eq(drift_total(&drift).signed_verified, 1);
	cr_expect_eq(drift_total(&drift).signed_assumed, 0);
}

/* What a promotion brings along is not missed by itself. */
Test(drift, a_missing_tag_has_no_record_yet)
{
	struct record record = pair(1);

	add_tag(&record, "v1", TAG_ABSENT);
	record.tags.items[0].done = TAG_DONE_PLANNED;
	record.signing.attestation = SIGNED_PLANNED;
	record.outcome = OUTCOME_PLANNED;
	tell(&record);
	single(DRIFT_MISSING_TAG);
}

Test(drift, mirrors_that_differ)
{
	struct event event = {.kind = EVENT_MIRROR,
		.mirrored = {.destination = "mirror/app",
			.primary = "dst/app",
			.project = "a",
			.end = REPLICA_DIFFERS}};
	const struct drift_item *item;

	/* Could not be listed: its look says so. */
	drift_event(&drift, &event);
	event.mirrored.tag = mem_printf("sha256-%064d.sig", 1);
	drift_event(&drift, &event);
	item = single(DRIFT_MIRROR);
	cr_expect_str_eq(item->repository, "mirror/app");
	cr_expect_str_eq(item->message, "differs (from dst/app)");
	cr_expect(item->has_digest);
	event.mirrored.end = REPLICA_IN_PLACE;
	drift_event(&drift, &event);
	single(DRIFT_MIRROR);
	mem_free(event.mirrored.tag);
}

Test(drift, what_is_missing)
{
	struct record tagged = pair(1), absent = pair(2), lost = pair(3);

	add_tag(&tagged, "v1", TAG_ABSENT);
	tagged.outcome = OUTCOME_PLANNED;
	tell(&tagged);
	single(DRIFT_MISSING_TAG);

	/* Its signature is not missed by itself. */
	absent.digest_found = lost.digest_found = KNOWN_ABSENT;
	absent.signing.signature = lost.signing.signature = SIGNED_PLANNED;
	absent.outcome = OUTCOME_WAITING;
	tell(&absent);
	lost.outcome = OUTCOME_LOST;
	lost.reasons = 1U << FINDING_LOST;
	tell(&lost);
	cr_expect_eq(total_of(DRIFT_MISSING_IMAGE), 1);
	cr_expect_eq(total_of(DRIFT_LOST), 1);
	cr_expect_eq(total_of(DRIFT_UNSIGNED), 0);
	cr_expect_eq(drift.items.len, 3);
}

Test(drift, signatures_count_where_they_belong)
{
	struct record primary = pair(1), mirror = pair(1), failed = pair(2);

	primary.signing.signature = primary.signing.attestation = SIGNED_PLANNED;
	primary.outcome = OUTCOME_PLANNED;
	tell(&primary);
	mirror.destination = "mirror/app";
	mirror.signing.leads = false;
	mirror.signing.signature = SIGNED_PLANNED;
	tell(&mirror);
	cr_expect_eq(total_of(DRIFT_UNSIGNED), 1);
	cr_expect_eq(total_of(DRIFT_UNRECORDED), 1);
	cr_expect_eq(drift_total(&drift).signed_assumed, 0);

	failed.signing.signature = SIGNED_FAILED;
	failed.signing.error = mem_strdup("403");
	tell(&failed);
	mem_free(failed.signing.error);
	cr_expect_eq(total_of(DRIFT_UNREADABLE), 1);
	cr_expect_eq(total_of(DRIFT_UNSIGNED), 1);
}

Test(drift, extra_tags_are_all_counted)
{
	struct repository_look look = {.repository = "dst/app", .project = "a"};
	char name[16];

	for (int i = 0; i < 250; i++) {
		snprintf(name, sizeof(name), "x%03d", i);
		extra_tags_add(&look.extra, name);
	}
	tell_look(&look);
	extra_tags_release(&look.extra);
	drift_finish(&drift);
	cr_expect_eq(total_of(DRIFT_EXTRA_TAG), 250);
	cr_assert_eq(drift.items.len, EXTRA_TAGS_KEPT + 1);
	cr_expect_str_eq(drift.items.items[0].tag, "x000");
	cr_expect_null(drift.items.items[EXTRA_TAGS_KEPT].tag);
	cr_expect_eq(drift.items.items[EXTRA_TAGS_KEPT].count, 250 - EXTRA_TAGS_KEPT);
}

Test(drift, what_could_not_be_read)
{
	struct repository_look look = {
		.repository = "dst/app", .project = "a", .error = mem_strdup("503")};
	struct record record = pair(1);
	const struct drift_item *item;

	tell_look(&look);
	mem_free(look.error);
	record.outcome = OUTCOME_FAILED;
	record.digest_found = KNOWN_NOTHING;
	record.reasons = 1U << FINDING_ERROR;
	add_tag(&record, "v1", TAG_UNKNOWN);
	tell(&record);
	item = single(DRIFT_UNREADABLE);
	cr_expect_str_eq(item->message, "503");
	cr_expect_eq(drift_total(&drift).images_unknown, 1);
	cr_expect_eq(drift_total(&drift).tags_in_place, 0);
}

/* Even if nobody says why. */
Test(drift, what_is_unknown_is_not_in_sync)
{
	struct record record = pair(1);
	struct drift_project total;

	record.outcome = OUTCOME_NOT_DONE;
	tell(&record);
	total = drift_total(&drift);
	cr_expect_not(drift_is_none(&total));
}

Test(drift, manifests_that_cannot_be_followed)
{
	struct event event = {.kind = EVENT_FINDING,
		.finding = {.kind = FINDING_MALFORMED,
			.project = "b",
			.place = {"images/b/images.yaml", 3, 5},
			.message = mem_strdup("no digest")}};
	const struct drift_item *item;

	drift_event(&drift, &event);
	item = single(DRIFT_INVALID);
	cr_expect_str_eq(item->project, "b");
	cr_expect_str_eq(item->place.file, "images/b/images.yaml");
	cr_expect_null(item->repository);
	event.finding.kind = FINDING_WARNING;
	drift_event(&drift, &event);
	single(DRIFT_INVALID);
	mem_free(event.finding.message);
}

Test(drift, the_order_is_that_of_the_state)
{
	static const char *const repositories[] = {"dst/z", "dst/a"};
	static const char *const projects[] = {"p", "o"};

	for (size_t i = 0; i < 2; i++) {
		struct record record = pair(1);

		record.project = projects[i];
		record.destination = repositories[i];
		add_tag(&record, "v2", TAG_ABSENT);
		add_tag(&record, "v1", TAG_ABSENT);
		add_tag(&record, "v0", TAG_ELSEWHERE);
		tell(&record);
	}
	drift_finish(&drift);
	cr_assert_eq(drift.projects.len, 2);
	cr_expect_str_eq(drift.projects.items[0].name, "o");
	cr_assert_eq(drift.items.len, 6);
	cr_expect_eq(drift.items.items[1].kind, DRIFT_TAG_ELSEWHERE);
	cr_expect_str_eq(drift.items.items[0].repository, "dst/a");
	cr_expect_str_eq(drift.items.items[2].tag, "v1");
	cr_expect_str_eq(drift.items.items[3].tag, "v2");
	cr_expect_str_eq(drift.items.items[5].repository, "dst/z");
}

#define HEX "1111111111111111111111111111111111111111111111111111111111111111"

static void tell_mirrored(const char *tag, enum replica_end end)
{
	CLEANUP(mem_freep) char *text = tag ? mem_strdup(tag) : NULL;
	const struct event event = {.kind = EVENT_MIRROR,
		.mirrored = {.destination = "mirror/app",
			.primary = "dst/app",
			.project = "a",
			.tag = text,
			.end = end}};

	drift_event(&drift, &event);
}

Test(drift, mirrors_that_lack_something)
{
	const struct drift_item *item;

	tell_mirrored("sha256-" HEX ".sig", REPLICA_MISSING);
	item = single(DRIFT_MIRROR);
	cr_expect_str_eq(item->repository, "mirror/app");
	cr_expect_str_eq(item->tag, "sha256-" HEX ".sig");
	cr_expect_str_eq(item->message, "missing (from dst/app)");
	cr_expect(item->has_digest);
	cr_expect_eq(item->digest.bytes[0], 0x11);
	/* It has been said as a repository. */
	tell_mirrored(NULL, REPLICA_FAILED);
	cr_expect_eq(total_of(DRIFT_MIRROR), 1);
}
