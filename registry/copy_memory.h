/*
 * What the copies of a run know of each other: which blob or child is being brought to which
 * repository or has been, and from where on a host a blob can be mounted. Bounded: past a number of
 * entries all is forgotten, which costs requests, never correctness. Any thread. Internal.
 */
#ifndef CIP_REGISTRY_COPY_MEMORY_H
#define CIP_REGISTRY_COPY_MEMORY_H

#include "base/once.h"
#include "image/digest.h"
#include "image/reference.h"

struct copy_memory;

struct copy_memory *copy_memory_new(void);
void copy_memory_free(struct copy_memory *memory);

/* The keys under which base/once.h knows a blob or a child manifest of a repository. Fresh text. */
char *copy_memory_blob_key(const struct repository *repository, const struct digest *digest);
char *copy_memory_manifest_key(const struct repository *repository, const struct digest *digest);
/*
 * The key of whoever uploads a blob to any repository of a host. It is always given back without
 * success: what others then find is copy_memory_written_at.
 */
char *copy_memory_host_key(const char *host, const struct digest *digest);

/* As in base/once.h. */
enum once_turn copy_memory_try(struct copy_memory *memory, const char *key, struct cancel *cancel);
enum once_turn copy_memory_begin(
	struct copy_memory *memory, const char *key, struct cancel *cancel);
void copy_memory_finish(struct copy_memory *memory, const char *key, bool success);
bool copy_memory_is_done(struct copy_memory *memory, const char *key);

/* This run wrote the blob, hashed, to this repository. */
void copy_memory_note_written(struct copy_memory *memory, const struct repository *repository,
	const struct digest *digest);

/* Path of a repository of this host that this run wrote the blob to, in fresh memory; or NULL. */
char *copy_memory_written_at(
	struct copy_memory *memory, const char *host, const struct digest *digest);

/*
 * What was tried in vain between a host and something else, and is not tried again: mounts from
 * another host, manifests before their blobs in a repository.
 */
void copy_memory_note_vain(struct copy_memory *memory, const char *host, const char *what);
bool copy_memory_is_vain(struct copy_memory *memory, const char *host, const char *what);

/* Drops all that was assumed of one repository. */
void copy_memory_forget(struct copy_memory *memory, const struct repository *repository);

#endif
