/*
 * Properties of plan and schedule together, over thousands of random states: manifests with
 * overlaps, circles, chains, malformed entries and unreadable projects; registries, plain and
 * Google's, that hold anything; looks that fail. CIP_SEED chooses another sequence.
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/reconciler/model_fixture.h"
#include "tests/unit/reconciler/random_world.h"

enum { TREES = 150, STATES = 5 };

static uint64_t moves;
static uint64_t seen[OUTCOMES]; /* so that a generator that became too tame is noticed */

/* ---- What must hold ---- */

/* True if a project that could be read declares the tag there, and no other digest for it. */
struct claim_check {
	const struct declared *declared;
	const char *repository, *tag;
	const struct digest *digest;
	bool claimed;
};

static void check_image(struct claim_check *check, const struct declared_image *image)
{
	const struct declared *declared = check->declared;

	for (uint32_t d = 0; d < image->digest_count; d++) {
		const struct declared_digest *entry =
			&declared->digests.items[image->first_digest + d];

		if (entry->malformed ||
			memcmp(entry->sha256, check->digest->bytes, DIGEST_SHA256_SIZE) != 0)
			continue;
		for (uint32_t t = 0; t < entry->tag_count; t++) {
			const struct declared_tag *tag =
				&declared->tags.items[entry->first_tag + t];

			if (!tag->malformed && strcmp(tag->name, check->tag) == 0)
				check->claimed = true;
		}
	}
}

static void check_project(struct claim_check *check, const struct declared_project *project)
{
	const struct declared *declared = check->declared;

	for (uint32_t r = 0; r < project->registry_count; r++) {
		const struct declared_registry *registry =
			&declared->registries.items[project->first_registry + r];

		if (!declared_is_destination(declared, project, registry))
			continue;
		for (uint32_t i = 0; i < project->image_count; i++) {
			const struct declared_image *image =
				&declared->images.items[project->first_image + i];
			CLEANUP(str_release) struct str name = STR_INIT(STR_TEXT_MAX);

			declared_repository(registry, image, &name);
			if (!image->malformed && strcmp(str_text(&name), check->repository) == 0)
				check_image(check, image);
		}
	}
}

static void write_is_declared(
	void *ctx, const char *repository, const char *tag, const struct digest *digest)
{
	const struct declared *declared = ctx;
	struct claim_check check = {declared, repository, tag, digest, false};

	for (size_t p = 0; p < declared->projects.len; p++)
		if (!declared->projects.items[p].quarantined)
			check_project(&check, &declared->projects.items[p]);
	cr_assert(check.claimed, "%s:%s was written but is not declared", repository, tag);
	cr_assert_null(declared_dispute(declared, repository, tag),
		"%s:%s was written in spite of a dispute", repository, tag);
}

static void check_writes(const struct manifest_tree *tree, struct registry *model)
{
	struct model_counts counts = model_counts(model);

	moves += counts.moves;
	cr_assert_eq(counts.moved, 0, "a tag was moved");
	cr_assert_eq(counts.needless, 0, "a tag that was right was written");
	cr_assert_eq(counts.dangling, 0);
	model_each_write(model, write_is_declared, tree->declared);
}

/* What --confirm did is what the plan said, as far as the plan could know. */
static void check_forecast(const struct told *plan, const struct told *done)
{
	cr_assert_eq(plan->records.len, done->records.len);
	for (size_t i = 0; i < plan->records.len; i++) {
		const struct told_record *a = &plan->records.items[i];
		const struct told_record *b = &done->records.items[i];
		enum outcome expected =
			a->outcome == OUTCOME_PLANNED ? OUTCOME_PROMOTED : a->outcome;

		cr_assert_str_eq(a->key, b->key);
		if (a->outcome == OUTCOME_WAITING)
			cr_assert(b->outcome == OUTCOME_PROMOTED || b->outcome == OUTCOME_WAITING,
				"%s: %s / %s", a->key, a->text, b->text);
		else
			cr_assert_eq(b->outcome, expected, "%s: %s / %s", a->key, a->text, b->text);
	}
}

/* Runs, checks what must hold of every run, and hands out the result. */
static void run(
	const struct manifest_tree *tree, struct registry *model, bool confirm, struct told *told)
{
	model_reset_counts(model);
	tell_run(tree, model, &(struct tell_options){.confirm = confirm, .threads = 2}, told);
	for (size_t i = 0; i < OUTCOMES; i++)
		seen[i] += told->result.outcomes[i];
	cr_assert(told_is_consistent(told, model));
	check_writes(tree, model);
	if (!confirm)
		cr_assert_eq(model_counts(model).writes, 0, "a plan wrote");
}

static void check_settled(const struct manifest_tree *tree, struct registry *model)
{
	struct told told;

	run(tree, model, true, &told);
	cr_assert_eq(model_counts(model).writes, 0, "a second run wrote");
	told_release(&told);
	run(tree, model, false, &told);
	cr_assert_eq(told.result.outcomes[OUTCOME_PLANNED], 0, "a plan is left");
	told_release(&told);
}

static void undisturbed(const struct manifest_tree *tree, struct registry *model)
{
	struct told plan, done;

	run(tree, model, false, &plan);
	run(tree, model, true, &done);
	check_forecast(&plan, &done);
	cr_assert_eq(done.result.outcomes[OUTCOME_FAILED], 0);
	told_release(&plan);
	told_release(&done);
	check_settled(tree, model);
}

/* Faults are a function of what is asked, so that a fenced look is a failed look every time. */
struct faults {
	uint64_t salt;
	unsigned percent;
	struct registry *model;
	VEC(char *) blind; /* "repository" or "repository:reference" nobody could look at */
	pthread_mutex_t lock;
};

static bool fault(void *ctx, enum model_verb verb, const char *repository, const char *reference,
	struct err **err)
{
	struct faults *faults = ctx;
	CLEANUP(mem_freep)
	char *key = mem_printf("%d %s %s", (int)verb, repository, reference ? reference : "");
	struct digest hash = digest_of(DIGEST_SHA256, key, strlen(key));

	if ((hash.bytes[0] ^ (faults->salt & 0xff)) % 100 >= faults->percent)
		return true;
	if (verb == MODEL_LIST || verb == MODEL_HEAD) {
		pthread_mutex_lock(&faults->lock);
		*vec_push(&faults->blind) = verb == MODEL_LIST
			? mem_strdup(repository)
			: mem_printf("%s:%s", repository, reference);
		pthread_mutex_unlock(&faults->lock);
	}
	return err_set_http(err, ERR_TRANSIENT, 503, "%s: 503 Service Unavailable", repository);
}

static void write_was_seen(
	void *ctx, const char *repository, const char *tag, const struct digest *digest)
{
	const struct faults *faults = ctx;
	CLEANUP(mem_freep) char *full = mem_printf("%s:%s", repository, tag);

	(void)digest;
	for (size_t i = 0; i < faults->blind.len; i++)
		cr_assert(strcmp(faults->blind.items[i], repository) != 0 &&
				strcmp(faults->blind.items[i], full) != 0,
			"%s was written although nobody could look at it", full);
}

static void disturbed(const struct manifest_tree *tree, struct registry *model, const char *goal)
{
	struct faults faults = {
		.salt = world_below(256), .percent = 5 + world_below(40), .model = model};
	CLEANUP(mem_freep) char *reached = NULL;
	struct told told;

	pthread_mutex_init(&faults.lock, NULL);
	model_set_fault(model, fault, &faults);
	run(tree, model, false, &told);
	told_release(&told);
	run(tree, model, true, &told);
	model_each_write(model, write_was_seen, &faults);
	told_release(&told);
	model_set_fault(model, NULL, NULL);
	run(tree, model, true, &told);
	told_release(&told);
	reached = model_dump(model);
	cr_assert_str_eq(reached, goal, "a disturbed run and another end elsewhere than one run");
	check_settled(tree, model);
	for (size_t i = 0; i < faults.blind.len; i++)
		mem_free(faults.blind.items[i]);
	vec_release(&faults.blind);
	pthread_mutex_destroy(&faults.lock);
}

Test(plan_property, converges_and_never_writes_on_a_guess)
{
	log_set_level(LOG_FATAL);
	world_seed();
	for (unsigned t = 0; t < TREES; t++) {
		struct manifest_tree tree;

		world_tree(&tree, false);
		for (unsigned s = 0; s < STATES; s++) {
			struct registry *model = world_model(), *twin = model_copy(model);
			CLEANUP(mem_freep) char *goal = NULL;

			undisturbed(&tree, model);
			goal = model_dump(model);
			disturbed(&tree, twin, goal);
			model_free(model);
			model_free(twin);
		}
		manifest_tree_release(&tree);
	}
	cr_expect_gt(moves, 200, "%ju tags were moved", (uintmax_t)moves);
	for (size_t i = 0; i < OUTCOME_NOT_DONE; i++)
		cr_expect_gt(
			seen[i], 200, "%ju pairs were %s", (uintmax_t)seen[i], outcome_name(i));
}
