/*
 * Reads and verifies records, and asks the source about commits. Which tags move, and what becomes of
 * one that may not, is the group's business (group_moves.c).
 */
#include "reconciler/tag_moves.h"

#include <pthread.h>
#include <string.h>

#include "base/intern.h"
#include "base/strmap.h"
#include "signer/attached.h"
#include "signer/image_verify.h"

struct tag_moves {
	struct tag_moves_options options;
	struct registry *registry; /* of the signing class */
	pthread_mutex_t lock;	   /* guards the source and what follows */
	struct intern *commits;	   /* that it was asked about */
	struct strmap answers;	   /* enum answer by commit */
};

enum answer { ANSWER_NONE, ANSWER_NO, ANSWER_YES };

struct tag_moves *tag_moves_new(const struct tag_moves_options *options)
{
	struct tag_moves *moves = mem_new(1, sizeof(*moves));

	moves->options = *options;
	moves->registry = registry_for_signing(options->registry);
	moves->commits = intern_new();
	pthread_mutex_init(&moves->lock, NULL);
	return moves;
}

void tag_moves_free(struct tag_moves *moves)
{
	if (!moves)
		return;
	strmap_release(&moves->answers);
	intern_free(moves->commits);
	pthread_mutex_destroy(&moves->lock);
	mem_free(moves);
}

/* With the lock held. */
static bool ask_source(
	struct tag_moves *moves, const char *commit, bool *ret_contains, struct err **err)
{
	enum answer answer = (uintptr_t)strmap_get(&moves->answers, commit);

	if (answer == ANSWER_NONE) {
		if (!source_contains(moves->options.source, commit, ret_contains, err))
			return false;
		answer = *ret_contains ? ANSWER_YES : ANSWER_NO;
		*strmap_put(&moves->answers, intern_text(moves->commits, commit)) =
			(void *)(uintptr_t)answer;
	}
	*ret_contains = answer == ANSWER_YES;
	return true;
}

/* *ret_why: see tag_moves_check. */
static bool check_commit(
	struct tag_moves *moves, const char *commit, char **ret_why, struct err **err)
{
	struct source *source = moves->options.source;
	const char *own = source ? source_commit(source) : NULL;
	bool contains = false, told;

	if (!own) {
		*ret_why = mem_printf("its promotion record names commit %s of the manifests, and "
				      "of which commit this run is cannot be told: run it with "
				      "--manifest-repo",
			commit);
		return true;
	}
	pthread_mutex_lock(&moves->lock);
	told = ask_source(moves, commit, &contains, err);
	pthread_mutex_unlock(&moves->lock);
	if (told && !contains)
		*ret_why = mem_printf("moved by a newer commit: its promotion record names commit "
				      "%s of the manifests, which is not in the history of this "
				      "run's commit %s",
			commit, own);
	return told;
}

static bool check_records(struct tag_moves *moves, const struct image_verdicts *verdicts,
	const char *tag, char **ret_why, struct err **err)
{
	for (size_t i = 0; i < verdicts->items.len && !*ret_why; i++) {
		const struct image_verdict *verdict = &verdicts->items.items[i];
		CLEANUP(mem_freep) char *commit = NULL;

		if (!verdict->counts ||
			!promotion_names_tag(verdict->predicate_statement.data,
				verdict->predicate_statement.len, tag, &commit))
			continue;
		if (commit && !check_commit(moves, commit, ret_why, err))
			return false;
	}
	return true;
}

static bool verify(struct tag_moves *moves, const struct attached *attached,
	const struct digest *from, const char *tag, char **ret_why, struct err **err)
{
	CLEANUP(image_verdicts_release) struct image_verdicts verdicts = {0};
	struct policy_signer signer = {0};
	struct policy policy = POLICY_INIT;
	const struct image_policy wanted = {
		.root = moves->options.signing_options->root,
		.policy = &policy,
		.predicate_type = promotion_type(PROMOTION_RECORD),
	};

	if (!signing_identity(moves->options.signing, &signer, err))
		return false;
	policy.signers = &signer;
	policy.signer_count = 1;
	policy.scts = moves->options.signing_options->scts;
	image_verify(&wanted, from, attached, &verdicts);
	return check_records(moves, &verdicts, tag, ret_why, err);
}

bool tag_moves_check(struct tag_moves *moves, const struct repository *primary,
	const struct digest *from, const char *tag, struct http_tally *tally, char **ret_why,
	struct err **err)
{
	const struct attached_query query = {
		.kinds = ATTACHED_ATT | ATTACHED_BUNDLE,
		.predicate_type = promotion_type(PROMOTION_RECORD),
	};
	CLEANUP(attached_release) struct attached attached = {0};

	*ret_why = NULL;
	if (!moves->options.signing)
		return true;
	if (!attached_read(moves->registry, primary, from, &query, tally, &attached, err))
		return false;
	return !attached.items.len || verify(moves, &attached, from, tag, ret_why, err);
}
