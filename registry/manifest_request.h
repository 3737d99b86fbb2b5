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

/* The document is borrowed until the request is released. */
void manifest_put_init(struct request *request, struct registry *registry,
	const struct repository *repository, const char *reference, const struct document *document,
	struct http_tally *tally);
/* ERR_DIGEST if the registry says it stored something else. */
bool manifest_put_take(
	const struct request *request, const struct document *document, struct err **err);

#endif
