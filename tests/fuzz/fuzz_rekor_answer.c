/*
 * What logs answer, both versions. Any bytes; and what was read is written as a bundle has it and read back
 * the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "signer/json_private.h"
#include "signer/log_entry_private.h"
#include "signer/rekor_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void entry_text(const struct log_entry *entry, struct str *out)
{
	str_init(out, STR_TEXT_MAX);
	log_entry_write(entry, out);
	if (str_overflowed(out))
		abort();
}

static void check_written(const struct log_entry *entry)
{
	CLEANUP(str_release) struct str first = {0}, second = {0};
	CLEANUP(json_tree_freep) struct json_t *document = NULL;
	CLEANUP(log_entry_release) struct log_entry again = {0};

	entry_text(entry, &first);
	if (!proto_load(str_text(&first), first.len, STR_TEXT_MAX, &document, NULL) ||
		!log_entry_read(document, &again, NULL))
		abort();
	entry_text(&again, &second);
	if (strcmp(str_text(&first), str_text(&second)) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char id[REKOR_ID_MAX + 1] = "";

	for (int version = 1; version <= 2; version++) {
		CLEANUP(log_entry_release) struct log_entry entry = {0};
		CLEANUP(err_freep) struct err *err = NULL;
		bool ok = version == 1
			? rekor_answer_parse_v1((const char *)data, size, &entry, &err)
			: rekor_answer_parse_v2((const char *)data, size, &entry, &err);

		if (ok == (err != NULL) || ok != (entry.kind != NULL))
			abort();
		if (!ok)
			continue;
		if (!entry.has_proof || !entry.checkpoint || !entry.body.len ||
			entry.proof_path.len > (size_t)MERKLE_PROOF_MAX * MERKLE_HASH_SIZE)
			abort();
		check_written(&entry);
	}
	if (rekor_answer_existing(NULL, (const char *)data, size, id) &&
		strspn(id, "0123456789abcdef") != strlen(id))
		abort();
	return 0;
}
