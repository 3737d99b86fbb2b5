/*
 * The text format of Prometheus (version 0.0.4), as node_exporter's textfile collector reads it:
 * one spoilt line there loses the whole file. Everything is a gauge, since each file tells of one
 * run. Pure; each appends to `out`.
 */
#ifndef CIP_CLI_METRICS_TEXT_H
#define CIP_CLI_METRICS_TEXT_H

#include <stdint.h>

#include "base/str.h"

/* Names are ours: [a-z_]+. Values are anything. */
struct metric_label {
	const char *name, *value;
};

/* Begins a metric, whose samples follow; `help` is ours: one line without a backslash. */
void metrics_text_family(struct str *out, const char *name, const char *help);

/* `labels` ends with a NULL name. */
void metrics_text_sample(
	struct str *out, const char *name, const struct metric_label *labels, uint64_t value);

/* A value of thousandths, such as milliseconds that are told in seconds. */
void metrics_text_thousandths(
	struct str *out, const char *name, const struct metric_label *labels, int64_t value);

/*
 * The escaper of label values: text as on a terminal (base/escape.h), and that escaped once more for
 * the format. Different input stays different: beyond 1,024 bytes the end is replaced by a hash.
 */
void metrics_text_label(struct str *out, const char *text);

#endif
