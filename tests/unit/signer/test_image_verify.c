/*
 * What counts as a signature of an image, and as an attestation: with what cosign wrote, put in the
 * wrong place or asked for the wrong thing.
 */
#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

#include "signer/image_verify.h"
#include "tests/unit/signer/data.h"

#define LEGACY_DIGEST "sha256:f1dcbdb54cf11ec6f25949333de7a9d73870fe1cb2a74cf2aed1a958b3be9570"
#define OTHER_DIGEST "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define PROMOTION "https://k8s.io/promo-tools/promotion/v1"

static struct trust_root *root;
static struct attached attached;
static struct image_verdicts verdicts;

static void setup(void)
{
	root = data_has(MADE) ? data_root(MADE "/trusted_root.json") : NULL;
}

static void teardown(void)
{
	image_verdicts_release(&verdicts);
	attached_release(&attached);
	trust_root_free(root);
}

TestSuite(image_verify, .init = setup, .fini = teardown);

/* ---- What is attached ---- */

static const char *annotation(const json_t *layer, const char *name)
{
	return json_string_value(json_object_get(json_object_get(layer, "annotations"), name));
}

static void read_blob(const char *directory, const json_t *layer, struct str *blob)
{
	const char *digest = json_string_value(json_object_get(layer, "digest"));
	char *name = mem_printf(MADE "/%s/blobs/sha256-%s", directory, digest + strlen("sha256:"));

	data_read(name, blob);
	mem_free(name);
}

static void add_layer(const json_t *layer, enum attached_kind kind)
{
	CLEANUP(str_release) struct str blob = STR_INIT(DATA_MAX_SIZE);
	struct attached_item *item = vec_push(&attached.items);

	read_blob("legacy", layer, &blob);
	const struct legacy_layer legacy = {
		.blob = str_text(&blob),
		.len = blob.len,
		.is_envelope = kind == ATTACHED_ATT,
		.signature = annotation(layer, "dev.cosignproject.cosign/signature"),
		.log_entry = annotation(layer, "dev.sigstore.cosign/bundle"),
		.certificate = annotation(layer, "dev.sigstore.cosign/certificate"),
	};
	item->kind = kind;
	cr_assert(bundle_of_legacy(&legacy, &item->bundle, NULL));
	if (kind == ATTACHED_SIG)
		item->payload = (struct bytes){mem_dup(str_text(&blob), blob.len), blob.len};
}

static void add_layers(const char *name, enum attached_kind kind)
{
	CLEANUP(str_release) struct str text = STR_INIT(DATA_MAX_SIZE);
	const json_t *layer;
	size_t i;

	data_read(name, &text);
	json_t *manifest = json_loadb(str_text(&text), text.len, 0, NULL);
	json_array_foreach(json_object_get(manifest, "layers"), i, layer) add_layer(layer, kind);
	json_decref(manifest);
}

/* The bundles, in the order of the digests of their manifests. */
static void add_bundles(void)
{
	static const char *const blobs[] = {
		"0f7cf64625c4ba939cdb159e4a0806212c979a81cfcce800f86925840caf55bc",
		"2cf367df595efc179c21aee3b39c22d0b247c9c909ef0e012fa15f1dc6586eef",
		"e0a1927d2cc6bde9da432e8ceb2f8bf0749c77177d2531dca905a8c332b4007c",
		"e4a4b26d4f90495b2797ebb5cecafcc26193eb270b98f7c6f72c26bee9be2ff7",
		"fab4fa70853e72ef62c28d293225d4cb2e982e4bc214cc6288d763e3f4a9561e",
	};

	for (size_t i = 0; i < sizeof(blobs) / sizeof(blobs[0]); i++) {
		CLEANUP(str_release) struct str text = STR_INIT(DATA_MAX_SIZE);
		struct attached_item *item = vec_push(&attached.items);
		char *name = mem_printf(MADE "/bundle/blobs/sha256-%s", blobs[i]);
		data_read(name, &text);
		mem_free(name);
		item->kind = ATTACHED_BUNDLE;
		cr_assert(bundle_parse(str_text(&text), text.len, &item->bundle, NULL));
	}
}

/* ---- Asking ---- */

static size_t judge(const char *image, const char *identity, const char *docker_reference,
	const char *predicate_type)
{
	const struct policy_signer signer = {{.exact = identity}, {.exact = MADE_ISSUER}};
	struct policy policy = POLICY_INIT;
	struct digest digest;

	policy.signers = &signer;
	policy.signer_count = 1;
	policy.scts = 0;
	const struct image_policy wanted = {
		.root = root,
		.policy = &policy,
		.docker_reference = docker_reference,
		.predicate_type = predicate_type,
	};
	cr_assert(digest_parse(image, &digest, NULL));
	image_verdicts_release(&verdicts);
	image_verify(&wanted, &digest, &attached, &verdicts);
	cr_assert_eq(verdicts.items.len, attached.items.len);
	for (size_t i = 0; i < verdicts.items.len; i++)
		cr_assert_eq(verdicts.items.items[i].counts, !verdicts.items.items[i].why_not);
	return verdicts.counting;
}

static void expect_why(size_t index, const char *why)
{
	const struct image_verdict *verdict = &verdicts.items.items[index];

	cr_assert_not(verdict->counts);
	cr_assert(strstr(verdict->why_not, why), "%s", verdict->why_not);
}

Test(image_verify, signatures_in_the_older_form)
{
	DATA_REQUIRE(MADE);
	add_layers(MADE "/legacy/sig.json", ATTACHED_SIG);
	cr_assert_eq(judge(LEGACY_DIGEST, MADE_IDENTITY, "registry.k8s.io/app-000", NULL), 1);
	cr_assert_str_eq(verdicts.items.items[0].docker_reference, "registry.k8s.io/app-000");
	expect_why(1, "not verified, at identity");
	/* Signed annotations do not matter. */
	cr_assert_eq(
		judge(LEGACY_DIGEST, "second@example.com", "registry.k8s.io/app-000", NULL), 1);
	cr_assert_eq(judge(LEGACY_DIGEST, MADE_IDENTITY, NULL, NULL), 1);
	cr_assert_eq(judge(LEGACY_DIGEST, MADE_IDENTITY, "registry.k8s.io/app-00", NULL), 0);
	expect_why(0,
		"it names the image registry.k8s.io/app-000 (docker-reference), where "
		"registry.k8s.io/app-00 is wanted");
	cr_assert_eq(judge(OTHER_DIGEST, MADE_IDENTITY, NULL, NULL), 0);
	expect_why(0, "it is about another image: " LEGACY_DIGEST);
	cr_assert_eq(judge(LEGACY_DIGEST, MADE_IDENTITY, NULL, PROMOTION), 0);
	expect_why(0, "a signature, no attestation");
}

/* What the payload says is what was signed, not what the layer has. */
Test(image_verify, payload_of_another_signature)
{
	DATA_REQUIRE(MADE);
	add_layers(MADE "/legacy/sig.json", ATTACHED_SIG);
	struct bytes first = attached.items.items[0].payload;
	attached.items.items[0].payload = attached.items.items[1].payload;
	attached.items.items[1].payload = first;
	cr_assert_eq(judge(LEGACY_DIGEST, MADE_IDENTITY, NULL, NULL), 0);
	expect_why(0, "not verified, at log-entry");
	cr_assert_eq(judge(LEGACY_DIGEST, "second@example.com", NULL, NULL), 0);
}

Test(image_verify, attestations_in_the_older_form)
{
	DATA_REQUIRE(MADE);
	add_layers(MADE "/legacy/att.json", ATTACHED_ATT);
	cr_assert_eq(judge(LEGACY_DIGEST, MADE_IDENTITY, "any/name", PROMOTION), 1);
	expect_why(0, "a statement of type https://slsa.dev/provenance/v1");
	expect_why(1, "a statement of type https://cosign.sigstore.dev/attestation/vuln/v1");
	const struct bytes *statement = &verdicts.items.items[2].predicate_statement;
	cr_assert(memmem(statement->data, statement->len, PROMOTION, strlen(PROMOTION)));
	/* A record is no signature. */
	cr_assert_eq(judge(LEGACY_DIGEST, MADE_IDENTITY, NULL, NULL), 0);
	expect_why(2, "a statement of type " PROMOTION ", which is no signature of the image");
	cr_assert_eq(judge(OTHER_DIGEST, MADE_IDENTITY, NULL, PROMOTION), 0);
	expect_why(2, "not verified, at artifact");
}

Test(image_verify, bundles)
{
	DATA_REQUIRE(MADE);
	add_bundles();
	cr_assert_eq(judge(MADE_BUNDLE_DIGEST, MADE_IDENTITY, "any/name", NULL), 2);
	cr_assert_eq(judge(MADE_BUNDLE_DIGEST, MADE_IDENTITY, NULL, PROMOTION), 1);
	cr_assert_eq(judge(MADE_BUNDLE_DIGEST, "second@example.com", NULL, NULL), 0);
	cr_assert_eq(judge(OTHER_DIGEST, MADE_IDENTITY, NULL, NULL), 0);
	cr_assert_eq(judge(MADE_BUNDLE_DIGEST, MADE_IDENTITY, NULL,
			     "https://sigstore.dev/cosign/sign/v1"),
		2);
}

Test(image_verify, what_could_not_be_read)
{
	DATA_REQUIRE(MADE);
	vec_push(&attached.items)->error = mem_strdup("the blob is gone");
	cr_assert_eq(judge(LEGACY_DIGEST, MADE_IDENTITY, NULL, NULL), 0);
	expect_why(0, "the blob is gone");
}

/* What may be carried along with an image: whatever somebody who is trusted says of it. */
Test(image_verify, any_statement)
{
	const struct policy_signer signer = {{.exact = MADE_IDENTITY}, {.exact = MADE_ISSUER}};
	struct policy policy = POLICY_INIT;
	struct digest digest;

	DATA_REQUIRE(MADE);
	policy.signers = &signer;
	policy.signer_count = 1;
	policy.scts = 0;
	const struct image_policy wanted = {.root = root, .policy = &policy, .any_statement = true};
	add_layers(MADE "/legacy/att.json", ATTACHED_ATT);
	add_layers(MADE "/legacy/sig.json", ATTACHED_SIG);
	cr_assert(digest_parse(LEGACY_DIGEST, &digest, NULL));
	image_verify(&wanted, &digest, &attached, &verdicts);
	/* All statements, and the signature that is not by somebody else. */
	cr_assert_eq(verdicts.counting, attached.items.len - 1);
	image_verdicts_release(&verdicts);
	cr_assert(digest_parse(OTHER_DIGEST, &digest, NULL));
	image_verify(&wanted, &digest, &attached, &verdicts);
	cr_assert_eq(verdicts.counting, 0);
}
