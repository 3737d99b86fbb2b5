/*
 * Manifests of .sig and .att images, and behind a NUL their configs: what can be read can be extended,
 * and what is there afterwards is what was there, with one layer more.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "signer/legacy_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_extension(
	const char *manifest, const struct legacy_image *image, const struct str *config)
{
	CLEANUP(str_release) struct str out = STR_INIT(LEGACY_IMAGE_MAX_SIZE);
	CLEANUP(legacy_image_release) struct legacy_image after = {0};
	CLEANUP(legacy_descriptor_release)
	struct legacy_descriptor layer = {.media_type = mem_strdup(LEGACY_TYPE_PAYLOAD),
		.annotations = {[LEGACY_SIGNATURE] = mem_strdup("c2ln")}};

	if (!legacy_image_extend(manifest, &layer, 1, config, &out, NULL))
		return;
	if (!legacy_image_parse(str_text(&out), out.len, &after, NULL) ||
		after.layers.len != image->layers.len + 1 || !legacy_image_has(&after, &layer))
		abort();
	for (size_t i = 0; i < image->layers.len; i++) {
		const char *before = image->layers.items[i].json;
		if (!before || strcmp(before, after.layers.items[i].json) != 0)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(mem_freep) char *text = mem_new(size + 2, 1);
	CLEANUP(legacy_image_release) struct legacy_image image = {0};
	CLEANUP(str_release) struct str config = STR_INIT(LEGACY_IMAGE_MAX_SIZE);
	CLEANUP(err_freep) struct err *err = NULL;

	if (size)
		memcpy(text, data, size);
	const char *second = text + strlen(text) + 1;
	bool ok = legacy_image_parse(text, strlen(text), &image, &err);
	if (ok == (err != NULL))
		abort();
	if (!ok)
		return 0;
	if (!legacy_image_extend_config(second, strlen(second), image.layers.items,
		    image.layers.len ? 1 : 0, &config) &&
		config.len > 0)
		abort();
	check_extension(text, &image, &config);
	return 0;
}
