/*
 * Good vectors of sigstore-conformance made bad, one way each: what that suite tests besides the vectors we
 * have. Each must fail at its step.
 */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"
#include "signer/verify.h"
#include "tests/unit/signer/data.h"

#define VECTORS "sigstore-conformance/bundle-verify"
#define IDENTITY                                                                                   \
	"https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/"          \
	".github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main"
#define ISSUER "https://token.actions.githubusercontent.com"
#define V1 "happy-path-v0.3"
#define V1_ENVELOPE "happy-path-intoto-in-dsse-v3"
#define V2 "rekor2-happy-path"
#define V2_ENVELOPE "rekor2-dsse-happy-path"

/* ---- Documents ---- */

static json_t *load(const char *vector, const char *file)
{
	CLEANUP(mem_freep) char *path = mem_printf("%s/%s", vector, file);
	CLEANUP(str_release) struct str text = STR_INIT(DATA_MAX_SIZE);

	data_read(path, &text);
	json_t *document = json_loads(str_text(&text), 0, NULL);
	cr_assert_not_null(document);
	return document;
}

static json_t *load_bundle(const char *name)
{
	CLEANUP(mem_freep) char *vector = mem_printf(VECTORS "/%s", name);

	return load(vector, "bundle.sigstore.json");
}

static json_t *load_root(const char *name)
{
	CLEANUP(mem_freep) char *own = mem_printf(VECTORS "/%s", name);
	CLEANUP(mem_freep) char *file = mem_printf("%s/trusted_root.json", own);

	return load(data_has(file) ? own : "sigstore-public-good", "trusted_root.json");
}

/* "a.b.0.c" */
static json_t *at(json_t *value, const char *path)
{
	while (*path && value) {
		size_t len = strcspn(path, ".");
		CLEANUP(mem_freep) char *key = mem_strndup(path, len);
		uint64_t index;
		value = json_is_array(value) && number_parse(key, 1000, &index)
			? json_array_get(value, index)
			: json_object_get(value, key);
		path += len + (path[len] == '.');
	}
	cr_assert_not_null(value);
	return value;
}

#define ENTRY "verificationMaterial.tlogEntries.0"
#define CHECKPOINT ENTRY ".inclusionProof.checkpoint"

/* ---- Ways to be bad ---- */

static void nothing(json_t *bundle, json_t *root)
{
	(void)bundle;
	(void)root;
}

static void other_version(json_t *bundle, json_t *root)
{
	(void)root;
	json_object_set_new(bundle, "mediaType",
		json_string("application/vnd.dev.sigstore.bundle+json;version=99.9"));
}

static void no_proof(json_t *bundle, json_t *root)
{
	(void)root;
	json_object_del(at(bundle, ENTRY), "inclusionProof");
}

/* Another certificate of the same identity. */
static void other_certificate(json_t *bundle, json_t *root)
{
	json_t *other = load_bundle(V1_ENVELOPE);

	(void)root;
	json_t *certificate = json_object_get(at(other, "verificationMaterial"), "certificate");
	cr_assert(certificate);
	json_object_del(at(bundle, "verificationMaterial"), "x509CertificateChain");
	json_object_set(at(bundle, "verificationMaterial"), "certificate", certificate);
	json_decref(other);
}

static void other_entry(json_t *bundle, json_t *root)
{
	json_t *other = load_bundle("happy-path-v0.2");

	(void)root;
	json_object_set(at(bundle, "verificationMaterial"), "tlogEntries",
		at(other, "verificationMaterial.tlogEntries"));
	json_decref(other);
}

static void change_base64(json_t *object, const char *key, size_t offset)
{
	struct bytes bytes = {0};

	cr_assert(bytes_from_base64(json_string_value(json_object_get(object, key)), &bytes));
	cr_assert_lt(offset, bytes.len);
	bytes.data[offset] ^= 1;
	CLEANUP(mem_freep) char *text = base64_encode(bytes.data, bytes.len);
	json_object_set_new(object, key, json_string(text));
	bytes_release(&bytes);
}

static void signature_changed(json_t *bundle, json_t *root)
{
	(void)root;
	change_base64(at(bundle, "messageSignature"), "signature", 20);
}

static void envelope_signature_changed(json_t *bundle, json_t *root)
{
	(void)root;
	change_base64(at(bundle, "dsseEnvelope.signatures.0"), "sig", 20);
}

static void digest_changed(json_t *bundle, json_t *root)
{
	(void)root;
	change_base64(at(bundle, "messageSignature.messageDigest"), "digest", 0);
}

/* From its `from`th line on, the note without that line. */
static void line_gone(json_t *bundle, unsigned from)
{
	const char *note = json_string_value(json_object_get(at(bundle, CHECKPOINT), "envelope"));
	CLEANUP(mem_freep) char *text = mem_strdup(note);
	char *line = text;

	while (from-- > 0)
		line = strchr(line, '\n') + 1;
	const char *rest = strchr(line, '\n') + 1;
	memmove(line, rest, strlen(rest) + 1);
	json_object_set_new(at(bundle, CHECKPOINT), "envelope", json_string(text));
}

static void no_origin(json_t *bundle, json_t *root)
{
	(void)root;
	line_gone(bundle, 0);
}

static void no_size(json_t *bundle, json_t *root)
{
	(void)root;
	line_gone(bundle, 1);
}

static void other_hint(json_t *bundle, json_t *root)
{
	const char *note = json_string_value(json_object_get(at(bundle, CHECKPOINT), "envelope"));
	CLEANUP(mem_freep) char *text = mem_strdup(note);
	char *hint = strrchr(text, ' ') + 1;

	(void)root;
	*hint = *hint == 'A' ? 'B' : 'A';
	json_object_set_new(at(bundle, CHECKPOINT), "envelope", json_string(text));
}

static void no_timestamp(json_t *bundle, json_t *root)
{
	(void)root;
	json_object_del(at(bundle, "verificationMaterial"), "timestampVerificationData");
}

/* One second digit of the time that was stamped. */
static void other_time(json_t *bundle, json_t *root)
{
	json_t *stamp =
		at(bundle, "verificationMaterial.timestampVerificationData.rfc3161Timestamps.0");
	struct bytes bytes = {0};

	(void)root;
	cr_assert(bytes_from_base64(
		json_string_value(json_object_get(stamp, "signedTimestamp")), &bytes));
	/* GeneralizedTime of 15 characters. */
	const uint8_t *time = memmem(bytes.data, bytes.len,
		"\x18\x0f"
		"20",
		4);
	cr_assert_not_null(time);
	change_base64(stamp, "signedTimestamp", (size_t)(time - bytes.data) + 2 + 13);
	bytes_release(&bytes);
}

static void no_ct_logs(json_t *bundle, json_t *root)
{
	(void)bundle;
	json_array_clear(at(root, "ctlogs"));
}

static void no_timestamp_authorities(json_t *bundle, json_t *root)
{
	(void)bundle;
	json_array_clear(at(root, "timestampAuthorities"));
}

/* ---- All of them ---- */

static const struct change {
	const char *vector;
	const char *root; /* of which vector */
	void (*make)(json_t *bundle, json_t *root);
	int step;
	const char *reason;
} changes[] = {
	{V1, V2, nothing, VERIFY_LOG, "in 0 transparency logs"},
	{V1, V1, other_version, VERIFY_BUNDLE, "is no Sigstore bundle"},
	{V1, V1, no_proof, VERIFY_BUNDLE, "no inclusion proof"},
	{V1_ENVELOPE, V1, no_proof, VERIFY_BUNDLE, "no inclusion proof"},
	{V2, V2, no_proof, VERIFY_BUNDLE, "no inclusion proof"},
	{V1, V1, other_certificate, VERIFY_ENTRY, "another certificate or key"},
	{V1, V1, other_entry, VERIFY_ENTRY, "another"},
	{V1, V1, signature_changed, VERIFY_ENTRY, "another signature"},
	{V2, V2, signature_changed, VERIFY_ENTRY, "not about this signature"},
	{V1_ENVELOPE, V1, envelope_signature_changed, VERIFY_ENTRY, "another signature"},
	{V2_ENVELOPE, V2_ENVELOPE, envelope_signature_changed, VERIFY_ENTRY,
		"not about this signature"},
	{V1, V1, digest_changed, VERIFY_ARTIFACT, "another artifact's"},
	{V2, V2, no_origin, VERIFY_CHECKPOINT, "tree size is no number"},
	{V2, V2, no_size, VERIFY_CHECKPOINT, "tree size is no number"},
	{V1, V1, other_hint, VERIFY_CHECKPOINT, "no signature by"},
	{V2, V2, other_hint, VERIFY_CHECKPOINT, "no signature by"},
	{V2, V2, no_timestamp, VERIFY_TIME, "0 verified times"},
	{V2, V2, other_time, VERIFY_TIMESTAMP, "its signature is wrong"},
	{V1, V1, no_ct_logs, VERIFY_SCT, "SCTs of 0 logs"},
	{"rekor2-timestamp-with-embedded-cert", "rekor2-timestamp-with-embedded-cert",
		no_timestamp_authorities, VERIFY_TIME, "no authority of the trusted root"},
	{"managed-key-happy-path", V1, nothing, VERIFY_BUNDLE, "no public key was given"},
};

static void check(const struct change *change)
{
	const struct policy_signer signer = {{.exact = IDENTITY}, {.exact = ISSUER}};
	CLEANUP(trust_root_freep) struct trust_root *root = NULL;
	CLEANUP(bundle_freep) struct bundle *bundle = NULL;
	CLEANUP(verify_result_release) struct verify_result result = {0};
	CLEANUP(mem_freep) char *artifact_path = data_path(VECTORS "/a.txt");
	CLEANUP(err_freep) struct err *err = NULL;
	struct policy policy = POLICY_INIT;
	struct message artifact;

	json_t *bundle_json = load_bundle(change->vector), *root_json = load_root(change->root);
	change->make(bundle_json, root_json);
	char *bundle_text = json_dumps(bundle_json, JSON_COMPACT);
	char *root_text = json_dumps(root_json, JSON_COMPACT);
	policy.signers = &signer;
	policy.signer_count = 1;
	cr_assert(message_of_file(artifact_path, &artifact, NULL));
	cr_assert(trust_root_parse(root_text, strlen(root_text), &root, NULL));
	bool ok = bundle_parse(bundle_text, strlen(bundle_text), &bundle, &err) &&
		verify_bundle(root, bundle, &artifact, &policy, &result, &err);
	cr_expect_not(ok, "%s, %s: passed", change->vector, change->reason);
	if (!ok) {
		cr_expect_eq((int)result.failed, change->step, "%s: at %s: %s", change->vector,
			verify_step_name(result.failed), err->msg);
		cr_expect(strstr(err->msg, change->reason), "%s: \"%s\" does not say \"%s\"",
			change->vector, err->msg, change->reason);
	}
	free(bundle_text);
	free(root_text);
	json_decref(bundle_json);
	json_decref(root_json);
}

Test(changed_vectors, each_fails_at_its_step)
{
	DATA_REQUIRE(VECTORS "/" V1);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		check(&changes[i]);
}
