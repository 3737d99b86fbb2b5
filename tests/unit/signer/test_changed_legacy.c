/*
 * The same as test_changed_bytes.c for the older form: layers of .sig and .att images that cosign wrote,
 * with one byte changed in the blob or in an annotation. The changes that mean the same are listed
 * exactly. Two changes of every byte; with CIP_TEST_FULL every flipped bit and some more.
 */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/digest.h"
#include "signer/verify.h"
#include "tests/unit/signer/data.h"

#define LEGACY_DIGEST "sha256:f1dcbdb54cf11ec6f25949333de7a9d73870fe1cb2a74cf2aed1a958b3be9570"
#define HARMLESS_MAX 4

enum part { BLOB, SIGNATURE, LOG_ENTRY, CERTIFICATE, PARTS };

static const struct sample {
	const char *manifest;
	size_t layer;
	const char *identity;
	/* Offsets by part that may hold other white space; of the other alphabet's character. 0 ends. */
	size_t spaces[PARTS][HARMLESS_MAX];
	size_t alphabet[PARTS][HARMLESS_MAX];
} samples[] = {
	{"sig.json", 0, MADE_IDENTITY, .spaces[CERTIFICATE] = {898}},
	{"sig.json", 1, "second@example.com", .spaces[CERTIFICATE] = {890},
		.alphabet[LOG_ENTRY] = {114}},
	{"att.json", 0, MADE_IDENTITY, .spaces[CERTIFICATE] = {898}},
	{"att.json", 1, MADE_IDENTITY, .spaces[CERTIFICATE] = {898}},
	{"att.json", 2, MADE_IDENTITY, .spaces[CERTIFICATE] = {894}},
};

struct layer {
	struct str parts[PARTS];
	bool is_envelope;
	const char *identity;
};

struct facts {
	int64_t time;
	uint64_t index;
	char serial[64];
	char predicate_type[128];
};

/* Zeros unless it verifies. */
static struct facts verify(const struct trust_root *root, const struct layer *layer)
{
	struct policy_signer signer = {{.exact = layer->identity}, {.exact = MADE_ISSUER}};
	struct policy policy = POLICY_INIT;
	CLEANUP(verify_result_release) struct verify_result result = {0};
	CLEANUP(bundle_freep) struct bundle *bundle = NULL;
	struct facts facts = {0};
	struct digest digest;
	const struct legacy_layer legacy = {
		.blob = layer->parts[BLOB].bytes,
		.len = layer->parts[BLOB].len,
		.is_envelope = layer->is_envelope,
		.signature = str_text(&layer->parts[SIGNATURE]),
		.log_entry = str_text(&layer->parts[LOG_ENTRY]),
		.certificate = str_text(&layer->parts[CERTIFICATE]),
	};

	cr_assert(digest_parse(LEGACY_DIGEST, &digest, NULL));
	struct message artifact = layer->is_envelope
		? message_of_sha256(digest.bytes)
		: message_of_bytes(layer->parts[BLOB].bytes, layer->parts[BLOB].len);
	policy.signers = &signer;
	policy.signer_count = 1;
	policy.scts = 0;
	if (!bundle_of_legacy(&legacy, &bundle, NULL) ||
		!verify_bundle(root, bundle, &artifact, &policy, &result, NULL))
		return facts;
	facts.time = result.times.items[0].seconds;
	facts.index = result.entries.items[0].entry->index;
	snprintf(facts.serial, sizeof(facts.serial), "%s", certificate_serial(result.certificate));
	if (result.predicate_type)
		snprintf(facts.predicate_type, sizeof(facts.predicate_type), "%s",
			result.predicate_type);
	return facts;
}

static bool is_in(const size_t *offsets, size_t offset)
{
	while (*offsets && *offsets != offset)
		offsets++;
	return *offsets != 0;
}

static bool is_harmless(
	const struct sample *sample, enum part part, size_t offset, char old, char new)
{
	if (is_in(sample->spaces[part], offset))
		return new == ' ' || new == '\t' || new == '\n' || new == '\r';
	return is_in(sample->alphabet[part], offset) &&
		((old == '+' && new == '-') || (old == '/' && new == '_'));
}

struct trial {
	const struct trust_root *root;
	const struct sample *sample;
	struct layer *layer;
	struct facts original;
};

static void try(const struct trial *trial, enum part part, size_t offset, char new)
{
	char *byte = &trial->layer->parts[part].bytes[offset], old = *byte;
	static const struct facts none;

	/* An annotation is text: a terminator ends it. */
	if (new == old || (new == '\0' && part != BLOB))
		return;
	*byte = new;
	struct facts facts = verify(trial->root, trial->layer);
	*byte = old;
	bool same = memcmp(&facts, &trial->original, sizeof(facts)) == 0;
	cr_expect_eq(same, is_harmless(trial->sample, part, offset, old, new),
		"%s %zu, part %d, offset %zu, %02x to %02x: %s", trial->sample->manifest,
		trial->sample->layer, (int)part, offset, (unsigned char)old, (unsigned char)new,
		same ? "accepted" : "refused");
	cr_expect(same || memcmp(&facts, &none, sizeof(facts)) == 0, "offset %zu: other facts",
		offset);
}

static void part_read(const json_t *annotations, const char *name, struct str *out)
{
	const char *text = json_string_value(json_object_get(annotations, name));

	str_init(out, DATA_MAX_SIZE);
	str_add_text(out, text ? text : "");
}

static void layer_read(const struct sample *sample, struct layer *ret_layer)
{
	CLEANUP(mem_freep) char *path = mem_printf(MADE "/legacy/%s", sample->manifest);
	CLEANUP(str_release) struct str text = STR_INIT(DATA_MAX_SIZE);

	data_read(path, &text);
	json_t *document = json_loads(str_text(&text), 0, NULL);
	const json_t *layer = json_array_get(json_object_get(document, "layers"), sample->layer);
	const json_t *annotations = json_object_get(layer, "annotations");
	const char *digest = json_string_value(json_object_get(layer, "digest"));
	CLEANUP(mem_freep) char *blob = mem_printf(MADE "/legacy/blobs/sha256-%s", digest + 7);
	*ret_layer = (struct layer){
		.is_envelope = strcmp(sample->manifest, "att.json") == 0,
		.identity = sample->identity,
	};
	str_init(&ret_layer->parts[BLOB], DATA_MAX_SIZE);
	data_read(blob, &ret_layer->parts[BLOB]);
	part_read(annotations, "dev.cosignproject.cosign/signature", &ret_layer->parts[SIGNATURE]);
	part_read(annotations, "dev.sigstore.cosign/bundle", &ret_layer->parts[LOG_ENTRY]);
	part_read(annotations, "dev.sigstore.cosign/certificate", &ret_layer->parts[CERTIFICATE]);
	json_decref(document);
}

static void check(const struct trust_root *root, const struct sample *sample, size_t step)
{
	struct layer layer;
	layer_read(sample, &layer);
	const struct trial trial = {root, sample, &layer, verify(root, &layer)};
	bool full = getenv("CIP_TEST_FULL") != NULL;

	cr_assert_neq(trial.original.time, 0);
	for (unsigned part = 0; part < PARTS; part++)
		for (size_t i = 0; i < layer.parts[part].len; i += step) {
			char old = layer.parts[part].bytes[i];
			for (unsigned bit = 0; full && bit < 8; bit++)
				try(&trial, (enum part)part, i, (char)(old ^ 1 << bit));
			for (const char *other = "\n\r 0A{\""; full && *other; other++)
				try(&trial, (enum part)part, i, *other);
			try(&trial, (enum part)part, i, (char)(old ^ 1));
			try(&trial, (enum part)part, i, old == '/' ? '_' : old == '+' ? '-' : '\t');
		}
	for (unsigned part = 0; part < PARTS; part++)
		str_release(&layer.parts[part]);
}

Test(changed_legacy, fail_or_mean_the_same)
{
	const char *sanitizer = getenv("CIP_SANITIZE");

	DATA_REQUIRE(MADE "/legacy");
	struct trust_root *root = data_root(MADE "/trusted_root.json");
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
		check(root, &samples[i], sanitizer && *sanitizer ? 7 : 1);
	trust_root_free(root);
}
