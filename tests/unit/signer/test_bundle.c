/* Bundles as hostile or odd JSON: what is one document to every reader, and what is refused. */
#include "signer/bundle.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/str.h"

#define TYPE "\"mediaType\":\"application/vnd.dev.sigstore.bundle.v0.3+json\""
#define CONTENT "\"messageSignature\":{\"signature\":\"AAAA\"}"
#define KEY "\"publicKey\":{\"hint\":\"x\"}"
#define LOG_ID "\"logId\":{\"keyId\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}"
#define PROOF "\"inclusionProof\":{\"treeSize\":1}"
#define ENTRY(fields) "{" LOG_ID "," PROOF fields "}"
#define WITH(material) "{" TYPE ",\"verificationMaterial\":{" KEY material "}," CONTENT "}"
#define WITH_ENTRY(fields) WITH(",\"tlogEntries\":[" ENTRY(fields) "]")

static void expect_error(const char *text, enum err_kind kind, const char *reason)
{
	CLEANUP(bundle_freep) struct bundle *bundle = NULL;
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert_not(bundle_parse(text, strlen(text), &bundle, &err), "accepted: %.300s", text);
	cr_assert_eq(err->kind, kind, "%s", err->msg);
	cr_assert(strstr(err->msg, reason), "'%s' does not say '%s'", err->msg, reason);
}

static struct bundle *expect_bundle(const char *text)
{
	CLEANUP(err_freep) struct err *err = NULL;
	struct bundle *bundle = NULL;

	cr_assert(bundle_parse(text, strlen(text), &bundle, &err), "%s: %s", text,
		err ? err->msg : "");
	return bundle;
}

Test(bundle, protobuf_json_in_all_its_spellings)
{
	static const char *const texts[] = {
		WITH_ENTRY(",\"logIndex\":\"9223372036854775807\",\"integratedTime\":\"7\""),
		WITH_ENTRY(",\"log_index\":9223372036854775807,\"integrated_time\":7"),
		WITH_ENTRY(",\"logIndex\":\"9223372036854775807\",\"integratedTime\":7,"
			   "\"inclusionPromise\":null,\"canonicalizedBody\":null"),
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		CLEANUP(bundle_freep) struct bundle *bundle = expect_bundle(texts[i]);
		cr_assert_eq(bundle->entries.len, 1);
		cr_assert_eq(bundle->entries.items[0].index, INT64_MAX);
		cr_assert_eq(bundle->entries.items[0].integrated_time, 7);
		cr_assert_eq(bundle->entries.items[0].proof_size, 1);
	}
}

Test(bundle, base64_in_either_alphabet)
{
	static const char *const values[] = {"+/+/", "-_-_", "+/+/+w==", "-_-_-w", "-_-_-w=="};
	static const char *const wrong[] = {"+_+_", "A", "AA=", "A===", "AAA AAAA", "AB==", "===="};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		CLEANUP(bytes_release) struct bytes bytes = {0};
		cr_assert(bytes_from_base64(values[i], &bytes), "%s", values[i]);
		cr_assert_eq(bytes.len, i < 2 ? 3 : 4);
		cr_assert_eq(bytes.data[0], 0xfb);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		CLEANUP(bytes_release) struct bytes bytes = {0};
		cr_assert_not(bytes_from_base64(wrong[i], &bytes), "%s", wrong[i]);
	}
}

Test(bundle, numbers_out_of_range)
{
	static const char *const numbers[] = {"-1", "\"-1\"", "\"9223372036854775808\"", "1.5",
		"\"007\"", "\"1 \"", "\"+1\"", "\"\"", "true", "{}", "1e2"};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		CLEANUP(mem_freep)
		char *text = mem_printf(WITH_ENTRY(",\"logIndex\":%s"), numbers[i]);
		expect_error(text, ERR_INVALID, "logIndex is no whole number");
	}
	expect_error(WITH_ENTRY(",\"logIndex\":9223372036854775808"), ERR_INVALID, "no valid JSON");
	expect_error(WITH_ENTRY(",\"integratedTime\":253402300800"), ERR_INVALID, "year 9999");
}

Test(bundle, two_readers_must_not_see_two_bundles)
{
	expect_error(WITH_ENTRY(",\"logIndex\":1,\"logIndex\":2"), ERR_INVALID, "duplicate");
	expect_error(WITH_ENTRY(",\"logIndex\":1,\"log_index\":2"), ERR_INVALID, "there twice");
	expect_error(WITH_ENTRY(",\"logIndexx\":1"), ERR_INVALID, "unknown field");
	expect_error("{" TYPE ",\"verificationMaterial\":{" KEY "}," CONTENT
		     ",\"dsseEnvelope\":{}}",
		ERR_INVALID, "not exactly one");
	expect_error(
		"{" TYPE ",\"verificationMaterial\":{" KEY "}}", ERR_INVALID, "not exactly one");
	expect_error(WITH(",\"certificate\":{\"rawBytes\":\"AAAA\"}"), ERR_INVALID,
		"not exactly one of publicKey");
	expect_error(WITH("") "x", ERR_INVALID, "no valid JSON");
	expect_error("[]", ERR_INVALID, "no JSON object");
	expect_error("{}", ERR_UNSUPPORTED, "media type");
	expect_error("{\"mediaType\":\"application/vnd.dev.sigstore.bundle.v0.4+json\"}",
		ERR_UNSUPPORTED, "v0.4");
}

static void repeat(struct str *out, const char *text, size_t count)
{
	for (size_t i = 0; i < count; i++)
		str_addf(out, "%s%s", i ? "," : "", text);
}

Test(bundle, counts_sizes_and_depth_are_bounded)
{
	CLEANUP(str_release) struct str entries = STR_INIT((size_t)1 << 20);
	CLEANUP(str_release) struct str stamps = STR_INIT((size_t)1 << 20);
	CLEANUP(str_release) struct str hashes = STR_INIT((size_t)1 << 20);
	CLEANUP(str_release) struct str deep = STR_INIT((size_t)1 << 20);

	repeat(&entries, ENTRY(""), BUNDLE_MAX_ENTRIES + 1);
	CLEANUP(mem_freep)
	char *many = mem_printf(WITH(",\"tlogEntries\":[%s]"), str_text(&entries));
	expect_error(many, ERR_TOO_LARGE, "tlogEntries has more than 32");

	repeat(&stamps, "{\"signedTimestamp\":\"AAAA\"}", BUNDLE_MAX_TIMESTAMPS + 1);
	CLEANUP(mem_freep)
	char *times =
		mem_printf(WITH(",\"timestampVerificationData\":{\"rfc3161Timestamps\":[%s]}"),
			str_text(&stamps));
	expect_error(times, ERR_TOO_LARGE, "rfc3161Timestamps has more than 32");

	repeat(&hashes, "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"", MERKLE_PROOF_MAX + 1);
	CLEANUP(mem_freep)
	char *path = mem_printf(
		WITH(",\"tlogEntries\":[{" LOG_ID ",\"inclusionProof\":{\"hashes\":[%s]}}]"),
		str_text(&hashes));
	expect_error(path, ERR_TOO_LARGE, "hashes has more than 64");
	expect_error(
		WITH(",\"tlogEntries\":[{" LOG_ID ",\"inclusionProof\":{\"hashes\":[\"AAAA\"]}}]"),
		ERR_INVALID, "3 bytes instead of 32");

	for (size_t i = 0; i < 100000; i++)
		str_add_char(&deep, '[');
	expect_error(str_text(&deep), ERR_TOO_LARGE, "nested deeper");
	/* Three bytes of text each, a hundred of memory. */
	CLEANUP(str_release) struct str values = STR_INIT((size_t)8 << 20);
	str_add_text(&values, "{\"a\":[[]");
	while (values.len < ((size_t)6 << 20))
		str_add_text(&values, ",[]");
	str_add_text(&values, "]}");
	expect_error(str_text(&values), ERR_TOO_LARGE, "values");
}
