/* Payloads of container signatures; what is read must be written and read again the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "signer/payload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(payload_release) struct payload payload = {0};
	CLEANUP(payload_release) struct payload again = {0};
	CLEANUP(err_freep) struct err *err = NULL;
	CLEANUP(str_release) struct str text = STR_INIT(8 * PAYLOAD_MAX_SIZE);

	bool ok = payload_parse(data, size, &payload, &err);
	if (ok == (err != NULL) || ok != (payload.docker_reference != NULL))
		abort();
	if (!ok)
		return 0;
	payload_write(payload.docker_reference, &payload.digest, NULL, 0, &text);
	if (text.len > PAYLOAD_MAX_SIZE)
		return 0;
	if (!payload_parse(str_text(&text), text.len, &again, NULL) ||
		strcmp(again.docker_reference, payload.docker_reference) != 0 ||
		!digest_equal(&again.digest, &payload.digest))
		abort();
	return 0;
}
