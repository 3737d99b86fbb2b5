/*
 * Registries in memory behind the functions of registry/registry.h and registry/copy.h: what they
 * hold, which requests they were asked, and faults on demand. Linked instead of the real client
 * into tests of whole runs. It refuses nothing by itself but remembers every write that broke a
 * promise. Any thread.
 */
#ifndef CIP_TESTS_FAKES_MODEL_REGISTRY_H
#define CIP_TESTS_FAKES_MODEL_REGISTRY_H

#include "registry/copy.h"

enum model_verb { MODEL_LIST, MODEL_HEAD, MODEL_GET, MODEL_PUT };

struct registry *model_new(void);
void model_free(struct registry *model);
/*
 * Another client of the same registries, as another process is: with faults and locks of its own, what is
 * counted is counted for all. Freed before the model by model_free.
 */
struct registry *model_client(struct registry *model);

/* A host speaks Google's extension; others are plain. */
void model_set_google(struct registry *model, const char *host);

/* tag may be NULL. Digests are made from small numbers by model_digest. */
void model_hold(struct registry *model, const char *repository, unsigned digest, const char *tag);
bool model_holds(struct registry *model, const char *repository, unsigned digest, const char *tag);
bool model_holds_digest(struct registry *model, const char *repository, const struct digest *digest,
	const char *tag);
struct digest model_digest(unsigned number);
/* The repository's list names this tag under a second digest too, as no registry should. */
void model_contradict(
	struct registry *model, const char *repository, unsigned digest, const char *tag);

/*
 * Called, with no lock held, before a request is answered; returning false (with the error set)
 * makes it fail. `reference`: a tag, a digest's text, or NULL for lists. NULL: no faults.
 */
typedef bool model_fault_fn(void *ctx, enum model_verb verb, const char *repository,
	const char *reference, struct err **err);
void model_set_fault(struct registry *model, model_fault_fn *fault, void *ctx);

/*
 * Everything held, as sorted text, but for documents that were PUT: those are for who knows what they say.
 * The caller frees it.
 */
char *model_dump(struct registry *model);
struct registry *model_copy(struct registry *model);

struct model_counts {
	uint64_t requests, writes, lists, heads, gets;
	uint64_t moved;	   /* tags overwritten that were not to move from where they pointed */
	uint64_t moves;	   /* tags overwritten that were */
	uint64_t needless; /* tags written that were right already */
	uint64_t dangling; /* tags written on a digest the repository does not hold */
};
struct model_counts model_counts(struct registry *model);
void model_reset_counts(struct registry *model);

/* Visits each tag written since the last reset. */
void model_each_write(struct registry *model,
	void (*visit)(
		void *ctx, const char *repository, const char *tag, const struct digest *digest),
	void *ctx);

/* As if somebody else had replaced it. */
void model_untag(struct registry *model, const char *repository, const char *tag);
/* Visits each tag under which a document stands that was PUT. */
void model_each_document(struct registry *model,
	void (*visit)(void *ctx, const char *repository, const char *tag,
		const struct document *document),
	void *ctx);
/* The bytes of a blob that a document names; NULL: it is not there. Borrowed. */
const struct document *model_blob(
	struct registry *model, const char *repository, const struct digest *digest);

#endif
