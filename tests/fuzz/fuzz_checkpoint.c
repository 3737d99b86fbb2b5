/* Checkpoints of transparency logs: any bytes. */
#include <stdint.h>
#include <stdlib.h>

#include "signer/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(checkpoint_release) struct checkpoint checkpoint = {0};
	CLEANUP(err_freep) struct err *err = NULL;

	bool ok = checkpoint_parse((const char *)data, size, &checkpoint, &err);
	if (ok == (err != NULL))
		abort();
	if (ok &&
		(checkpoint.signature_count == 0 || !*checkpoint.origin ||
			checkpoint.text.data[checkpoint.text.len - 1] != '\n'))
		abort();
	return 0;
}
