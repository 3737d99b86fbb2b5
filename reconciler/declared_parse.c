/*
 * From the YAML of promoter manifests to the declared state (kpromo-compat facts §2). Knows the
 * schema, and how far an error reaches: a malformed digest, tag or image name is the matter of its
 * entry, everything else makes the file invalid and quarantines its project. Knows neither where
 * the bytes come from nor other projects.
 */
#include <stdarg.h>
#include <string.h>

#include "base/enc.h"
#include "image/reference.h"
#include "reconciler/declared_private.h"
#include "reconciler/tagset.h"
#include "reconciler/yaml.h"

struct parse {
	struct declared *declared;
	struct yml *yml;
	const char *file; /* interned */
	uint32_t project;
	bool plain;
	bool invalid;
	size_t findings;
	uint32_t sources;     /* registries with src: true, usable or not */
	bool sources_unclear; /* a src that is neither true nor false */
	struct tagset tags;   /* of one digest */
};

static struct declared_project *project_of(const struct parse *p)
{
	return &p->declared->projects.items[p->project];
}

/* ---- Findings ---- */

static void parse_find(struct parse *p, enum finding_kind kind, uint32_t line, uint32_t column,
	const char *message)
{
	struct place place = {.file = p->file, .line = line, .column = column};
	const char *project = project_of(p)->name;
	if (p->findings == DECLARED_FILE_FINDINGS_MAX)
		return;
	if (kind == FINDING_INVALID_FILE)
		p->invalid = true;
	declared_find(p->declared, kind, place, project, "%s", message);
	if (++p->findings < DECLARED_FILE_FINDINGS_MAX)
		return;
	p->invalid = true;
	declared_find(p->declared, FINDING_INVALID_FILE, place, project,
		"more than %zu errors: the rest of this file is not read",
		DECLARED_FILE_FINDINGS_MAX);
	yml_stop(p->yml);
}

static void on_fault(void *ctx, uint32_t line, uint32_t column, const char *message)
{
	parse_find(ctx, FINDING_INVALID_FILE, line, column, message);
}

__attribute__((format(printf, 4, 5))) static void find_at(
	struct parse *p, enum finding_kind kind, const struct yml_node *node, const char *fmt, ...)
{
	if (yml_is_over(p->yml))
		return;
	va_list args;
	va_start(args, fmt);
	CLEANUP(mem_freep) char *message = mem_vprintf(fmt, args);
	va_end(args);
	parse_find(p, kind, node->line, node->column, message);
}

static uint16_t short_column(uint32_t column)
{
	return column < UINT16_MAX ? (uint16_t)column : UINT16_MAX;
}

static bool has_room(struct parse *p, const struct yml_node *node)
{
	if (p->declared->digests.len + p->declared->tags.len < DECLARED_ENTRIES_MAX)
		return true;
	yml_fault(p->yml, node, "more than %zu digests and tags in all: the rest is not read",
		DECLARED_ENTRIES_MAX);
	yml_stop(p->yml);
	return false;
}

/* ---- Registries ---- */

static void parse_registry_name(
	struct parse *p, const struct yml_node *value, struct declared_registry *registry)
{
	CLEANUP(err_freep) struct err *why = NULL;
	CLEANUP(mem_freep) char *name = NULL;
	if (!yml_text(p->yml, value, "name: the registry's host and path"))
		return;
	if (!registry_name_canonical(value->text, &name, &why)) {
		yml_fault(p->yml, value, "name: %s", why->msg);
		return;
	}
	registry->name = intern_text(p->declared->strings, name);
	registry->written = intern_text(p->declared->strings, value->text);
}

static void parse_registry(struct parse *p, const struct yml_node *item)
{
	static const char *const fields[] = {"name", "src", "service-account", NULL};
	struct declared_registry registry = {.line = item->line};
	struct yml_node value;
	size_t field;
	bool has_name = false;

	if (!yml_expect(p->yml, item, YML_MAPPING, "a registry (a mapping with name)"))
		return;
	while (yml_field(p->yml, fields, &field, &value)) {
		switch (field) {
		case 0:
			has_name = true;
			parse_registry_name(p, &value, &registry);
			break;
		case 1:
			if (value.kind != YML_NULL &&
				!yml_bool(
					p->yml, &value, "src: true or false", &registry.is_source))
				p->sources_unclear = true;
			break;
		default:
			if (value.kind != YML_NULL &&
				yml_text(p->yml, &value, "service-account: the name of an account"))
				registry.service_account =
					intern_text(p->declared->strings, value.text);
		}
	}
	if (!has_name)
		yml_fault(p->yml, item, "registry without a name: expected name");
	if (registry.is_source && ++p->sources > 1)
		yml_fault(p->yml, item,
			"a second registry with src: true: expected exactly one source");
	if (registry.name)
		*vec_push(&p->declared->registries) = registry;
}

/* Marks what can never receive anything, so that no edge is counted or planned twice. */
static void skip_repeated(struct parse *p)
{
	struct declared_project *project = project_of(p);
	struct declared_registry *list;
	uint32_t destinations = 0;

	if (!project->registry_count)
		return;
	list = p->declared->registries.items + project->first_registry;
	for (uint32_t i = 0; i < project->registry_count; i++) {
		struct place place = {.file = p->file, .line = list[i].line};
		if (list[i].is_source)
			continue;
		for (uint32_t j = 0; j < project->registry_count && !list[i].skipped; j++) {
			if (list[j].name != list[i].name || (!list[j].is_source && j >= i))
				continue;
			list[i].skipped = true;
			declared_find(p->declared, FINDING_WARNING, place, project->name,
				"destination %s is %s: skipped", list[i].name,
				list[j].is_source ? "the source itself" : "listed twice");
		}
		destinations += !list[i].skipped;
	}
	if (destinations == 0 && !p->invalid)
		declared_find(p->declared, FINDING_WARNING, (struct place){.file = p->file},
			project->name, "no destination registry: nothing is promoted");
}

static void parse_registries(struct parse *p, const struct yml_node *node)
{
	struct declared_project *project = project_of(p);
	struct yml_node item;
	if (node->kind != YML_NULL &&
		!yml_expect(p->yml, node, YML_SEQUENCE, "registries: a list of registries"))
		return;
	project->first_registry = (uint32_t)p->declared->registries.len;
	for (uint32_t i = 0; node->kind == YML_SEQUENCE && yml_item(p->yml, &item); i++) {
		if (i == DECLARED_REGISTRIES_MAX) {
			yml_fault(p->yml, &item, "more than %d registries: the rest is not read",
				DECLARED_REGISTRIES_MAX);
			yml_stop(p->yml);
			break;
		}
		parse_registry(p, &item);
	}

	project->registry_count = (uint32_t)p->declared->registries.len - project->first_registry;
	if (p->sources == 0 && !p->sources_unclear)
		yml_fault(p->yml, node, "no registry with src: true: expected exactly one source");
	for (uint32_t i = 0; i < project->registry_count; i++)
		if (p->declared->registries.items[project->first_registry + i].is_source)
			project->source_registry = project->first_registry + i;
	skip_repeated(p);
}

/* ---- Images ---- */

#define EXPECTED_TAG                                                                               \
	"expected 1 to 128 letters, digits, '_', '.' and '-', not beginning with '.' or '-'"

/* True if the tag may be written somewhere; otherwise it has been reported. */
static bool check_tag(struct parse *p, const struct yml_node *node)
{
	if (memchr(node->text, '\0', node->len))
		find_at(p, FINDING_MALFORMED, node,
			"tag \"%.140s\" followed by a NUL byte: " EXPECTED_TAG, node->text);
	else if (!tag_is_valid(node->text))
		find_at(p, FINDING_MALFORMED, node, "tag \"%.140s\": " EXPECTED_TAG, node->text);
	else if (tag_is_reserved(node->text))
		find_at(p, FINDING_MALFORMED, node,
			"tag \"%s\" belongs to the signatures and referrers of a digest: no "
			"manifest may claim it",
			node->text);
	else
		return true;
	return false;
}

static void parse_tag(struct parse *p, const struct yml_node *node)
{
	struct declared_tag tag = {.line = node->line, .column = short_column(node->column)};
	bool is_new = true;
	if (node->kind == YML_NULL) {
		find_at(p, FINDING_MALFORMED, node,
			"empty or null tag: expected a tag; quote it if \"null\" is meant");
		return;
	}
	if (!yml_expect(p->yml, node, YML_SCALAR, "a tag") || !has_room(p, node))
		return;

	/* Longer than any tag is long enough to show what is wrong. */
	tag.name = intern_bytes(p->declared->strings, node->text, strnlen(node->text, 200));
	tag.malformed = !check_tag(p, node);
	if (!tag.malformed)
		tagset_put(&p->tags, tag.name, &is_new);
	if (is_new)
		*vec_push(&p->declared->tags) = tag;
}

static void parse_tags(struct parse *p, struct yml_node node)
{
	struct yml_node item;
	if (node.kind == YML_NULL || !yml_expect(p->yml, &node, YML_SEQUENCE, "a list of tags"))
		return;
	tagset_clear(&p->tags);
	while (yml_item(p->yml, &item))
		parse_tag(p, &item);
}

static void parse_digest(struct parse *p, const struct yml_node *key)
{
	struct declared_digest *digest = vec_push(&p->declared->digests);
	static const char prefix[] = "sha256:";
	size_t prefix_len = sizeof(prefix) - 1;
	digest->first_tag = (uint32_t)p->declared->tags.len;
	digest->line = key->line;
	digest->column = short_column(key->column);
	if (key->len == prefix_len + 2 * DIGEST_SHA256_SIZE &&
		memcmp(key->text, prefix, prefix_len) == 0 &&
		hex_decode(key->text + prefix_len, DIGEST_SHA256_SIZE, digest->sha256))
		return;

	digest->malformed = true;
	if (memcmp(key->text, prefix, key->len < prefix_len ? key->len + 1 : prefix_len) != 0)
		find_at(p, FINDING_MALFORMED, key,
			"digest \"%.100s\" does not begin with \"sha256:\": expected that and 64 "
			"lower-case hexadecimal digits",
			key->text);
	else if (key->len - prefix_len != 2 * DIGEST_SHA256_SIZE)
		find_at(p, FINDING_MALFORMED, key,
			"digest \"%.100s\" has %zu digits: expected \"sha256:\" and 64 lower-case "
			"hexadecimal digits",
			key->text, key->len - prefix_len);
	else
		find_at(p, FINDING_MALFORMED, key,
			"digest \"%.100s\" has other characters than 0-9 and a-f: expected "
			"\"sha256:\" and 64 lower-case hexadecimal digits",
			key->text);
}

static void parse_dmap(struct parse *p, const struct yml_node *node)
{
	struct yml_node key;
	if (node->kind == YML_NULL ||
		!yml_expect(
			p->yml, node, YML_MAPPING, "dmap: a mapping from digests to lists of tags"))
		return;
	while (yml_key(p->yml, &key)) {
		if (!has_room(p, &key))
			return;
		size_t index = p->declared->digests.len;
		parse_digest(p, &key);
		parse_tags(p, yml_value(p->yml));
		struct declared_digest *digest = &p->declared->digests.items[index];
		digest->tag_count = (uint32_t)p->declared->tags.len - digest->first_tag;
	}
}

static void parse_image_name(
	struct parse *p, const struct yml_node *value, struct declared_image *image)
{
	CLEANUP(err_freep) struct err *why = NULL;
	if (value->kind == YML_NULL) {
		find_at(p, FINDING_MALFORMED, value,
			"empty image name: expected a repository path");
		return;
	}
	if (!yml_text(p->yml, value, "name: a repository path"))
		return;
	image->name = intern_bytes(p->declared->strings, value->text, strnlen(value->text, 300));
	image->malformed = !image_name_check(value->text, &why);
	if (image->malformed)
		find_at(p, FINDING_MALFORMED, value, "%s", why->msg);
}

static void parse_image(struct parse *p, const struct yml_node *item)
{
	static const char *const fields[] = {"name", "dmap", NULL};
	struct declared_image image = {.name = "",
		.malformed = true,
		.project = p->project,
		.line = item->line,
		.first_digest = (uint32_t)p->declared->digests.len};
	struct yml_node value;
	size_t field;
	bool has_name = false;

	if (!yml_expect(p->yml, item, YML_MAPPING, "an image (a mapping with name and dmap)"))
		return;
	while (yml_field(p->yml, fields, &field, &value)) {
		if (field == 0) {
			has_name = true;
			parse_image_name(p, &value, &image);
		} else {
			parse_dmap(p, &value);
		}
	}
	if (!has_name)
		find_at(p, FINDING_MALFORMED, item, "image without a name: expected name");
	image.digest_count = (uint32_t)p->declared->digests.len - image.first_digest;
	if (p->plain && image.digest_count == 0)
		find_at(p, FINDING_MALFORMED, item,
			"image without digests: expected dmap with at least one digest in a plain "
			"manifest");
	*vec_push(&p->declared->images) = image;
}

static void parse_images(struct parse *p, const struct yml_node *node)
{
	struct declared_project *project = project_of(p);
	struct yml_node item;
	if (node->kind == YML_NULL || !yml_expect(p->yml, node, YML_SEQUENCE, "a list of images"))
		return;
	project->first_image = (uint32_t)p->declared->images.len;
	while (yml_item(p->yml, &item))
		parse_image(p, &item);
	project->image_count = (uint32_t)p->declared->images.len - project->first_image;
}

/* ---- Files ---- */

static void parse_manifest(struct parse *p, const struct yml_node *root)
{
	static const char *const thin[] = {"registries", "imagesPath", NULL};
	static const char *const plain[] = {"registries", "images", NULL};
	struct yml_node value;
	size_t field;
	bool has_registries = false;
	if (root->kind != YML_NULL &&
		!yml_expect(p->yml, root, YML_MAPPING, "a mapping with registries"))
		return;
	while (root->kind == YML_MAPPING &&
		yml_field(p->yml, p->plain ? plain : thin, &field, &value)) {
		if (field == 0) {
			has_registries = true;
			parse_registries(p, &value);
		} else if (p->plain) {
			parse_images(p, &value);
		} else if (value.kind != YML_NULL) {
			/* Deprecated and without meaning for kpromo too, but still a string. */
			yml_text(p->yml, &value, "imagesPath: a path (ignored)");
		}
	}
	if (!has_registries)
		yml_fault(p->yml, root, "no registries: expected a list with at least one source");
}

void declared_parse(struct declared *declared, uint32_t project, enum declared_part part,
	const char *bytes, size_t len)
{
	const struct declared_project *of = &declared->projects.items[project];
	struct parse p = {.declared = declared,
		.project = project,
		.file = part & DECLARED_REGISTRIES ? of->manifest_file : of->images_file,
		.plain = part == DECLARED_PLAIN};
	CLEANUP(tagset_release) struct tagset tags = TAGSET_INIT;
	p.tags = tags;
	CLEANUP(yml_freep)
	struct yml *yml = yml_open(bytes, len, &(struct yml_sink){.fault = on_fault, .ctx = &p});
	p.yml = yml;

	struct yml_node root = yml_root(yml);
	if (root.kind != YML_BAD && part & DECLARED_REGISTRIES)
		parse_manifest(&p, &root);
	else if (root.kind != YML_BAD)
		parse_images(&p, &root);
	if (!yml_end(yml) || p.invalid)
		declared->projects.items[project].quarantined = true;
	tags = p.tags;
}

/* The longest text that a registry of the project puts before an image's name. */
static size_t longest_prefix(
	const struct declared *declared, const struct declared_project *project)
{
	static const struct declared_image one_component = {.name = ""};
	CLEANUP(str_release) struct str text = STR_INIT(2 * REPOSITORY_TEXT_MAX);
	size_t longest = 0;
	for (uint32_t i = 0; i < project->registry_count; i++) {
		str_clear(&text);
		declared_repository(&declared->registries.items[project->first_registry + i],
			&one_component, &text);
		longest = text.len > longest ? text.len : longest;
	}
	return longest;
}

/* An expansion over the bound is not attempted: the freeze of the prefixes protects the claims. */
static void drop_images(struct declared *declared, struct declared_project *project)
{
	declared_find(declared, FINDING_INVALID_FILE, (struct place){.file = project->images_file},
		project->name, "more than %zu repositories (images times registries) in all",
		DECLARED_REPOSITORIES_MAX);
	project->image_count = 0;
	project->quarantined = true;
}

void declared_check_project(struct declared *declared, uint32_t index, size_t *repositories)
{
	struct declared_project *project = &declared->projects.items[index];
	size_t more = (size_t)project->image_count * project->registry_count;
	if (more > DECLARED_REPOSITORIES_MAX - *repositories) {
		drop_images(declared, project);
		return;
	}
	*repositories += more;

	size_t prefix = longest_prefix(declared, project);
	for (uint32_t i = 0; i < project->image_count; i++) {
		struct declared_image *image = &declared->images.items[project->first_image + i];
		if (image->malformed || prefix + strlen(image->name) <= REPOSITORY_TEXT_MAX)
			continue;
		image->malformed = true;
		declared_find(declared, FINDING_MALFORMED,
			(struct place){.file = project->images_file, .line = image->line},
			project->name,
			"image \"%s\": with the project's longest registry its name has more than "
			"%d bytes",
			image->name, REPOSITORY_TEXT_MAX);
	}
}
