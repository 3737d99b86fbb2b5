/*
 * The image index that lists referrers, as text: reading it, and adding to it without touching
 * what is there. For registry/ and whoever replicates such indexes. Pure.
 */
#ifndef CIP_REGISTRY_REFERRERS_INDEX_H
#define CIP_REGISTRY_REFERRERS_INDEX_H

#include "base/strmap.h"
#include "registry/referrers.h"

/* "sha256-<hex>", cut as the specification says. */
#define REFERRERS_TAG_SIZE (32 + 1 + 64 + 1)
const char *referrers_tag(const struct digest *subject, char ret_tag[REFERRERS_TAG_SIZE]);

/* Referrers while they are collected. Zero is empty. */
struct referrers_set {
	struct referrers list;
	struct strmap by_digest; /* digest text (owned) -> itself */
};
void referrers_set_release(struct referrers_set *set);
bool referrers_set_has(const struct referrers_set *set, const struct digest *digest);

/*
 * Adds the descriptors of an index that the set does not have; with `artifact_type` only those of
 * that type or of none. ERR_INVALID: no JSON, no image index. ERR_TOO_LARGE past REFERRERS_MAX.
 */
bool referrers_set_read(struct referrers_set *set, const char *bytes, size_t len,
	const char *artifact_type, struct err **err);

/* Adds what an index says of a document that names `subject`; ERR_INVALID if it does not. */
bool referrers_set_add_document(struct referrers_set *set, const struct document *document,
	const struct digest *subject, struct err **err);

/*
 * The index with all of the set that `current` lacks behind what it has; every byte of it stays as
 * it is. `current_len` 0: a new index. `current` is one that referrers_set_read has read. *ret_added
 * is how many came in; 0: `out` is left empty. ERR_TOO_LARGE past what registries take (4 MiB).
 */
bool referrers_index_extend(const struct referrers_set *set, const char *current,
	size_t current_len, struct str *out, size_t *ret_added, struct err **err);
#define REFERRERS_INDEX_MAX ((size_t)4 << 20)

#endif
