/* What the files of the model share. Internal to them. */
#ifndef CIP_TESTS_FAKES_MODEL_PRIVATE_H
#define CIP_TESTS_FAKES_MODEL_PRIVATE_H

#include <pthread.h>

#include "base/strmap.h"
#include "base/vec.h"
#include "tests/fakes/model_registry.h"

struct held_tag {
	char *name;
	struct digest digest;
};

struct held {
	char *name;
	VEC(struct digest) digests;
	VEC(struct held_tag) tags;
	VEC(struct held_tag) lies; /* in lists only */
	VEC(struct digest) blobs;  /* of documents that were PUT */
};

struct write {
	const char *repository;
	char *tag;
	struct digest digest;
};

struct registry {
	struct registry *origin; /* itself, unless it is another client of the same registries */
	pthread_mutex_t lock;
	pthread_mutex_t tag_lock; /* of one client */
	struct strmap repositories;
	VEC(char *) google;
	VEC(char *) proven; /* Google's hosts that have shown it */
	VEC(struct write) writes;
	VEC(struct document) documents; /* what was PUT, manifests and blobs, wherever it is */
	struct model_counts counts;
	model_fault_fn *fault;
	void *fault_ctx;
};

/* Bytes that were PUT; NULL: of this digest the model keeps none. With the lock held, as all below. */
const struct document *model_document(struct registry *model, const struct digest *digest);
const struct digest *model_keep_document(
	struct registry *model, const char *bytes, size_t len, const char *media_type);

struct held *model_repository(struct registry *model, const char *name, bool make);
bool model_has_digest(const struct held *held, const struct digest *digest);
struct held_tag *model_find_tag(struct held *held, const char *name);
void model_put(struct held *held, const struct digest *digest, const char *tag);
/* A tag, or a digest that is held. */
bool model_resolve(struct held *held, const char *reference, struct digest *ret_digest);
/* What the document names is brought along with it. */
void model_bring_blobs(struct registry *model, struct held *held, const struct digest *digest);

/*
 * Counts the request; takes the lock if it may be answered. *registry becomes the registries that all
 * clients share, either way.
 */
bool model_begin(struct registry **registry, enum model_verb verb, const char *repository,
	const char *reference, struct http_tally *tally, struct err **err);
bool model_not_found(struct err **err, const char *repository, const char *reference);
char *model_full_name(const struct repository *repository);

#endif
