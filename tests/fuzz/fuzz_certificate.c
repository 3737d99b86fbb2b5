/* Certificates, their names and extensions, their SCTs: any bytes, as if they had issued themselves. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "signer/sct.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct trust_root nobody;
	CLEANUP(certificate_freep) struct certificate *certificate = NULL;
	CLEANUP(err_freep) struct err *err = NULL;
	const struct trusted_log *logs[SCT_MAX];
	size_t count = 0;

	bool ok = certificate_parse(data, size, &certificate, &err);
	if (ok == (err != NULL) || ok != (certificate != NULL))
		abort();
	if (!ok)
		return 0;
	if (certificate_der(certificate)->len != size ||
		(certificate_identity(certificate) &&
			strlen(certificate_identity(certificate)) > size))
		abort();
	if (sct_verify(certificate, certificate, &nobody, logs, &count, &err) && count != 0)
		abort();
	return 0;
}
