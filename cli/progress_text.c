/*
 * The words of the progress display and what is left out when the terminal is narrow. The time left is
 * a guess from the share of images that have reached their end.
 */
#include "cli/progress.h"

#include <string.h>

#include "cli/format.h"

#define BOLD "\033[1m"
#define DIM "\033[2m"
#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define RED "\033[31m"
#define PLAIN "\033[0m"

/* Before that a guess of the time left is worth nothing. */
#define GUESS_AFTER_MS 3000
#define BAR_MAX 40
#define BAR_MIN 10

/* A line under construction: bytes and columns are not the same thing. */
struct line {
	struct str *out;
	const struct progress *progress;
	size_t columns, max;
};

/* Adds `text` (of so many columns) if it fits, in a style that may be "". */
static bool add_columns(struct line *line, const char *style, const char *text, size_t columns)
{
	bool styled = line->progress->terminal.colour && *style;

	if (line->columns + columns > line->max)
		return false;
	str_addf(line->out, "%s%s%s", styled ? style : "", text, styled ? PLAIN : "");
	line->columns += columns;
	return true;
}

static bool add(struct line *line, const char *style, const char *text)
{
	return add_columns(line, style, text, strlen(text));
}

/* Adds a part after a separator, or neither of them. */
static void add_part(struct line *line, const char *style, const char *text)
{
	bool utf8 = line->progress->terminal.utf8;

	if (line->columns + strlen(text) + 3 > line->max)
		return;
	if (line->columns > 0)
		add_columns(line, DIM, utf8 ? " · " : " | ", 3);
	add(line, style, text);
}

static uint64_t finished(const struct progress *progress)
{
	uint64_t count = progress->in_place;

	for (enum outcome outcome = 0; outcome < OUTCOMES; outcome++)
		count += progress->outcomes[outcome];
	return count;
}

static double share(const struct progress *progress)
{
	uint64_t done = finished(progress);

	if (progress->totals.digests == 0)
		return 0;
	return done >= progress->totals.digests ? 1
						: (double)done / (double)progress->totals.digests;
}

static void add_phases(struct line *line)
{
	const struct progress *progress = line->progress;
	const char *arrow = progress->terminal.utf8 ? " › " : " > ";
	enum phase latest = PHASE_SETUP;
	bool is_first = true;

	for (enum phase phase = 0; phase < PHASES; phase++)
		latest = progress->phases & 1u << phase ? phase : latest;
	for (enum phase phase = 0; phase <= latest; phase++) {
		if (!(progress->phases & 1u << phase))
			continue;
		if (!is_first)
			add_columns(line, DIM, arrow, 3);
		add(line, phase == latest ? BOLD : DIM, phase_name(phase));
		is_first = false;
	}
}

static void add_bar(struct line *line, double fraction, size_t width)
{
	CLEANUP(str_release) struct str full = STR_INIT(4096);
	CLEANUP(str_release) struct str rest = STR_INIT(4096);
	bool utf8 = line->progress->terminal.utf8;
	size_t filled = (size_t)(fraction * (double)width);

	for (size_t i = 0; i < width; i++)
		str_add_text(i < filled ? &full : &rest,
			utf8 ? i < filled ? "━" : "─" : (i < filled ? "=" : "-"));
	add(line, "", "  ");
	if (filled)
		add_columns(line, GREEN, str_text(&full), filled);
	if (filled < width)
		add_columns(line, DIM, str_text(&rest), width - filled);
}

static void head_line(struct line *line, int64_t now_ms)
{
	const struct progress *progress = line->progress;
	CLEANUP(str_release) struct str text = STR_INIT(4096);
	double fraction = share(progress);
	int64_t spent_ms = now_ms - progress->begun_ms;
	size_t room;

	add_phases(line);
	if (progress->begun_ms == 0)
		return;
	room = line->max > line->columns ? line->max - line->columns : 0;
	if (room > BAR_MIN + 24)
		add_bar(line, fraction, room - 24 < BAR_MAX ? room - 24 : BAR_MAX);
	str_addf(&text, "  %3d %%", (int)(fraction * 100));
	add(line, "", str_text(&text));
	if (spent_ms < GUESS_AFTER_MS || fraction < 0.01 || fraction >= 1)
		return;
	str_clear(&text);
	str_add_text(&text, "  ETA ");
	format_duration(&text, (int64_t)((double)spent_ms * (1 - fraction) / fraction));
	add(line, "", str_text(&text));
}

static void count_of(struct line *line, const char *style, const char *word, uint64_t count)
{
	CLEANUP(str_release) struct str text = STR_INIT(4096);

	format_count(&text, count);
	str_addf(&text, " %s", word);
	add_part(line, style, str_text(&text));
}

static void share_of(struct line *line, const char *word, uint64_t count, uint64_t total)
{
	CLEANUP(str_release) struct str text = STR_INIT(4096);

	str_addf(&text, "%s ", word);
	format_count(&text, count);
	str_add_text(&text, " of ");
	format_count(&text, total);
	add_part(line, "", str_text(&text));
}

static void counts_line(struct line *line)
{
	static const struct {
		enum outcome outcome;
		const char *word, *style;
	} shown[] = {
		{OUTCOME_PROMOTED, "promoted", GREEN},
		{OUTCOME_PLANNED, "to promote", GREEN},
		{OUTCOME_SIGNED, "signed", GREEN},
		{OUTCOME_QUARANTINED, "quarantined", YELLOW},
		{OUTCOME_LOST, "lost", YELLOW},
		{OUTCOME_FAILED, "failed", RED},
		{OUTCOME_UNSIGNED, "unsigned", RED},
		{OUTCOME_WAITING, "waiting", DIM},
	};
	const struct progress *progress = line->progress;

	if (progress->begun_ms == 0)
		return;
	share_of(line, "repositories", progress->looked, progress->totals.repositories);
	share_of(line, "images", finished(progress), progress->totals.digests);
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		uint64_t count = progress->outcomes[shown[i].outcome];
		bool always = shown[i].outcome ==
			(progress->confirm ? OUTCOME_PROMOTED : OUTCOME_PLANNED);

		if (count || always)
			count_of(line, shown[i].style, shown[i].word, count);
	}
}

static void traffic_line(struct line *line)
{
	const struct http_tally *tally = line->progress->tally;
	CLEANUP(str_release) struct str text = STR_INIT(4096);

	if (!tally)
		return;
	count_of(line, "", "requests", tally->requests);
	str_addf(&text, "%.0f/s", line->progress->requests_per_s);
	add_part(line, "", str_text(&text));
	str_clear(&text);
	format_bytes(&text, tally->bytes_received);
	str_add_text(&text, " in");
	add_part(line, "", str_text(&text));
	str_clear(&text);
	format_bytes(&text, tally->bytes_sent);
	str_add_text(&text, " out");
	add_part(line, "", str_text(&text));
	str_clear(&text);
	format_bytes(&text, (uint64_t)line->progress->bytes_per_s);
	str_add_text(&text, "/s");
	add_part(line, "", str_text(&text));
}

size_t progress_render(const struct progress *progress, int64_t now_ms, unsigned columns,
	struct str *out, unsigned ret_widths[PROGRESS_LINES])
{
	/* The last column stays empty: terminals wrap when it is filled. */
	size_t max = columns > PROGRESS_COLUMNS_MAX ? PROGRESS_COLUMNS_MAX
		: columns			    ? columns - 1
						    : 0;
	size_t count = 0;

	for (int which = 0; which < PROGRESS_LINES; which++) {
		struct line line = {.out = out, .progress = progress, .max = max};

		if (which == 0)
			head_line(&line, now_ms);
		else if (which == 1)
			counts_line(&line);
		else
			traffic_line(&line);
		if (line.columns == 0)
			continue;
		str_add_char(out, '\n');
		ret_widths[count++] = (unsigned)line.columns;
	}
	return count;
}
