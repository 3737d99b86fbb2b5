/*
 * The memory of a run's copies. Keys begin with "host/path@", so that one repository can be
 * forgotten; a child manifest has another key than a blob of the same digest, because a registry
 * keeps them apart.
 */
#include "registry/copy_memory.h"

#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strmap.h"
#include "base/vec.h"

/* About 30 MB of keys; one repository of one destination needs a few hundred. */
#define ENTRIES_MAX 100000

struct written {
	char *key; /* "host@digest" */
	char *path;
};

struct copy_memory {
	struct once *once;
	pthread_mutex_t lock;
	struct strmap written; /* of struct written, owned */
	struct strmap vain;    /* "host what" (owned) -> itself; at most one a repository */
	size_t finished;
};

struct copy_memory *copy_memory_new(void)
{
	struct copy_memory *memory = mem_new(1, sizeof(*memory));
	memory->once = once_new();
	pthread_mutex_init(&memory->lock, NULL);
	return memory;
}

static void written_free(struct written *written)
{
	mem_free(written->key);
	mem_free(written->path);
	mem_free(written);
}

static void forget_all_written(struct copy_memory *memory)
{
	const char *key;
	void *written;
	for (size_t i = 0; strmap_next(&memory->written, &i, &key, &written);)
		written_free(written);
	strmap_release(&memory->written);
}

void copy_memory_free(struct copy_memory *memory)
{
	const char *key;
	void *pair;
	forget_all_written(memory);
	for (size_t i = 0; strmap_next(&memory->vain, &i, &key, &pair);)
		mem_free(pair);
	strmap_release(&memory->vain);
	once_free(memory->once);
	pthread_mutex_destroy(&memory->lock);
	mem_free(memory);
}

char *copy_memory_blob_key(const struct repository *repository, const struct digest *digest)
{
	char text[DIGEST_TEXT_SIZE];
	return mem_printf(
		"%s/%s@%s", repository->host, repository->path, digest_format(digest, text));
}

char *copy_memory_manifest_key(const struct repository *repository, const struct digest *digest)
{
	char text[DIGEST_TEXT_SIZE];
	return mem_printf("%s/%s@manifest:%s", repository->host, repository->path,
		digest_format(digest, text));
}

enum once_turn copy_memory_try(struct copy_memory *memory, const char *key, struct cancel *cancel)
{
	return once_try(memory->once, key, cancel);
}

enum once_turn copy_memory_begin(struct copy_memory *memory, const char *key, struct cancel *cancel)
{
	return once_begin(memory->once, key, cancel);
}

bool copy_memory_is_done(struct copy_memory *memory, const char *key)
{
	return once_is_done(memory->once, key);
}

void copy_memory_finish(struct copy_memory *memory, const char *key, bool success)
{
	bool full = false;
	once_finish(memory->once, key, success);
	if (!success)
		return;
	pthread_mutex_lock(&memory->lock);
	if (++memory->finished >= ENTRIES_MAX) {
		memory->finished = 0;
		forget_all_written(memory);
		full = true;
	}
	pthread_mutex_unlock(&memory->lock);
	if (full)
		once_forget(memory->once, "");
}

static char *written_key(const char *host, const struct digest *digest)
{
	char text[DIGEST_TEXT_SIZE];
	return mem_printf("%s@%s", host, digest_format(digest, text));
}

char *copy_memory_host_key(const char *host, const struct digest *digest)
{
	return written_key(host, digest);
}

void copy_memory_note_written(struct copy_memory *memory, const struct repository *repository,
	const struct digest *digest)
{
	char *key = written_key(repository->host, digest);
	pthread_mutex_lock(&memory->lock);
	struct written *written = strmap_get(&memory->written, key);
	if (written) {
		mem_free(key);
		mem_free(written->path);
	} else {
		written = mem_new(1, sizeof(*written));
		written->key = key;
		*strmap_put(&memory->written, key) = written;
	}
	written->path = mem_strdup(repository->path);
	pthread_mutex_unlock(&memory->lock);
}

char *copy_memory_written_at(
	struct copy_memory *memory, const char *host, const struct digest *digest)
{
	CLEANUP(mem_freep) char *key = written_key(host, digest);
	pthread_mutex_lock(&memory->lock);
	const struct written *written = strmap_get(&memory->written, key);
	char *path = written ? mem_strdup(written->path) : NULL;
	pthread_mutex_unlock(&memory->lock);
	return path;
}

void copy_memory_note_vain(struct copy_memory *memory, const char *host, const char *what)
{
	CLEANUP(mem_freep) char *pair = mem_printf("%s %s", host, what);
	pthread_mutex_lock(&memory->lock);
	if (!strmap_get(&memory->vain, pair)) {
		char *key = steal_ptr(&pair);
		*strmap_put(&memory->vain, key) = key;
	}
	pthread_mutex_unlock(&memory->lock);
}

bool copy_memory_is_vain(struct copy_memory *memory, const char *host, const char *what)
{
	CLEANUP(mem_freep) char *pair = mem_printf("%s %s", host, what);
	pthread_mutex_lock(&memory->lock);
	bool is_vain = strmap_get(&memory->vain, pair) != NULL;
	pthread_mutex_unlock(&memory->lock);
	return is_vain;
}

void copy_memory_forget(struct copy_memory *memory, const struct repository *repository)
{
	CLEANUP(mem_freep) char *prefix = mem_printf("%s/%s@", repository->host, repository->path);
	VEC(struct written *) dropped = {0};
	const char *key;
	void *value;
	once_forget(memory->once, prefix);

	pthread_mutex_lock(&memory->lock);
	for (size_t i = 0; strmap_next(&memory->written, &i, &key, &value);) {
		struct written *written = value;
		bool same_host = strncmp(key, repository->host, strlen(repository->host)) == 0 &&
			key[strlen(repository->host)] == '@';
		if (same_host && strcmp(written->path, repository->path) == 0)
			*vec_push(&dropped) = written;
	}
	for (size_t i = 0; i < dropped.len; i++) {
		strmap_remove(&memory->written, dropped.items[i]->key);
		written_free(dropped.items[i]);
	}
	pthread_mutex_unlock(&memory->lock);
	vec_release(&dropped);
}
