/*
 * The one reader of YAML files (YAML 1.1 as libyaml parses it): strict, with positions, bounded.
 * A consumer walks the document once, in order; nothing is built. Manifests and cip.yaml use it.
 *
 *	CLEANUP(yml_freep) struct yml *yml = yml_open(bytes, len, &sink);
 *	struct yml_node root = yml_root(yml), value;
 *	size_t field;
 *	if (yml_expect(yml, &root, YML_MAPPING, "a mapping of settings"))
 *		while (yml_field(yml, fields, &field, &value))
 *			...
 *	yml_end(yml);
 *
 * The faults of a file are reported, not returned, and the walk goes on after them where it can:
 * a duplicate or unknown key, a value of the wrong type, an alias cost only themselves. After a
 * syntax error every function answers as if all collections had ended; yml_end tells.
 *
 * Refused everywhere, with a fault: anchors and aliases (so nothing can be expanded), merge keys,
 * explicit tags (!!binary), keys that are not scalars, duplicate keys, a second document, nesting
 * deeper than YML_DEPTH_MAX. What a plain scalar resolves to is left to its place: text keeps its
 * spelling (1.10, 0x1F, on), except that plain null, Null, NULL, ~ and nothing are null.
 *
 * One owner at a time; the bytes are borrowed until yml_free.
 */
#ifndef CIP_RECONCILER_YAML_H
#define CIP_RECONCILER_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

#define YML_DEPTH_MAX 16

enum yml_kind {
	YML_BAD, /* reported already: treat as absent */
	YML_NULL,
	YML_SCALAR,
	YML_SEQUENCE,
	YML_MAPPING,
};

struct yml_node {
	enum yml_kind kind;
	uint32_t line, column; /* from 1 */
	/* Scalars: valid until the next call on the reader; NUL-terminated, may contain NUL. */
	const char *text;
	size_t len;
	bool plain; /* without quotes */
};

/* `message` is valid during the call only. line 0: the file as a whole. */
struct yml_sink {
	void (*fault)(void *ctx, uint32_t line, uint32_t column, const char *message);
	void *ctx;
};

struct yml;

struct yml *yml_open(const char *bytes, size_t len, const struct yml_sink *sink);
void yml_free(struct yml *yml);
DEFINE_CLEANUP(struct yml, yml_freep, yml_free)

/* First call. YML_NULL for a file without a document; YML_BAD if it cannot be parsed at all. */
struct yml_node yml_root(struct yml *yml);

/* Last call: faults a second document. True if the file was well-formed to its end. */
bool yml_end(struct yml *yml);

/* Ends the walk here: everything after answers as after a syntax error, without a fault. */
void yml_stop(struct yml *yml);

/* True after a syntax error or yml_stop: what seems to be missing may only not have been read. */
bool yml_is_over(const struct yml *yml);

/*
 * The next element of the sequence just entered; false at its end. An element that is a collection
 * must be walked to its end (yml_expect does it for one of the wrong kind).
 */
bool yml_item(struct yml *yml, struct yml_node *ret_item);

/* The next key of the mapping just entered; false at its end. Its value must be taken by yml_value. */
bool yml_key(struct yml *yml, struct yml_node *ret_key);
struct yml_node yml_value(struct yml *yml);

/*
 * The next key that is one of `names` (NULL-terminated), as its index, with its value; unknown keys
 * are faulted and passed over. False at the end of the mapping.
 */
bool yml_field(
	struct yml *yml, const char *const *names, size_t *ret_field, struct yml_node *ret_value);

/* True if the node has this kind; otherwise faults "expected WHAT, found ..." and skips it. */
bool yml_expect(struct yml *yml, const struct yml_node *node, enum yml_kind kind, const char *what);

/* A plain YAML 1.1 boolean: true, false, yes, no, on, off, y, n in lower, upper or title case. */
bool yml_bool(struct yml *yml, const struct yml_node *node, const char *what, bool *ret_value);

/* A scalar without NUL bytes inside. */
bool yml_text(struct yml *yml, const struct yml_node *node, const char *what);

/* Reports at the node; nothing any more when the reader is over. */
void yml_fault(struct yml *yml, const struct yml_node *node, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
