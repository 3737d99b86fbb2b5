/* Fulcio's answers: its configuration, whose issuers are looked up, and certificates. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "signer/fulcio_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void configuration(const char *text, size_t size)
{
	CLEANUP(fulcio_configuration_release) struct fulcio_configuration read = {0};
	CLEANUP(err_freep) struct err *err = NULL;

	if (fulcio_configuration_parse(text, size, &read, &err) == (err != NULL))
		abort();
	if (err && read.issuers.len)
		abort();
	for (size_t i = 0; i < read.issuers.len; i++) {
		const struct fulcio_issuer *issuer = &read.issuers.items[i];
		const struct fulcio_issuer *found = fulcio_configuration_find(&read, issuer->url);
		if (!issuer->is_pattern && (!found || strcmp(found->url, issuer->url) != 0))
			abort();
	}
	fulcio_configuration_find(&read, "https://oidc.example.com/id/1-2_3");
}

static void answer(const char *text, size_t size)
{
	CLEANUP(fulcio_answer_release) struct fulcio_answer read = {0};
	CLEANUP(err_freep) struct err *err = NULL;
	bool ok = fulcio_answer_parse(text, size, &read, &err);

	if (ok == (err != NULL) || ok != (read.certificate != NULL) || ok != (read.chain != NULL))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	configuration((const char *)data, size);
	answer((const char *)data, size);
	return 0;
}
