/* Blobs: HEAD and GET. How they get there: uploads.c. */
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
