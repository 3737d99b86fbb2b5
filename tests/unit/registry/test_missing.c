#include <criterion/criterion.h>
#include <string.h>

#include "registry/missing.h"

#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define ENTRY(code, detail) "{\"code\":\"" code "\",\"message\":\"m\",\"detail\":" detail "}"
#define LIST(entries) "{\"errors\":[" entries "]}"

static bool has(const struct missing *missing, const char *text)
{
	struct digest digest;
	cr_assert(digest_parse(text, &digest, NULL));
	return missing_has(missing, &digest);
}

Test(missing, names_what_is_missing)
{
	static const char body[] = LIST(ENTRY("MANIFEST_BLOB_UNKNOWN", "\"" A "\"") "," ENTRY(
		"BLOB_UNKNOWN", "{\"digest\":\"" B "\"}"));
	CLEANUP(missing_release) struct missing missing = {0};
	cr_assert(missing_parse(body, strlen(body), &missing));
	cr_assert_eq(missing.digests.len, 2);
	cr_assert(has(&missing, A) && has(&missing, B));
	missing.digests.len = 1;
	cr_assert(has(&missing, A) && !has(&missing, B));
}

Test(missing, anything_else_is_no_list)
{
	static const char *const bodies[] = {"", "{", "[]", "{}", LIST(""), LIST("1"),
		LIST(ENTRY("MANIFEST_BLOB_UNKNOWN", "null")),
		LIST(ENTRY("MANIFEST_BLOB_UNKNOWN", "\"sha256:1\"")),
		LIST(ENTRY("DENIED", "\"" A "\"")),
		LIST(ENTRY("MANIFEST_BLOB_UNKNOWN", "\"" A "\"") "," ENTRY(
			"MANIFEST_INVALID", "\"" B "\"")),
		LIST(ENTRY("MANIFEST_BLOB_UNKNOWN", "\"" A "\"") ",{\"code\":1}")};
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct missing missing = {0};
		cr_assert_not(
			missing_parse(bodies[i], strlen(bodies[i]), &missing), "%s", bodies[i]);
		cr_assert_eq(missing.digests.len, 0);
	}
}
