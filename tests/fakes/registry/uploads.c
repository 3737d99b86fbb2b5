/*
 * Uploads: mount, single POST, POST and PUT, PATCH in pieces. The state in a Location changes with
 * every piece, and a stale one is refused, as distribution does.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/enc.h"
#include "tests/fakes/registry/fake.h"
#include "tests/fakes/registry/store.h"

static void unknown_upload(struct fake_response *response)
{
	respond_error(response, 404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
}

static void respond_upload(const struct fake_request *request, const char *repository,
	const char *name, int status, struct fake_response *response)
{
	size_t len = 0;
	if (!store_upload_len(repository, name, &len)) {
		unknown_upload(response);
		return;
	}
	response->status = status;
	str_addf(&response->headers,
		"Location: %s%s/v2/%s/blobs/uploads/%s?_state=a%%2Fb-%s-%zu\r\n",
		fake_options.relative_location ? "" : "http://",
		fake_options.relative_location ? "" : request->host, repository, name, name, len);
	str_addf(&response->headers, "Docker-Upload-UUID: %s\r\nRange: 0-%zu\r\n", name,
		len ? len - 1 : 0);
	if (fake_options.chunk_min)
		str_addf(
			&response->headers, "OCI-Chunk-Min-Length: %u\r\n", fake_options.chunk_min);
}

/* Takes the bytes. */
static void store_checked(const char *repository, char *bytes, size_t len, const char *wanted,
	struct fake_response *response)
{
	struct digest digest, actual;
	if (!digest_parse(wanted, &digest, NULL)) {
		mem_free(bytes);
		respond_error(response, 400, "DIGEST_INVALID", "malformed digest");
		return;
	}
	actual = digest_of(digest.algorithm, bytes, len);
	if (!digest_equal(&digest, &actual)) {
		mem_free(bytes);
		respond_error(response, 400, "DIGEST_INVALID",
			"provided digest did not match uploaded content");
		return;
	}
	family_share(repository, bytes, len, wanted);
	store_add_blob(repository, bytes, len, &digest);
	respond_created(response, repository, "blobs", &digest);
}

/* ---- POST ---- */

static bool mount(const struct fake_request *request, const char *repository, const char *digest)
{
	CLEANUP(mem_freep) char *from = query_value(request->query, "from");
	CLEANUP(mem_freep) char *origin = query_value(request->query, "origin");
	if (fake_options.no_mount || (!from && !fake_options.anonymous_mount))
		return false;
	if (origin)
		return from && fake_options.family &&
			family_mount(repository, origin, from, digest);
	if (!store_mount(repository, from, digest))
		return false;
	const struct content *content = store_blob(repository, digest);
	family_share(repository, content->bytes, content->len, digest);
	return true;
}

static void handle_post(
	const struct fake_request *request, const char *repository, struct fake_response *response)
{
	CLEANUP(mem_freep) char *mounted = query_value(request->query, "mount");
	CLEANUP(mem_freep) char *digest = query_value(request->query, "digest");
	struct digest parsed;
	if (mounted && digest_parse(mounted, &parsed, NULL) &&
		mount(request, repository, mounted)) {
		respond_created(response, repository, "blobs", &parsed);
		return;
	}
	if (digest && fake_options.single_post) {
		store_checked(repository,
			mem_dup(request->body ? request->body : "", request->body_len),
			request->body_len, digest, response);
		return;
	}
	CLEANUP(mem_freep) char *name = store_open_upload(repository);
	respond_upload(request, repository, name, 202, response);
}

/* ---- PATCH and PUT ---- */

/* False, answered, unless the upload is there and the Location the last one of it. */
static bool is_current(const struct fake_request *request, const char *repository, const char *name,
	size_t *ret_len, struct fake_response *response)
{
	CLEANUP(mem_freep) char *state = query_value(request->query, "_state");
	size_t len = 0;
	if (!store_upload_len(repository, name, &len)) {
		unknown_upload(response);
		return false;
	}
	CLEANUP(mem_freep) char *wanted = mem_printf("a/b-%s-%zu", name, len);
	if (!state || strcmp(state, wanted) != 0) {
		respond_error(response, 404, "BLOB_UPLOAD_INVALID",
			"the query of the last Location was lost");
		return false;
	}
	*ret_len = len;
	return true;
}

/* "first-last" of a piece that continues what is there; none is needed unless pieces are all we take. */
static bool range_fits(const struct fake_request *request, size_t have)
{
	CLEANUP(mem_freep)
	char *wanted = mem_printf("%zu-%zu", have, have + request->body_len - 1);
	if (!*request->content_range)
		return !fake_options.chunked_only;
	return request->body_len > 0 && strcmp(request->content_range, wanted) == 0;
}

static void handle_patch(const struct fake_request *request, const char *repository,
	const char *name, struct fake_response *response)
{
	static _Atomic unsigned patches;
	size_t have = 0, len = request->body_len;
	if (!is_current(request, repository, name, &have, response))
		return;
	bool after_short = have > 0 && have < fake_options.chunk_min;
	if (!range_fits(request, have) || after_short) {
		respond_upload(request, repository, name, 416, response);
		return;
	}
	if (fake_options.chunk_max && len > fake_options.chunk_max) {
		respond_error(response, 413, "SIZE_INVALID", "the piece is too large");
		return;
	}
	response->is_dropped = ++patches == fake_options.cut_patch;
	store_append_upload(repository, name, request->body, response->is_dropped ? len / 2 : len);
	respond_upload(request, repository, name, 202, response);
}

static void handle_put(const struct fake_request *request, const char *repository, const char *name,
	struct fake_response *response)
{
	CLEANUP(mem_freep) char *digest = query_value(request->query, "digest");
	char *bytes = NULL;
	size_t len = 0;
	if (!is_current(request, repository, name, &len, response))
		return;
	if (fake_options.chunked_only && len == 0 && request->body_len > 0) {
		respond_error(response, 413, "SIZE_INVALID", "only in pieces");
		return;
	}
	if (!store_append_upload(repository, name, request->body, request->body_len) ||
		!store_close_upload(repository, name, &bytes, &len))
		unknown_upload(response);
	else
		store_checked(repository, bytes, len, digest ? digest : "", response);
}

static void handle_delete(const char *repository, const char *name, struct fake_response *response)
{
	char *bytes = NULL;
	size_t len = 0;
	if (!store_close_upload(repository, name, &bytes, &len)) {
		unknown_upload(response);
		return;
	}
	mem_free(bytes);
	response->status = 204;
}

void handle_upload(const struct fake_request *request, const char *repository, const char *name,
	struct fake_response *response)
{
	if (strcmp(request->method, "POST") == 0 && !*name)
		handle_post(request, repository, response);
	else if (strcmp(request->method, "PUT") == 0)
		handle_put(request, repository, name, response);
	else if (strcmp(request->method, "PATCH") == 0)
		handle_patch(request, repository, name, response);
	else if (strcmp(request->method, "GET") == 0)
		respond_upload(request, repository, name, 204, response);
	else if (strcmp(request->method, "DELETE") == 0)
		handle_delete(repository, name, response);
	else
		respond_error(response, 405, "UNSUPPORTED", "The operation is unsupported.");
}
