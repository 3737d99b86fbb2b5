/* Manifests of bundles, and what their annotations and those of descriptors say. */
#include <stdint.h>
#include <stdlib.h>

#include "signer/bundle_manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(bundle_labels_release) struct bundle_labels labels;
	CLEANUP(err_freep) struct err *err = NULL;
	struct digest digest;
	bool found = false;
	int64_t length = -1;

	bundle_labels_read((const char *)data, size, &labels);
	bool ok = bundle_manifest_parse((const char *)data, size, &found, &digest, &length, &err);
	if (ok == (err != NULL) || (ok && found && length < 0))
		abort();
	err_free(steal_ptr(&err));
	length = -1;
	ok = bundle_manifest_config((const char *)data, size, &digest, &length, &err);
	if (ok == (err != NULL) || (ok && length < 0))
		abort();
	return 0;
}
