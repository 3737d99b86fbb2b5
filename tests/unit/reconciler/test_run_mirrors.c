/*
 * What stands beside images, at the mirrors: whole runs over registries in memory. The model keeps no bytes,
 * so what differs there can never be made one.
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/enc.h"
#include "replicator/replica_tag.h"
#include "tests/unit/reconciler/run_suite.h"

enum { IMAGE = 1, SIGNATURES = 50, OTHERS = 60, MIRRORS = 3, DIGESTS = 3 };

static const char *const sites[] = {"a.example/p", "b.example/p", "c.example/p", "d.example/p"};

TestSuite(run_mirrors, .init = set_up, .fini = tear_down);

static const struct tell_options replicating = {.confirm = true, .replicate = true};

/* "sha256-...": borrowed until the next call on this thread. */
static const char *beside(unsigned image, enum replica_kind kind)
{
	static __thread char text[REPLICA_TAG_TEXT_SIZE];
	const struct digest digest = model_digest(image);
	struct replica_tag tag = {.kind = kind};

	memcpy(tag.image, digest.bytes, sizeof(tag.image));
	return replica_tag_format(&tag, text);
}

/* One image, which is everywhere already. */
static void one_image(bool google)
{
	char digest[DIGEST_TEXT_SIZE];
	const struct digest image = model_digest(IMAGE);
	CLEANUP(mem_freep)
	char *text = mem_printf(
		"- name: app\n  dmap:\n    \"%s\": [v1]\n", digest_format(&image, digest));

	project("web", "*src.example a.example/p b.example/p c.example/p", text);
	manifest_tree_load(&tree);
	for (size_t i = 0; i < 3; i++) {
		CLEANUP(mem_freep) char *repository = mem_printf("%s/app", sites[i]);

		model_hold(model, repository, IMAGE, "v1");
		if (google)
			model_set_google(model,
				(char[]){
					sites[i][0], '.', 'e', 'x', 'a', 'm', 'p', 'l', 'e', '\0'});
	}
	model_reset_counts(model);
}

static uint64_t run_counting(
	const struct tell_options *options, struct model_counts *ret_counts, enum replica_end end)
{
	struct told told = {0};
	uint64_t count;

	model_reset_counts(model);
	tell_run(&tree, model, options, &told);
	*ret_counts = model_counts(model);
	count = told.result.mirrored[end];
	told_release(&told);
	return count;
}

Test(run_mirrors, what_lists_show_is_told_and_brought_only_if_asked_for)
{
	struct model_counts counts;

	one_image(true);
	model_hold(model, "a.example/p/app", SIGNATURES, beside(IMAGE, REPLICA_SIG));
	cr_expect_eq(run_counting(&confirm, &counts, REPLICA_MISSING), 2);
	cr_expect_eq(counts.requests, 3);
	cr_expect_eq(run_counting(&replicating, &counts, REPLICA_COPIED), 2);
	cr_expect_eq(counts.writes, 4); /* by digest, and under the tag */
	cr_expect(model_holds(model, "c.example/p/app", SIGNATURES, beside(IMAGE, REPLICA_SIG)));
	cr_expect_eq(run_counting(&replicating, &counts, REPLICA_IN_PLACE), 2);
	cr_expect_eq(counts.requests, 3);
	cr_expect_eq(run_counting(&confirm, &counts, REPLICA_IN_PLACE), 2);
	cr_expect_eq(counts.requests, 3);
}

/* Content flows from the primary only. */
Test(run_mirrors, what_a_mirror_has_alone_is_nothing_to_do)
{
	struct model_counts counts;

	one_image(true);
	model_hold(model, "b.example/p/app", SIGNATURES, beside(IMAGE, REPLICA_ATT));
	cr_expect_eq(run_counting(&replicating, &counts, REPLICA_COPIED), 0);
	cr_expect_eq(counts.requests, 3);
	cr_expect_not(
		model_holds(model, "a.example/p/app", SIGNATURES, beside(IMAGE, REPLICA_ATT)));
}

Test(run_mirrors, names_are_believed_at_depth_presence)
{
	const struct tell_options presence = {
		.confirm = true, .replicate = true, .depth = VERIFY_PRESENCE};
	struct model_counts counts;

	one_image(false);
	for (size_t i = 0; i < 3; i++) {
		CLEANUP(mem_freep) char *repository = mem_printf("%s/app", sites[i]);

		model_hold(model, repository, i == 1 ? OTHERS : SIGNATURES,
			beside(IMAGE, REPLICA_SIG));
	}
	cr_expect_eq(run_counting(&presence, &counts, REPLICA_IN_PLACE), 2);
	cr_expect_eq(counts.requests, 3);
	cr_expect_eq(run_counting(&replicating, &counts, REPLICA_CONFLICT), 1);
	cr_expect_eq(counts.writes, 0);
}

static bool fail_lists_of_b(void *ctx, enum model_verb verb, const char *repository,
	const char *reference, struct err **err)
{
	(void)ctx;
	(void)reference;
	return verb != MODEL_LIST || strncmp(repository, "b.example", 9) != 0 ||
		err_set(err, ERR_TRANSIENT, "no list of %s", repository);
}

Test(run_mirrors, a_mirror_that_is_not_known_is_left_alone)
{
	struct model_counts counts;

	one_image(true);
	model_hold(model, "a.example/p/app", SIGNATURES, beside(IMAGE, REPLICA_SIG));
	model_set_fault(model, fail_lists_of_b, NULL);
	cr_expect_eq(run_counting(&replicating, &counts, REPLICA_COPIED), 1);
	cr_expect_not(
		model_holds(model, "b.example/p/app", SIGNATURES, beside(IMAGE, REPLICA_SIG)));
}

/* ---- Random states, and two runs at the same time ---- */

static uint64_t state;

static unsigned below(unsigned limit)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (unsigned)((state * 0x2545F4914F6CDD1DULL >> 33) % limit);
}

static void random_state(void)
{
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);

	str_add_text(&text, "- name: app\n  dmap:\n");
	for (unsigned d = 0; d < DIGESTS; d++) {
		const struct digest image = model_digest(d);
		char digest[DIGEST_TEXT_SIZE];

		str_addf(&text, "    \"%s\": [v%u]\n", digest_format(&image, digest), d);
	}
	project("web", "*src.example a.example/p b.example/p c.example/p d.example/p",
		str_text(&text));
	manifest_tree_load(&tree);
	model_set_google(model, "a.example");
	model_set_google(model, "b.example");
	for (unsigned d = 0; d < DIGESTS; d++)
		model_hold(model, "src.example/app", d, NULL);
	for (unsigned s = 0; s <= MIRRORS; s++)
		for (unsigned d = 0; d < DIGESTS; d++)
			for (enum replica_kind kind = 0; kind <= REPLICA_REFERRERS; kind++) {
				CLEANUP(mem_freep)
				char *repository = mem_printf("%s/app", sites[s]);
				unsigned what = below(4);

				if (what)
					model_hold(model, repository,
						(what == 3 ? OTHERS : SIGNATURES) + d,
						beside(d, kind));
			}
}

static bool holds(unsigned site, unsigned digest, unsigned image, enum replica_kind kind)
{
	CLEANUP(mem_freep) char *repository = mem_printf("%s/app", sites[site]);

	return model_holds(model, repository, digest, beside(image, kind));
}

/* A mirror has what the primary has, unless it had something else before: that stays. */
static void expect_converged(struct registry *before)
{
	for (unsigned s = 1; s <= MIRRORS; s++)
		for (unsigned d = 0; d < DIGESTS; d++)
			for (enum replica_kind kind = 0; kind <= REPLICA_REFERRERS; kind++)
				for (unsigned base = SIGNATURES; base <= OTHERS; base += 10) {
					CLEANUP(mem_freep)
					char *repository = mem_printf("%s/app", sites[s]);
					bool had = model_holds(
						before, repository, base + d, beside(d, kind));
					unsigned other = base == SIGNATURES ? OTHERS : SIGNATURES;
					bool had_other = model_holds(
						before, repository, other + d, beside(d, kind));
					bool wanted =
						had || (!had_other && holds(0, base + d, d, kind));

					cr_assert_eq(holds(s, base + d, d, kind), wanted);
				}
}

static void *run_thread(void *arg)
{
	struct told told = {0};

	(void)arg;
	tell_run(&tree, model, &replicating, &told);
	told_release(&told);
	return NULL;
}

Test(run_mirrors, two_runs_at_the_same_time_converge)
{
	for (unsigned i = 1; i <= 40; i++) {
		struct registry *before;
		struct model_counts counts;
		pthread_t other;

		state = i * 0x9E3779B97F4A7C15ULL + 1;
		random_state();
		before = model_copy(model);
		cr_assert_eq(pthread_create(&other, NULL, run_thread, NULL), 0);
		run_thread(NULL);
		pthread_join(other, NULL);
		expect_converged(before);
		cr_expect_eq(model_counts(model).moved, 0);
		cr_expect_eq(run_counting(&replicating, &counts, REPLICA_COPIED), 0);
		cr_expect_eq(counts.writes, 0);
		model_free(before);
		tear_down();
		set_up();
	}
}
