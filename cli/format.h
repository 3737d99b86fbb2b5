/* Numbers as people read them. Pure; each appends to `out`. */
#ifndef CIP_CLI_FORMAT_H
#define CIP_CLI_FORMAT_H

#include <stdint.h>

#include "base/str.h"

/* "1,234,567" */
void format_count(struct str *out, uint64_t count);

/* "17 B", "1.2 MiB", "34 GiB": three digits at most. */
void format_bytes(struct str *out, uint64_t bytes);

/* "0.4 s", "45 s", "2 min 10 s", "1 h 3 min" from milliseconds. */
void format_duration(struct str *out, int64_t ms);

#endif
