/* Image manifests: any bytes, with and without a server's content type. */
#include <stdint.h>
#include <stdlib.h>

#include "image/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = {NULL, MEDIA_TYPE_OCI_INDEX, "application/json; x"};
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		CLEANUP(manifest_release) struct manifest manifest = {0};
		CLEANUP(err_freep) struct err *err = NULL;
		bool ok = manifest_parse((const char *)data, size, types[i], &manifest, &err);
		if (ok == (err != NULL) || (ok && !*manifest.media_type))
			abort();
	}
	return 0;
}
