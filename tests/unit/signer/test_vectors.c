/*
 * The verification vectors of sigstore-conformance, each with the artifact as a file and as a
 * digest. Those that must fail must fail where they are broken, not anywhere.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "signer/verify.h"
#include "tests/unit/signer/data.h"

#define VECTORS "sigstore-conformance/bundle-verify"
#define IDENTITY                                                                                   \
	"https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/"          \
	".github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main"
#define ISSUER "https://token.actions.githubusercontent.com"

#define PASSES -1

static const struct vector {
	const char *name;
	int step;	    /* where it fails */
	const char *reason; /* part of the message */
} vectors[] = {
	{"bundle-empty-certificate-chain_fail", VERIFY_BUNDLE, "chain is empty"},
	{"bundle-invalid-base64-signature_fail", VERIFY_BUNDLE, "signature is no valid base64"},
	{"bundle-negative-log-index_fail", VERIFY_BUNDLE, "logIndex is no whole number"},
	{"bundle-with-root-cert_fail", VERIFY_BUNDLE, "a root certificate in it"},
	{"bundle-with-sct-with-extensions", PASSES, NULL},
	{"checkpoint-wrong-roothash_fail", VERIFY_CHECKPOINT, "of another tree"},
	{"dsse-mismatch-envelope_fail", VERIFY_ENTRY, "another payload"},
	{"happy-path-intoto-in-dsse-v3", PASSES, NULL},
	{"happy-path-v0.1", PASSES, NULL},
	{"happy-path-v0.2", PASSES, NULL},
	{"happy-path-v0.3", PASSES, NULL},
	{"happy-path-v0.3-new-mediaType", PASSES, NULL},
	{"inclusion-proof-corrupted-hash_fail", VERIFY_INCLUSION,
		"does not lead from the log entry"},
	{"integrated-time-in-future_fail", VERIFY_CERTIFICATE, "not at 2026-05-07T15:34:11"},
	{"intoto-log-entry-mismatch_fail", VERIFY_ENTRY, "another signature"},
	{"intoto-set-outside-signing-cert-validity_fail", VERIFY_CERTIFICATE,
		"not at 2023-02-02T00:00:00"},
	{"intoto-with-custom-trust-root", PASSES, NULL},
	{"invalid-checkpoint-signature_fail", VERIFY_CHECKPOINT,
		"the signature of rekor.sigstore.dev is wrong"},
	{"invalid-inclusion-proof_fail", VERIFY_INCLUSION, "does not lead from the log entry"},
	{"managed-key-and-trusted-root", PASSES, NULL},
	{"managed-key-happy-path", PASSES, NULL},
	{"managed-key-wrong-key_fail", VERIFY_BUNDLE, "not one public key in PEM"},
	{"rekor2-checkpoint-cosigned", PASSES, NULL},
	{"rekor2-checkpoint-missing-log-signature_fail", VERIFY_CHECKPOINT, "no signature"},
	{"rekor2-checkpoint-missing-root-hash_fail", VERIFY_CHECKPOINT, "no root hash"},
	{"rekor2-checkpoint-multiple-cosigs", PASSES, NULL},
	{"rekor2-checkpoint-no-matching-signature_fail", VERIFY_CHECKPOINT,
		"its origin is log2025-alpha1.rekor.github.dev"},
	{"rekor2-checkpoint-origin-not-first", PASSES, NULL},
	{"rekor2-checkpoint-two-sigs-cosigned", PASSES, NULL},
	{"rekor2-checkpoint-two-sigs-from-origin", PASSES, NULL},
	{"rekor2-dsse-happy-path", PASSES, NULL},
	{"rekor2-dsse-mismatch-envelope_fail", VERIFY_ENTRY, "not about this signature"},
	{"rekor2-happy-path", PASSES, NULL},
	{"rekor2-no-inclusion-proof_fail", VERIFY_BUNDLE, "no inclusion proof"},
	{"rekor2-timestamp-outside-trust-root-tsa-validity_fail", VERIFY_TIMESTAMP,
		"when the authority did not count"},
	{"rekor2-timestamp-payload-mismatch_fail", VERIFY_TIMESTAMP,
		"other bytes than this signature"},
	{"rekor2-timestamp-untrusted-tsa-without-embedded-cert_fail", VERIFY_TIME,
		"made by no authority"},
	{"rekor2-timestamp-with-embedded-cert", PASSES, NULL},
	{"rekor2-timestamp-with-expired-cert-chain", PASSES, NULL},
	{"rekor2-timestamp-without-embedded-cert", PASSES, NULL},
	{"set-invalid-signature_fail", VERIFY_PROMISE, "wrong signature"},
	{"trust-root-tlog-missing-validity-start_fail", VERIFY_TIME, "no validFor.start"},
	{"trust-root-tlog-validity-end-inclusive", PASSES, NULL},
	{"trust-root-tsa-validity-end-inclusive", PASSES, NULL},
	{"wrong-hashedrekord-cert-and-sig_fail", VERIFY_ENTRY, "another signature"},
	{"wrong-material_fail", VERIFY_ARTIFACT, "another artifact's"},
};

static void read_to(struct str *out, const char *name, const char *file)
{
	CLEANUP(mem_freep) char *path = mem_printf(VECTORS "/%s/%s", name, file);

	data_read(path, out);
}

static bool has(const char *name, const char *file)
{
	CLEANUP(mem_freep) char *path = mem_printf(VECTORS "/%s/%s", name, file);

	return data_has(path);
}

static struct trust_root *root_of(const char *name)
{
	CLEANUP(mem_freep) char *own = mem_printf(VECTORS "/%s/trusted_root.json", name);

	return data_root(data_has(own) ? own : "sigstore-public-good/trusted_root.json");
}

static struct message artifact_of(const char *name, bool by_digest)
{
	CLEANUP(mem_freep)
	char *own = mem_printf(VECTORS "/%s/artifact", name);
	CLEANUP(mem_freep) char *path = data_path(data_has(own) ? own : VECTORS "/a.txt");
	CLEANUP(err_freep) struct err *err = NULL;
	struct message artifact;

	cr_assert(message_of_file(path, &artifact, &err), "%s", err ? err->msg : "");
	return by_digest ? message_of_sha256(artifact.digests[HASH_SHA256]) : artifact;
}

static void check(const struct vector *vector, bool by_digest)
{
	CLEANUP(str_release) struct str text = STR_INIT(DATA_MAX_SIZE);
	CLEANUP(str_release) struct str key_text = STR_INIT(DATA_MAX_SIZE);
	CLEANUP(str_release) struct str identity = STR_INIT(DATA_MAX_SIZE);
	CLEANUP(str_release) struct str issuer = STR_INIT(DATA_MAX_SIZE);
	CLEANUP(trust_root_freep) struct trust_root *root = root_of(vector->name);
	CLEANUP(public_key_freep) struct public_key *key = NULL;
	CLEANUP(bundle_freep) struct bundle *bundle = NULL;
	CLEANUP(verify_result_release) struct verify_result result = {0};
	CLEANUP(err_freep) struct err *err = NULL;
	struct message artifact = artifact_of(vector->name, by_digest);
	struct policy policy = POLICY_INIT;

	str_add_text(&identity, IDENTITY);
	str_add_text(&issuer, ISSUER);
	if (has(vector->name, "identity")) {
		str_clear(&identity);
		str_clear(&issuer);
		read_to(&identity, vector->name, "identity");
		read_to(&issuer, vector->name, "issuer");
	}
	struct policy_signer signer = {
		{.exact = str_text(&identity)}, {.exact = str_text(&issuer)}};
	policy.signers = &signer;
	policy.signer_count = 1;
	bool ok = true;
	if (has(vector->name, "key.pub")) {
		read_to(&key_text, vector->name, "key.pub");
		ok = public_key_parse_pem(str_text(&key_text), key_text.len, &key, &err);
		policy.key = key;
	}
	read_to(&text, vector->name, "bundle.sigstore.json");
	ok = ok && bundle_parse(str_text(&text), text.len, &bundle, &err) &&
		verify_bundle(root, bundle, &artifact, &policy, &result, &err);
	cr_expect_eq(ok, vector->step == PASSES, "%s: %s", vector->name, err ? err->msg : "passed");
	if (ok || vector->step == PASSES)
		return;
	cr_expect_eq((int)result.failed, vector->step, "%s: at %s: %s", vector->name,
		verify_step_name(result.failed), err->msg);
	cr_expect(strstr(err->msg, vector->reason), "%s: \"%s\" does not say \"%s\"", vector->name,
		err->msg, vector->reason);
}

Test(vectors, by_path_and_by_digest)
{
	DATA_REQUIRE(VECTORS "/happy-path-v0.1");
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		check(&vectors[i], false);
		check(&vectors[i], true);
	}
}
