/* What is chosen from a SigningConfig: the rules of its selectors, and times and versions. */
#include "signer/services.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/signer/data.h"

#define NOW 1800000000 /* 2027-01-15 */
#define TYPE "\"mediaType\":\"application/vnd.dev.sigstore.signingconfig.v0.2+json\""
#define SERVICE(url, version, operator, range)                                                     \
	"{\"url\":\"" url "\",\"majorApiVersion\":" #version ",\"operator\":\""                    \
	operator"\",\"validFor\":{" range "}}"
#define SINCE(year) "\"start\":\"" #year "-01-01T00:00:00Z\""
#define UNTIL(year) ",\"end\":\"" #year "-01-01T00:00:00Z\""

static void expect(const char *text, unsigned max_version, const char *expected)
{
	CLEANUP(signing_services_release) struct signing_services services = {0};
	CLEANUP(str_release) struct str got = STR_INIT(STR_TEXT_MAX);
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert(signing_services_choose(text, strlen(text), NOW, max_version, &services, &err),
		"%s: %s", text, err ? err->msg : "");
	str_addf(&got, "ca %s", services.fulcio_url ? services.fulcio_url : "-");
	for (size_t i = 0; i < services.rekor1_urls.len; i++)
		str_addf(&got, " v1 %s", services.rekor1_urls.items[i]);
	for (size_t i = 0; i < services.rekor2_urls.len; i++)
		str_addf(&got, " v2 %s", services.rekor2_urls.items[i]);
	for (size_t i = 0; i < services.timestamp_urls.len; i++)
		str_addf(&got, " tsa %s", services.timestamp_urls.items[i]);
	cr_assert_str_eq(str_text(&got), expected);
}

static void expect_error(const char *text, enum err_kind kind, const char *words)
{
	CLEANUP(signing_services_release) struct signing_services services = {0};
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert_not(
		signing_services_choose(text, strlen(text), NOW, 2, &services, &err), "%s", text);
	cr_assert_eq(err->kind, kind, "%s", err->msg);
	cr_assert(strstr(err->msg, words), "'%s' does not say '%s'", err->msg, words);
}

Test(services, of_the_public_instance)
{
	DATA_REQUIRE("sigstore-public-good");
	CLEANUP(str_release) struct str text = STR_INIT(DATA_MAX_SIZE);

	data_read("sigstore-public-good/signing_config.v0.2.json", &text);
	for (unsigned version = 1; version <= 2; version++)
		expect(str_text(&text), version,
			"ca https://fulcio.sigstore.dev v1 https://rekor.sigstore.dev "
			"tsa https://timestamp.sigstore.dev/api/v1/timestamp");
}

#define LOGS(list, config)                                                                         \
	"{" TYPE ",\"rekorTlogUrls\":[" list "],\"rekorTlogConfig\":{" config "}}"
#define ANY "\"selector\":\"ANY\""

Test(services, highest_version_then_newest)
{
	static const char both[] =
		LOGS(SERVICE("https://old2", 2, "a", SINCE(2024)) "," SERVICE("https://one", 1, "a",
			     SINCE(2026)) "," SERVICE("https://new2", 2, "a", SINCE(2025)),
			ANY);

	expect(both, 2, "ca - v2 https://new2");
	expect(both, 1, "ca - v1 https://one");
}

Test(services, only_what_counts_now)
{
	expect(LOGS(SERVICE("https://future", 1, "a", SINCE(2028)) "," SERVICE("https://past", 1,
			    "b", SINCE(2020) UNTIL(2027)) "," SERVICE("https://never", 1, "c",
			    "") "," SERVICE("https://now", 1, "d", SINCE(2020) UNTIL(2028)),
		       "\"selector\":\"ALL\""),
		2, "ca - v1 https://now");
	/* Both ends belong to it: NOW to the second. */
	expect(LOGS(SERVICE("https://starts", 1, "a", "\"start\":\"2027-01-15T08:00:00Z\""), ANY),
		2, "ca - v1 https://starts");
	expect(LOGS(SERVICE("https://ends", 1, "a",
			    SINCE(2020) ",\"end\":\"2027-01-15T08:00:00Z\""),
		       ANY),
		2, "ca - v1 https://ends");
	expect_error(LOGS(SERVICE("https://past", 1, "b", SINCE(2020) UNTIL(2027)), ANY),
		ERR_NOT_FOUND, "transparency logs");
	expect_error(LOGS(SERVICE("https://three", 3, "b", SINCE(2020)), ANY), ERR_NOT_FOUND,
		"transparency logs");
}

#define THREE                                                                                      \
	SERVICE("https://a1", 1, "a", SINCE(2021))                                                 \
	"," SERVICE("https://a2", 1, "a", SINCE(2022)) "," SERVICE(                                \
		"https://b", 1, "b", SINCE(2023)) "," SERVICE("https://c", 1, "c", SINCE(2020))

Test(services, selectors_and_operators)
{
	expect(LOGS(THREE, ANY), 2, "ca - v1 https://b");
	expect(LOGS(THREE, "\"selector\":\"ALL\""), 2,
		"ca - v1 https://b v1 https://a2 v1 https://c");
	expect(LOGS(THREE, "\"selector\":\"EXACT\",\"count\":2"), 2,
		"ca - v1 https://b v1 https://a2");
	expect_error(LOGS(THREE, "\"selector\":\"EXACT\",\"count\":4"), ERR_NOT_FOUND,
		"4 transparency logs");
	expect_error(LOGS(THREE, "\"selector\":\"EXACT\""), ERR_INVALID, "EXACT");
	expect_error(LOGS(THREE, "\"selector\":\"SOME\""), ERR_INVALID, "SOME");
	expect_error(LOGS(THREE, ""), ERR_INVALID, "rekorTlogConfig");
}

Test(services, authorities)
{
	expect("{" TYPE ",\"caUrls\":[" SERVICE("https://old", 1, "a", SINCE(2020)) "," SERVICE(
		       "https://new", 1, "b", SINCE(2021)) "," SERVICE("https://two", 2, "b",
		       SINCE(2022)) "],\"tsaUrls\":[" SERVICE("https://tsa1", 1, "a",
		       SINCE(2020)) "," SERVICE("https://tsa2", 1, "b",
		       SINCE(2020)) "],"
				    "\"tsa_config\":{\"selector\":\"ALL\"}}",
		2, "ca https://new tsa https://tsa1 tsa https://tsa2");
	expect("{" TYPE "}", 2, "ca -");
	expect_error("{" TYPE ",\"caUrls\":[" SERVICE("https://x", 1, "a", "") "]}", ERR_NOT_FOUND,
		"certificate authorities");
}

Test(services, malformed)
{
	expect_error("{}", ERR_UNSUPPORTED, "media type");
	expect_error("{\"mediaType\":\"application/vnd.dev.sigstore.signingconfig.v0.3+json\"}",
		ERR_UNSUPPORTED, "v0.3");
	expect_error("[]", ERR_INVALID, "JSON");
	expect_error("{" TYPE ",\"caUrls\":{}}", ERR_INVALID, "caUrls");
	expect_error("{" TYPE ",\"caUrls\":[{}]}", ERR_INVALID, "caUrls[0]");
	expect_error("{" TYPE
		     ",\"caUrls\":[{\"url\":\"https://x\",\"validFor\":{\"start\":\"x\"}}]}",
		ERR_INVALID, "validFor.start");
	expect_error("{" TYPE ",\"caUrls\":[{\"url\":\"https://x\",\"majorApiVersion\":-1}]}",
		ERR_INVALID, "majorApiVersion");
}
