/*
 * What the manifests would put below a registry, in kpromo's bytes. Knows kpromo's quirks: the
 * registry is compared as text, not by components, and one empty line ends the output. Knows
 * nothing of registries' contents.
 */
#include "reconciler/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "image/digest.h"
#include "image/reference.h"

/* One line of the CSV: an image below the registry, a digest, a tag or none. */
struct row {
	const char *image; /* interned in `names` */
	const uint8_t *sha256;
	const char *tag; /* NULL: none */
};

struct rows {
	VEC(struct row) list;
	struct intern *names;
	bool *left_out; /* by declared digest */
};

static void rows_release(struct rows *rows)
{
	vec_release(&rows->list);
	intern_free(rows->names);
	mem_free(rows->left_out);
}

/* The tags of a digest that are not quarantined; without any of them it is left out itself. */
static void add_digest(struct rows *rows, const struct declared *declared, const char *repository,
	const char *image, uint32_t index)
{
	const struct declared_digest *digest = &declared->digests.items[index];
	bool whole = !digest->malformed;
	if (whole && digest->tag_count == 0)
		*vec_push(&rows->list) = (struct row){.image = image, .sha256 = digest->sha256};
	for (uint32_t i = 0; i < digest->tag_count && !digest->malformed; i++) {
		const struct declared_tag *tag = &declared->tags.items[digest->first_tag + i];
		if (tag->malformed || declared_dispute(declared, repository, tag->name))
			whole = false;
		else
			*vec_push(&rows->list) = (struct row){
				.image = image, .sha256 = digest->sha256, .tag = tag->name};
	}
	if (!whole)
		rows->left_out[index] = true;
}

static void add_image(struct rows *rows, const struct declared *declared,
	const struct declared_registry *registry, const char *prefix,
	const struct declared_image *image)
{
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);
	if (image->malformed || declared->projects.items[image->project].quarantined) {
		memset(rows->left_out + image->first_digest, true, image->digest_count);
		return;
	}
	str_addf(&text, "%s%s%s", prefix, *prefix ? "/" : "", image->name);
	const char *name = intern_text(rows->names, str_text(&text));
	str_clear(&text);
	declared_repository(registry, image, &text);
	for (uint32_t i = 0; i < image->digest_count; i++)
		add_digest(rows, declared, str_text(&text), name, image->first_digest + i);
}

static void add_project(struct rows *rows, const struct declared *declared,
	const struct declared_project *project, const char *below)
{
	size_t len = strlen(below);
	for (uint32_t i = 0; i < project->registry_count; i++) {
		const struct declared_registry *registry =
			&declared->registries.items[project->first_registry + i];
		const char *prefix = registry->name + len;
		if (registry->is_source || registry->skipped ||
			strncmp(registry->name, below, len) != 0)
			continue;
		while (*prefix == '/')
			prefix++;
		for (uint32_t j = 0; j < project->image_count; j++)
			add_image(rows, declared, registry, prefix,
				&declared->images.items[project->first_image + j]);
	}
}

static int compare_rows(const void *left, const void *right)
{
	const struct row *a = left, *b = right;
	int order = a->image == b->image ? 0 : strcmp(a->image, b->image);
	if (order == 0)
		order = memcmp(a->sha256, b->sha256, DIGEST_SHA256_SIZE);
	if (order || a->tag == b->tag)
		return order;
	if (!a->tag || !b->tag)
		return a->tag ? 1 : -1;
	return strcmp(a->tag, b->tag);
}

static bool is_same_digest(const struct row *a, const struct row *b)
{
	return a->image == b->image && memcmp(a->sha256, b->sha256, DIGEST_SHA256_SIZE) == 0;
}

/* Drops what is declared twice, and "no tag" of a digest that another entry gives tags. */
static void merge_rows(struct rows *rows)
{
	size_t kept = 0;
	for (size_t i = 0; i < rows->list.len; i++) {
		const struct row *row = &rows->list.items[i];
		const struct row *next = row + 1;
		bool last = i + 1 == rows->list.len;
		if (!last && compare_rows(row, next) == 0)
			continue;
		if (!row->tag && !last && is_same_digest(row, next))
			continue;
		rows->list.items[kept++] = *row;
	}
	rows->list.len = kept;
}

/* ---- Output ---- */

static void print_yaml(const struct rows *rows, struct str *out)
{
	char text[DIGEST_TEXT_SIZE];
	for (size_t i = 0; i < rows->list.len; i++) {
		const struct row *row = &rows->list.items[i];
		bool first = i == 0 || !is_same_digest(row - 1, row);
		bool last = i + 1 == rows->list.len || !is_same_digest(row, row + 1);
		struct digest digest = digest_from_sha256(row->sha256);
		if (i == 0 || row[-1].image != row->image)
			str_addf(out, "- name: %s\n  dmap:\n", row->image);
		if (first)
			str_addf(out, "    \"%s\": [", digest_format(&digest, text));
		if (row->tag)
			str_addf(out, "%s\"%s\"", first ? "" : ", ", row->tag);
		if (last)
			str_add_text(out, "]\n");
	}
}

static void print_csv(const struct rows *rows, struct str *out)
{
	char text[DIGEST_TEXT_SIZE];
	for (size_t i = 0; i < rows->list.len; i++) {
		const struct row *row = &rows->list.items[i];
		struct digest digest = digest_from_sha256(row->sha256);
		str_addf(out, "%s@%s,", row->image, digest_format(&digest, text));
		if (row->tag)
			str_addf(out, "%s:%s\n", row->image, row->tag);
		else
			str_add_text(out, "-\n");
	}
}

/* The registry in the form that declared ones have, if it is a whole name. */
static char *canonical_text(const char *registry)
{
	char *name = NULL, *text = mem_strdup(registry);
	for (size_t len = strlen(text); len > 0 && text[len - 1] == '/'; len--)
		text[len - 1] = '\0';
	if (!registry_name_canonical(text, &name, NULL))
		return text;
	mem_free(text);
	return name;
}

bool snapshot_of_manifests(const struct declared *declared, const char *registry,
	enum snapshot_format format, struct str *out, uint64_t *ret_left_out, struct err **err)
{
	CLEANUP(rows_release)
	struct rows rows = {.names = intern_new(),
		.left_out = mem_new(declared->digests.len + 1, sizeof(bool))};
	CLEANUP(mem_freep) char *below = canonical_text(registry);
	for (size_t i = 0; i < declared->projects.len; i++)
		add_project(&rows, declared, &declared->projects.items[i], below);
	if (rows.list.len)
		qsort(rows.list.items, rows.list.len, sizeof(*rows.list.items), compare_rows);
	merge_rows(&rows);

	if (format == SNAPSHOT_YAML)
		print_yaml(&rows, out);
	else
		print_csv(&rows, out);
	str_add_char(out, '\n');
	if (str_overflowed(out))
		return err_set(
			err, ERR_TOO_LARGE, "the snapshot is larger than %zu bytes", out->max);
	*ret_left_out = 0;
	for (size_t i = 0; i < declared->digests.len; i++)
		*ret_left_out += rows.left_out[i];
	return true;
}
