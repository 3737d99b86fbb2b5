/*
 * Blobs: mount, open an upload, put, patch, look, get. One request each; their order, retries and
 * the flow of bytes belong to the copy engine.
 */
#include "registry/blob.h"

#include <string.h>

#include "base/alloc.h"
#include "base/enc.h"

void blob_upload_release(struct blob_upload *upload)
{
	mem_free(upload->url);
	*upload = (struct blob_upload){0};
}

static char *blob_path(const struct digest *digest)
{
	char text[DIGEST_TEXT_SIZE];
	return mem_printf("/blobs/%s", digest_format(digest, text));
}

static void mount_init(struct request *request, struct registry *registry,
	const struct repository *repository, const struct digest *digest, const char *from,
	const char *origin, struct http_tally *tally)
{
	char text[DIGEST_TEXT_SIZE];
	CLEANUP(mem_freep)
	char *query = mem_printf("?mount=%s&from=%s%s%s", digest_format(digest, text), from,
		origin ? "&origin=" : "", origin ? origin : "");
	request_init(request, registry, repository, "POST", "/blobs/uploads/", query, tally);
}

void blob_mount_init(struct request *request, struct registry *registry,
	const struct repository *repository, const struct digest *digest, const char *from,
	const char *origin, struct http_tally *tally)
{
	mount_init(request, registry, repository, digest, from, origin, tally);
	/* A token server knows its own host's repositories only. */
	if (!origin)
		request->auth.mount_from = mem_strdup(from);
}

void blob_look_init(struct request *request, struct registry *registry,
	const struct repository *repository, const struct digest *digest, struct http_tally *tally)
{
	mount_init(request, registry, repository, digest, repository->path, NULL, tally);
}

void blob_post_init(struct request *request, struct registry *registry,
	const struct repository *repository, struct http_tally *tally)
{
	request_init(request, registry, repository, "POST", "/blobs/uploads/", "", tally);
}

bool blob_upload_take(
	const struct request *request, struct blob_upload *ret_upload, struct err **err)
{
	if (!request_succeeded(request, err))
		return false;
	CLEANUP(mem_freep) char *location = request_answer_header(request, "Location", 0);
	if (request_status(request) != 202 || !location)
		return err_set_http(err, ERR_INVALID, request_status(request),
			"%s: status %d%s instead of 202 and where to upload to", request->what,
			request_status(request), location ? "" : " without a Location");
	CLEANUP(mem_freep) char *min = request_answer_header(request, "OCI-Chunk-Min-Length", 0);
	if (!request_resolve(request, location, &ret_upload->url, &ret_upload->source, err))
		return false;
	ret_upload->chunk_min = 0;
	if (min)
		number_parse(min, UINT64_MAX, &ret_upload->chunk_min);
	return true;
}

/* After a lost answer nobody knows what became of the bytes, so these are never just repeated. */
static void set_blob(struct request *request, uint64_t size)
{
	request_header(request, "Content-Type", "application/octet-stream");
	request->http.repeatable = false;
	request->http.body_len = size;
	request->http.body_streamed = size > 0;
}

void blob_put_init(struct request *request, struct registry *registry,
	const struct repository *repository, const struct digest *digest, uint64_t size,
	const struct blob_upload *upload, struct http_tally *tally)
{
	char text[DIGEST_TEXT_SIZE];
	CLEANUP(mem_freep) char *path = blob_path(digest);
	CLEANUP(mem_freep)
	char *url = mem_printf("%s%cdigest=%s", upload->url, strchr(upload->url, '?') ? '&' : '?',
		digest_format(digest, text));
	request_init_given(request, registry, repository, "PUT", path, url, upload->source, tally);
	set_blob(request, size);
}

void blob_single_init(struct request *request, struct registry *registry,
	const struct repository *repository, const struct digest *digest, uint64_t size,
	struct http_tally *tally)
{
	char text[DIGEST_TEXT_SIZE];
	CLEANUP(mem_freep) char *query = mem_printf("?digest=%s", digest_format(digest, text));
	request_init(request, registry, repository, "POST", "/blobs/uploads/", query, tally);
	set_blob(request, size);
}

bool blob_single_is_proof(const struct request *request, const struct digest *digest)
{
	char text[DIGEST_TEXT_SIZE];
	CLEANUP(mem_freep) char *said = request_answer_header(request, "Docker-Content-Digest", 0);
	CLEANUP(mem_freep) char *location = request_answer_header(request, "Location", 0);
	digest_format(digest, text);
	return request_status(request) == 201 &&
		(said ? strcmp(said, text) == 0 : location && strstr(location, text));
}

bool blob_put_take(const struct request *request, const struct digest *digest, struct err **err)
{
	struct digest stored;
	if (!request_succeeded(request, err))
		return false;
	int status = request_status(request);
	if (status == 202)
		return err_set_http(err, ERR_INVALID, status,
			"%s: status 202: the registry did not take the upload as complete",
			request->what);
	CLEANUP(mem_freep) char *said = request_answer_header(request, "Docker-Content-Digest", 0);
	if (!said || !digest_parse(said, &stored, NULL) || stored.algorithm != digest->algorithm ||
		digest_equal(&stored, digest))
		return true;
	return err_set(err, ERR_DIGEST, "%s: the registry says it stored %s", request->what, said);
}

static void init_at_upload(struct request *request, struct registry *registry,
	const struct repository *repository, const char *method, const struct digest *digest,
	const struct blob_upload *upload, struct http_tally *tally)
{
	CLEANUP(mem_freep) char *path = blob_path(digest);
	request_init_given(
		request, registry, repository, method, path, upload->url, upload->source, tally);
	request->http.repeatable = false;
}

void blob_patch_init(struct request *request, struct registry *registry,
	const struct repository *repository, const struct digest *digest,
	const struct blob_upload *upload, uint64_t offset, size_t len, struct http_tally *tally)
{
	init_at_upload(request, registry, repository, "PATCH", digest, upload, tally);
	request->range = mem_printf(
		"%llu-%llu", (unsigned long long)offset, (unsigned long long)(offset + len - 1));
	request_header(request, "Content-Type", "application/octet-stream");
	request_header(request, "Content-Range", request->range);
	request->http.body_len = len;
}

void blob_status_init(struct request *request, struct registry *registry,
	const struct repository *repository, const struct digest *digest,
	const struct blob_upload *upload, struct http_tally *tally)
{
	init_at_upload(request, registry, repository, "GET", digest, upload, tally);
	request->http.repeatable = true;
}

/* "0-1023": the first and the last byte. Nothing and one byte both read "0-0". */
static bool parse_range(const char *text, uint64_t *ret_len)
{
	const char *last = strchr(text, '-');
	uint64_t end = 0;
	if (!last || strncmp(text, "0-", 2) != 0 || !number_parse(last + 1, INT64_MAX, &end))
		return false;
	*ret_len = end == 0 ? 0 : end + 1;
	return true;
}

bool blob_progress_take(
	const struct request *request, struct blob_upload *upload, uint64_t *ret_len)
{
	CLEANUP(mem_freep) char *location = request_answer_header(request, "Location", 0);
	CLEANUP(mem_freep) char *range = request_answer_header(request, "Range", 0);
	char *url = NULL;
	if (location && request_resolve(request, location, &url, &upload->source, NULL)) {
		mem_free(upload->url);
		upload->url = url;
	}
	return range && parse_range(range, ret_len);
}

void blob_cancel_init(struct request *request, struct registry *registry,
	const struct repository *repository, const struct digest *digest,
	const struct blob_upload *upload, struct http_tally *tally)
{
	init_at_upload(request, registry, repository, "DELETE", digest, upload, tally);
}

void blob_head_init(struct request *request, struct registry *registry,
	const struct repository *repository, const struct digest *digest, struct http_tally *tally)
{
	CLEANUP(mem_freep) char *path = blob_path(digest);
	request_init(request, registry, repository, "HEAD", path, "", tally);
}

void blob_get_init(struct request *request, struct registry *registry,
	const struct repository *repository, const struct digest *digest, struct http_tally *tally)
{
	CLEANUP(mem_freep) char *path = blob_path(digest);
	request_init(request, registry, repository, "GET", path, "", tally);
	request->http.takes_encoded = true;
}
