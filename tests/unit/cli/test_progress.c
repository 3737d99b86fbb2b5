/* cli/progress.h */
#include "cli/progress.h"

#include <criterion/criterion.h>
#include <string.h>

static struct progress progress;
static struct http_tally tally;
static struct str out;
static unsigned widths[PROGRESS_LINES];

static void begin(void)
{
	str_init(&out, 100000);
	progress_init(&progress, stderr, true);
	progress.terminal = (struct terminal){.is_terminal = true};
	progress.tally = &tally;
}

static void done(void)
{
	str_release(&out);
}

TestSuite(progress, .init = begin, .fini = done);

static void send(struct event event, int64_t now_ms)
{
	progress_event(&progress, &event, now_ms);
}

static void half_way(void)
{
	send((struct event){.kind = EVENT_PHASE, .phase = PHASE_SETUP}, 0);
	send((struct event){.kind = EVENT_PHASE, .phase = PHASE_PLAN}, 0);
	send((struct event){.kind = EVENT_TOTALS, .totals = {.digests = 4000, .repositories = 200}},
		1000);
	send((struct event){.kind = EVENT_PHASE, .phase = PHASE_PROMOTE}, 0);
	send((struct event){.kind = EVENT_LOOK, .look = {.in_place = 1997}}, 2000);
	send((struct event){.kind = EVENT_LOOK, .look = {.in_place = 50, .is_source = true}}, 2000);
	send((struct event){.kind = EVENT_RECORD, .record = {.outcome = OUTCOME_PROMOTED}}, 2000);
	send((struct event){.kind = EVENT_RECORD, .record = {.outcome = OUTCOME_QUARANTINED}},
		2000);
	send((struct event){.kind = EVENT_RECORD, .record = {.outcome = OUTCOME_LOST}}, 2000);
	send((struct event){.kind = EVENT_RECORD,
		     .record = {.outcome = OUTCOME_IN_PLACE, .in_look = true}},
		2000);
	tally.requests = 1234;
	tally.bytes_received = 3 << 20;
	tally.bytes_sent = 2048;
	progress.requests_per_s = 212.4;
}

Test(progress, half_way)
{
	half_way();
	cr_assert_eq(progress_render(&progress, 11000, 100, &out, widths), 3);
	cr_assert_str_eq(str_text(&out),
		"setup > plan > promote  ====================--------------------   50 %  ETA 10 "
		"s\n"
		"repositories 1 of 200 | images 2,000 of 4,000 | 1 promoted | 1 quarantined | 1 "
		"lost\n"
		"1,234 requests | 212/s | 3.0 MiB in | 2.0 KiB out | 0 B/s\n");
}

Test(progress, before_anything_is_known)
{
	progress.tally = NULL;
	send((struct event){.kind = EVENT_PHASE, .phase = PHASE_SETUP}, 0);
	cr_assert_eq(progress_render(&progress, 11000, 100, &out, widths), 1);
	cr_assert_str_eq(str_text(&out), "setup\n");
}

/* Columns of a line without control sequences; characters of UTF-8 count once. */
static size_t columns_of(const char *line, size_t len)
{
	size_t columns = 0;

	for (size_t i = 0; i < len; i++) {
		if (line[i] == '\033')
			i += strcspn(line + i, "m");
		else
			columns += ((unsigned char)line[i] & 0xc0) != 0x80;
	}
	return columns;
}

Test(progress, never_wider_than_the_terminal)
{
	half_way();
	for (int style = 0; style < 4; style++) {
		progress.terminal.colour = style & 1;
		progress.terminal.utf8 = style & 2;
		for (unsigned columns = 0; columns < 130; columns++) {
			size_t lines, i = 0;

			str_clear(&out);
			lines = progress_render(&progress, 11000, columns, &out, widths);
			for (const char *at = str_text(&out); *at; i++) {
				size_t len = strcspn(at, "\n");

				cr_assert_eq(columns_of(at, len), widths[i]);
				cr_assert_lt(widths[i], columns);
				at += len + 1;
			}
			cr_assert_eq(i, lines);
		}
	}
}

Test(progress, rates_are_measured)
{
	FILE *nowhere = fopen("/dev/null", "w");

	progress_init(&progress, nowhere, true);
	progress.tally = &tally;
	progress_draw(&progress, 1000);
	tally.requests = 100;
	tally.bytes_sent = 4000;
	progress_draw(&progress, 3000);
	cr_assert_float_eq(progress.requests_per_s, 50, 0.01);
	cr_assert_float_eq(progress.bytes_per_s, 2000, 0.01);
	fclose(nowhere);
}

Test(progress, drawn_lines_are_erased)
{
	char *written = NULL;
	size_t len;
	FILE *stream = open_memstream(&written, &len);

	half_way();
	progress.stream = stream;
	progress_draw(&progress, 11000);
	fflush(stream);
	cr_assert_null(strchr(written, '\033'), "nothing to erase at first");
	progress_draw(&progress, 11050);
	fflush(stream);
	cr_assert_null(strchr(written, '\033'), "too early to redraw");
	progress_erase(&progress);
	fflush(stream);
	cr_assert_not_null(strstr(written, "\r\033[3A\033[J"));
	cr_assert_eq(progress.drawn_lines, 0);
	fclose(stream);
	free(written);
}
