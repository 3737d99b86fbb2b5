/* cli/metrics_text.h */
#include "cli/metrics_text.h"

#include <criterion/criterion.h>
#include <string.h>

static struct str out;

static void begin(void)
{
	str_init(&out, 100000);
}

static void done(void)
{
	str_release(&out);
}

TestSuite(metrics_text, .init = begin, .fini = done);

static const char *label(const char *text)
{
	str_clear(&out);
	metrics_text_label(&out, text);
	return str_text(&out);
}

Test(metrics_text, a_metric)
{
	const struct metric_label labels[] = {{"project", "k8s"}, {"kind", "a \"b\""}, {0}};

	metrics_text_family(&out, "cip_things", "Things there are.");
	metrics_text_sample(&out, "cip_things", labels, UINT64_MAX);
	metrics_text_sample(&out, "cip_things", &labels[2], 0);
	cr_assert_str_eq(str_text(&out),
		"# HELP cip_things Things there are.\n"
		"# TYPE cip_things gauge\n"
		"cip_things{project=\"k8s\",kind=\"a \\\"b\\\"\"} 18446744073709551615\n"
		"cip_things 0\n");
}

Test(metrics_text, thousandths)
{
	const struct metric_label none[] = {{0}};

	metrics_text_thousandths(&out, "a", none, 1234);
	metrics_text_thousandths(&out, "a", none, 7);
	metrics_text_thousandths(&out, "a", none, -1001);
	metrics_text_thousandths(&out, "a", none, INT64_MIN);
	cr_assert_str_eq(str_text(&out), "a 1.234\na 0.007\na -1.001\na -9223372036854775.808\n");
}

Test(metrics_text, labels_are_one_line_of_utf8)
{
	cr_assert_str_eq(label(""), "");
	cr_assert_str_eq(label("plain-1.2_3"), "plain-1.2_3");
	cr_assert_str_eq(label("sch\xc3\xb6n"), "sch\xc3\xb6n");
	cr_assert_str_eq(label("a\"b"), "a\\\"b");
	/* What the reader of the format sees is what a terminal would be shown. */
	cr_assert_str_eq(label("a\\b"), "a\\\\\\\\b");
	cr_assert_str_eq(label("a\nb\r"), "a\\\\x0ab\\\\x0d");
	cr_assert_str_eq(label("\xff"), "\\\\xff");
	cr_assert_str_eq(label("\xe2\x80\xae"), "\\\\u{202e}");
}

Test(metrics_text, long_labels_stay_different)
{
	char a[5000], b[5000];
	CLEANUP(mem_freep) char *first = NULL;

	memset(a, 'a', sizeof(a));
	memset(b, 'a', sizeof(b));
	a[sizeof(a) - 1] = b[sizeof(b) - 1] = '\0';
	b[sizeof(b) - 2] = 'b';
	first = mem_strdup(label(a));
	cr_assert_eq(strlen(first), 1024 + 16);
	cr_assert_str_neq(first, label(b));
	cr_assert_str_eq(first, label(a));
	a[1024] = '\0';
	cr_assert_str_eq(label(a), a);
}
