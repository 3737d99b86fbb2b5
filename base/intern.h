/*
 * One copy of each string for the life of the table. Equal strings have equal addresses, so
 * interned strings compare by pointer. Strings live in large blocks: about their own length plus
 * 12 bytes each. No thread contract: fill it from one thread, then read from many.
 */
#ifndef CIP_BASE_INTERN_H
#define CIP_BASE_INTERN_H

#include <stddef.h>

struct intern;

struct intern *intern_new(void);
void intern_free(struct intern *table);

/* The table owns the result; NUL-terminated, never NULL. */
const char *intern_text(struct intern *table, const char *text);
const char *intern_bytes(struct intern *table, const char *bytes, size_t len);

#endif
