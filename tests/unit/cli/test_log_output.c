/* cli/log_output.h */
#include "cli/log_output.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define MOMENT 1767323045678 /* 2026-01-02T03:04:05.678Z */

static char *written;
static size_t written_len;
static struct log_output output;

static void begin(bool json, bool colour)
{
	free(written);
	written = NULL;
	output = (struct log_output){
		.stream = open_memstream(&written, &written_len), .json = json, .colour = colour};
}

static const char *end(void)
{
	fclose(output.stream);
	return written;
}

static void done(void)
{
	free(written);
}

TestSuite(log_output, .fini = done);

Test(log_output, text)
{
	begin(false, false);
	log_output_message(&output, MOMENT, LOG_INFO, "promoted 12 images");
	log_output_message(&output, MOMENT, LOG_WARNING, "evil \x1b[2J\nline \xff");
	cr_assert_str_eq(end(),
		"2026-01-02T03:04:05.678Z info    promoted 12 images\n"
		"2026-01-02T03:04:05.678Z warning evil \\x1b[2J\\x0aline \\xff\n");
}

Test(log_output, colours_end_where_they_began)
{
	begin(false, true);
	log_output_message(&output, MOMENT, LOG_ERROR, "x");
	output.brief = true;
	log_output_message(&output, MOMENT, LOG_ERROR, "y");
	cr_assert_str_eq(end(),
		"\033[2m2026-01-02T03:04:05.678Z\033[0m \033[31merror  \033[0m x\n"
		"\033[2m03:04:05Z\033[0m \033[31merror  \033[0m y\n");
}

static struct finding finding = {
	.kind = FINDING_MALFORMED,
	.place = {.file = "images/a/images.yaml", .line = 12, .column = 3},
	.project = "a",
	.message = (char[]){"no digest"},
};

Test(log_output, findings_as_text)
{
	struct finding whole_file = finding, no_column = finding, nowhere = finding;

	whole_file.place.line = 0;
	no_column.place.column = 0;
	nowhere.place.file = NULL;
	begin(false, false);
	log_output_finding(&output, MOMENT, LOG_ERROR, "tree/", &finding);
	log_output_finding(&output, MOMENT, LOG_ERROR, "", &no_column);
	log_output_finding(&output, MOMENT, LOG_WARNING, "", &whole_file);
	log_output_finding(&output, MOMENT, LOG_WARNING, "tree/", &nowhere);
	cr_assert_str_eq(end(),
		"tree/images/a/images.yaml:12:3: malformed: no digest\n"
		"images/a/images.yaml:12: malformed: no digest\n"
		"images/a/images.yaml: malformed: no digest\n"
		"malformed: no digest\n");
}

static json_t *only_line(void)
{
	const char *text = end();
	json_t *object = json_loads(text, 0, NULL);

	cr_assert_not_null(object, "%s", text);
	cr_assert_eq(strchr(text, '\n'), text + strlen(text) - 1);
	for (const char *at = text; at[1]; at++)
		cr_assert(*at >= ' ' && *at < 0x7f, "%s", text);
	return object;
}

static const char *member(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

Test(log_output, json)
{
	json_t *line;

	begin(true, true);
	log_output_message(&output, MOMENT, LOG_INFO, "tab\there \"\xc3\xa9\" \xe2\x80\xae");
	line = only_line();
	cr_assert_str_eq(member(line, "time"), "2026-01-02T03:04:05.678Z");
	cr_assert_str_eq(member(line, "level"), "info");
	cr_assert_str_eq(member(line, "message"), "tab\there \"\xc3\xa9\" \xe2\x80\xae");
	json_decref(line);
}

Test(log_output, json_of_what_is_no_text)
{
	CLEANUP(mem_freep) char *endless = mem_new(100001, 1);
	json_t *line;

	begin(true, false);
	log_output_message(&output, MOMENT, LOG_INFO, "bad \xff\x1b");
	line = only_line();
	cr_assert_str_eq(member(line, "message"), "bad \\xff\\x1b");
	json_decref(line);

	begin(true, false);
	memset(endless, 'x', 100000);
	log_output_message(&output, MOMENT, LOG_INFO, endless);
	line = only_line();
	cr_assert_leq(strlen(member(line, "message")), 4096);
	json_decref(line);
}

Test(log_output, findings_as_json)
{
	json_t *line;

	begin(true, false);
	log_output_finding(&output, MOMENT, LOG_ERROR, "tree/", &finding);
	line = only_line();
	cr_assert_str_eq(member(line, "finding"), "malformed");
	cr_assert_str_eq(member(line, "level"), "error");
	cr_assert_str_eq(member(line, "file"), "tree/images/a/images.yaml");
	cr_assert_str_eq(member(line, "project"), "a");
	cr_assert_eq(json_integer_value(json_object_get(line, "line")), 12);
	cr_assert_eq(json_integer_value(json_object_get(line, "column")), 3);
	json_decref(line);
}
