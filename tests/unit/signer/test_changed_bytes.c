/*
 * Bundles of cosign with one byte changed: verification fails, or every verified field is what it was
 * because the change means the same. Which changes mean the same is listed exactly: white space
 * between tokens of JSON, and the one character of a base64 text by which its two alphabets differ.
 * Two changes of every byte; with CIP_TEST_FULL, every flipped bit and some more.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/digest.h"
#include "signer/verify.h"
#include "tests/unit/signer/data.h"

#define HARMLESS_MAX 40

static const struct sample {
	const char *blob;
	/* Offsets that may hold other white space; then of the other alphabet's character. 0 ends. */
	size_t spaces[HARMLESS_MAX];
	size_t alphabet[4];
} samples[] = {
	{"2cf367df595efc179c21aee3b39c22d0b247c9c909ef0e012fa15f1dc6586eef",
		{61, 944, 976, 1042, 1072, 1092, 1123, 1267, 1301, 1360, 1376, 1434, 1483, 1713,
			3884, 4226, 4272},
		{1325, 1469}},
	{"fab4fa70853e72ef62c28d293225d4cb2e982e4bc214cc6288d763e3f4a9561e",
		{61, 944, 1026, 1064, 1084, 1161, 1177, 1378, 3004, 3973, 4315, 4361}, {1141}},
	{"0f7cf64625c4ba939cdb159e4a0806212c979a81cfcce800f86925840caf55bc",
		{61, 948, 980, 1046, 1084, 1104, 1138, 1197, 1213, 1271, 1320, 1521, 3151, 4120,
			4926, 4972},
		{1157}},
	{"e0a1927d2cc6bde9da432e8ceb2f8bf0749c77177d2531dca905a8c332b4007c",
		{61, 948, 980, 1046, 1084, 1104, 1138, 1197, 1213, 1272, 1473, 3103, 4076, 5158,
			5204},
		{1251}},
	{"e4a4b26d4f90495b2797ebb5cecafcc26193eb270b98f7c6f72c26bee9be2ff7",
		{61, 944, 976, 1042, 1080, 1100, 1134, 1193, 1209, 1268, 1469, 3095, 4068, 5030,
			5076},
		{0}},
};

static bool is_in(const size_t *offsets, size_t offset)
{
	while (*offsets && *offsets != offset)
		offsets++;
	return *offsets != 0;
}

static bool is_harmless(const struct sample *sample, size_t offset, char old, char new)
{
	if (is_in(sample->spaces, offset))
		return new == ' ' || new == '\t' || new == '\n' || new == '\r';
	return is_in(sample->alphabet, offset) &&
		((old == '+' && new == '-') || (old == '/' && new == '_'));
}

struct facts {
	int64_t time;
	uint64_t index;
	char serial[64];
	char predicate_type[128];
};

/* Zeros unless it verifies. */
static struct facts verify(const struct trust_root *root, const struct str *text)
{
	struct policy_signer signer = {{.exact = MADE_IDENTITY}, {.exact = MADE_ISSUER}};
	struct policy policy = POLICY_INIT;
	CLEANUP(verify_result_release) struct verify_result result = {0};
	CLEANUP(bundle_freep) struct bundle *bundle = NULL;
	struct facts facts = {0};
	struct digest digest;

	cr_assert(digest_parse(MADE_BUNDLE_DIGEST, &digest, NULL));
	struct message artifact = message_of_sha256(digest.bytes);
	policy.signers = &signer;
	policy.signer_count = 1;
	policy.scts = 0;
	if (!bundle_parse(text->bytes, text->len, &bundle, NULL) ||
		!verify_bundle(root, bundle, &artifact, &policy, &result, NULL))
		return facts;
	facts.time = result.times.items[0].seconds;
	facts.index = result.entries.items[0].entry->index;
	snprintf(facts.serial, sizeof(facts.serial), "%s", certificate_serial(result.certificate));
	snprintf(facts.predicate_type, sizeof(facts.predicate_type), "%s", result.predicate_type);
	return facts;
}

static void try(const struct trust_root *root, const struct sample *sample, struct str *text,
	size_t offset, char new, const struct facts *original)
{
	char old = text->bytes[offset];
	static const struct facts none;

	if (new == old)
		return;
	text->bytes[offset] = new;
	struct facts facts = verify(root, text);
	text->bytes[offset] = old;
	bool same = memcmp(&facts, original, sizeof(facts)) == 0;
	cr_expect_eq(same, is_harmless(sample, offset, old, new), "offset %zu, %02x to %02x: %s",
		offset, (unsigned char)old, (unsigned char)new, same ? "accepted" : "refused");
	cr_expect(same || memcmp(&facts, &none, sizeof(facts)) == 0, "offset %zu: other facts",
		offset);
}

static void check(const struct trust_root *root, const struct sample *sample, size_t step)
{
	CLEANUP(mem_freep) char *name = mem_printf(MADE "/bundle/blobs/sha256-%s", sample->blob);
	CLEANUP(str_release) struct str text = STR_INIT(DATA_MAX_SIZE);
	bool full = getenv("CIP_TEST_FULL") != NULL;

	data_read(name, &text);
	struct facts original = verify(root, &text);
	cr_assert_neq(original.time, 0);
	for (size_t i = 0; i < text.len; i += step) {
		char old = text.bytes[i];
		for (unsigned bit = 0; full && bit < 8; bit++)
			try(root, sample, &text, i, (char)(old ^ 1 << bit), &original);
		for (const char *other = "\n\r 0A{\""; full && *other; other++)
			try(root, sample, &text, i, *other, &original);
		try(root, sample, &text, i, (char)(old ^ 1), &original);
		try(root, sample, &text, i, old == '/' ? '_' : old == '+' ? '-' : '\t', &original);
	}
}

Test(changed_bytes, fail_or_mean_the_same)
{
	const char *sanitizer = getenv("CIP_SANITIZE");

	DATA_REQUIRE(MADE "/bundle");
	struct trust_root *root = data_root(MADE "/trusted_root.json");
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
		check(root, &samples[i], sanitizer && *sanitizer ? 7 : 1);
	trust_root_free(root);
}
