#include "image/digest.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/clock.h"

#define EMPTY_256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ABC_512                                                                                    \
	"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"                         \
	"2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"

Test(digest, text_and_back)
{
	struct digest digest;
	char text[DIGEST_TEXT_SIZE];
	cr_assert(digest_parse("sha256:" EMPTY_256, &digest, NULL));
	cr_assert_eq(digest.algorithm, DIGEST_SHA256);
	cr_assert_str_eq(digest_format(&digest, text), "sha256:" EMPTY_256);
	cr_assert(digest_parse("sha512:" ABC_512, &digest, NULL));
	cr_assert_eq(digest.algorithm, DIGEST_SHA512);
	cr_assert_str_eq(digest_format(&digest, text), "sha512:" ABC_512);
}

Test(digest, refuses_everything_else)
{
	static const char *const bad[] = {
		"",
		"sha256",
		"sha256:",
		EMPTY_256,
		"ha256:" EMPTY_256,
		"SHA256:" EMPTY_256,
		"sha256:" EMPTY_256 "0",
		" sha256:" EMPTY_256,
		"sha256:" EMPTY_256 " ",
		"sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
		"sha256:g3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"sha512:" EMPTY_256,
		"sha256:" ABC_512,
		"sha384:" EMPTY_256,
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CLEANUP(err_freep) struct err *err = NULL;
		struct digest digest;
		cr_assert_not(digest_parse(bad[i], &digest, &err), "'%s' was accepted", bad[i]);
		cr_assert(err_is(err, ERR_INVALID));
		cr_assert(strstr(err->msg, bad[i]), "%s", err->msg);
	}
}

Test(digest, known_answers)
{
	char text[DIGEST_TEXT_SIZE];
	struct digest digest = digest_of(DIGEST_SHA256, "", 0);
	cr_assert_str_eq(digest_format(&digest, text), "sha256:" EMPTY_256);

	CLEANUP(hasher_freep) struct hasher *hasher = hasher_new(DIGEST_SHA512);
	hasher_add(hasher, "a", 1);
	hasher_add(hasher, "bc", 2);
	digest = hasher_finish(hasher);
	cr_assert_str_eq(digest_format(&digest, text), "sha512:" ABC_512);
}

Test(digest, order)
{
	uint8_t low[DIGEST_SHA256_SIZE] = {0};
	uint8_t high[DIGEST_SHA256_SIZE] = {[31] = 1};
	struct digest a = digest_from_sha256(low);
	struct digest b = digest_from_sha256(high);
	struct digest c = digest_of(DIGEST_SHA512, "", 0);
	cr_assert(digest_equal(&a, &a));
	cr_assert_not(digest_equal(&a, &b));
	cr_assert_lt(digest_compare(&a, &b), 0);
	cr_assert_gt(digest_compare(&b, &a), 0);
	cr_assert_lt(digest_compare(&b, &c), 0);
	/* Same leading bytes, another algorithm. */
	struct digest d = a;
	d.algorithm = DIGEST_SHA512;
	cr_assert_not(digest_equal(&a, &d));
}

/* A whole tree of manifests has 40,000 digests and is read in a quarter of a second. */
Test(digest, parses_forty_thousand_in_no_time)
{
	struct digest digest;
	int64_t start = clock_monotonic_ms(&clock_system);
	for (int i = 0; i < 40000; i++)
		cr_assert(digest_parse("sha256:" EMPTY_256, &digest, NULL));
	int64_t ms = clock_monotonic_ms(&clock_system) - start;
	cr_log_info("40,000 digests in %d ms", (int)ms);
	cr_assert_lt(ms, 500);
}
