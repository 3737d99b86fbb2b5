/*
 * Blobs: mount, open an upload, put, look, get. One request each; their order, retries and the
 * flow of bytes belong to the copy engine. Uploads are monolithic: resuming in pieces is what real
 * registries disagree on most (registry-client facts 5.5).
 */
#include "registry/blob.h"

#include <string.h>

#include "base/alloc.h"

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
	return request_resolve(request, location, &ret_upload->url, &ret_upload->source, err);
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
}
