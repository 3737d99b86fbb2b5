/* Sigstore bundles: any bytes, and whatever was read is also verified, against nobody one trusts. */
#include <stdint.h>
#include <stdlib.h>

#include "signer/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
	if (verify_bundle(&nobody, bundle, &artifact, &policy, &result, &err) || !err)
		abort();
	return 0;
}
