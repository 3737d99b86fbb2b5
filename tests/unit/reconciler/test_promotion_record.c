#include <criterion/criterion.h>
#include <string.h>

#include "reconciler/promotion_record.h"

#define D8(x) x x x x x x x x
#define DIGITS_A D8(D8("a"))
#define DIGITS_B D8(D8("b"))

static const char *const tags[] = {"latest", "v1.0.0"};

static const struct promotion_run run = {
	.program_version = "0.1.0",
	.program_commit = "fedc",
	.manifest_repository = "https://github.com/kubernetes/k8s.io",
	.manifest_directory = "registry.k8s.io",
	.commit = "0123456789012345678901234567890123456789",
	.comment = "Merge pull request #1",
	.merged_by = "A <a@example.com>",
	.job_name = "post-k8sio-image-promo",
	.job_type = "postsubmit",
	.job_id = "1968",
	.prow_job_id = "0f6d",
};

static struct promotion promotion_of(const struct promotion_run *of)
{
	struct promotion promotion = {
		.run = of,
		.source = "gcr.io/k8s-staging-foo/foo",
		.destination = "registry.k8s.io/foo",
		.tags = tags,
		.tag_count = 2,
		.manifest = "images/k8s-staging-foo/images.yaml",
		.unix_s = 1789628400,
	};

	cr_assert(digest_parse("sha256:" DIGITS_A, &promotion.digest, NULL));
	return promotion;
}

static void expect_text(
	enum promotion_statement statement, const struct promotion *promotion, const char *wanted)
{
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);

	promotion_write(statement, promotion, &text);
	cr_expect_str_eq(str_text(&text), wanted);
}

#define HEAD(type)                                                                                 \
	"{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{\"name\":"                   \
	"\"registry.k8s.io/foo\",\"digest\":{\"sha256\":\"" DIGITS_A "\"}}],"                      \
	"\"predicateType\":\"" type "\",\"predicate\":{"

Test(promotion_record, kpromos_fields_and_ours)
{
	const struct promotion promotion = promotion_of(&run);

	expect_text(PROMOTION_RECORD, &promotion,
		HEAD(PROMOTION_RECORD_TYPE) //
		"\"srcRef\":\"gcr.io/k8s-staging-foo/foo@sha256:" DIGITS_A "\","
		"\"dstRef\":\"registry.k8s.io/foo\",\"digest\":\"sha256:" DIGITS_A "\","
		"\"timestamp\":\"2026-09-17T07:00:00Z\","
		"\"builderId\":\"https://k8s.io/promo-tools/cip@v0.1.0\","
		"\"tags\":[\"latest\",\"v1.0.0\"],"
		"\"source\":{\"name\":\"gcr.io/k8s-staging-foo/foo\",\"digest\":{\"sha256\":"
		"\"" DIGITS_A "\"}},"
		"\"destination\":{\"name\":\"registry.k8s.io/foo\",\"digest\":{\"sha256\":"
		"\"" DIGITS_A "\"}},"
		"\"manifest\":{\"name\":\"registry.k8s.io/images/k8s-staging-foo/images.yaml\","
		"\"uri\":\"git+https://github.com/kubernetes/k8s.io\","
		"\"digest\":{\"gitCommit\":\"0123456789012345678901234567890123456789\"}},"
		"\"promoter\":{\"version\":\"cip-v0.1.0\",\"gitCommit\":\"fedc\"},"
		"\"job\":{\"name\":\"post-k8sio-image-promo\",\"type\":\"postsubmit\","
		"\"buildId\":\"1968\",\"prowJobId\":\"0f6d\"},"
		"\"claimed\":{\"comment\":\"Merge pull request #1\",\"mergedBy\":\"A "
		"<a@example.com>\"}}}");
}

Test(promotion_record, what_is_not_known_is_left_out)
{
	const struct promotion_run bare = {.program_version = "0.1.0"};
	struct promotion promotion = promotion_of(&bare);

	promotion.tag_count = 0;
	promotion.manifest = NULL;
	expect_text(PROMOTION_RECORD, &promotion,
		HEAD(PROMOTION_RECORD_TYPE) //
		"\"srcRef\":\"gcr.io/k8s-staging-foo/foo@sha256:" DIGITS_A "\","
		"\"dstRef\":\"registry.k8s.io/foo\",\"digest\":\"sha256:" DIGITS_A "\","
		"\"timestamp\":\"2026-09-17T07:00:00Z\","
		"\"builderId\":\"https://k8s.io/promo-tools/cip@v0.1.0\","
		"\"source\":{\"name\":\"gcr.io/k8s-staging-foo/foo\",\"digest\":{\"sha256\":"
		"\"" DIGITS_A "\"}},"
		"\"destination\":{\"name\":\"registry.k8s.io/foo\",\"digest\":{\"sha256\":"
		"\"" DIGITS_A "\"}},"
		"\"promoter\":{\"version\":\"cip-v0.1.0\"}}}");
}

Test(promotion_record, provenance_of_the_promotion)
{
	struct promotion_run other = run;
	struct promotion promotion = promotion_of(&other);
	struct promotion_replaced replaced = {.tag = "latest"};

	cr_assert(digest_parse("sha256:" DIGITS_B, &replaced.digest, NULL));
	promotion.replaced = &replaced;
	promotion.replaced_count = 1;
	other.manifest_repository = "git@github.com:kubernetes/k8s.io";
	other.manifest_directory = NULL;
	expect_text(PROMOTION_SLSA, &promotion,
		HEAD(PROMOTION_SLSA_TYPE) //
		"\"buildDefinition\":{\"buildType\":\"" PROMOTION_RECORD_TYPE "\","
		"\"externalParameters\":{"
		"\"source\":\"gcr.io/k8s-staging-foo/foo@sha256:" DIGITS_A "\","
		"\"destination\":\"registry.k8s.io/foo\",\"tags\":[\"latest\",\"v1.0.0\"],"
		"\"replaced\":[{\"name\":\"latest\",\"digest\":{\"sha256\":\"" DIGITS_B "\"}}]},"
		"\"resolvedDependencies\":[{\"name\":\"gcr.io/k8s-staging-foo/foo\","
		"\"digest\":{\"sha256\":\"" DIGITS_A "\"}},"
		"{\"name\":\"images/k8s-staging-foo/images.yaml\","
		"\"uri\":\"git+ssh://git@github.com/kubernetes/k8s.io\","
		"\"digest\":{\"gitCommit\":\"0123456789012345678901234567890123456789\"}}]},"
		"\"runDetails\":{\"builder\":{\"id\":\"https://k8s.io/promo-tools/cip@v0.1.0\"},"
		"\"metadata\":{\"invocationId\":\"1968\",\"startedOn\":"
		"\"2026-09-17T07:00:00Z\"}}}}");
}

static bool has(const struct promotion *promotion, const char *part)
{
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);

	promotion_write(PROMOTION_RECORD, promotion, &text);
	return strstr(str_text(&text), part) != NULL;
}

Test(promotion_record, text_of_others_stays_text)
{
	struct promotion_run other = run;
	const struct promotion promotion = promotion_of(&other);

	other.comment = "\"},\"srcRef\":\"evil\",\"x\":{\"\n\x1b[31m\xff\xe2\x80\xae";
	cr_expect(has(&promotion,
		"\"comment\":\"\\u0022},\\u0022srcRef\\u0022:\\u0022evil\\u0022,\\u0022x\\u0022:{"
		"\\u0022\\u000a\\u001b[31m\\ufffd\\u202e\""));
}

Test(promotion_record, a_path_on_this_machine_is_nobody_elses_business)
{
	static const char *const paths[] = {"/home/me/k8s.io", "file:///home/me/k8s.io", "../x:y"};
	struct promotion_run other = run;
	const struct promotion promotion = promotion_of(&other);

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		other.manifest_repository = paths[i];
		cr_expect_not(has(&promotion, "\"uri\""), "%s", paths[i]);
		cr_expect(has(&promotion, "\"gitCommit\":\"0123"));
	}
}

/* ---- What is said already ---- */

static bool is_said(
	enum promotion_statement statement, const struct promotion *by, const struct promotion *of)
{
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);

	promotion_write(statement, by, &text);
	return promotion_is_said(statement, of, str_text(&text), text.len);
}

Test(promotion_record, when_and_by_whom_makes_no_other_record)
{
	const struct promotion_run other = {.program_version = "9"};
	const struct promotion promotion = promotion_of(&run);
	struct promotion again = promotion_of(&other);

	again.unix_s += 1000;
	again.manifest = "elsewhere.yaml";
	for (int statement = 0; statement < PROMOTION_STATEMENTS; statement++) {
		cr_expect(is_said(statement, &promotion, &promotion));
		cr_expect(is_said(statement, &promotion, &again));
		cr_expect(is_said(statement, &again, &promotion));
	}
}

static void expect_other(const struct promotion *promotion, const char *what)
{
	const struct promotion first = promotion_of(&run);

	for (int statement = 0; statement < PROMOTION_STATEMENTS; statement++) {
		cr_expect_not(is_said(statement, &first, promotion), "%s", what);
		cr_expect_not(is_said(statement, promotion, &first), "%s", what);
	}
}

Test(promotion_record, content_makes_another_record)
{
	static const char *const other_tags[] = {"latest", "v1.0.1"};
	struct promotion promotion = promotion_of(&run);

	promotion.source = "gcr.io/k8s-staging-foo/fo";
	expect_other(&promotion, "source");
	promotion = promotion_of(&run);
	promotion.destination = "registry.k8s.io/foo/bar";
	expect_other(&promotion, "destination");
	promotion = promotion_of(&run);
	cr_assert(digest_parse("sha256:" DIGITS_B, &promotion.digest, NULL));
	expect_other(&promotion, "digest");
	promotion = promotion_of(&run);
	promotion.tag_count = 1;
	expect_other(&promotion, "a tag less");
	promotion.tag_count = 2;
	promotion.tags = other_tags;
	expect_other(&promotion, "another tag");
}

Test(promotion_record, what_is_in_place_may_have_come_from_any_source_and_have_had_more_tags)
{
	static const char *const sources[] = {"gcr.io/other/foo", "gcr.io/k8s-staging-foo/foo"};
	const struct promotion first = promotion_of(&run);
	struct promotion later = promotion_of(&run);

	later.source = sources[0];
	later.sources = sources;
	later.source_count = 2;
	later.tag_count = 1;
	for (int statement = 0; statement < PROMOTION_STATEMENTS; statement++) {
		later.is_in_place = true;
		cr_expect(is_said(statement, &first, &later));
		later.tag_count = 2;
		cr_expect(is_said(statement, &first, &later));
		later.source_count = 1;
		cr_expect_not(is_said(statement, &first, &later), "another source");
		later.source_count = 2;
		later.is_in_place = false;
		cr_expect_not(is_said(statement, &first, &later), "written now");
		later.tag_count = 1;
	}
	later = promotion_of(&run);
	later.tag_count = 1;
	for (int statement = 0; statement < PROMOTION_STATEMENTS; statement++) {
		struct promotion more = promotion_of(&run);

		more.is_in_place = true;
		cr_expect_not(is_said(statement, &later, &more), "a tag is not stated");
	}
}

Test(promotion_record, who_moved_a_tag_knows_what_it_replaced)
{
	struct promotion_replaced left = {.tag = "latest"}, other = {.tag = "latest"};
	const struct promotion in_place = promotion_of(&run);
	struct promotion moved = promotion_of(&run), again;

	cr_assert(digest_parse("sha256:" DIGITS_B, &left.digest, NULL));
	other.digest = in_place.digest;
	moved.replaced = &left;
	moved.replaced_count = 1;
	again = moved;
	again.replaced = &other;
	for (int statement = 0; statement < PROMOTION_STATEMENTS; statement++) {
		cr_expect(is_said(statement, &moved, &moved));
		cr_expect(is_said(statement, &moved, &in_place), "a later run needs no other");
		cr_expect_not(is_said(statement, &in_place, &moved), "a move adds one");
		cr_expect_not(is_said(statement, &again, &moved), "another digest");
	}
}

Test(promotion_record, a_move_at_another_commit_adds_a_record)
{
	const struct promotion_replaced left = {.tag = "latest"};
	struct promotion_run later = run, unknown = run;
	struct promotion first = promotion_of(&run), second;

	later.commit = "1123456789012345678901234567890123456789";
	unknown.commit = NULL;
	first.replaced = &left;
	first.replaced_count = 1;
	second = first;
	second.run = &later;
	cr_expect_not(is_said(PROMOTION_RECORD, &first, &second));
	cr_expect(is_said(PROMOTION_SLSA, &first, &second));
	second.replaced_count = 0;
	cr_expect(is_said(PROMOTION_RECORD, &first, &second));
	second = first;
	second.run = &unknown;
	cr_expect(is_said(PROMOTION_RECORD, &first, &second));
}

static const char *commit_of(const char *text, const char *tag, char **ret_commit)
{
	mem_free(steal_ptr(ret_commit));
	if (!promotion_names_tag(text, strlen(text), tag, ret_commit))
		return "no tag";
	return *ret_commit ? *ret_commit : "no commit";
}

Test(promotion_record, which_commit_put_a_tag_where_it_is)
{
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);
	CLEANUP(mem_freep) char *commit = NULL;
	struct promotion_run unknown = run;
	struct promotion promotion = promotion_of(&run);

	promotion_write(PROMOTION_RECORD, &promotion, &text);
	cr_expect_str_eq(commit_of(str_text(&text), "latest", &commit), run.commit);
	cr_expect_str_eq(commit_of(str_text(&text), "late", &commit), "no tag");
	str_clear(&text);
	promotion_write(PROMOTION_SLSA, &promotion, &text);
	cr_expect_str_eq(commit_of(str_text(&text), "latest", &commit), "no tag", "no record");
	str_clear(&text);
	unknown.commit = NULL;
	promotion.run = &unknown;
	promotion_write(PROMOTION_RECORD, &promotion, &text);
	cr_expect_str_eq(commit_of(str_text(&text), "latest", &commit), "no commit");
	cr_expect_str_eq(commit_of("{", "latest", &commit), "no tag");
	cr_expect_str_eq(commit_of(HEAD(PROMOTION_RECORD_TYPE) "\"tags\":[1,null,\"latest\"]}}",
				 "latest", &commit),
		"no commit");
}

static bool text_says(const char *text)
{
	struct promotion promotion = promotion_of(&run);

	promotion.tag_count = 0;
	return promotion_is_said(PROMOTION_RECORD, &promotion, text, strlen(text));
}

#define OLDER(source, destination)                                                                 \
	HEAD(PROMOTION_RECORD_TYPE)                                                                \
	"\"srcRef\":\"" source "\",\"dstRef\":\"" destination "\",\"digest\":\"sha256:" DIGITS_A   \
	"\",\"timestamp\":\"2026-03-04T12:00:00.123456Z\",\"builderId\":\"x\"}}"

Test(promotion_record, older_records_are_read)
{
	cr_expect(text_says(OLDER("gcr.io/k8s-staging-foo/foo@sha256:" DIGITS_A,
		"registry.k8s.io/foo@sha256:" DIGITS_A)));
	cr_expect(text_says(
		OLDER("gcr.io/k8s-staging-foo/foo@sha256:" DIGITS_A, "registry.k8s.io/foo")));
	cr_expect_not(text_says(OLDER("gcr.io/k8s-staging-foo/foo@sha256:" DIGITS_A,
		"registry.k8s.io/foo@sha256:" DIGITS_B)));
	cr_expect_not(text_says(
		OLDER("gcr.io/k8s-staging-foo/foo@sha256:" DIGITS_A, "registry.k8s.io/foobar")));
}

Test(promotion_record, what_cannot_be_read_says_nothing)
{
	static const char *const texts[] = {"", "{", "[]", "{}", "null",
		HEAD(PROMOTION_SLSA_TYPE) "}}", HEAD(PROMOTION_RECORD_TYPE) "\"srcRef\":1}}",
		"{\"predicateType\":\"" PROMOTION_RECORD_TYPE "\",\"subject\":{}}"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect_not(text_says(texts[i]), "%s", texts[i]);
}
