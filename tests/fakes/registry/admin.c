/* What a test may see and do besides: all that the registry holds, making it empty, taking things away. */
#include <jansson.h>
#include <string.h>

#include "tests/fakes/registry/fake.h"
#include "tests/fakes/registry/store.h"

/* A line for each: "HOST/PATH DIGEST-OR-TAG"; HOST only where one program is several. */
static void remove_all(const struct fake_request *request, struct fake_response *response)
{
	CLEANUP(mem_freep)
	char *lines = mem_strndup(request->body ? request->body : "", request->body_len);
	char *rest = lines, *name;
	response->status = 204;
	while ((name = strsep(&rest, "\n"))) {
		const char *repository = strsep(&name, " ");
		if (name && !store_remove(repository, name))
			respond_error(response, 404, "NAME_UNKNOWN", name);
	}
}

void handle_admin(const struct fake_request *request, struct fake_response *response)
{
	if (strcmp(request->path, "/admin/remove") == 0) {
		remove_all(request, response);
	} else if (strcmp(request->path, "/admin/contents") != 0) {
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
