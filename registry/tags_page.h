/*
 * One page of tags/list, read as it streams in: the standard form and Google's extension (which
 * adds `manifest`, a map from every digest to what it is and its tags). Internal to registry/.
 */
#ifndef CIP_REGISTRY_TAGS_PAGE_H
#define CIP_REGISTRY_TAGS_PAGE_H

#include "registry/json_reader.h"
#include "registry/registry.h"

struct tags_page {
	enum tags_kind kind;
	size_t tags;	  /* elements of `tags` */
	size_t manifests; /* keys of `manifest` */
};

/*
 * Reads the whole document and calls the visitor. Names no manifest could declare (malformed tags,
 * digests of other algorithms) are counted but not visited. ERR_INVALID if it is no tags list or
 * ends early, ERR_TOO_LARGE past a bound of the reader, or an error of the stream.
 */
bool tags_page_read(struct json_reader *reader, const struct tags_visitor *visitor,
	struct tags_page *ret_page, struct err **err);

#endif
