/* Sigstore bundles: any bytes, and whatever was read is written, and verified against nobody one trusts. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "signer/bundle_write.h"
#include "signer/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is written of it is read back, and written again the same. */
static void check_written(const struct bundle *bundle)
{
	CLEANUP(str_release) struct str first = STR_INIT(STR_TEXT_MAX);
	CLEANUP(str_release) struct str second = STR_INIT(STR_TEXT_MAX);
	CLEANUP(bundle_freep) struct bundle *again = NULL;

	bundle_write(bundle, &first);
	if (!bundle_parse(str_text(&first), first.len, &again, NULL))
		abort();
	bundle_write(again, &second);
	if (strcmp(str_text(&first), str_text(&second)) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct trust_root nobody;
	const struct policy_signer signer = {
		{.exact = "promoter@example.com"}, {.exact = "https://issuer.example"}};
	const uint8_t digest[HASH_SHA256_SIZE] = {1};
	const struct message artifact = message_of_sha256(digest);
	struct policy policy = POLICY_INIT;
	CLEANUP(bundle_freep) struct bundle *bundle = NULL;
	CLEANUP(verify_result_release) struct verify_result result = {0};
	CLEANUP(err_freep) struct err *err = NULL;

	policy.signers = &signer;
	policy.signer_count = 1;
	bool ok = bundle_parse((const char *)data, size, &bundle, &err);
	if (ok == (err != NULL) || ok != (bundle != NULL))
		abort();
	if (!ok)
		return 0;
	if (bundle->entries.len > BUNDLE_MAX_ENTRIES ||
		bundle->timestamps.len > BUNDLE_MAX_TIMESTAMPS ||
		bundle_signature(bundle)->len == 0)
		abort();
	if (bundle->form == BUNDLE_0_3 && bundle->certificate)
		check_written(bundle);
	if (verify_bundle(&nobody, bundle, &artifact, &policy, &result, &err) || !err)
		abort();
	return 0;
}
