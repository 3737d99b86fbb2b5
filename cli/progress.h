/*
 * What is going on, in a few lines at the bottom of a terminal that are redrawn in place. Fed with
 * events and a clock; the caller erases it before anything else is written to the same terminal.
 * One thread.
 */
#ifndef CIP_CLI_PROGRESS_H
#define CIP_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/str.h"
#include "cli/terminal.h"
#include "net/http.h"
#include "reconciler/event.h"

#define PROGRESS_LINES 3
/* Lines are not drawn wider, however wide the terminal is. */
#define PROGRESS_COLUMNS_MAX 110

struct progress {
	FILE *stream;
	struct terminal terminal;
	bool confirm;
	const struct http_tally *tally; /* borrowed; NULL: no traffic to show */

	struct plan_totals totals;
	unsigned phases; /* bit 1 << phase: has begun */
	uint64_t looked; /* destination repositories */
	uint64_t in_place;
	uint64_t outcomes[OUTCOMES];

	int64_t begun_ms; /* when the totals were known; 0: not yet */
	int64_t sampled_ms;
	uint64_t sampled_requests, sampled_bytes;
	double requests_per_s, bytes_per_s;

	int64_t drawn_ms;
	size_t drawn_lines; /* 0: nothing to erase */
	unsigned drawn_widths[PROGRESS_LINES];
};

void progress_init(struct progress *progress, FILE *stream, bool confirm);

/* Counts. Does not draw. */
void progress_event(struct progress *progress, const struct event *event, int64_t now_ms);

/* Measures traffic and draws, unless it did so less than 100 ms ago. */
void progress_draw(struct progress *progress, int64_t now_ms);

/* Removes what is drawn, so that other text can be written. */
void progress_erase(struct progress *progress);

/*
 * Appends the lines, each ended by \n, none wider than `columns`. ret_widths gets their columns.
 * Returns how many there are. Pure.
 */
size_t progress_render(const struct progress *progress, int64_t now_ms, unsigned columns,
	struct str *out, unsigned ret_widths[PROGRESS_LINES]);

#endif
