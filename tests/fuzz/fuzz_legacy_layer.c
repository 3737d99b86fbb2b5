/* Annotations of cosign's older form: three texts in one input, a NUL between them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "signer/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(mem_freep) char *text = mem_new(size + 3, 1);
	CLEANUP(bundle_freep) struct bundle *bundle = NULL;
	CLEANUP(err_freep) struct err *err = NULL;

	if (size)
		memcpy(text, data, size);
	const char *second = text + strlen(text) + 1;
	const char *third = second < text + size ? second + strlen(second) + 1 : NULL;
	struct legacy_layer layer = {
		.blob = text,
		.len = strlen(text),
		.is_envelope = size > 0 && text[0] == '{',
		.signature = "AAAA",
		.log_entry = second < text + size ? second : NULL,
		.timestamp = third && third < text + size ? third : NULL,
	};
	bool ok = bundle_of_legacy(&layer, &bundle, &err);
	if (ok == (err != NULL) || ok != (bundle != NULL))
		abort();
	return 0;
}
