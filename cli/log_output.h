/*
 * Log lines and findings on one stream, as text or as JSON. Text from outside is escaped here, at
 * the last moment (base/escape.h). One thread at a time.
 *
 *	text	2026-01-02T03:04:05.678Z info    promoted 12 images
 *		images/a/images.yaml:12:3: lost: neither side holds sha256:...
 *	json	{"time":"2026-01-02T03:04:05.678Z","level":"info","message":"promoted 12 images"}
 *		{"time":...,"level":"warning","message":...,"finding":"lost","file":...,"line":12,"column":3}
 */
#ifndef CIP_CLI_LOG_OUTPUT_H
#define CIP_CLI_LOG_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/log.h"
#include "reconciler/finding.h"

struct log_output {
	FILE *stream;
	bool json;
	bool brief;  /* text only: the time of day is enough, for somebody who looks on */
	bool colour; /* text only */
};

void log_output_message(
	const struct log_output *log, int64_t unix_ms, enum log_level level, const char *text);

/*
 * `directory` stands before the file's name ("" for none), so that the place can be clicked on.
 * Level LOG_ERROR for what changes the exit code, LOG_WARNING for the rest. A place without a file
 * is left out.
 */
void log_output_finding(const struct log_output *log, int64_t unix_ms, enum log_level level,
	const char *directory, const struct finding *finding);

#endif
