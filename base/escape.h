/*
 * Text from outside is harmless only after the escaper of the output it goes to (one per output).
 * This is the one for terminals and logs: control characters (C0 and C1), bidirectional controls,
 * line separators and bytes that are not UTF-8 come out as \xNN (or \u{NNNN}); a backslash as two.
 * The result holds no line break. Longer input ends in "...". Pure, any thread.
 */
#ifndef CIP_BASE_ESCAPE_H
#define CIP_BASE_ESCAPE_H

#include <stddef.h>

#include "base/str.h"

/* Appends at most `max` bytes of escaped text for `len` bytes at `bytes`. */
void escape_terminal(struct str *out, const char *bytes, size_t len, size_t max);

/* Fresh escaped text with the usual maximum of 4 KiB; the caller frees it. */
char *escape_terminal_text(const char *text);

#endif
