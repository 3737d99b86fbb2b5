/*
 * What the registry holds. Content is never removed, so pointers to bytes stay good for ever.
 * Every function locks by itself. Repositories are those of the calling thread's host.
 */
#ifndef CIP_TESTS_FAKES_REGISTRY_STORE_H
#define CIP_TESTS_FAKES_REGISTRY_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/vec.h"
#include "image/digest.h"

struct json_t;

struct content {
	char *bytes;
	size_t len;
	char *media_type; /* of a manifest; "" for a blob */
	struct digest digest;
	char text[DIGEST_TEXT_SIZE];
};

/* Takes the bytes. Not in any repository. */
struct content *content_new(
	char *bytes, size_t len, const char *media_type, const struct digest *digest);

/* Which host the calling thread answers for, of several in one program; borrowed for ever. NULL: the only one. */
void store_set_host(const char *host);

/* Takes a tag away, or a manifest (by digest) with all its tags. False if "HOST/PATH" does not hold it. */
bool store_remove(const char *repository, const char *digest_or_tag);

/* NULL if the repository does not hold it. Digest as text. */
const struct content *store_blob(const char *repository, const char *digest);
const struct content *store_manifest(const char *repository, const char *digest_or_tag);

/* The bytes become the store's. */
void store_add_blob(const char *repository, char *bytes, size_t len, const struct digest *digest);
/* False if `from` does not hold the blob; NULL: if no repository does. */
bool store_mount(const char *repository, const char *from, const char *digest);
void store_add_manifest(const char *repository, const char *bytes, size_t len,
	const char *media_type, const struct digest *digest, const char *tag);

/* Opens an upload; its name is fresh memory. */
char *store_open_upload(const char *repository);
/* Appends; false if there is no such upload. */
bool store_append_upload(const char *repository, const char *name, const char *bytes, size_t len);
/* How much it holds; false if there is no such upload. */
bool store_upload_len(const char *repository, const char *name, size_t *ret_len);
/* Ends the upload and gives its bytes (fresh memory); false if there is no such upload. */
bool store_close_upload(
	const char *repository, const char *name, char **ret_bytes, size_t *ret_len);

/* A copy of what a repository's list shows, tags sorted. Strings live as long as the store. */
struct listed_tag {
	const char *name;
	const char *digest;
};
struct listed {
	VEC(struct listed_tag) tags;
	VEC(const struct content *) manifests;
};
void store_list(const char *repository, struct listed *ret_listed);
void listed_release(struct listed *listed);

/*
 * Everything, for the caller to release: {"repositories":{NAME:{"tags":{TAG:DIGEST},
 * "manifests":{DIGEST:{"type","bytes"}},"blobs":{DIGEST:BYTES}}}}, bytes in base64.
 */
struct json_t *store_contents(void);
/* The store is empty then, as at the start. */
void store_forget(void);

#endif
