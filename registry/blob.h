/*
 * Blob verbs as requests to be sent by requests_run or request_open (distribution-spec "Pushing
 * blobs"; registry-client facts 5). Internal to registry/.
 */
#ifndef CIP_REGISTRY_BLOB_H
#define CIP_REGISTRY_BLOB_H

#include "registry/request.h"

/* An open upload: where the bytes go. */
struct blob_upload {
	char *url; /* owned; may be signed, is never shown */
	enum http_source source;
	uint64_t chunk_min; /* pieces, but the last, have to be that long; 0: it did not say */
};
void blob_upload_release(struct blob_upload *upload);

/*
 * POST that asks for a mount from the repository at `from`: of the same host, or of the logical
 * host `origin` if that is not NULL (what Google's registries understand).
 */
void blob_mount_init(struct request *request, struct registry *registry,
	const struct repository *repository, const struct digest *digest, const char *from,
	const char *origin, struct http_tally *tally);

/*
 * POST that asks for a mount from the repository itself. So it gets nothing that it has not; the
 * answer tells whether it has the blob (201) or opens an upload (202): a HEAD and a POST in one.
 */
void blob_look_init(struct request *request, struct registry *registry,
	const struct repository *repository, const struct digest *digest, struct http_tally *tally);

/* POST that opens an upload. */
void blob_post_init(struct request *request, struct registry *registry,
	const struct repository *repository, struct http_tally *tally);

/* The upload that an answer of status 202 opened. ERR_INVALID without a usable Location. */
bool blob_upload_take(
	const struct request *request, struct blob_upload *ret_upload, struct err **err);

/* PUT of the whole blob in one go; its bytes are streamed (or given in request->http.body). */
void blob_put_init(struct request *request, struct registry *registry,
	const struct repository *repository, const struct digest *digest, uint64_t size,
	const struct blob_upload *upload, struct http_tally *tally);

/* POST of the whole blob without an upload. Not repeatable: it may open one all the same. */
void blob_single_init(struct request *request, struct registry *registry,
	const struct repository *repository, const struct digest *digest, uint64_t size,
	struct http_tally *tally);

/* True if the answer shows that the POST stored this blob, rather than just being polite. */
bool blob_single_is_proof(const struct request *request, const struct digest *digest);

/* 201, or what old servers say. ERR_DIGEST if the registry says it stored something else. */
bool blob_put_take(const struct request *request, const struct digest *digest, struct err **err);

/* PATCH that appends `len` bytes at `offset`; they are given in request->http.body. */
void blob_patch_init(struct request *request, struct registry *registry,
	const struct repository *repository, const struct digest *digest,
	const struct blob_upload *upload, uint64_t offset, size_t len, struct http_tally *tally);

/* GET that asks how far an upload is. */
void blob_status_init(struct request *request, struct registry *registry,
	const struct repository *repository, const struct digest *digest,
	const struct blob_upload *upload, struct http_tally *tally);

/*
 * How many bytes the registry has, by the Range of its answer to one of these; the upload goes on
 * at the Location, if there is one. False if there is no Range.
 */
bool blob_progress_take(
	const struct request *request, struct blob_upload *upload, uint64_t *ret_len);

/* DELETE of an upload that will not be completed. */
void blob_cancel_init(struct request *request, struct registry *registry,
	const struct repository *repository, const struct digest *digest,
	const struct blob_upload *upload, struct http_tally *tally);

void blob_head_init(struct request *request, struct registry *registry,
	const struct repository *repository, const struct digest *digest, struct http_tally *tally);

void blob_get_init(struct request *request, struct registry *registry,
	const struct repository *repository, const struct digest *digest, struct http_tally *tally);

#endif
