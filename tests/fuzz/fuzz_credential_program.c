/* What credential helpers print, in success and in failure: any bytes. */
#include <stdint.h>
#include <stdlib.h>

#include "registry/credentials_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(credential_answer_release) struct credential_answer answer = {0};
	CLEANUP(err_freep) struct err *err = NULL;
	bool ok = credential_answer_parse((const char *)data, size, &answer, &err);
	if (ok ? !*answer.secret || answer.kind == CREDENTIAL_ANONYMOUS : !err)
		abort();
	if (credential_answer_means_none((const char *)data, size) && ok)
		abort();
	return 0;
}
