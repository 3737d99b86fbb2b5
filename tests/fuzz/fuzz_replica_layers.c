/*
 * Two documents, apart by a NUL: comparing is symmetric, and what is compared with itself lacks nothing.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "replicator/layers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool compare(
	const struct document *left, const struct document *right, struct layers_compared *compared)
{
	CLEANUP(err_freep) struct err *err = NULL;
	bool ok = layers_compare(left, right, compared, &err);

	if (ok == (err != NULL))
		abort();
	return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(mem_freep) char *text = mem_new(size + 2, 1);
	struct layers_compared forth = {0}, back = {0}, self = {0};

	if (size)
		memcpy(text, data, size);
	const struct document left = {.bytes = text, .len = strlen(text)};
	char *second = text + left.len + 1;
	const struct document right = {.bytes = second, .len = strlen(second)};
	bool ok = compare(&left, &right, &forth);

	if (ok != compare(&right, &left, &back))
		abort();
	if (ok &&
		(forth.only_left != back.only_right || forth.only_right != back.only_left ||
			forth.bytes_left != back.bytes_right ||
			forth.bytes_right != back.bytes_left))
		abort();
	/* Entries of an index without a digest are equal to nothing. */
	if (compare(&left, &left, &self) && self.only_left != self.only_right)
		abort();
	return 0;
}
