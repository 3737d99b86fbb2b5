/* cli/nearest.h */
#include "cli/nearest.h"

#include <criterion/criterion.h>
#include <string.h>

static const char *const words[] = {"manifest", "manifest-ref", "manifest-repo", "manifest-path",
	"thin-manifest-dir", "confirm", "config", "sign", "strict"};

static const char *guess(const char *typed)
{
	struct nearest search;

	nearest_init(&search, typed, strlen(typed));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		nearest_offer(&search, words[i]);
	return search.best;
}

Test(nearest, slips)
{
	cr_assert_str_eq(guess("manifset"), "manifest");
	cr_assert_str_eq(guess("manifest-rep"), "manifest-repo");
	cr_assert_str_eq(guess("manifest-rpeo"), "manifest-repo");
	cr_assert_str_eq(guess("thin-manifests-dir"), "thin-manifest-dir");
	cr_assert_str_eq(guess("thin-manifest"), "thin-manifest-dir");
	cr_assert_str_eq(guess("comfirm"), "confirm");
	cr_assert_str_eq(guess("singn"), "sign");
}

Test(nearest, what_is_too_far_suggests_nothing)
{
	cr_assert_null(guess("frobnicate"));
	cr_assert_null(guess("x"));
	cr_assert_null(guess(""));
	cr_assert_null(guess("a-word-of-many-more-letters-than-any-flag-of-ours-will-ever-have"));
}

Test(nearest, the_bytes_after_the_word_do_not_count)
{
	struct nearest search;

	nearest_init(&search, "sing=false", 4);
	nearest_offer(&search, "sign");
	cr_assert_str_eq(search.best, "sign");
}
