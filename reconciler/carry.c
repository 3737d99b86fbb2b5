/*
 * What is known of source repositories over a run, and reading what they have beside an image. Who may
 * have signed is carry_plan.h's question; what is copied unverified is carry_rest.c's.
 */
#include "reconciler/carry.h"

#include <string.h>

#include "base/log.h"
#include "reconciler/carry_private.h"

/* Of one source repository, after which it is left alone for the rest of the run. */
#define FAILURES_MAX 3
#define TOTAL_MAX ((size_t)32 << 20) /* bytes read for one image and kind */
#define TURNS_MAX 8

/* ---- Life ---- */

struct carry *carry_new(const struct carry_options *options, struct registry *registry,
	const struct clock *clock, struct cancel *cancel)
{
	static const struct copy_limits limits = {
		.depth = 2, .manifests = 1000, .bytes = (uint64_t)1 << 30};
	struct carry *carry = mem_new(1, sizeof(*carry));

	carry->options = options;
	carry->registry = registry;
	carry->clock = clock;
	carry->cancel = cancel;
	carry->lists = once_new();
	pthread_mutex_init(&carry->lock, NULL);
	pthread_cond_init(&carry->turn_ended, NULL);
	if (options->mode == CARRY_ALL)
		carry->copier = copier_new(registry, &limits, clock, cancel);
	return carry;
}

static void staging_free(struct staging *staging)
{
	inventory_release(&staging->inventory);
	mem_free(staging->host);
	mem_free(staging->name);
	mem_free(staging);
}

void carry_free(struct carry *carry)
{
	const char *name;
	void *staging;

	if (!carry)
		return;
	for (size_t i = 0; strmap_next(&carry->stagings, &i, &name, &staging);)
		staging_free(staging);
	strmap_release(&carry->stagings);
	pthread_cond_destroy(&carry->turn_ended);
	pthread_mutex_destroy(&carry->lock);
	copier_free(carry->copier);
	once_free(carry->lists);
	mem_free(carry);
}

bool carry_is_on(const struct carry *carry)
{
	const struct carry_options *options = carry->options;

	return options->mode == CARRY_ALL ||
		(options->mode == CARRY_SIGNED && options->signer_count > 0);
}

/*
 * What anybody may have put into staging is held of a few images at a time, until it is verified. Whoever has
 * a turn waits for no other.
 */
static void turn_begin(struct carry *carry, struct cargo *cargo)
{
	pthread_mutex_lock(&carry->lock);
	while (carry->turns == TURNS_MAX)
		pthread_cond_wait(&carry->turn_ended, &carry->lock);
	carry->turns++;
	pthread_mutex_unlock(&carry->lock);
	cargo->turn = carry;
}

void carry_turn_end(struct cargo *cargo)
{
	struct carry *carry = steal_ptr(&cargo->turn);

	if (!carry)
		return;
	pthread_mutex_lock(&carry->lock);
	carry->turns--;
	pthread_cond_signal(&carry->turn_ended);
	pthread_mutex_unlock(&carry->lock);
}

/* ---- Source repositories ---- */

struct staging *carry_staging(struct carry *carry, const char *name)
{
	pthread_mutex_lock(&carry->lock);
	struct staging *staging = strmap_get(&carry->stagings, name);
	if (!staging) {
		size_t host = strcspn(name, "/");

		staging = mem_new(1, sizeof(*staging));
		staging->name = mem_strdup(name);
		staging->host = mem_strndup(name, host);
		staging->repository = (struct repository){
			staging->host, staging->name + host + (name[host] == '/')};
		*strmap_put(&carry->stagings, staging->name) = staging;
	}
	pthread_mutex_unlock(&carry->lock);
	return staging;
}

static void on_tag(void *ctx, const char *text)
{
	struct replica_tag tag;

	if (replica_tag_parse(text, &tag))
		inventory_add(ctx, &tag, NULL);
}

static void on_manifest_tag(void *ctx, const struct digest *digest, const char *text)
{
	struct replica_tag tag;

	if (replica_tag_parse(text, &tag))
		inventory_add(ctx, &tag, digest);
}

/* Without a list tags are asked for one by one; a registry that does not answer to these either is soon left. */
static bool list(struct carry *carry, struct staging *staging, struct http_tally *tally)
{
	const struct tags_visitor visitor = {
		.on_tag = on_tag, .on_manifest_tag = on_manifest_tag, .ctx = &staging->inventory};
	CLEANUP(err_freep) struct err *err = NULL;
	enum tags_kind kind;

	staging->is_listed = registry_tags_list(registry_for_sources(carry->registry),
				     &staging->repository, &visitor, tally, &kind, &err) ||
		err_is(err, ERR_NOT_FOUND);
	inventory_finish(&staging->inventory);
	if (staging->is_listed || err_is(err, ERR_CANCELLED))
		return staging->is_listed;
	staging->failures = FAILURES_MAX - 1;
	log_warning(
		"%s: what it has beside its images is not listed, and asked for image by image: %s",
		staging->name, err->msg);
	return true;
}

/* Once a run; false if the run was stopped. */
static bool list_once(struct carry *carry, struct staging *staging, struct http_tally *tally)
{
	enum once_turn turn = once_begin(carry->lists, staging->name, carry->cancel);

	if (turn != ONCE_MINE)
		return turn == ONCE_DONE;
	bool ok = list(carry, staging, tally);
	once_finish(carry->lists, staging->name, ok);
	return ok;
}

static bool is_left_alone(const struct staging *staging)
{
	return staging->failures >= FAILURES_MAX;
}

static void note(struct staging *staging, const struct err *err)
{
	if (!err)
		staging->failures = staging->is_listed ? 0 : FAILURES_MAX - 1;
	else if (!err_is(err, ERR_CANCELLED) && ++staging->failures == FAILURES_MAX)
		log_warning("%s: not asked again in this run for what it has beside its images: %s",
			staging->name, err->msg);
}

/* ---- One image ---- */

static bool has(const struct staging *staging, const struct digest *digest, enum replica_kind kind)
{
	struct replica_tag tag = {.kind = kind};

	if (digest->algorithm != DIGEST_SHA256)
		return false;
	if (!staging->is_listed)
		return true;
	memcpy(tag.image, digest->bytes, DIGEST_SHA256_SIZE);
	return inventory_find(&staging->inventory, &tag) != NULL;
}

static void read_kind(struct carry *carry, struct staging *staging, const struct carry_image *image,
	unsigned kind, struct cargo *cargo)
{
	const struct attached_query query = {
		.kinds = kind,
		.keep_parts = true,
		.max_count = CARRY_MAX,
		.max_total = TOTAL_MAX,
	};
	CLEANUP(err_freep) struct err *err = NULL;

	/* It may have become so since the last kind, or image. */
	if (is_left_alone(staging)) {
		err_set(&err, ERR_TRANSIENT, "%s is not asked any more in this run", staging->name);
		cargo->is_told |= !cargo->report.failed;
		carry_fail(&cargo->report, 0, err);
		return;
	}
	attached_read(registry_for_sources(carry->registry), &staging->repository, image->digest,
		&query, image->tally, &cargo->attached, &err);
	note(staging, err);
	if (err)
		carry_fail(&cargo->report, 0, err);
}

static bool is_primary(const struct staging *staging, const struct repository *primary)
{
	return strcmp(staging->repository.host, primary->host) == 0 &&
		strcmp(staging->repository.path, primary->path) == 0;
}

void carry_read(struct carry *carry, const struct carry_image *image, struct cargo *cargo)
{
	struct staging *staging;

	if (!carry_is_on(carry))
		return;
	staging = carry_staging(carry, image->source);
	if (is_primary(staging, image->primary) || !list_once(carry, staging, image->tally))
		return;
	turn_begin(carry, cargo);
	if (has(staging, image->digest, REPLICA_SIG))
		read_kind(carry, staging, image, ATTACHED_SIG, cargo);
	if (has(staging, image->digest, REPLICA_ATT))
		read_kind(carry, staging, image, ATTACHED_ATT, cargo);
	read_kind(carry, staging, image,
		has(staging, image->digest, REPLICA_REFERRERS) ? ATTACHED_BUNDLE
							       : ATTACHED_BUNDLE_LISTED,
		cargo);
	/* Nothing that would have to be chosen from. */
	if (!cargo->attached.items.len)
		carry_turn_end(cargo);
	cargo->asks_sbom =
		carry->options->mode == CARRY_ALL && has(staging, image->digest, REPLICA_SBOM);
}

void carry_choose(struct carry *carry, const struct carry_image *image,
	const struct trust_root *root, const struct policy *ours, const struct attached *primary,
	struct cargo *cargo)
{
	VEC(struct policy_signer) signers = {0};
	CLEANUP(image_verdicts_release) struct image_verdicts verdicts = {0};
	struct policy policy = *ours;

	for (size_t i = 0; i < carry->options->signer_count; i++)
		*vec_push(&signers) = carry->options->signers[i];
	for (size_t i = 0; i < ours->signer_count; i++)
		*vec_push(&signers) = ours->signers[i];
	policy.signers = signers.items;
	policy.signer_count = signers.len;
	const struct image_policy wanted = {.root = root, .policy = &policy, .any_statement = true};
	image_verify(&wanted, image->digest, &cargo->attached, &verdicts);
	carry_plan(&cargo->attached, &verdicts, primary, &cargo->report);
	carry_turn_end(cargo);
	vec_release(&signers);
}
