/*
 * The manifest verbs of registry.h in two halves, preparing a request and judging its answer, so
 * that the copy engine can have several in flight (requests_run). Internal to registry/.
 */
#ifndef CIP_REGISTRY_MANIFEST_REQUEST_H
#define CIP_REGISTRY_MANIFEST_REQUEST_H

#include "registry/request.h"

void manifest_get_init(struct request *request, struct registry *registry,
	const struct repository *repository, const struct digest *digest, struct http_tally *tally);
/* ERR_DIGEST if the bytes are not those of `digest`. */
bool manifest_get_take(const struct request *request, const struct digest *digest,
	struct document *ret_document, struct err **err);

void manifest_head_init(struct request *request, struct registry *registry,
	const struct repository *repository, const char *reference, struct http_tally *tally);
/* *ret_said false: it exists, but the server did not say its digest. */
bool manifest_head_take(
	const struct request *request, struct digest *ret_digest, bool *ret_said, struct err **err);

/* `query` as for request_init. The document is borrowed until the request is released. */
void manifest_put_init(struct request *request, struct registry *registry,
	const struct repository *repository, const char *reference, const char *query,
	const struct document *document, struct http_tally *tally);
/*
 * ERR_DIGEST if the registry says it stored something else, ERR_INVALID if what it says it stored
 * is no digest.
 */
bool manifest_put_take(
	const struct request *request, const struct document *document, struct err **err);

/* The answer's OCI-Subject: the registry says that it will list the manifest with its subject's. */
bool manifest_put_subject(const struct request *request, struct digest *ret_subject);

/* ---- manifest_tags.c: a document under several tags ---- */

/* For the first tags of `count` > 0, as many as one PUT may carry: returns how many. */
size_t manifest_put_tags_init(struct request *request, struct registry *registry,
	const struct repository *repository, const struct document *document,
	const char *const *tags, size_t count, struct http_tally *tally);
/*
 * For the same tags: which are written now. The others were refused for a reason that may not hold
 * for fewer of them, or passed over: they are to be asked for one by one if *ret_alone, else
 * together again, which will be another request.
 */
bool manifest_put_tags_take(const struct request *request, const struct document *document,
	const char *const *tags, size_t count, bool *ret_written, bool *ret_alone,
	struct err **err);

#endif
