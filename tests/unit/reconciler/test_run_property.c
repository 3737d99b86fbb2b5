/*
 * Properties of whole runs that sign, record and replicate, over random worlds: the code that reads and
 * attaches signatures is the real one, over registries in memory that replace what is PUT as real ones do.
 * Runs are undisturbed, have failing writes, end in the middle, or are two at a time, request by request in
 * an order that a seed decides. CIP_SEED chooses another sequence.
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "reconciler/primary.h"
#include "reconciler/worklist.h"
#include "signer/payload.h"
#include "tests/fakes/model_signer.h"
#include "tests/unit/reconciler/baton.h"
#include "tests/unit/reconciler/claims_held.h"
#include "tests/unit/reconciler/random_world.h"

enum { TREES = 20, STATES = 4 };

/* Under a sanitizer fewer do. */
static unsigned trees(void)
{
	const char *sanitizer = getenv("CIP_SANITIZE");

	return sanitizer && *sanitizer ? TREES / 2 : TREES;
}

/* Records say when: all at one moment, so that those of two runs can be compared. */
static int64_t one_moment(void *ctx)
{
	(void)ctx;
	return INT64_C(1750000000000);
}

static int64_t monotonic_ms(void *ctx)
{
	(void)ctx;
	return clock_monotonic_ms(&clock_system);
}

static uint64_t random_bits(void *ctx)
{
	(void)ctx;
	return 4;
}

static const struct clock still = {monotonic_ms, one_moment, random_bits, NULL};
static const struct promotion_run about = {.program_version = "0"};

/* ---- Runs ---- */

/* Chances of its own, which two threads may ask. */
struct faults {
	pthread_mutex_t lock;
	uint64_t state;
	unsigned percent;	 /* of writes that fail */
	uint64_t left;		 /* requests until the process is killed */
	struct registry *undoes; /* each first write of what is attached, at once */
	VEC(char *) written, undone;
	struct baton *baton; /* NULL: nobody else is there */
	unsigned number;
};

static void faults_init(struct faults *faults, unsigned percent, uint64_t left)
{
	*faults = (struct faults){
		.state = world_below(1U << 30) + 1, .percent = percent, .left = left};
	pthread_mutex_init(&faults->lock, NULL);
}

static bool is_among(char *const *keys, size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(keys[i], key) == 0)
			return true;
	return false;
}

static void undo(
	struct faults *faults, enum model_verb verb, const char *repository, const char *tag)
{
	CLEANUP(mem_freep) char *key = mem_printf("%s:%s", repository, tag);

	if (verb == MODEL_PUT) {
		*vec_push(&faults->written) = steal_ptr(&key);
	} else if (verb == MODEL_GET && is_among(faults->written.items, faults->written.len, key) &&
		!is_among(faults->undone.items, faults->undone.len, key)) {
		model_untag(faults->undoes, repository, tag);
		*vec_push(&faults->undone) = steal_ptr(&key);
	}
}

static void faults_release(struct faults *faults)
{
	for (size_t i = 0; i < faults->written.len; i++)
		mem_free(faults->written.items[i]);
	vec_release(&faults->written);
	for (size_t i = 0; i < faults->undone.len; i++)
		mem_free(faults->undone.items[i]);
	vec_release(&faults->undone);
	pthread_mutex_destroy(&faults->lock);
}

static bool happens(void *ctx, enum model_verb verb, const char *repository, const char *reference,
	struct err **err)
{
	struct faults *faults = ctx;
	bool killed, failed;

	if (faults->baton)
		baton_wait(faults->baton, faults->number);
	pthread_mutex_lock(&faults->lock);
	if (faults->undoes && reference && strncmp(reference, "sha256-", 7) == 0)
		undo(faults, verb, repository, reference);
	killed = faults->left == 0;
	faults->left -= !killed;
	faults->state = faults->state * 6364136223846793005ULL + 1442695040888963407ULL;
	failed = verb == MODEL_PUT && (faults->state >> 33) % 100 < faults->percent;
	pthread_mutex_unlock(&faults->lock);
	return (!killed && !failed) ||
		err_set_http(err, ERR_TRANSIENT, 503, "%s: 503 Service Unavailable", repository);
}

struct way {
	enum verify_depth depth;
	unsigned threads;
};

/* Then what is attached is at mirrors too. */
static bool replicates;

static void go(const struct manifest_tree *tree, struct registry *model, const char *who,
	const struct way *way, struct told *told)
{
	struct signer *signer = model_signer_new(who);
	const struct signing_options signing = {
		.signer = signer,
		.wanted = {.forms = {[SIGN_LEGACY] = true},
			.statements = {[PROMOTION_RECORD] = true}},
		.run = &about,
		.max_ops = way->threads,
	};
	const struct tell_options options = {
		.confirm = true,
		.replicate = replicates,
		.threads = way->threads,
		.depth = way->depth,
		.clock = &still,
		.signing = &signing,
	};

	tell_run(tree, model, &options, told);
	model_signer_free(signer);
}

/*
 * With several sources of an image each group of its destinations states what it knows of, and names the source
 * that held it; whoever reads that later may expect another. Then there is a record, and which is not compared.
 */
static bool has_one_source;

static const struct way plain = {.depth = VERIFY_DIGEST, .threads = 2};
static const struct way full = {.depth = VERIFY_FULL, .threads = 2};

/* Returns how much it wrote. */
static uint64_t go_alone(
	const struct manifest_tree *tree, struct registry *model, const struct way *way)
{
	struct told told;

	model_reset_counts(model);
	go(tree, model, "alone", way, &told);
	cr_assert(told_adds_up(&told, model_counts(model).requests - told.result.mirror_requests));
	cr_assert_eq(model_counts(model).moved, 0, "a tag was moved");
	cr_assert_eq(model_counts(model).dangling, 0);
	told_release(&told);
	return model_counts(model).writes;
}

/* ---- What must hold at the end ---- */

/* The destinations of a unit. */
struct sites {
	struct primary_site *sites;
	struct wanted *wanted;
	struct primaries *primaries;
	uint32_t count;
};

static void sites_init(struct sites *all, const struct worklist *list, const struct work_unit *unit)
{
	all->count = unit->destination_count;
	all->sites = mem_new(all->count, sizeof(*all->sites));
	all->wanted = mem_new(all->count, sizeof(*all->wanted));
	for (uint32_t i = 0; i < all->count; i++) {
		wanted_init(&all->wanted[i], list, unit->first_destination + i);
		all->sites[i] = (struct primary_site){
			list->destinations.items[unit->first_destination + i].name,
			&all->wanted[i]};
	}
	all->primaries = primaries_new(list->declared->identities, all->sites, all->count);
}

static void sites_release(struct sites *all)
{
	primaries_free(all->primaries);
	for (uint32_t i = 0; i < all->count; i++)
		wanted_release(&all->wanted[i]);
	mem_free(all->wanted);
	mem_free(all->sites);
}

/* What the signature of this site's digest must say, if it has to be signed there. */
static char *signature_of(const struct sites *all, uint32_t site, const struct digest *digest)
{
	CLEANUP(str_release) struct str payload = STR_INIT(STR_TEXT_MAX);
	CLEANUP(mem_freep) char *version = signing_annotation_value(about.program_version);
	const struct payload_annotation annotation = {SIGNING_ANNOTATION, version};
	const char *identity = primary_identity(all->primaries, site);
	char text[DIGEST_TEXT_SIZE];

	payload_write(
		identity ? identity : all->sites[site].name, digest, &annotation, 1, &payload);
	return mem_printf("%s:sha256-%s.sig %s", all->sites[site].name,
		strchr(digest_format(digest, text), ':') + 1, str_text(&payload));
}

struct checking {
	const struct manifest_tree *tree;
	struct registry *model;
	const struct sites *all;
	const struct claims_held *held;
	const struct claims_held *goal; /* of which nothing may be lost */
	unsigned most;			/* of one signature */
	unsigned due;			/* signatures that were seen to be there */
};

static unsigned signatures_seen, mirrored_seen;

static unsigned held_below(const struct checking *c, const char *image, const char *suffix)
{
	CLEANUP(mem_freep) char *prefix = mem_printf("%s.%s ", image, suffix);

	return claims_held_below(c->held, prefix);
}

/* Plain registries are not asked for a digest that is wanted under tags none of which points to it. */
static bool is_seen(
	const struct checking *c, uint32_t site, uint32_t index, const struct digest *digest)
{
	const struct wanted *wanted = &c->all->wanted[site];
	const struct wanted_digest *entry = &wanted->digests.items[index];
	const char *name = c->all->sites[site].name;

	if (entry->by_digest || world_is_google(name))
		return true;
	for (uint32_t t = 0; t < entry->tag_count; t++)
		if (model_holds_digest(
			    c->model, name, digest, wanted->tags.items[entry->first_tag + t].name))
			return true;
	return false;
}

static void check_mirror(const struct checking *c, struct primary_pair primary, uint32_t site,
	const char *digest, unsigned signatures, unsigned records)
{
	CLEANUP(mem_freep)
	char *image = mem_printf(
		"%s:sha256-%s", c->all->sites[primary.site].name, strchr(digest, ':') + 1);
	const char *name = c->all->sites[site].name;

	if (!replicates) {
		cr_assert_eq(signatures + records, 0, "%s@%s is no primary", name, digest);
		return;
	}
	cr_assert_eq(held_below(c, image, "sig"), signatures, "%s at %s", image, name);
	cr_assert_eq(held_below(c, image, "att"), records, "%s at %s", image, name);
	mirrored_seen += signatures;
}

/* A signature and a record at the primary of what is held, whatever became of tags. */
static void check_digest(struct checking *c, uint32_t site, uint32_t index)
{
	const struct wanted_digest *wanted = &c->all->wanted[site].digests.items[index];
	struct primary_pair primary =
		primary_of(c->all->primaries, (struct primary_pair){site, index});
	const char *name = c->all->sites[site].name;
	struct digest digest = {.algorithm = DIGEST_SHA256};
	char text[DIGEST_TEXT_SIZE];
	unsigned signatures, records;
	const char *lost;

	memcpy(digest.bytes, wanted->sha256, DIGEST_SHA256_SIZE);
	digest_format(&digest, text);
	CLEANUP(mem_freep) char *image = mem_printf("%s:sha256-%s", name, strchr(text, ':') + 1);
	signatures = held_below(c, image, "sig");
	records = held_below(c, image, "att");
	if (primary.site != site) {
		check_mirror(c, primary, site, text, signatures, records);
		return;
	}
	CLEANUP(mem_freep) char *line = signature_of(c->all, site, &digest);
	cr_assert_eq(claims_held_count(c->held, line), signatures, "%s: says something else", line);
	if (declared_frozen_by(c->tree->declared, name, wanted->project)) {
		cr_assert_eq(signatures + records, 0, "%s is frozen", line);
		return;
	}
	if (!model_holds_digest(c->model, name, &digest, NULL)) {
		cr_assert_eq(signatures + records, 0, "%s is not there", line);
		return;
	}
	/* It is asked for if a mirror is filled from it. */
	if (!is_seen(c, site, index, &digest))
		return;
	c->due++;
	cr_assert(signatures >= 1 && signatures <= c->most, "%s: %u signatures", line, signatures);
	cr_assert(records >= 1, "%s: no record", line);
	lost = has_one_source ? claims_held_lost(c->goal, c->held, image) : NULL;
	cr_assert_null(lost, "lost: %s", lost);
}

static void check_claims(const struct manifest_tree *tree, struct registry *model,
	const struct claims_held *held, const struct claims_held *goal, unsigned most)
{
	CLEANUP(worklist_freep) struct worklist *list = worklist_new(tree->declared);
	struct sites all;
	struct checking c = {tree, model, &all, held, goal, most, 0};

	for (size_t u = 0; u < list->units.len; u++) {
		sites_init(&all, list, &list->units.items[u]);
		for (uint32_t i = 0; i < all.count; i++)
			for (uint32_t d = 0; d < all.wanted[i].well_formed; d++)
				check_digest(&c, i, d);
		sites_release(&all);
	}
	signatures_seen += c.due;
}

/* What an undisturbed run comes to. */
struct goal {
	char *held;
	struct claims_held claims;
};

static void goal_read(struct registry *model, struct goal *goal)
{
	goal->held = model_dump(model);
	claims_held_read(model, &goal->claims);
}

static void goal_release(struct goal *goal)
{
	mem_free(goal->held);
	claims_held_release(&goal->claims);
}

/* What else is claimed than before, for people. */
static void settled_at(
	const struct manifest_tree *tree, struct registry *model, const struct way *way)
{
	struct claims_held before, after;
	uint64_t writes;

	claims_held_read(model, &before);
	writes = go_alone(tree, model, way);
	claims_held_read(model, &after);
	cr_assert_eq(writes, 0, "another run wrote at depth %d: %s", (int)way->depth,
		claims_held_lost(&after, &before, ""));
	claims_held_release(&before);
	claims_held_release(&after);
}

static void check_settled(const struct manifest_tree *tree, struct registry *model)
{
	settled_at(tree, model, &plain);
	if (has_one_source)
		settled_at(tree, model, &full);
}

static void undisturbed(const struct manifest_tree *tree, struct registry *model, struct goal *goal)
{
	go_alone(tree, model, &plain);
	goal_read(model, goal);
	check_claims(tree, model, &goal->claims, &goal->claims, 1);
	check_settled(tree, model);
}

static void check_reached(const struct manifest_tree *tree, struct registry *model,
	const struct goal *goal, unsigned most)
{
	struct goal reached;

	goal_read(model, &reached);
	cr_assert_str_eq(reached.held, goal->held);
	check_claims(tree, model, &reached.claims, &goal->claims, most);
	goal_release(&reached);
}

static void disturbed(const struct manifest_tree *tree, struct registry *model,
	const struct goal *goal, struct faults *faults)
{
	struct told told;

	model_set_fault(model, happens, faults);
	go(tree, model, "disturbed", &plain, &told);
	told_release(&told);
	model_set_fault(model, NULL, NULL);
	go_alone(tree, model, &full);
	check_reached(tree, model, goal, 1);
	check_settled(tree, model);
	faults_release(faults);
}

/* `way`: 0: writes fail; 1: killed; 2: what is attached is undone. */
static void disturb(const struct manifest_tree *tree, struct registry *before,
	const struct goal *goal, unsigned way)
{
	struct registry *model = model_copy(before);
	struct faults faults;

	faults_init(&faults, way == 0 ? 5 + world_below(60) : 0,
		way == 1 ? world_below(100) : UINT64_MAX);
	faults.undoes = way == 2 ? model : NULL;
	disturbed(tree, model, goal, &faults);
	model_free(model);
}

Test(run_property, an_image_has_one_signature_and_a_record_whatever_failed_before)
{
	log_set_level(LOG_FATAL);
	world_seed();
	for (unsigned t = 0; t < trees(); t++) {
		struct manifest_tree tree;

		has_one_source = t % 2 == 0;
		replicates = t % 4 < 2;
		world_tree(&tree, has_one_source);
		for (unsigned s = 0; s < STATES; s++) {
			struct registry *model = world_model(), *before = model_copy(model);
			struct goal goal;

			undisturbed(&tree, model, &goal);
			for (unsigned way = 0; way < 3; way++)
				disturb(&tree, before, &goal, way);
			goal_release(&goal);
			model_free(model);
			model_free(before);
		}
		manifest_tree_release(&tree);
	}
	cr_expect_gt(signatures_seen, 10 * trees(), "%u signatures", signatures_seen);
	cr_expect_gt(mirrored_seen, 2 * trees(), "%u signatures at mirrors", mirrored_seen);
}

/* ---- Two at a time ---- */

struct rival {
	const struct manifest_tree *tree;
	struct registry *client;
	const struct way *way;
	struct faults faults;
	struct told told;
	const char *name;
};

static void *rival_run(void *arg)
{
	struct rival *rival = arg;

	go(rival->tree, rival->client, rival->name, rival->way, &rival->told);
	baton_leave(rival->faults.baton, rival->faults.number);
	return NULL;
}

static void check_no_failure(const struct told *told)
{
	for (size_t i = 0; i < told->records.len; i++) {
		const struct told_record *record = &told->records.items[i];

		cr_assert(record->outcome != OUTCOME_FAILED, "%s: %s: %s", record->key,
			record->text, record->error);
	}
}

/* Each with a tree, of its own perhaps. */
static void two_at_a_time(const struct manifest_tree *a, const struct manifest_tree *b,
	struct registry *model, unsigned threads)
{
	struct baton *baton = baton_new(world_below(1U << 30), world_below(100));
	const struct way way = {.depth = VERIFY_DIGEST, .threads = threads};
	struct rival rivals[2] = {{.tree = a, .name = "first"}, {.tree = b, .name = "second"}};
	pthread_t handles[2];

	for (unsigned i = 0; i < 2; i++) {
		rivals[i].client = model_client(model);
		rivals[i].way = &way;
		faults_init(&rivals[i].faults, 0, UINT64_MAX);
		rivals[i].faults.baton = baton;
		rivals[i].faults.number = i;
		model_set_fault(rivals[i].client, happens, &rivals[i].faults);
	}
	for (unsigned i = 0; i < 2; i++)
		pthread_create(&handles[i], NULL, rival_run, &rivals[i]);
	for (unsigned i = 0; i < 2; i++) {
		pthread_join(handles[i], NULL);
		check_no_failure(&rivals[i].told);
		told_release(&rivals[i].told);
		faults_release(&rivals[i].faults);
		model_free(rivals[i].client);
	}
	baton_free(baton);
}

Test(run_property, two_runs_at_once_lose_nothing_and_settle)
{
	log_set_level(LOG_FATAL);
	world_seed();
	for (unsigned t = 0; t < trees(); t++) {
		struct manifest_tree tree;

		has_one_source = t % 2 == 0;
		replicates = t % 4 < 2;
		world_tree(&tree, has_one_source);
		for (unsigned s = 0; s < STATES; s++) {
			struct registry *model = world_model(), *both = model_copy(model);
			struct goal goal;

			undisturbed(&tree, model, &goal);
			two_at_a_time(&tree, &tree, both, 1 + s % 2);
			check_reached(&tree, both, &goal, 2);
			check_settled(&tree, both);
			goal_release(&goal);
			model_free(model);
			model_free(both);
		}
		manifest_tree_release(&tree);
	}
}

/* ---- An older declared state and a newer one ---- */

/* Each tag of one image at its digest; the newer tree declares more of them. */
static void random_versions(struct manifest_tree *older, struct manifest_tree *newer)
{
	struct str texts[2] = {STR_INIT(STR_TEXT_MAX), STR_INIT(STR_TEXT_MAX)};
	char digest[DIGEST_TEXT_SIZE];

	for (unsigned d = 0; d < WORLD_DIGESTS; d++) {
		const struct digest value = model_digest(d);
		unsigned tags[2] = {world_below(3), 0};

		tags[1] = tags[0] + world_below(3);
		for (unsigned v = 0; v < 2; v++) {
			/* A digest that the older one has not heard of. */
			if (v == 0 && tags[0] == 0 && d)
				continue;
			str_addf(&texts[v], "    \"%s\": [", digest_format(&value, digest));
			for (unsigned t = 0; t < tags[v]; t++)
				str_addf(&texts[v], "%s\"v%u.%u\"", t ? ", " : "", d, t);
			str_add_text(&texts[v], "]\n");
		}
	}
	manifest_tree_init(older);
	manifest_tree_init(newer);
	for (unsigned v = 0; v < 2; v++) {
		CLEANUP(mem_freep)
		char *images = mem_printf("- name: foo\n  dmap:\n%s", str_text(&texts[v]));

		manifest_tree_project(v ? newer : older, "a",
			"*src.example " WORLD_K8S("us-central1") " " WORLD_K8S("asia") " c.example",
			images);
		manifest_tree_load(v ? newer : older);
		str_release(&texts[v]);
	}
}

static struct registry *random_part(void)
{
	struct registry *model = world_model();

	for (unsigned d = 0; d < WORLD_DIGESTS; d++)
		model_hold(model, "src.example/foo", d, NULL);
	return model;
}

/* Every line of one is in the other: nothing is lost. */
static void check_kept(const char *wanted, const char *held)
{
	CLEANUP(mem_freep) char *copy = mem_strdup(wanted);
	char *rest = copy, *line;

	while ((line = strsep(&rest, "\n")))
		cr_assert(strstr(held, line), "lost: %s", line);
}

/* One after the other: what is new is recorded at once, and what was there stays. */
static void newer_follows(const struct manifest_tree *older, const struct manifest_tree *newer,
	struct registry *model, const struct goal *goal)
{
	struct goal before, after;

	go_alone(older, model, &plain);
	goal_read(model, &before);
	go_alone(newer, model, &plain);
	check_reached(newer, model, goal, 1);
	goal_read(model, &after);
	cr_assert_null(claims_held_lost(&before.claims, &after.claims, ""), "a claim was lost");
	goal_release(&before);
	goal_release(&after);
	check_settled(newer, model);
}

Test(run_property, an_older_run_takes_nothing_from_a_newer_one)
{
	log_set_level(LOG_FATAL);
	world_seed();
	has_one_source = true;
	for (unsigned t = 0; t < trees() * STATES; t++) {
		struct registry *model = random_part(), *both = model_copy(model),
				*later = model_copy(model);
		struct manifest_tree older, newer;
		CLEANUP(mem_freep) char *between = NULL;
		struct goal goal;

		random_versions(&older, &newer);
		undisturbed(&newer, model, &goal);
		newer_follows(&older, &newer, later, &goal);
		two_at_a_time(&older, &newer, both, 1 + t % 2);
		between = model_dump(both);
		check_kept(goal.held, between);
		go_alone(&newer, both, &full);
		check_reached(&newer, both, &goal, 3);
		check_settled(&newer, both);
		goal_release(&goal);
		model_free(model);
		model_free(both);
		model_free(later);
		manifest_tree_release(&older);
		manifest_tree_release(&newer);
	}
}
