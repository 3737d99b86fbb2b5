/*
 * JSON documents from outside, for the files of this room: bounded in size, depth and values, no duplicate
 * keys, nothing after the document. `struct json_t` is jansson's.
 *
 * protobuf's JSON mapping has rules of its own: a field may be written logIndex or log_index, null
 * is the same as absent, an int64 is a string or a number, bytes are base64 in either alphabet.
 * proto_load brings a document into one form; the getters do the rest. An absent field reads as
 * protobuf's default: "", 0, no bytes, NULL. All getters fail with ERR_INVALID and name the field.
 */
#ifndef CIP_SIGNER_JSON_PRIVATE_H
#define CIP_SIGNER_JSON_PRIVATE_H

#include "base/err.h"
#include "base/str.h"
#include "signer/bytes.h"

struct json_t;

#define JSON_DEPTH_MAX 64
#define JSON_VALUES_MAX (1 << 20) /* about 100 MB in memory */

/* A JSON object. The caller frees it with json_tree_free. ERR_INVALID, ERR_TOO_LARGE. */
bool json_load_object(
	const char *text, size_t len, size_t max, struct json_t **ret_object, struct err **err);
void json_tree_free(struct json_t *tree);
DEFINE_CLEANUP(struct json_t, json_tree_freep, json_tree_free)

/*
 * The same of a document in the plainest form, fast; NULL: it is not in that form, or no JSON object, or
 * too deep. What is returned is what jansson would have made of it. For json.c.
 */
struct json_t *json_load_plain(const char *text, size_t len);

/*
 * The same with all keys in camelCase and null left out. A field written both ways is ERR_INVALID.
 */
bool proto_load(
	const char *text, size_t len, size_t max, struct json_t **ret_object, struct err **err);

/* No key but these (NULL-terminated) may be there. */
bool proto_only(const struct json_t *object, const char *const *keys, struct err **err);

bool proto_object(const struct json_t *parent, const char *key, const struct json_t **ret_object,
	struct err **err);
/* At most `max` elements, all of them objects. *ret_array NULL if absent. */
bool proto_objects(const struct json_t *parent, const char *key, size_t max,
	const struct json_t **ret_array, size_t *ret_len, struct err **err);
const struct json_t *proto_element(const struct json_t *array, size_t index);
/* Borrowed from the tree. */
bool proto_text(
	const struct json_t *parent, const char *key, const char **ret_text, struct err **err);
/* `max` bounds the decoded bytes. */
bool proto_bytes(const struct json_t *parent, const char *key, size_t max, struct bytes *ret_bytes,
	struct err **err);
/* In [0, INT64_MAX]: no field that we read may be negative. */
bool proto_number(
	const struct json_t *parent, const char *key, uint64_t *ret_number, struct err **err);
/* Of an array of base64 texts: each exactly `size` bytes; one after the other in *ret_bytes. */
bool proto_hashes(const struct json_t *parent, const char *key, size_t size, size_t max,
	struct bytes *ret_bytes, struct err **err);

/* ---- Writing ---- */

/* Appends a string with its quotes, as protobuf's writers in Go do: only what must be is escaped. */
void json_write_text(struct str *out, const char *text);
/* The same of the bytes' base64, standard alphabet and padded. */
void json_write_base64(struct str *out, const void *bytes, size_t len);

#endif
