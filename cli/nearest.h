/* "Did you mean …": the word of a list that somebody who mistyped most likely meant. Pure. */
#ifndef CIP_CLI_NEAREST_H
#define CIP_CLI_NEAREST_H

#include <stddef.h>

struct nearest {
	const char *typed;
	size_t typed_len;
	const char *best; /* NULL: nothing is near enough */
	size_t best_distance;
};

/* Starts a search for what `typed` (typed_len bytes, borrowed) may have meant. */
void nearest_init(struct nearest *search, const char *typed, size_t typed_len);

/* Offers one candidate (borrowed); of equally near ones the first stays. */
void nearest_offer(struct nearest *search, const char *candidate);

#endif
