/* Names: whatever is accepted is canonical, within its length, and comes back unchanged. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "image/digest.h"
#include "image/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(str_release) struct str input = STR_INIT(1 << 20);
	str_add(&input, data, size);
	const char *text = str_text(&input);
	CLEANUP(mem_freep) char *name = NULL;
	CLEANUP(mem_freep) char *again = NULL;
	struct digest digest;
	char spelled[DIGEST_TEXT_SIZE];

	if (registry_name_canonical(text, &name, NULL)) {
		check(registry_name_canonical(name, &again, NULL));
		check(strcmp(name, again) == 0);
		check(strlen(name) <= 255);
		host_is_loopback(name);
	}
	check(!image_name_check(text, NULL) || strlen(text) <= 255);
	if (digest_parse(text, &digest, NULL))
		check(strcmp(digest_format(&digest, spelled), text) == 0);
	tag_is_reserved(text);
	check(!tag_is_valid(text) || strlen(text) <= 128);
	return 0;
}
