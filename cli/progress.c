/*
 * The progress display: what is counted, when it is measured and redrawn, how it is removed again.
 * It knows events, not the run behind them; its words are in cli/progress_text.c.
 */
#include "cli/progress.h"

#define REDRAW_MS 100
/* Sooner than that after a log line pushed it aside: it should not be seen to go. */
#define COME_BACK_MS 40
#define SAMPLE_MS 1000

void progress_init(struct progress *progress, FILE *stream, bool confirm)
{
	*progress = (struct progress){
		.stream = stream,
		.terminal = terminal_of(stream),
		.confirm = confirm,
	};
}

void progress_event(struct progress *progress, const struct event *event, int64_t now_ms)
{
	switch (event->kind) {
	case EVENT_PHASE:
		progress->phases |= 1u << event->phase;
		break;
	case EVENT_TOTALS:
		progress->totals = event->totals;
		progress->begun_ms = now_ms;
		break;
	case EVENT_LOOK:
		if (event->look.is_source)
			break;
		progress->looked++;
		progress->in_place += event->look.in_place;
		break;
	case EVENT_RECORD:
		if (event->record.in_look)
			break;
		progress->outcomes[event->record.outcome]++;
		break;
	case EVENT_LOG:
	case EVENT_FINDING:
	case EVENT_MIRROR:
		break;
	}
}

/* Rates over the last second or so, smoothed: jumping figures cannot be read. */
static void sample(struct progress *progress, int64_t now_ms)
{
	double seconds = (double)(now_ms - progress->sampled_ms) / 1000;
	uint64_t requests, bytes;

	if (!progress->tally || now_ms - progress->sampled_ms < SAMPLE_MS)
		return;
	requests = progress->tally->requests;
	bytes = progress->tally->bytes_received + progress->tally->bytes_sent;
	if (progress->sampled_ms) {
		double old = progress->requests_per_s == 0 ? 0 : 0.5;

		progress->requests_per_s = old * progress->requests_per_s +
			(1 - old) * (double)(requests - progress->sampled_requests) / seconds;
		progress->bytes_per_s = old * progress->bytes_per_s +
			(1 - old) * (double)(bytes - progress->sampled_bytes) / seconds;
	}
	progress->sampled_ms = now_ms;
	progress->sampled_requests = requests;
	progress->sampled_bytes = bytes;
}

/* Moves to where the drawn lines begin; a terminal made narrower has wrapped them meanwhile. */
static void move_up(const struct progress *progress, unsigned columns, struct str *out)
{
	size_t rows = 0;

	for (size_t i = 0; i < progress->drawn_lines; i++)
		rows += 1 + (progress->drawn_widths[i] - 1) / (columns ? columns : 1);
	if (rows)
		str_addf(out, "\r\033[%zuA\033[J", rows);
}

void progress_draw(struct progress *progress, int64_t now_ms)
{
	CLEANUP(str_release) struct str out = STR_INIT(STR_TEXT_MAX);
	unsigned columns = terminal_columns(progress->stream, 80);

	sample(progress, now_ms);
	if (now_ms - progress->drawn_ms < (progress->drawn_lines ? REDRAW_MS : COME_BACK_MS))
		return;
	move_up(progress, columns, &out);
	progress->drawn_lines =
		progress_render(progress, now_ms, columns, &out, progress->drawn_widths);
	progress->drawn_ms = now_ms;
	fwrite(str_text(&out), 1, out.len, progress->stream);
	fflush(progress->stream);
}

void progress_erase(struct progress *progress)
{
	CLEANUP(str_release) struct str out = STR_INIT(STR_TEXT_MAX);

	move_up(progress, terminal_columns(progress->stream, 80), &out);
	progress->drawn_lines = 0;
	fwrite(str_text(&out), 1, out.len, progress->stream);
	fflush(progress->stream);
}
