/*
 * Edit distance (insertions, deletions, substitutions, swapped neighbours) with a bound that grows
 * with the length of the word, so that a wild guess suggests nothing. Knows neither flags nor
 * commands.
 */
#include "cli/nearest.h"

#include <stdint.h>
#include <string.h>

#define WORD_MAX 48

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* SIZE_MAX for words that are too long to compare. */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t rows[3][WORD_MAX + 1];

	if (a_len > WORD_MAX || b_len > WORD_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t *row = rows[i % 3];
		const size_t *above = rows[(i + 2) % 3];
		const size_t *above_two = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			row[j] = smaller(above[j], row[j - 1]) + 1;
			row[j] = smaller(row[j], above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = smaller(row[j], above_two[j - 2] + 1);
		}
	}
	return rows[a_len % 3][b_len];
}

void nearest_init(struct nearest *search, const char *typed, size_t typed_len)
{
	*search = (struct nearest){
		.typed = typed,
		.typed_len = typed_len,
		.best_distance = 2 + typed_len / 6,
	};
	if (typed_len < 4)
		search->best_distance = typed_len / 2 + 1;
}

void nearest_offer(struct nearest *search, const char *candidate)
{
	size_t len = strlen(candidate);
	size_t d = distance(search->typed, search->typed_len, candidate, len);

	/* A word cut short or continued is a likely slip, however long the missing part. */
	if (search->typed_len >= 4 && len >= 4 && d != SIZE_MAX &&
		strncmp(search->typed, candidate, smaller(search->typed_len, len)) == 0)
		d = search->typed_len <= len ? 0 : smaller(d, 2);
	if (d < search->best_distance + (search->best == NULL)) {
		search->best = candidate;
		search->best_distance = d;
	}
}
