/* Answers of timestamp authorities: any bytes, verified against nobody one trusts. */
#include <stdint.h>
#include <stdlib.h>

#include "signer/timestamp_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct trust_root nobody;
	CLEANUP(timestamp_freep) struct timestamp *timestamp = NULL;
	CLEANUP(err_freep) struct err *err = NULL;
	const struct trusted_authority *authority;
	const uint8_t nonce[TIMESTAMP_NONCE_SIZE] = {0x40};
	struct message message = message_of_bytes("", 0);
	int64_t seconds;

	bool ok = timestamp_parse(data, size, &timestamp, &err);
	if (ok == (err != NULL) || ok != (timestamp != NULL))
		abort();
	if (ok)
		(void)timestamp_answers(timestamp, &message, nonce, NULL);
	if (ok && timestamp_verify(timestamp, &nobody, &message, &authority, &seconds, &err))
		abort();
	return 0;
}
