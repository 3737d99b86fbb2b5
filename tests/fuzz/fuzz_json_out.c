/* Whatever bytes a registry puts into an error, the report stays JSON and holds valid UTF-8. */
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "reconciler/json_out.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_new(size + 1, 1), *written = NULL;
	size_t written_len = 0;
	struct json_out out = {.stream = open_memstream(&written, &written_len)};
	json_t *root;

	if (size)
		memcpy(text, data, size);
	json_out_open(&out, NULL, '{');
	json_out_text(&out, text, text);
	json_out_number(&out, "number", size);
	json_out_close(&out, '}');
	fclose(out.stream);
	root = json_loadb(written, written_len, 0, NULL);
	if (!root || json_object_size(root) < 1)
		abort();
	json_decref(root);
	free(written);
	mem_free(text);
	return 0;
}
