/* What a test may see and do besides: all that the registry holds, and making it empty. */
#include <jansson.h>
#include <string.h>

#include "tests/fakes/registry/fake.h"
#include "tests/fakes/registry/store.h"

void handle_admin(const struct fake_request *request, struct fake_response *response)
{
	if (strcmp(request->path, "/admin/contents") != 0) {
		respond_not_found(response);
	} else if (strcmp(request->method, "DELETE") == 0) {
		store_forget();
		response->status = 204;
	} else {
		json_t *contents = store_contents();
		json_object_set_new(
			contents, "referrers", json_boolean(fake_options.referrers != NULL));
		CLEANUP(mem_freep) char *text = json_dumps(contents, JSON_COMPACT);
		json_decref(contents);
		response->status = 200;
		str_add_text(&response->headers, "Content-Type: application/json\r\n");
		str_add_text(&response->text, text);
	}
}
