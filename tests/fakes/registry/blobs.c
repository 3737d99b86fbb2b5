/* Blobs and uploads: mount, POST, PATCH, PUT, HEAD, GET. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/fakes/registry/fake.h"
#include "tests/fakes/registry/store.h"

void handle_blob(const struct fake_request *request, const char *repository, const char *name,
	struct fake_response *response)
{
	const struct content *content = store_blob(repository, name);
	if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0) {
		respond_error(response, 405, "UNSUPPORTED", "The operation is unsupported.");
	} else if (!content) {
		respond_error(response, 404, "BLOB_UNKNOWN", "blob unknown to registry");
	} else {
		response->status = 200;
		response->body = content->bytes;
		response->body_len = content->len;
		str_addf(&response->headers,
			"Content-Type: application/octet-stream\r\nDocker-Content-Digest: %s\r\n",
			content->text);
	}
}

static void respond_upload(const struct fake_request *request, const char *repository,
	const char *name, struct fake_response *response)
{
	response->status = 202;
	str_addf(&response->headers, "Location: %s%s/v2/%s/blobs/uploads/%s?_state=a%%2Fb-%s\r\n",
		fake_options.relative_location ? "" : "http://",
		fake_options.relative_location ? "" : request->host, repository, name, name);
	str_addf(&response->headers, "Docker-Upload-UUID: %s\r\nRange: 0-0\r\n", name);
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
	store_add_blob(repository, bytes, len, &digest);
	respond_created(response, repository, "blobs", &digest);
}

static void handle_post(
	const struct fake_request *request, const char *repository, struct fake_response *response)
{
	CLEANUP(mem_freep) char *mount = query_value(request->query, "mount");
	CLEANUP(mem_freep) char *from = query_value(request->query, "from");
	CLEANUP(mem_freep) char *digest = query_value(request->query, "digest");
	struct digest mounted;
	if (mount && from && !fake_options.no_mount && digest_parse(mount, &mounted, NULL) &&
		store_mount(repository, from, mount)) {
		respond_created(response, repository, "blobs", &mounted);
		return;
	}
	if (digest && fake_options.single_post) {
		store_checked(repository,
			mem_dup(request->body ? request->body : "", request->body_len + 1),
			request->body_len, digest, response);
		return;
	}
	CLEANUP(mem_freep) char *name = store_open_upload(repository);
	respond_upload(request, repository, name, response);
}

static void handle_put(const struct fake_request *request, const char *repository, const char *name,
	struct fake_response *response)
{
	CLEANUP(mem_freep) char *digest = query_value(request->query, "digest");
	CLEANUP(mem_freep) char *state = query_value(request->query, "_state");
	CLEANUP(mem_freep) char *wanted = mem_printf("a/b-%s", name);
	char *bytes = NULL;
	size_t len = 0;
	if (!state || strcmp(state, wanted) != 0) {
		respond_error(
			response, 404, "BLOB_UPLOAD_INVALID", "the query of the Location was lost");
		return;
	}
	if (!store_append_upload(repository, name, request->body, request->body_len) ||
		!store_close_upload(repository, name, &bytes, &len))
		respond_error(
			response, 404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
	else
		store_checked(repository, bytes, len, digest ? digest : "", response);
}

void handle_upload(const struct fake_request *request, const char *repository, const char *name,
	struct fake_response *response)
{
	if (strcmp(request->method, "POST") == 0 && !*name) {
		handle_post(request, repository, response);
	} else if (strcmp(request->method, "PUT") == 0) {
		handle_put(request, repository, name, response);
	} else if (strcmp(request->method, "PATCH") == 0) {
		if (store_append_upload(repository, name, request->body, request->body_len))
			respond_upload(request, repository, name, response);
		else
			respond_error(response, 404, "BLOB_UPLOAD_UNKNOWN",
				"blob upload unknown to registry");
	} else {
		respond_error(response, 405, "UNSUPPORTED", "The operation is unsupported.");
	}
}
