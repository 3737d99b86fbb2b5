/* Repositories, each with blobs, manifests, tags and open uploads, under one lock. */
#include "tests/fakes/registry/store.h"

#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"
#include "base/strmap.h"
#include "tests/fakes/registry/world.h"

struct tag {
	char *name;
	const struct content *content;
};

struct upload {
	char *name;
	char *bytes;
	size_t len;
};

struct repo {
	char *name;
	struct strmap blobs;	 /* digest text -> struct content */
	struct strmap manifests; /* digest text -> struct content */
	struct strmap tags;	 /* name -> struct tag */
	struct strmap uploads;	 /* name -> struct upload */
	bool is_of_world;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct strmap repos;
static unsigned long upload_count;
static _Thread_local const char *host;

static void unlock(pthread_mutex_t **mutex)
{
	pthread_mutex_unlock(*mutex);
}

/* Holds the lock until the end of the scope. */
#define LOCKED()                                                                                   \
	CLEANUP(unlock) pthread_mutex_t *held = &lock;                                             \
	pthread_mutex_lock(held)

void store_set_host(const char *name)
{
	host = name;
}

static void put_tag(struct repo *repo, const char *name, const struct content *content)
{
	struct tag *entry = strmap_get(&repo->tags, name);

	if (!entry) {
		entry = mem_new(1, sizeof(*entry));
		entry->name = mem_strdup(name);
		*strmap_put(&repo->tags, entry->name) = entry;
	}
	entry->content = content;
}

static void put_manifest(struct repo *repo, const struct content *content)
{
	*strmap_put(&repo->manifests, content->text) = (void *)(uintptr_t)content;
}

static void take_from_world(void *ctx, const struct world_entry *entry, bool is_source)
{
	struct repo *repo = ctx;

	repo->is_of_world = true;
	put_manifest(repo, entry->manifest);
	for (size_t i = 0; i < entry->tag_count; i++)
		put_tag(repo, entry->tags[i], entry->manifest);
	if (is_source)
		return;
	put_manifest(repo, entry->sig);
	put_tag(repo, entry->sig_tag, entry->sig);
	put_manifest(repo, entry->att);
	put_tag(repo, entry->att_tag, entry->att);
}

/* Takes the name. */
static struct repo *repo_new(char *name)
{
	struct repo *repo = mem_new(1, sizeof(*repo));

	repo->name = name;
	*strmap_put(&repos, repo->name) = repo;
	return repo;
}

static char *full_name(const char *repository)
{
	return host ? mem_printf("%s/%s", host, repository) : mem_strdup(repository);
}

/* NULL if there is none. */
static struct repo *repo_named(const char *full)
{
	struct repo *repo = strmap_get(&repos, full), found = {0};

	if (repo || !world_visit(full, take_from_world, &found))
		return repo;
	repo = repo_new(mem_strdup(full));
	found.name = repo->name;
	*repo = found;
	return repo;
}

static struct repo *repo_find(const char *repository)
{
	CLEANUP(mem_freep) char *name = full_name(repository);

	return repo_named(name);
}

static struct repo *repo_get(const char *repository)
{
	struct repo *repo = repo_find(repository);

	return repo ? repo : repo_new(full_name(repository));
}

static struct content *blob_of(const struct repo *repo, const char *digest)
{
	struct content *content = repo ? strmap_get(&repo->blobs, digest) : NULL;

	if (!content && repo && repo->is_of_world)
		content = (struct content *)(uintptr_t)world_blob(digest);
	return content;
}

struct content *content_new(char *bytes, size_t len, const char *type, const struct digest *digest)
{
	struct content *content = mem_new(1, sizeof(*content));
	content->bytes = bytes;
	content->len = len;
	content->media_type = mem_strdup(type);
	content->digest = *digest;
	digest_format(digest, content->text);
	return content;
}

const struct content *store_blob(const char *repository, const char *digest)
{
	LOCKED();
	return blob_of(repo_find(repository), digest);
}

const struct content *store_manifest(const char *repository, const char *reference)
{
	LOCKED();
	const struct repo *repo = repo_find(repository);
	if (!repo)
		return NULL;
	const struct tag *tag = strmap_get(&repo->tags, reference);
	return tag ? tag->content : strmap_get(&repo->manifests, reference);
}

void store_add_blob(const char *repository, char *bytes, size_t len, const struct digest *digest)
{
	LOCKED();
	struct content *content = content_new(bytes, len, "", digest);
	void **slot = strmap_put(&repo_get(repository)->blobs, content->text);
	if (!*slot)
		*slot = content;
}

bool store_mount(const char *repository, const char *from, const char *digest)
{
	LOCKED();
	struct content *content = from ? blob_of(repo_find(from), digest) : NULL;
	const char *key;
	void *repo;
	for (size_t i = 0; !from && !content && strmap_next(&repos, &i, &key, &repo);)
		content = strmap_get(&((struct repo *)repo)->blobs, digest);
	if (!content)
		return false;
	*strmap_put(&repo_get(repository)->blobs, content->text) = content;
	return true;
}

void store_add_manifest(const char *repository, const char *bytes, size_t len,
	const char *media_type, const struct digest *digest, const char *tag)
{
	LOCKED();
	struct repo *repo = repo_get(repository);
	char text[DIGEST_TEXT_SIZE];
	struct content *content = strmap_get(&repo->manifests, digest_format(digest, text));
	if (!content) {
		content = content_new(mem_dup(bytes, len), len, media_type, digest);
		put_manifest(repo, content);
	}
	if (tag)
		put_tag(repo, tag, content);
}

static void remove_tag(struct repo *repo, const char *name)
{
	struct tag *tag = strmap_remove(&repo->tags, name);

	mem_free(tag->name);
	mem_free(tag);
}

static void remove_tags_of(struct repo *repo, const struct content *content)
{
	VEC(const char *) gone = {0};
	const char *key;
	void *value;

	for (size_t i = 0; strmap_next(&repo->tags, &i, &key, &value);)
		if (((const struct tag *)value)->content == content)
			*vec_push(&gone) = key;
	for (size_t i = 0; i < gone.len; i++)
		remove_tag(repo, gone.items[i]);
	vec_release(&gone);
}

bool store_remove(const char *repository, const char *reference)
{
	LOCKED();
	struct repo *repo = repo_named(repository);
	const struct content *content = repo ? strmap_remove(&repo->manifests, reference) : NULL;

	if (content)
		remove_tags_of(repo, content);
	else if (repo && strmap_get(&repo->tags, reference))
		remove_tag(repo, reference);
	else
		return false;
	return true;
}

/* ---- Uploads ---- */

char *store_open_upload(const char *repository)
{
	LOCKED();
	struct upload *upload = mem_new(1, sizeof(*upload));
	upload->name = mem_printf("upload-%lu", ++upload_count);
	*strmap_put(&repo_get(repository)->uploads, upload->name) = upload;
	return mem_strdup(upload->name);
}

bool store_append_upload(const char *repository, const char *name, const char *bytes, size_t len)
{
	LOCKED();
	struct upload *upload = strmap_get(&repo_get(repository)->uploads, name);
	if (!upload)
		return false;
	upload->bytes = mem_resize(upload->bytes, upload->len + len + 1, 1);
	if (len)
		memcpy(upload->bytes + upload->len, bytes, len);
	upload->len += len;
	return true;
}

bool store_upload_len(const char *repository, const char *name, size_t *ret_len)
{
	LOCKED();
	const struct upload *upload = strmap_get(&repo_get(repository)->uploads, name);
	if (upload)
		*ret_len = upload->len;
	return upload != NULL;
}

bool store_close_upload(const char *repository, const char *name, char **ret_bytes, size_t *ret_len)
{
	LOCKED();
	struct upload *upload = strmap_remove(&repo_get(repository)->uploads, name);
	if (!upload)
		return false;
	*ret_bytes = upload->bytes ? upload->bytes : mem_strdup("");
	*ret_len = upload->len;
	mem_free(upload->name);
	mem_free(upload);
	return true;
}

/* ---- Lists ---- */

static int compare_tags(const void *a, const void *b)
{
	return strcmp(((const struct listed_tag *)a)->name, ((const struct listed_tag *)b)->name);
}

void store_list(const char *repository, struct listed *ret_listed)
{
	LOCKED();
	const struct repo *repo = repo_find(repository);
	const char *key;
	void *value;
	*ret_listed = (struct listed){0};
	if (!repo)
		return;
	for (size_t i = 0; strmap_next(&repo->tags, &i, &key, &value);) {
		const struct tag *tag = value;
		*vec_push(&ret_listed->tags) = (struct listed_tag){tag->name, tag->content->text};
	}
	for (size_t i = 0; strmap_next(&repo->manifests, &i, &key, &value);)
		*vec_push(&ret_listed->manifests) = value;
	if (ret_listed->tags.len > 0)
		qsort(ret_listed->tags.items, ret_listed->tags.len, sizeof(struct listed_tag),
			compare_tags);
}

void listed_release(struct listed *listed)
{
	vec_release(&listed->tags);
	vec_release(&listed->manifests);
}

/* ---- Everything ---- */

static json_t *bytes_json(const struct content *content)
{
	CLEANUP(mem_freep) char *text = base64_encode(content->bytes, content->len);
	return json_string(text);
}

static json_t *repo_json(const struct repo *repo)
{
	json_t *tags = json_object(), *manifests = json_object(), *blobs = json_object();
	const char *key;
	void *value;
	for (size_t i = 0; strmap_next(&repo->tags, &i, &key, &value);)
		json_object_set_new(
			tags, key, json_string(((const struct tag *)value)->content->text));
	for (size_t i = 0; strmap_next(&repo->manifests, &i, &key, &value);) {
		const struct content *content = value;
		json_object_set_new(manifests, key,
			json_pack("{s:s,s:o}", "type", content->media_type, "bytes",
				bytes_json(content)));
	}
	for (size_t i = 0; strmap_next(&repo->blobs, &i, &key, &value);)
		json_object_set_new(blobs, key, bytes_json(value));
	return json_pack("{s:o,s:o,s:o}", "tags", tags, "manifests", manifests, "blobs", blobs);
}

json_t *store_contents(void)
{
	LOCKED();
	json_t *repositories = json_object();
	const char *name;
	void *repo;
	for (size_t i = 0; strmap_next(&repos, &i, &name, &repo);)
		json_object_set_new(repositories, name, repo_json(repo));
	return json_pack("{s:o}", "repositories", repositories);
}

void store_forget(void)
{
	LOCKED();
	/* Its memory stays: answers under way may point into it. */
	memset(&repos, 0, sizeof(repos));
}
