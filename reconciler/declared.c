/*
 * Loading and asking the declared state. Knows the order: walk the tree, parse each project's
 * files, then look for overlaps across all of them. Does not know YAML (declared_parse.c), the
 * shape of trees (declared_tree.c) or how overlaps are found (overlap.c).
 */
#include "reconciler/declared.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "reconciler/declared_private.h"
#include "reconciler/identity.h"
#include "reconciler/overlap.h"
#include "reconciler/tag_policy.h"

#define DOCKER_HUB "docker.io"

struct declared *declared_new(const struct identities *identities)
{
	struct declared *declared = mem_new(1, sizeof(*declared));
	declared->identities = identities;
	declared->strings = intern_new();
	return declared;
}

void declared_free(struct declared *declared)
{
	if (!declared)
		return;
	for (size_t i = 0; i < declared->findings.len; i++)
		mem_free(declared->findings.items[i].message);
	vec_release(&declared->findings);
	for (size_t i = 0; i < declared->projects.len; i++)
		tag_policy_free(declared->projects.items[i].policy);
	vec_release(&declared->registries);
	vec_release(&declared->projects);
	vec_release(&declared->images);
	vec_release(&declared->digests);
	vec_release(&declared->tags);
	vec_release(&declared->disputes);
	vec_release(&declared->dispute_links);
	strmap_release(&declared->disputed_repositories);
	strmap_release(&declared->disputed_tags);
	intern_free(declared->strings);
	mem_free(declared);
}

/* ---- Building ---- */

void declared_find(struct declared *declared, enum finding_kind kind, struct place place,
	const char *project, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	*vec_push(&declared->findings) = (struct finding){.kind = kind,
		.place = place,
		.project = project,
		.message = mem_vprintf(fmt, args)};
	va_end(args);
}

void declared_add_project(struct declared *declared, const char *name, const char *manifest_file,
	const char *images_file)
{
	*vec_push(&declared->projects) =
		(struct declared_project){.name = intern_text(declared->strings, name),
			.manifest_file = intern_text(declared->strings, manifest_file),
			.images_file = intern_text(declared->strings, images_file)};
}

static int compare_numbers(uint32_t a, uint32_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_findings(const void *left, const void *right)
{
	const struct finding *a = left, *b = right;
	int order = strcmp(a->place.file, b->place.file);
	if (order == 0)
		order = compare_numbers(a->place.line, b->place.line);
	if (order == 0)
		order = compare_numbers(a->place.column, b->place.column);
	if (order == 0)
		order = compare_numbers(a->kind, b->kind);
	return order ? order : strcmp(a->message, b->message);
}

/* What all loading ends with. */
static bool finish(struct declared *declared, struct err **err)
{
	size_t repositories = 0;
	for (size_t i = 0; i < declared->projects.len; i++)
		declared_check_project(declared, (uint32_t)i, &repositories);
	vec_shrink(&declared->images);
	vec_shrink(&declared->digests);
	vec_shrink(&declared->tags);
	bool checked = overlap_check(declared, err);
	if (declared->findings.len)
		qsort(declared->findings.items, declared->findings.len,
			sizeof(*declared->findings.items), compare_findings);
	return checked;
}

const char *declared_without_path(const char *message, const char *path)
{
	size_t len = strlen(path);
	return strncmp(message, path, len) == 0 && strncmp(message + len, ": ", 2) == 0
		? message + len + 2
		: message;
}

/*
 * A file that is missing or no regular file is a fault of the tree; one that cannot be read is a
 * fault of its project, unless the run is stopped.
 */
static bool read_failed(struct declared *declared, struct declared_project *project,
	const char *path, struct err *why, struct err **err)
{
	struct place place = {.file = path};
	project->quarantined = true;
	if (why->kind == ERR_CANCELLED)
		return err_set(err, ERR_CANCELLED, "%s", why->msg);
	if (why->kind == ERR_NOT_FOUND)
		declared_find(declared, FINDING_TREE, place, project->name, "missing: %s needs it",
			project->manifest_file);
	else
		declared_find(declared,
			why->kind == ERR_INVALID ? FINDING_TREE : FINDING_INVALID_FILE, place,
			project->name, "%s", declared_without_path(why->msg, path));
	return true;
}

static bool load_part(struct declared *declared, struct source *source, uint32_t index,
	enum declared_part part, struct str *buffer, struct err **err)
{
	CLEANUP(err_freep) struct err *why = NULL;
	struct declared_project *project = &declared->projects.items[index];
	const char *path =
		part == DECLARED_REGISTRIES ? project->manifest_file : project->images_file;
	str_clear(buffer);
	if (!source_read(source, path, buffer, &why))
		return read_failed(declared, project, path, why, err);
	declared_parse(declared, index, part, str_text(buffer), buffer->len);
	return true;
}

static bool load_projects(struct declared *declared, struct source *source, struct err **err)
{
	CLEANUP(str_release) struct str buffer = STR_INIT(DECLARED_FILE_MAX);
	for (uint32_t i = 0; i < declared->projects.len; i++) {
		if (!load_part(declared, source, i, DECLARED_REGISTRIES, &buffer, err) ||
			!load_part(declared, source, i, DECLARED_IMAGES, &buffer, err) ||
			!declared_load_policy(declared, i, source, err))
			return false;
	}
	return true;
}

bool declared_load_thin(struct source *source, const struct identities *identities,
	struct declared **ret_declared, struct err **err)
{
	struct declared *declared = declared_new(identities);
	*ret_declared = declared;
	bool read = declared_walk(declared, source, err) && load_projects(declared, source, err);
	bool checked = finish(declared, read ? err : NULL);
	return read && checked && declared_check_tree(declared, err);
}

/* In a function of its own, so that the text is gone before the overlaps are looked for. */
static bool load_file(
	struct declared *declared, struct source *source, const char *path, struct err **err)
{
	CLEANUP(str_release) struct str buffer = STR_INIT(DECLARED_FILE_MAX);
	if (!source_read(source, path, &buffer, err))
		return false;
	declared_parse(declared, 0, DECLARED_PLAIN, str_text(&buffer), buffer.len);
	return true;
}

bool declared_load_plain(struct source *source, const char *path,
	const struct identities *identities, struct declared **ret_declared, struct err **err)
{
	struct declared *declared = declared_new(identities);
	*ret_declared = declared;
	declared_add_project(declared, "", path, path);
	return load_file(declared, source, path, err) && finish(declared, err);
}

/* ---- Asking ---- */

void declared_count(const struct declared *declared, struct declared_counts *ret_counts)
{
	*ret_counts = declared->counts;
}

size_t declared_findings(const struct declared *declared, enum finding_kind kind)
{
	size_t count = 0;
	for (size_t i = 0; i < declared->findings.len; i++)
		count += declared->findings.items[i].kind == kind;
	return count;
}

bool declared_is_destination(const struct declared *declared,
	const struct declared_project *project, const struct declared_registry *registry)
{
	(void)declared;
	return !project->quarantined && !registry->is_source && !registry->skipped;
}

void declared_repository(const struct declared_registry *registry,
	const struct declared_image *image, struct str *out)
{
	str_add_text(out, registry->name);
	str_add_char(out, '/');
	/* The canonical form of an image directly below Docker Hub (image/reference.h). */
	if (strcmp(registry->name, DOCKER_HUB) == 0 && !strchr(image->name, '/'))
		str_add_text(out, "library/");
	str_add_text(out, image->name);
}

static const struct declared_dispute *find_dispute(
	const struct declared *declared, const char *repository, const char *tag)
{
	uintptr_t link = (uintptr_t)strmap_get(&declared->disputed_repositories, repository);
	while (link) {
		const struct declared_dispute_link *at = &declared->dispute_links.items[link - 1];
		char key[sizeof("4294967295:") + REPOSITORY_TEXT_MAX];
		snprintf(key, sizeof(key), "%u:%s", at->set, tag);
		uintptr_t dispute = (uintptr_t)strmap_get(&declared->disputed_tags, key);
		if (dispute)
			return &declared->disputes.items[dispute - 1];
		link = at->next;
	}
	return NULL;
}

const struct declared_dispute *declared_dispute(
	const struct declared *declared, const char *repository, const char *tag)
{
	if (declared->disputes.len == 0)
		return NULL;
	const struct declared_dispute *dispute = find_dispute(declared, repository, tag);
	CLEANUP(str_release) struct str identity = STR_INIT(2 * REPOSITORY_TEXT_MAX);
	if (!dispute && identity_map(declared->identities, repository, &identity))
		dispute = find_dispute(declared, str_text(&identity), tag);
	return dispute;
}

static bool is_below(const char *repository, const char *prefix)
{
	size_t len = strlen(prefix);
	return strncmp(repository, prefix, len) == 0 && repository[len] == '/';
}

/* Two names below one prefix, directly or by what the public sees of them. */
static bool is_claimed_by(const struct declared *declared, const char *repository,
	const char *identity, const char *registry)
{
	CLEANUP(str_release) struct str prefix = STR_INIT(2 * REPOSITORY_TEXT_MAX);
	if (is_below(repository, registry))
		return true;
	if (!*identity)
		return false;
	/* A registry may end where the rule does: the identity's host is then the prefix. */
	CLEANUP(mem_freep) char *inside = mem_printf("%s/x", registry);
	if (!identity_map(declared->identities, inside, &prefix))
		return is_below(identity, registry);
	prefix.bytes[prefix.len - 2] = '\0';
	return is_below(identity, str_text(&prefix));
}

const struct declared_project *declared_frozen_by(
	const struct declared *declared, const char *repository, uint32_t project)
{
	CLEANUP(str_release) struct str identity = STR_INIT(2 * REPOSITORY_TEXT_MAX);
	identity_map(declared->identities, repository, &identity);
	for (uint32_t i = 0; i < declared->projects.len; i++) {
		const struct declared_project *other = &declared->projects.items[i];
		if (!other->quarantined || i == project)
			continue;
		for (uint32_t j = 0; j < other->registry_count; j++) {
			const struct declared_registry *registry =
				&declared->registries.items[other->first_registry + j];
			if (!registry->is_source &&
				is_claimed_by(
					declared, repository, str_text(&identity), registry->name))
				return other;
		}
	}
	return NULL;
}
