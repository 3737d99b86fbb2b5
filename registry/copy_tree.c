/*
 * Reading an image from its source: the root, then level by level what it references, with the
 * limits that keep a hostile index from costing more than it may. Everything read is hashed by
 * registry/manifest.c and kept byte for byte. It writes nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "registry/copy_private.h"
#include "registry/manifest_request.h"

/* All manifests of one image together. A thousand large ones have about 20 MiB. */
#define TREE_MANIFEST_BYTES ((uint64_t)64 << 20)

/* ---- Nodes ---- */

static void node_free(struct node *node)
{
	document_release(&node->document);
	manifest_release(&node->manifest);
	mem_free(node);
}
DEFINE_CLEANUP(struct node, node_freep, node_free)

/* Takes the document. */
static struct node *node_new(
	struct document *document, const char *type_of_descriptor, struct err **err)
{
	CLEANUP(node_freep) struct node *node = mem_new(1, sizeof(*node));
	node->document = *document;
	*document = (struct document){0};
	const char *type =
		*node->document.media_type ? node->document.media_type : type_of_descriptor;
	if (!manifest_parse(node->document.bytes, node->document.len, type, &node->manifest, err))
		return NULL;
	mem_free(node->document.media_type);
	node->document.media_type = mem_strdup(node->manifest.media_type);
	digest_format(&node->document.digest, node->key);
	return steal_ptr(&node);
}

static bool too_large(struct err **err, const char *what, uint64_t maximum)
{
	return err_set(err, ERR_TOO_LARGE, "the image has more than %llu %s",
		(unsigned long long)maximum, what);
}

static bool add_blob(struct group *group, const struct descriptor *blob, struct err **err)
{
	const struct copy_limits *limits = &group->copier->limits;
	struct tree *tree = &group->tree;
	char text[DIGEST_TEXT_SIZE];
	if (blob->nondistributable ||
		strmap_get(&tree->blob_digests, digest_format(&blob->digest, text)))
		return true;
	if (tree->blobs.len >= limits->blobs)
		return too_large(err, "blobs", limits->blobs);
	if ((uint64_t)blob->size > limits->bytes - tree->blob_bytes)
		return too_large(err, "bytes", limits->bytes);
	char *key = mem_strdup(text);
	*strmap_put(&tree->blob_digests, key) = key;
	*vec_push(&tree->blobs) = blob;
	tree->blob_bytes += (uint64_t)blob->size;
	return true;
}

/* Takes the node. */
static bool add_node(struct group *group, struct node *node, struct err **err)
{
	struct tree *tree = &group->tree;
	*vec_push(&tree->nodes) = node;
	*strmap_put(&tree->by_digest, node->key) = node;
	for (size_t i = 0; i < node->manifest.blobs.len; i++)
		if (!add_blob(group, &node->manifest.blobs.items[i], err))
			return false;
	return true;
}

/* Takes the document. */
static bool add_root(struct group *group, struct document *document, struct err **err)
{
	struct node *root = node_new(document, "", err);
	if (!root)
		return err_prefix(err, "%s/%s", group->source->host, group->source->path);
	group->tree.manifest_bytes = root->document.len;
	return add_node(group, root, err);
}

bool tree_read_root(struct group *group, const struct digest *digest, struct err **err)
{
	CLEANUP(document_release) struct document document = {0};
	return registry_manifest_get(
		       group->reader, group->source, digest, group->source_tally, &document, err) &&
		add_root(group, &document, err);
}

bool tree_take_root(struct group *group, const struct document *root, struct err **err)
{
	CLEANUP(document_release)
	struct document document = {
		.bytes = mem_strndup(root->bytes, root->len),
		.len = root->len,
		.media_type = mem_strdup(root->media_type),
		.digest = root->digest,
	};
	return add_root(group, &document, err);
}

/* ---- Children ---- */

static bool known_everywhere(const struct group *group, const struct digest *digest)
{
	for (size_t i = 0; i < group->target_count; i++) {
		const struct target *target = &group->targets[i];
		if (!target_wants_content(target))
			continue;
		CLEANUP(mem_freep)
		char *key = copy_memory_manifest_key(&target->to->repository, digest);
		if (!copy_memory_is_done(group->copier->memory, key))
			return false;
	}
	return true;
}

struct children {
	VEC(const struct descriptor *) wanted;
	struct strmap seen; /* digest text, owned by the values */
};

static void children_release(struct children *children)
{
	const char *key;
	void *text;
	for (size_t i = 0; strmap_next(&children->seen, &i, &key, &text);)
		mem_free(text);
	strmap_release(&children->seen);
	vec_release(&children->wanted);
}

static bool want_child(struct group *group, struct children *children,
	const struct descriptor *child, struct err **err)
{
	const struct copy_limits *limits = &group->copier->limits;
	struct tree *tree = &group->tree;
	char text[DIGEST_TEXT_SIZE];
	digest_format(&child->digest, text);
	if (strmap_get(&tree->by_digest, text) || strmap_get(&children->seen, text) ||
		known_everywhere(group, &child->digest))
		return true;
	if (tree->nodes.len + children->wanted.len >= limits->manifests)
		return too_large(err, "manifests", limits->manifests);
	if ((uint64_t)child->size > TREE_MANIFEST_BYTES - tree->manifest_bytes)
		return too_large(err, "bytes of manifests", TREE_MANIFEST_BYTES);
	tree->manifest_bytes += (uint64_t)child->size;
	char *key = mem_strdup(text);
	*strmap_put(&children->seen, key) = key;
	*vec_push(&children->wanted) = child;
	return true;
}

/* What the nodes of one level reference and nobody has read yet. */
static bool collect_children(
	struct group *group, unsigned depth, struct children *children, struct err **err)
{
	for (size_t i = 0; i < group->tree.nodes.len; i++) {
		const struct node *node = group->tree.nodes.items[i];
		if (node->depth != depth)
			continue;
		for (size_t c = 0; c < node->manifest.children.len; c++)
			if (!want_child(group, children, &node->manifest.children.items[c], err))
				return false;
	}
	if (children->wanted.len > 0 && depth == group->copier->limits.depth)
		return err_set(err, ERR_TOO_LARGE, "indexes nested deeper than %u", depth);
	return true;
}

static bool is_manifest_type(const char *media_type)
{
	return *media_type && strstr(manifest_accept, media_type) != NULL;
}

/* A 404 below the root is damage, not loss: "not found" is kept for the image as a whole. */
static bool incomplete(const struct descriptor *child, struct err **err)
{
	char text[DIGEST_TEXT_SIZE];
	digest_format(&child->digest, text);
	if (!err || !err_is(*err, ERR_NOT_FOUND))
		return err_prefix(err, "%s", text);
	(*err)->kind = ERR_INVALID;
	return err_prefix(err, "the source is incomplete: %s", text);
}

static bool take_child(struct group *group, struct request *request, const struct descriptor *child,
	unsigned depth, struct err **err)
{
	CLEANUP(document_release) struct document document = {0};
	if (request_status(request) == 404 && !is_manifest_type(child->media_type))
		return add_blob(group, child, err);
	CLEANUP(err_freep) struct err *failure = NULL;
	if (!manifest_get_take(request, &child->digest, &document, &failure)) {
		/* Damage on the way may pass: this one tries again by itself. */
		bool again = err_is(failure, ERR_DIGEST) &&
			registry_manifest_get(group->reader, group->source, &child->digest,
				group->source_tally, &document, NULL);
		if (!again) {
			err_keep_first(err, &failure);
			return incomplete(child, err);
		}
	}
	struct node *node = node_new(&document, child->media_type, err);
	if (!node)
		return incomplete(child, err);
	node->depth = depth;
	return add_node(group, node, err);
}

static void release_requests(struct request *requests, size_t count)
{
	for (size_t i = 0; i < count; i++)
		request_release(&requests[i]);
}

/* A few at a time, so that not all answers are held twice. */
static bool read_slice(struct group *group, const struct descriptor *const *children, size_t count,
	unsigned depth, struct err **err)
{
	struct request requests[REQUEST_WINDOW * 4];
	struct request *pointers[REQUEST_WINDOW * 4];
	bool ok = true;
	for (size_t i = 0; i < count; i++) {
		pointers[i] = &requests[i];
		manifest_get_init(&requests[i], group->reader, group->source, &children[i]->digest,
			group->source_tally);
		if ((uint64_t)children[i]->size < MANIFEST_MAX_SIZE)
			requests[i].http.response_max =
				children[i]->size > 4096 ? (size_t)children[i]->size : 4096;
	}
	requests_run(pointers, count);
	for (size_t i = 0; i < count && ok; i++) {
		ok = take_child(group, &requests[i], children[i], depth, err);
		request_release(&requests[i]);
		requests[i] = (struct request){0};
	}
	release_requests(requests, count);
	return ok;
}

static bool read_level(struct group *group, unsigned depth, bool *ret_more, struct err **err)
{
	CLEANUP(children_release) struct children children = {0};
	if (!collect_children(group, depth, &children, err))
		return false;
	for (size_t i = 0; i < children.wanted.len; i += REQUEST_WINDOW * 4) {
		size_t count = children.wanted.len - i;
		count = count < REQUEST_WINDOW * 4 ? count : REQUEST_WINDOW * 4;
		if (!cancel_check(group->copier->cancel, CANCEL_NOW, err) ||
			!read_slice(group, &children.wanted.items[i], count, depth + 1, err))
			return false;
	}
	*ret_more = children.wanted.len > 0;
	return true;
}

/* ---- Heights ---- */

/* There is no circle, digests see to that; a chain is at most as long as there are nodes. */
static unsigned set_height(const struct tree *tree, struct node *node)
{
	char text[DIGEST_TEXT_SIZE];
	if (node->height > 0)
		return node->height;
	for (size_t i = 0; i < node->manifest.children.len; i++) {
		const struct digest *digest = &node->manifest.children.items[i].digest;
		struct node *child = strmap_get(&tree->by_digest, digest_format(digest, text));
		unsigned height = child ? 1 + set_height(tree, child) : 1;
		node->height = height > node->height ? height : node->height;
	}
	return node->height;
}

bool tree_read_rest(struct group *group, struct err **err)
{
	bool more = true;
	for (unsigned depth = 0; more; depth++)
		if (!read_level(group, depth, &more, err))
			return false;
	struct node *root = group->tree.nodes.items[0];
	for (size_t i = 0; i < group->tree.nodes.len; i++)
		group->tree.nodes.items[i]->height = 0;
	if (set_height(&group->tree, root) > group->copier->limits.depth)
		return err_set(err, ERR_TOO_LARGE, "indexes nested deeper than %u",
			group->copier->limits.depth);
	return true;
}

/* ---- Life ---- */

static void release_blobs(struct tree *tree)
{
	const char *key;
	void *text;
	for (size_t i = 0; strmap_next(&tree->blob_digests, &i, &key, &text);)
		mem_free(text);
	strmap_release(&tree->blob_digests);
	vec_release(&tree->blobs);
	tree->blob_bytes = 0;
}

void tree_release(struct tree *tree)
{
	release_blobs(tree);
	strmap_release(&tree->by_digest);
	for (size_t i = 0; i < tree->nodes.len; i++)
		node_free(tree->nodes.items[i]);
	vec_release(&tree->nodes);
	*tree = (struct tree){0};
}
