/* net/url.h. */
#include <criterion/criterion.h>
#include <string.h>

#include "net/url.h"

static void check_url(const char *text, const char *formatted, const char *label)
{
	struct url url;
	struct err *err = NULL;

	cr_assert(url_parse(text, &url, &err), "%s: %s", text, err ? err->msg : "");
	char *back = url_format(&url), *shown = url_label(&url);
	cr_expect_str_eq(back, formatted);
	cr_expect_str_eq(shown, label);
	mem_free(back);
	mem_free(shown);
	url_release(&url);
}

Test(url, is_split_and_written_back)
{
	check_url("https://r.example/v2/", "https://r.example/v2/", "r.example/v2/");
	check_url("HTTPS://R.Example", "https://r.example/", "r.example/");
	check_url("https://r.example:443/x", "https://r.example/x", "r.example/x");
	check_url("http://r.example:443/x", "http://r.example:443/x", "r.example:443/x");
	check_url("http://[::1]:5000/a", "http://[::1]:5000/a", "[::1]:5000/a");
	check_url("https://r?a=b", "https://r/?a=b", "r/");
	check_url("https://r:/", "https://r/", "r/");
	check_url("https://r/a/../b//c%2F?x=%20&y#frag", "https://r/a/../b//c%2F?x=%20&y",
		"r/a/../b//c%2F");
}

Test(url, query_stays_out_of_labels_and_errors)
{
	struct err *err = NULL;
	struct url url;

	cr_assert_not(url_parse("https://r/a?sig=secret key", &url, &err));
	cr_expect_null(strstr(err->msg, "secret"));
	err_free(err);
}

Test(url, what_two_parsers_could_read_differently_is_refused)
{
	static const char *const bad[] = {"", "/v2/", "r.example/v2", "ftp://r/", "https:/r",
		"https:r", "https://", "https:///a", "https://u@r/", "https://u:p@r/",
		"https://r:x/", "https://r:0/", "https://r:65536/", "https://r:+80/",
		"https://r :80/", "https://r\\a/", "https://a%2eb/", "https://[::1/",
		"https://[::1]a/", "https://[fe80::1%25eth0]/", "https://r/a b", "https://r/a\\b",
		"https://r/\n", "https://r/\x7f", "https://.r/", "https://\xc3\xa4/", "//r/a",
		"https://[r]/", "https://[.81]/", "https://[1.2.3.4]/"};
	char *long_url = mem_new(URL_MAX_BYTES + 2, 1);
	struct url url;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err *err = NULL;
		cr_expect_not(url_parse(bad[i], &url, &err), "%s", bad[i]);
		cr_expect(err_is(err, ERR_INVALID), "%s", bad[i]);
		err_free(err);
	}
	memset(long_url, 'a', URL_MAX_BYTES + 1);
	memcpy(long_url, "https://r/", 10);
	cr_expect_not(url_parse(long_url, &url, NULL));
	mem_free(long_url);
}

Test(url, origin_is_scheme_host_and_port)
{
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{"https://r/a", "https://R:443/b?c", true},
		{"https://r/", "http://r/", false},
		{"https://r/", "http://r:443/", false},
		{"https://r/", "https://r:444/", false},
		{"https://r/", "https://r.r/", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct url a, b;
		cr_assert(url_parse(cases[i].a, &a, NULL) && url_parse(cases[i].b, &b, NULL));
		cr_expect_eq(
			url_same_origin(&a, &b), cases[i].same, "%s %s", cases[i].a, cases[i].b);
		url_release(&a);
		url_release(&b);
	}
}

static void check_resolve(const char *base, const char *reference, const char *expected)
{
	struct url from, to;
	char *text;

	cr_assert(url_parse(base, &from, NULL));
	cr_assert(url_resolve(&from, reference, &to, NULL), "%s", reference);
	text = url_format(&to);
	cr_expect_str_eq(text, expected, "%s: %s, not %s", reference, text, expected);
	mem_free(text);
	url_release(&from);
	url_release(&to);
}

/* RFC 3986 section 5.4, as far as http goes. */
Test(url, references_resolve_as_the_rfc_says)
{
	static const char base[] = "http://a/b/c/d;p?q";
	static const char *const pairs[][2] = {{"g", "http://a/b/c/g"}, {"./g", "http://a/b/c/g"},
		{"g/", "http://a/b/c/g/"}, {"/g", "http://a/g"}, {"//g", "http://g/"},
		{"?y", "http://a/b/c/d;p?y"}, {"g?y", "http://a/b/c/g?y"},
		{"#s", "http://a/b/c/d;p?q"}, {"g#s", "http://a/b/c/g"},
		{"g?y#s", "http://a/b/c/g?y"}, {";x", "http://a/b/c/;x"},
		{"g;x", "http://a/b/c/g;x"}, {"", "http://a/b/c/d;p?q"}, {".", "http://a/b/c/"},
		{"./", "http://a/b/c/"}, {"..", "http://a/b/"}, {"../", "http://a/b/"},
		{"../g", "http://a/b/g"}, {"../..", "http://a/"}, {"../../", "http://a/"},
		{"../../g", "http://a/g"}, {"../../../g", "http://a/g"},
		{"../../../../g", "http://a/g"}, {"g.", "http://a/b/c/g."},
		{".g", "http://a/b/c/.g"}, {"g..", "http://a/b/c/g.."}, {"./../g", "http://a/b/g"},
		{"./g/.", "http://a/b/c/g/"}, {"g/./h", "http://a/b/c/g/h"},
		{"g/../h", "http://a/b/c/h"}, {"g?y/../x", "http://a/b/c/g?y/../x"}};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		check_resolve(base, pairs[i][0], pairs[i][1]);
}

Test(url, what_the_server_wrote_in_full_stays)
{
	check_resolve("https://r/v2/a/blobs/uploads/", "/v2/a/../b/?_state=x%2By",
		"https://r/v2/a/../b/?_state=x%2By");
	check_resolve(
		"https://r/v2/", "https://s:444/./b?_state=1#f", "https://s:444/./b?_state=1");
	check_resolve("https://r", "x", "https://r/x");
}

Test(url, bad_references_are_refused)
{
	static const char *const bad[] = {"mailto:x", "https:g", "//u@r/", "//", "a b", "//r:x/"};
	struct url base, to;

	cr_assert(url_parse("https://r/a", &base, NULL));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_not(url_resolve(&base, bad[i], &to, NULL), "%s", bad[i]);
	url_release(&base);
}
