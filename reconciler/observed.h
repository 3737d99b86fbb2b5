/*
 * What one destination repository holds of what is wanted there. Knowledge has three values: an
 * answer says present or absent, everything else is unknown. One list answers as much as it can:
 * all of it where the registry speaks Google's extension, else only which tags do not exist; the
 * rest are questions, one HEAD each. Nothing of a list that did not end cleanly is used.
 *
 * observed_list first, then observed_ask for every question (from any threads, each question
 * once), then observed_finish; read-only afterwards.
 */
#ifndef CIP_RECONCILER_OBSERVED_H
#define CIP_RECONCILER_OBSERVED_H

#include "reconciler/event.h"
#include "reconciler/wanted.h"
#include "registry/registry.h"
#include "replicator/inventory.h"

struct observed_tag {
	enum tag_found found;
	uint32_t digest;	  /* TAG_AT_DIGEST: index in wanted */
	struct digest *elsewhere; /* TAG_ELSEWHERE: a digest that nobody declares here; owned */
	/* While the list arrives: seen by name, seen with a digest, seen with two. */
	bool listed, mapped, contradicted;
};

/* What stands beside a digest, by the tags that are listed (replicator/replica_tag.h). */
enum observed_beside {
	BESIDE_SIG = 1 << 0,   /* "sha256-<hex>.sig" */
	BESIDE_ATT = 1 << 1,   /* ".att" */
	BESIDE_SBOM = 1 << 2,  /* ".sbom" */
	BESIDE_INDEX = 1 << 3, /* without a suffix: the index of referrers */
};

/* Something the list does not tell: one HEAD, or one request for referrers. */
struct observed_question {
	bool is_digest;	 /* index of a digest, else slot of a tag */
	bool is_bundles; /* index of a digest of which the bundles are asked for */
	uint32_t index;
	struct err *err; /* why there is no answer; owned */
};

struct observed {
	const struct wanted *wanted;
	uint8_t *digests;	   /* enum known, by index in wanted */
	uint8_t *beside;	   /* enum observed_beside, likewise */
	struct observed_tag *tags; /* by slot */
	bool is_listed;
	bool tells_tags;	  /* a tag that was not listed does not exist */
	bool believes_tags;	  /* set before the list: see observed_list */
	struct extra_tags *extra; /* NULL: nobody wants to know; owned */
	uint8_t *bundles; /* reconciler/observed_bundles.h; NULL: nobody wants to know; owned */
	VEC(struct observed_question) questions; /* tags by slot, digests by index, then bundles */
	uint64_t listed_tags, listed_manifests;
	bool keeps_attached;	   /* to be set before the list is read */
	struct inventory attached; /* what stands beside declared digests, by the list */
	struct err *err;	   /* of the list; owned */
	struct http_tally tally;   /* of list and questions */
};

void observed_init(struct observed *observed, const struct wanted *wanted);
/* Tags that nobody declares are wanted too. Before observed_list. */
void observed_want_extra(struct observed *observed);
void observed_release(struct observed *observed);

/*
 * Lists the repository. Returns false with the registry's error if that failed (then everything is
 * unknown and there are no questions); a repository that does not exist is success. `err` may be
 * NULL, the error is kept in any case.
 *
 * With believes_tags a listed tag is taken to be at the only digest that claims it, where the list does
 * not say another, unless it is mutable; else it is a question.
 */
bool observed_list(struct observed *observed, struct registry *registry,
	const struct repository *repository, struct err **err);

/* Asks one question. False with the registry's error if it stays unknown; also kept. */
bool observed_ask(struct observed *observed, struct registry *registry,
	const struct repository *repository, size_t question, struct err **err);

/* Draws the conclusion that a tag's digest is present. */
void observed_finish(struct observed *observed);

/* What the list says of something beside a digest. */
enum known observed_beside(
	const struct observed *observed, uint32_t digest, enum observed_beside beside);

/* Why a tag or digest is unknown. Borrowed; NULL if nothing failed there. */
const struct err *observed_error(const struct observed *observed, bool is_digest, uint32_t index);

#endif
