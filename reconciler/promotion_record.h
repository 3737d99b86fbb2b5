/*
 * What is said, and signed, about a promotion: the promotion record of kpromo (its newer shape with
 * additions, sigstore-wire facts 8.2) and SLSA v1.0 provenance of the promotion itself. Both are
 * in-toto statements v1. And whether a statement that is there says the same already.
 *
 * A fact is what this run did or a registry showed. What only commit text or a person at the command line says
 * stands under `claimed`, and what the environment tells of the job under `job`. Pure, any thread.
 */
#ifndef CIP_RECONCILER_PROMOTION_RECORD_H
#define CIP_RECONCILER_PROMOTION_RECORD_H

#include "base/str.h"
#include "image/digest.h"

#define PROMOTION_RECORD_TYPE "https://k8s.io/promo-tools/promotion/v1"
#define PROMOTION_SLSA_TYPE "https://slsa.dev/provenance/v1"
#define PROMOTION_STATEMENT_MAX ((size_t)1 << 20)

/* A tag that pointed elsewhere before. */
struct promotion_replaced {
	const char *tag;
	struct digest digest;
};

/* What is the same for all promotions of a run. Borrowed; NULL: not known. */
struct promotion_run {
	const char *program_version, *program_commit;
	const char *manifest_repository;	  /* URL without credentials */
	const char *manifest_directory;		  /* of the tree in it; NULL: its root */
	const char *commit;			  /* of the manifests */
	const char *comment, *merged_by;	  /* claimed */
	const char *job_name, *job_type, *job_id; /* of the CI system */
	const char *prow_job_id;
};

/* One promotion, of one digest under one identity. Borrowed. */
struct promotion {
	const struct promotion_run *run;
	const char *source;	 /* "host/path" */
	const char *destination; /* the identity: "registry.k8s.io/foo" */
	struct digest digest;
	const char *const *tags; /* in order of bytes, each once */
	size_t tag_count;
	const struct promotion_replaced *replaced; /* in order of their tags */
	size_t replaced_count;
	/*
	 * Nothing of it was written in this run. What was said when that was done may name any of its
	 * sources, and tags that it had besides.
	 */
	bool is_in_place;
	const char *const *sources;
	size_t source_count;
	const char *manifest; /* images file, in the tree */
	int64_t unix_s;
};

enum promotion_statement { PROMOTION_RECORD, PROMOTION_SLSA };
#define PROMOTION_STATEMENTS 2

/* Its predicate type. */
const char *promotion_type(enum promotion_statement statement);

/* Appends the statement. */
void promotion_write(
	enum promotion_statement statement, const struct promotion *promotion, struct str *out);

/*
 * True if the statement (promotion_type; its signature is the caller's matter) is about the same
 * source, destination, digest and tags, and of a promotion that moved tags about the same replaced digests
 * and, in a record, the same commit; one that moved none knows nothing of what was replaced before, and takes
 * any (docs/decisions/077). When, by which job and with which comment does not matter. Older shapes of
 * kpromo, with the digest in `dstRef`, are understood.
 */
bool promotion_is_said(enum promotion_statement statement, const struct promotion *promotion,
	const void *bytes, size_t len);

/*
 * What a record says of one tag. True if it names the tag; *ret_commit is then the commit of the
 * manifests that it names, in fresh memory, or NULL.
 */
bool promotion_names_tag(const void *bytes, size_t len, const char *tag, char **ret_commit);

#endif
