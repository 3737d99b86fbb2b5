/*
 * Reads signed notes and checks a log's signature on them. Which name and key a log has comes from
 * the trust root; what the tree has to do with an entry is merkle.h's and log_entry.h's matter.
 */
#include "signer/checkpoint.h"

#include <string.h>

#include "base/alloc.h"
#include "base/enc.h"
#include "base/vec.h"

#define DASH "\xe2\x80\x94 " /* U+2014 and a space */

static bool malformed(struct err **err, const char *what)
{
	return err_set(err, ERR_INVALID, "checkpoint: %s", what);
}

/* The line at *cursor without its newline, which must be there. */
static bool line_next(const char **cursor, const char *end, const char **ret_line, size_t *ret_len)
{
	const char *newline = memchr(*cursor, '\n', (size_t)(end - *cursor));

	if (!newline)
		return false;
	*ret_line = *cursor;
	*ret_len = (size_t)(newline - *cursor);
	*cursor = newline + 1;
	return true;
}

static bool text_read(const char *text, size_t len, struct checkpoint *checkpoint, struct err **err)
{
	const char *cursor = text, *end = text + len, *line;
	size_t line_len;

	if (!line_next(&cursor, end, &line, &line_len) || line_len == 0)
		return malformed(err, "no origin");
	checkpoint->origin = mem_strndup(line, line_len);

	if (!line_next(&cursor, end, &line, &line_len))
		return malformed(err, "no tree size");
	CLEANUP(mem_freep) char *size = mem_strndup(line, line_len);
	if ((size[0] == '0' && size[1]) || !number_parse(size, INT64_MAX, &checkpoint->size))
		return malformed(err, "the tree size is no number");

	if (!line_next(&cursor, end, &line, &line_len))
		return malformed(err, "no root hash");
	size_t root_len = 0;
	CLEANUP(mem_freep) uint8_t *root = base64_decode(line, line_len, &root_len);
	if (!root || root_len != sizeof(checkpoint->root))
		return malformed(err, "the root hash is no base64 of 32 bytes");
	memcpy(checkpoint->root, root, root_len);

	while (cursor < end)
		if (!line_next(&cursor, end, &line, &line_len) || line_len == 0)
			return malformed(err, "an empty line in its text");
	return true;
}

/* "— name base64(hint || signature)" */
static bool signature_read(
	const char *line, size_t len, struct checkpoint_signature *ret, struct err **err)
{
	if (len < sizeof(DASH) || memcmp(line, DASH, sizeof(DASH) - 1) != 0)
		return malformed(err, "a line that is no signature");
	const char *name = line + sizeof(DASH) - 1;
	const char *space = memchr(name, ' ', (size_t)(line + len - name));
	if (!space || space == name)
		return malformed(err, "a signature without a name");

	const char *text = space + 1;
	size_t decoded_len = 0;
	CLEANUP(mem_freep)
	uint8_t *decoded = base64_decode(text, (size_t)(line + len - text), &decoded_len);
	if (!decoded || decoded_len <= CHECKPOINT_HINT_SIZE)
		return malformed(err, "a signature that is no base64 of a key hint and more");
	memcpy(ret->hint, decoded, CHECKPOINT_HINT_SIZE);
	ret->signature.len = decoded_len - CHECKPOINT_HINT_SIZE;
	ret->signature.data = mem_dup(decoded + CHECKPOINT_HINT_SIZE, ret->signature.len);
	ret->name = mem_strndup(name, (size_t)(space - name));
	return true;
}

static bool signatures_read(
	const char *text, size_t len, struct checkpoint *checkpoint, struct err **err)
{
	const char *cursor = text, *end = text + len, *line;
	size_t line_len;

	checkpoint->signatures =
		mem_new(CHECKPOINT_MAX_SIGNATURES, sizeof(*checkpoint->signatures));
	while (cursor < end) {
		if (checkpoint->signature_count == CHECKPOINT_MAX_SIGNATURES)
			return err_set(err, ERR_TOO_LARGE, "checkpoint: more than %d signatures",
				CHECKPOINT_MAX_SIGNATURES);
		if (!line_next(&cursor, end, &line, &line_len))
			return malformed(err, "its last line does not end");
		if (!signature_read(line, line_len,
			    &checkpoint->signatures[checkpoint->signature_count], err))
			return false;
		checkpoint->signature_count++;
	}
	return checkpoint->signature_count > 0 || malformed(err, "no signature");
}

static bool characters_are_plain(const char *note, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)note[i] < 0x20 && note[i] != '\n')
			return false;
	return true;
}

bool checkpoint_parse(
	const char *note, size_t len, struct checkpoint *ret_checkpoint, struct err **err)
{
	if (len > CHECKPOINT_MAX_SIZE)
		return err_set(err, ERR_TOO_LARGE, "checkpoint: larger than %zu bytes",
			CHECKPOINT_MAX_SIZE);
	if (!characters_are_plain(note, len))
		return malformed(err, "a control character");
	/* The text may not hold an empty line, so the first one ends it. */
	const char *blank = memmem(note, len, "\n\n", 2);
	if (!blank)
		return malformed(err, "no empty line before the signatures");

	size_t text_len = (size_t)(blank - note) + 1;
	ret_checkpoint->text = (struct bytes){mem_dup(note, text_len), text_len};
	return text_read(note, text_len, ret_checkpoint, err) &&
		signatures_read(note + text_len + 1, len - text_len - 1, ret_checkpoint, err);
}

void checkpoint_release(struct checkpoint *checkpoint)
{
	for (size_t i = 0; i < checkpoint->signature_count; i++) {
		mem_free(checkpoint->signatures[i].name);
		bytes_release(&checkpoint->signatures[i].signature);
	}
	mem_free(checkpoint->signatures);
	mem_free(checkpoint->origin);
	bytes_release(&checkpoint->text);
	*checkpoint = (struct checkpoint){0};
}

bool checkpoint_verify(const struct checkpoint *checkpoint, const char *name,
	const uint8_t hint[CHECKPOINT_HINT_SIZE], const struct public_key *key, struct err **err)
{
	struct message text = message_of_bytes(checkpoint->text.data, checkpoint->text.len);
	bool found = false;

	for (size_t i = 0; i < checkpoint->signature_count; i++) {
		const struct checkpoint_signature *line = &checkpoint->signatures[i];
		if (strcmp(line->name, name) != 0 ||
			memcmp(line->hint, hint, CHECKPOINT_HINT_SIZE) != 0)
			continue;
		if (!public_key_verify(
			    key, HASH_SHA256, &text, line->signature.data, line->signature.len))
			return err_set(err, ERR_INVALID,
				"checkpoint: the signature of %.160s is wrong", name);
		found = true;
	}
	if (!found)
		return err_set(err, ERR_INVALID,
			"checkpoint: no signature by %.160s with the log's key", name);
	return true;
}
