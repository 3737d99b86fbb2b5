/*
 * Makes the world from the declared state. The images of several repositories are the same objects, so
 * that a million pairs need little more than their tags.
 */
#include "tests/fakes/registry/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/intern.h"
#include "base/strmap.h"
#include "reconciler/declared.h"

#define IMAGE_TYPE "application/vnd.oci.image.manifest.v1+json"
#define HEX_LEN (2 * DIGEST_SHA256_SIZE)

/* What an image of a project holds; all repositories it is promoted to share it. */
struct world_image {
	VEC(struct world_entry) entries;
};
struct world_repository {
	VEC(const struct world_image *) images;
	bool is_source;
};

static struct intern *texts;
static struct strmap made;	   /* digest in the tree that was read -> struct content */
static struct strmap entries;	   /* digest text -> struct world_entry, without tags */
static struct strmap blobs;	   /* digest text -> struct content */
static struct strmap repositories; /* "HOST/PATH" -> struct world_repository */
static VEC(const char *) hosts;

static void die(const char *what, const struct err *err)
{
	fprintf(stderr, "fake-registry: %s: %s\n", what, err ? err->msg : "failed");
	exit(1);
}

/* ---- Content ---- */

static const struct content *add_blob(const char *text)
{
	struct digest digest = digest_of(DIGEST_SHA256, text, strlen(text));
	char name[DIGEST_TEXT_SIZE];
	struct content *content = strmap_get(&blobs, digest_format(&digest, name));

	if (!content) {
		content = content_new(mem_strdup(text), strlen(text), "", &digest);
		*strmap_put(&blobs, content->text) = content;
	}
	return content;
}

static struct content *make_manifest(const char *layer_type, const char *layer_text,
	const char *annotations, const char *config_type)
{
	const struct content *config = add_blob("{}"), *layer = add_blob(layer_text);
	char *text =
		mem_printf("{\"schemaVersion\":2,\"mediaType\":\"" IMAGE_TYPE "\","
			   "\"config\":{\"mediaType\":\"%s\",\"size\":%zu,\"digest\":\"%s\"},"
			   "\"layers\":[{\"mediaType\":\"%s\",\"size\":%zu,\"digest\":\"%s\"%s}]}",
			config_type, config->len, config->text, layer_type, layer->len, layer->text,
			annotations);
	struct digest digest = digest_of(DIGEST_SHA256, text, strlen(text));

	return content_new(text, strlen(text), IMAGE_TYPE, &digest);
}

static const struct content *make_attached(const char *layer_type, const char *what, const char *of)
{
	CLEANUP(mem_freep) char *layer = mem_printf("{\"%s\":\"%s\"}", what, of);

	return make_manifest(layer_type, layer,
		",\"annotations\":{\"dev.cosignproject.cosign/signature\":\"bm9ib2R5J3M=\"}",
		"application/vnd.oci.image.config.v1+json");
}

static const char *attached_tag(const struct content *image, const char *kind)
{
	CLEANUP(mem_freep) char *tag = mem_printf("sha256-%s.%s", image->text + 7, kind);

	return intern_text(texts, tag);
}

/* The image that stands for a digest of the tree that was read. */
static const struct content *stand_in(const char *hex)
{
	struct content *content = strmap_get(&made, hex);
	struct world_entry *entry;

	if (content)
		return content;
	CLEANUP(mem_freep) char *layer = mem_printf("the layer of %s", hex);
	content = make_manifest("application/vnd.oci.image.layer.v1.tar+gzip", layer, "",
		"application/vnd.oci.image.config.v1+json");
	*strmap_put(&made, intern_text(texts, hex)) = content;
	entry = mem_new(1, sizeof(*entry));
	*entry = (struct world_entry){
		.manifest = content,
		.sig = make_attached(
			"application/vnd.dev.cosign.simplesigning.v1+json", "sig", content->text),
		.att = make_attached("application/vnd.dsse.envelope.v1+json", "att", content->text),
		.sig_tag = attached_tag(content, "sig"),
		.att_tag = attached_tag(content, "att"),
	};
	*strmap_put(&entries, content->text) = entry;
	return content;
}

/* ---- The tree ---- */

static void rewrite(const struct str *text, struct str *out)
{
	const char *at = str_text(text), *found;

	for (; (found = strstr(at, "sha256:")); at = found + 7 + HEX_LEN) {
		size_t digits = strspn(found + 7, "0123456789abcdef");
		CLEANUP(mem_freep) char *hex = mem_strndup(found + 7, HEX_LEN);

		str_add(out, at, (size_t)(found - at));
		if (digits < HEX_LEN)
			die("digest in the tree", NULL);
		str_add_text(out, stand_in(hex)->text);
	}
	str_add_text(out, at);
}

static void copy_tree(struct source *source, const char *directory, const char *out);

static void copy_entry(
	struct source *source, const char *path, enum source_entry_kind kind, const char *out)
{
	CLEANUP(str_release) struct str text = STR_INIT(DECLARED_FILE_MAX);
	CLEANUP(str_release) struct str changed = STR_INIT(DECLARED_FILE_MAX);
	CLEANUP(mem_freep) char *target = fs_join(out, path);
	CLEANUP(err_freep) struct err *err = NULL;

	if (kind == SOURCE_DIRECTORY) {
		copy_tree(source, path, out);
		return;
	}
	if (kind != SOURCE_FILE)
		return;
	if (!source_read(source, path, &text, &err))
		die(path, err);
	rewrite(&text, &changed);
	if (!fs_write_atomic(target, changed.bytes, changed.len, 0644, &err))
		die(target, err);
}

static void copy_tree(struct source *source, const char *directory, const char *out)
{
	CLEANUP(source_entries_release) struct source_entries found = {0};
	CLEANUP(mem_freep) char *target = fs_join(out, directory);
	CLEANUP(err_freep) struct err *err = NULL;

	if (!source_list(source, directory, &found, &err) || !fs_make_directories(target, &err))
		die(directory, err);
	for (size_t i = 0; i < found.list.len; i++) {
		const struct source_entry *entry = &found.list.items[i];
		CLEANUP(mem_freep)
		char *path = *directory ? fs_join(directory, entry->name) : mem_strdup(entry->name);

		copy_entry(source, path, entry->kind, out);
	}
}

/* ---- Repositories ---- */

static void add_host(const char *repository)
{
	CLEANUP(mem_freep) char *host = mem_strndup(repository, strcspn(repository, "/"));
	const char *name = intern_text(texts, host);

	for (size_t i = 0; i < hosts.len; i++)
		if (hosts.items[i] == name)
			return;
	*vec_push(&hosts) = name;
}

static struct world_image *make_image(
	const struct declared *declared, const struct declared_image *image)
{
	struct world_image *made_image = mem_new(1, sizeof(*made_image));

	for (uint32_t i = 0; i < image->digest_count; i++) {
		const struct declared_digest *digest =
			&declared->digests.items[image->first_digest + i];
		const struct digest value = digest_from_sha256(digest->sha256);
		char text[DIGEST_TEXT_SIZE];
		const struct world_entry *known = strmap_get(&entries, digest_format(&value, text));
		struct world_entry *entry;
		const char **tags;

		if (digest->malformed)
			continue;
		if (!known)
			die(text, NULL);
		tags = mem_new(digest->tag_count + 1, sizeof(*tags));
		entry = vec_push(&made_image->entries);
		*entry = *known;
		for (uint32_t t = 0; t < digest->tag_count; t++)
			tags[t] = declared->tags.items[digest->first_tag + t].name;
		entry->tags = tags;
		entry->tag_count = digest->tag_count;
	}
	return made_image;
}

static void write_edges(FILE *file, const char *repository, const struct world_image *image)
{
	for (size_t i = 0; i < image->entries.len; i++) {
		const struct world_entry *entry = &image->entries.items[i];

		for (size_t t = 0; t < entry->tag_count; t++)
			fprintf(file, "%s %s %s\n", repository, entry->manifest->text,
				entry->tags[t]);
		if (!entry->tag_count)
			fprintf(file, "%s %s -\n", repository, entry->manifest->text);
	}
}

static void place_image(const struct declared *declared, const struct declared_registry *registry,
	const struct declared_image *image, const struct world_image *held, FILE *edges)
{
	CLEANUP(str_release) struct str name = STR_INIT(REPOSITORY_TEXT_MAX);
	struct world_repository *repository;
	void **slot;

	declared_repository(registry, image, &name);
	slot = strmap_put(&repositories, intern_text(declared->strings, str_text(&name)));
	if (!*slot) {
		*slot = mem_new(1, sizeof(*repository));
		((struct world_repository *)*slot)->is_source = true;
		add_host(str_text(&name));
	}
	repository = *slot;
	repository->is_source &= registry->is_source;
	*vec_push(&repository->images) = held;
	if (!registry->is_source)
		write_edges(edges, str_text(&name), held);
}

static void place_all(const struct declared *declared, FILE *edges)
{
	for (size_t p = 0; p < declared->projects.len; p++) {
		const struct declared_project *project = &declared->projects.items[p];

		for (uint32_t i = 0; i < project->image_count; i++) {
			const struct declared_image *image =
				&declared->images.items[project->first_image + i];
			const struct world_image *held = make_image(declared, image);

			for (uint32_t r = 0; r < project->registry_count; r++)
				place_image(declared,
					&declared->registries.items[project->first_registry + r],
					image, held, edges);
		}
	}
}

static int compare_texts(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

void world_load(const char *tree, const char *out)
{
	struct declared *declared = NULL; /* for ever: tags refer to it */
	CLEANUP(err_freep) struct err *err = NULL;
	CLEANUP(source_freep) struct source *source = source_open_directory(tree, &err);
	CLEANUP(mem_freep) char *list = mem_printf("%s.edges", out);

	if (!source || mkdir(out, 0755) != 0)
		die(source ? out : tree, err);
	texts = intern_new();
	copy_tree(source, "", out);
	source_free(steal_ptr(&source));
	source = source_open_directory(out, &err);
	if (!source || !declared_load_thin(source, NULL, &declared, &err))
		die(out, err);
	CLEANUP(file_closep) FILE *edges = fopen(list, "we");
	if (!edges)
		die(list, NULL);
	place_all(declared, edges);
	qsort(hosts.items, hosts.len, sizeof(*hosts.items), compare_texts);
}

size_t world_hosts(const char *const **ret_hosts)
{
	*ret_hosts = hosts.items;
	return hosts.len;
}

bool world_visit(const char *repository,
	void (*add)(void *ctx, const struct world_entry *entry, bool is_source), void *ctx)
{
	const struct world_repository *found = strmap_get(&repositories, repository);

	if (!found)
		return false;
	for (size_t i = 0; i < found->images.len; i++)
		for (size_t e = 0; e < found->images.items[i]->entries.len; e++)
			add(ctx, &found->images.items[i]->entries.items[e], found->is_source);
	return true;
}

const struct content *world_blob(const char *digest)
{
	return strmap_get(&blobs, digest);
}
