/* Trusted roots: any bytes. */
#include <stdint.h>
#include <stdlib.h>

#include "signer/trust_root.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(trust_root_freep) struct trust_root *root = NULL;
	CLEANUP(err_freep) struct err *err = NULL;

	bool ok = trust_root_parse((const char *)data, size, &root, &err);
	if (ok == (err != NULL) || ok != (root != NULL))
		abort();
	for (size_t i = 0; ok && i < root->logs.len; i++)
		if (trust_root_log(root, root->logs.items[i].id) == NULL)
			abort();
	for (size_t i = 0; ok && i < root->timestamp_authorities.len; i++)
		if (!root->timestamp_authorities.items[i].signer)
			abort();
	return 0;
}
