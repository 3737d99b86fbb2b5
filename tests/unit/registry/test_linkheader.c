#include "registry/linkheader.h"

#include <criterion/criterion.h>

#include "base/alloc.h"

static void expect(const char *value, const char *wanted)
{
	CLEANUP(err_freep) struct err *err = NULL;
	CLEANUP(mem_freep) char *target = NULL;
	cr_assert(linkheader_next(value, &target, &err), "%s: %s", value, err ? err->msg : "");
	if (!wanted)
		cr_assert_null(target, "%s gave %s", value, target);
	else
		cr_assert_str_eq(target, wanted);
}

static void expect_error(const char *value)
{
	CLEANUP(err_freep) struct err *err = NULL;
	char *target = NULL;
	cr_assert_not(linkheader_next(value, &target, &err), "%s was accepted", value);
	cr_assert(err_is(err, ERR_INVALID));
}

Test(linkheader, shapes_seen_in_the_wild)
{
	expect("</v2/x/tags/list?n=2&last=b>; rel=\"next\"", "/v2/x/tags/list?n=2&last=b");
	expect("</v2/x/tags/list?n=2&last=b>; rel=next", "/v2/x/tags/list?n=2&last=b");
	expect("<https://r.example/v2/x/tags/list?last=YWJj%3D%3D,x;y>;rel=\"next\"",
		"https://r.example/v2/x/tags/list?last=YWJj%3D%3D,x;y");
	expect("<?next_page=abc>; rel=\"next\"", "?next_page=abc");
}

Test(linkheader, several_links_and_parameters)
{
	expect("</a>; rel=\"prev\", </b>; rel=\"next\"", "/b");
	expect("</a>; title=\"x, </z>; rel=next\"; rel=\"prev\" , </b>; rel=\"next\"", "/b");
	expect("</a>; title=\"say \\\"hi\\\"\"; rel=next", "/a");
	expect("</a>; REL=\"Prev NEXT\"", "/a");
	expect("</a>; crossorigin; rel = next", "/a");
	expect(" ,, </a>;rel=next,", "/a");
}

Test(linkheader, no_next)
{
	expect("", NULL);
	expect("</a>", NULL);
	expect("</a>; rel=nextpage", NULL);
	expect("</a>; rel=\"prev first\"", NULL);
	/* Only the first rel of a link counts. */
	expect("</a>; rel=prev; rel=next", NULL);
	expect("</a>; rev=next", NULL);
}

Test(linkheader, malformed)
{
	expect_error("/v2/x; rel=next");
	expect_error("</a; rel=next");
	expect_error("</a>; rel=\"next");
	expect_error("</a> rel=next");
	expect_error("</a>; rel=prev </b>; rel=next");
}
