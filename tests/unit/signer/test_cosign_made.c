/*
 * Signatures and attestations that cosign wrote against a stack of its own: bundles of both logs and
 * the older form. All verify; none does for another identity, issuer or image.
 */
#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

#include "image/digest.h"
#include "signer/verify.h"
#include "tests/unit/signer/data.h"

#define SECOND_IDENTITY "second@example.com"
#define LEGACY_DIGEST "sha256:f1dcbdb54cf11ec6f25949333de7a9d73870fe1cb2a74cf2aed1a958b3be9570"
#define OTHER_DIGEST "sha256:305c92a30679cbcbbffdbc7792f57ddf29b91adcb2726fbb52b952ade67563a2"

static struct trust_root *root;

static void setup(void)
{
	root = data_has(MADE) ? data_root(MADE "/trusted_root.json") : NULL;
}

static void teardown(void)
{
	trust_root_free(root);
}

TestSuite(cosign_made, .init = setup, .fini = teardown);

static struct message image(const char *text)
{
	struct digest digest;

	cr_assert(digest_parse(text, &digest, NULL));
	return message_of_sha256(digest.bytes);
}

static bool verify(const struct bundle *bundle, const char *digest, const char *identity,
	const char *issuer, struct verify_result *ret_result, struct err **err)
{
	struct policy_signer signer = {{.exact = identity}, {.exact = issuer}};
	struct policy policy = POLICY_INIT;
	struct message artifact = image(digest);

	policy.signers = &signer;
	policy.signer_count = 1;
	policy.scts = 0;
	return verify_bundle(root, bundle, &artifact, &policy, ret_result, err);
}

static void expect_failure(const struct bundle *bundle, const char *digest, const char *identity,
	const char *issuer, enum verify_step step)
{
	CLEANUP(verify_result_release) struct verify_result result = {0};
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert_not(verify(bundle, digest, identity, issuer, &result, &err));
	cr_assert_eq(result.failed, step, "at %s: %s", verify_step_name(result.failed), err->msg);
}

static const struct {
	const char *blob;
	const char *predicate_type;
	const char *log_host;
} bundles[] = {
	{"sha256-2cf367df595efc179c21aee3b39c22d0b247c9c909ef0e012fa15f1dc6586eef",
		"https://sigstore.dev/cosign/sign/v1", "http://localhost:3000"},
	{"sha256-fab4fa70853e72ef62c28d293225d4cb2e982e4bc214cc6288d763e3f4a9561e",
		"https://sigstore.dev/cosign/sign/v1", "http://localhost:3003"},
	{"sha256-0f7cf64625c4ba939cdb159e4a0806212c979a81cfcce800f86925840caf55bc",
		"https://k8s.io/promo-tools/promotion/v1", "http://localhost:3003"},
	{"sha256-e0a1927d2cc6bde9da432e8ceb2f8bf0749c77177d2531dca905a8c332b4007c",
		"https://slsa.dev/provenance/v1", "http://localhost:3003"},
	{"sha256-e4a4b26d4f90495b2797ebb5cecafcc26193eb270b98f7c6f72c26bee9be2ff7",
		"https://cosign.sigstore.dev/attestation/vuln/v1", "http://localhost:3003"},
};

static struct bundle *bundle_read(const char *blob)
{
	CLEANUP(mem_freep) char *name = mem_printf(MADE "/bundle/blobs/%s", blob);
	CLEANUP(str_release) struct str text = STR_INIT(DATA_MAX_SIZE);
	CLEANUP(err_freep) struct err *err = NULL;
	struct bundle *bundle = NULL;

	data_read(name, &text);
	cr_assert(
		bundle_parse(str_text(&text), text.len, &bundle, &err), "%s", err ? err->msg : "");
	return bundle;
}

Test(cosign_made, bundles)
{
	DATA_REQUIRE(MADE "/bundle");
	for (size_t i = 0; i < sizeof(bundles) / sizeof(bundles[0]); i++) {
		CLEANUP(bundle_freep) struct bundle *bundle = bundle_read(bundles[i].blob);
		CLEANUP(verify_result_release) struct verify_result result = {0};
		CLEANUP(err_freep) struct err *err = NULL;

		cr_assert(verify(bundle, MADE_BUNDLE_DIGEST, MADE_IDENTITY, MADE_ISSUER, &result,
				  &err),
			"%s: %s", bundles[i].blob, err ? err->msg : "");
		cr_assert_str_eq(result.predicate_type, bundles[i].predicate_type);
		cr_assert_eq(result.entries.len, 1);
		cr_assert_str_eq(result.entries.items[0].log->base_url, bundles[i].log_host);
		cr_assert_eq(result.times.len, 1);
		expect_failure(bundle, OTHER_DIGEST, MADE_IDENTITY, MADE_ISSUER, VERIFY_ARTIFACT);
		expect_failure(
			bundle, MADE_BUNDLE_DIGEST, SECOND_IDENTITY, MADE_ISSUER, VERIFY_IDENTITY);
		expect_failure(bundle, MADE_BUNDLE_DIGEST, MADE_IDENTITY, MADE_ISSUER "/",
			VERIFY_IDENTITY);
	}
}

/* ---- The older form ---- */

static void expect_layer(const json_t *layer, bool is_envelope, const char *identity)
{
	const char *digest = json_string_value(json_object_get(layer, "digest"));
	CLEANUP(mem_freep) char *name = mem_printf(MADE "/legacy/blobs/sha256-%s", digest + 7);
	CLEANUP(str_release) struct str blob = STR_INIT(DATA_MAX_SIZE);
	CLEANUP(verify_result_release) struct verify_result result = {0};
	CLEANUP(bundle_freep) struct bundle *bundle = NULL;
	CLEANUP(err_freep) struct err *err = NULL;
	const json_t *annotations = json_object_get(layer, "annotations");

	data_read(name, &blob);
	struct legacy_layer legacy = {
		.blob = str_text(&blob),
		.len = blob.len,
		.is_envelope = is_envelope,
		.signature = json_string_value(
			json_object_get(annotations, "dev.cosignproject.cosign/signature")),
		.log_entry = json_string_value(
			json_object_get(annotations, "dev.sigstore.cosign/bundle")),
		.certificate = json_string_value(
			json_object_get(annotations, "dev.sigstore.cosign/certificate")),
	};
	cr_assert(bundle_of_legacy(&legacy, &bundle, &err), "%s", err ? err->msg : "");
	/* The layer's blob is what a .sig signs; that it names the image is its reader's matter. */
	const char *artifact = is_envelope ? LEGACY_DIGEST : digest;
	cr_assert(verify(bundle, artifact, identity, MADE_ISSUER, &result, &err), "%s: %s", digest,
		err ? err->msg : "");
	cr_assert_eq(result.times.len, 1);
	expect_failure(bundle, OTHER_DIGEST, identity, MADE_ISSUER,
		is_envelope ? VERIFY_ARTIFACT : VERIFY_ENTRY);
	expect_failure(bundle, artifact, "nobody@example.com", MADE_ISSUER, VERIFY_IDENTITY);
}

static void expect_layers(const char *manifest, bool is_envelope, const char *second)
{
	CLEANUP(str_release) struct str text = STR_INIT(DATA_MAX_SIZE);
	const json_t *layer;
	size_t i;

	data_read(manifest, &text);
	json_t *document = json_loads(str_text(&text), 0, NULL);
	cr_assert(json_array_size(json_object_get(document, "layers")) > 1);
	json_array_foreach(json_object_get(document, "layers"), i, layer)
	{
		expect_layer(layer, is_envelope, i == 1 ? second : MADE_IDENTITY);
	}
	json_decref(document);
}

Test(cosign_made, legacy_signatures)
{
	DATA_REQUIRE(MADE "/legacy");
	expect_layers(MADE "/legacy/sig.json", false, SECOND_IDENTITY);
}

Test(cosign_made, legacy_attestations)
{
	DATA_REQUIRE(MADE "/legacy");
	expect_layers(MADE "/legacy/att.json", true, MADE_IDENTITY);
}
