/*
 * Indexes of referrers: any bytes. What can be read can be extended, then has one entry more, and
 * begins and ends as it did; extending it once more changes nothing.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "registry/referrers_index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char ours[] = "{\"manifests\":[{\"size\":1,\"digest\":\"sha256:"
			   "00000000000000000000000000000000000000000000000000000000000000ff\"}]}";

static void check_extended(
	const struct referrers_set *known, const char *text, size_t len, size_t count)
{
	CLEANUP(str_release) struct str out = STR_INIT(REFERRERS_INDEX_MAX);
	CLEANUP(str_release) struct str again = STR_INIT(REFERRERS_INDEX_MAX);
	CLEANUP(referrers_set_release) struct referrers_set set = {0};
	size_t added = 0;
	if (!referrers_index_extend(known, text, len, &out, &added, NULL) || added == 0)
		return;
	if (!referrers_set_read(&set, out.bytes, out.len, NULL, NULL) ||
		set.list.items.len != count + added || text[0] != out.bytes[0] ||
		text[len - 1] != out.bytes[out.len - 1])
		abort();
	if (!referrers_index_extend(known, out.bytes, out.len, &again, &added, NULL) || added)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(referrers_set_release) struct referrers_set set = {0};
	CLEANUP(referrers_set_release) struct referrers_set known = {0};
	CLEANUP(mem_freep) char *text = mem_strndup((const char *)data, size);
	size_t len = strlen(text);
	if (!referrers_set_read(&known, ours, strlen(ours), NULL, NULL))
		abort();
	if (len > 0 && referrers_set_read(&set, text, len, NULL, NULL))
		check_extended(&known, text, len, set.list.items.len);
	return 0;
}
