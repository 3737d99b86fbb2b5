/* net/headers.h. */
#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

#include "net/headers.h"

static void check_value(const struct str *head, const char *name, size_t n, const char *expected)
{
	char *value = headers_value(head, name, n);

	if (expected)
		cr_expect_str_eq(value, expected, "%s[%zu]", name, n);
	else
		cr_expect_null(value, "%s[%zu]", name, n);
	mem_free(value);
}

Test(headers, are_found_by_name_without_case)
{
	static const char *const lines[] = {"HTTP/1.1 200 OK\r\n", "Content-Type:a/b\r\n",
		"Link: </x>; rel=next\r\n", "LINK: \t</y>  \r\n", "Empty:\r\n", " folded: no\r\n",
		"Content-Type-X: no\n", "Last: one"};
	struct str head = STR_INIT(HEADERS_MAX_BYTES);

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		cr_assert(headers_add(&head, lines[i], strlen(lines[i])));
	check_value(&head, "content-type", 0, "a/b");
	check_value(&head, "content-type", 1, NULL);
	check_value(&head, "Link", 0, "</x>; rel=next");
	check_value(&head, "link", 1, "</y>");
	check_value(&head, "link", 2, NULL);
	check_value(&head, "Empty", 0, "");
	check_value(&head, "folded", 0, NULL);
	check_value(&head, " folded", 0, "no");
	check_value(&head, "Last", 0, "one");
	check_value(&head, "Las", 0, NULL);
	check_value(&head, "Content-Type-X: no\nLast", 0, NULL);
	str_release(&head);
}

Test(headers, line_with_control_bytes_is_refused)
{
	struct str head = STR_INIT(HEADERS_MAX_BYTES);

	cr_expect_not(headers_add(&head, "X: a\0b\r\n", 8));
	cr_expect_not(headers_add(&head, "X: a\rb\r\n", 8));
	cr_expect_not(headers_add(&head, "X: a\nY: b\r\n", 11));
	cr_expect_eq(head.len, 0);
	str_release(&head);
}

Test(headers, budget_bounds_lines_and_bytes)
{
	struct headers_budget lines = {0}, bytes = {0}, one = {0};

	for (int i = 0; i < HEADERS_MAX_LINES; i++)
		cr_expect(headers_spend(&lines, 1));
	cr_expect_not(headers_spend(&lines, 1));
	for (int i = 0; i < 64; i++)
		cr_expect(headers_spend(&bytes, 1024));
	cr_expect_not(headers_spend(&bytes, 1));
	cr_expect_not(headers_spend(&one, HEADERS_MAX_BYTES + 1));
	cr_expect_not(headers_spend(&one, SIZE_MAX));
}

Test(headers, nothing_is_smuggled_into_a_request)
{
	cr_expect(headers_may_send("Authorization", "Bearer a.b-c_d=="));
	cr_expect(headers_may_send("X-Tab", "a\tb"));
	cr_expect(headers_may_send("X-Utf8", "\xc3\xa4"));
	cr_expect(headers_may_send("X-Empty", ""));
	cr_expect_not(headers_may_send("X", "a\r\nHost: b"));
	cr_expect_not(headers_may_send("X", "a\nb"));
	cr_expect_not(headers_may_send("X", "a\x7f"));
	cr_expect_not(headers_may_send("", "a"));
	cr_expect_not(headers_may_send("X:", "a"));
	cr_expect_not(headers_may_send("X Y", "a"));
	cr_expect_not(headers_may_send("X\r\nY", "a"));
}
