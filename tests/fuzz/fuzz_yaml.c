/*
 * Manifests: whatever the bytes are, the reader ends, every refusal has a finding, and what is
 * accepted can be counted, asked and printed.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "image/reference.h"
#include "reconciler/declared_private.h"
#include "reconciler/overlap.h"
#include "reconciler/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void check_state(const struct declared *declared)
{
	for (size_t i = 0; i < declared->findings.len; i++) {
		check(declared->findings.items[i].place.file != NULL);
		check(declared->findings.items[i].message[0] != '\0');
	}
	for (size_t i = 0; i < declared->registries.len; i++) {
		CLEANUP(mem_freep) char *again = NULL;
		const char *name = declared->registries.items[i].name;
		check(registry_name_canonical(name, &again, NULL) && strcmp(name, again) == 0);
	}
	for (size_t i = 0; i < declared->images.len; i++) {
		const struct declared_image *image = &declared->images.items[i];
		check(image->malformed || image_name_check(image->name, NULL));
		check(image->first_digest + image->digest_count <= declared->digests.len);
	}
	for (size_t i = 0; i < declared->digests.len; i++) {
		const struct declared_digest *digest = &declared->digests.items[i];
		check(digest->first_tag + digest->tag_count <= declared->tags.len);
	}
	for (size_t i = 0; i < declared->tags.len; i++) {
		const struct declared_tag *tag = &declared->tags.items[i];
		check(tag->malformed || (tag_is_valid(tag->name) && !tag_is_reserved(tag->name)));
	}
}

static void print_all(const struct declared *declared)
{
	uint64_t left_out = 0;
	for (size_t i = 0; i < declared->registries.len && i < 4; i++) {
		const char *name = declared->registries.items[i].name;
		CLEANUP(str_release) struct str out = STR_INIT(STR_TEXT_MAX);
		snapshot_of_manifests(declared, name, SNAPSHOT_YAML, &out, &left_out, NULL);
		snapshot_of_manifests(declared, name, SNAPSHOT_CSV, &out, &left_out, NULL);
		declared_frozen_by(declared, name, 0);
	}
}

static void load(const uint8_t *data, size_t size, bool plain)
{
	static const char manifest[] =
		"registries: [{name: s.example, src: true}, {name: d.example},"
		" {name: us-docker.pkg.dev/k8s-artifacts-prod/images}]";
	CLEANUP(declared_freep) struct declared *declared = declared_new(NULL);
	size_t repositories = 0;
	declared_add_project(declared, "p", "m.yaml", "i.yaml");
	if (!plain)
		declared_parse(declared, 0, DECLARED_REGISTRIES, manifest, sizeof(manifest) - 1);
	declared_parse(
		declared, 0, plain ? DECLARED_PLAIN : DECLARED_IMAGES, (const char *)data, size);
	check(!declared->projects.items[0].quarantined || declared->findings.len > 0);
	declared_check_project(declared, 0, &repositories);
	check(overlap_check(declared, NULL));
	check_state(declared);
	print_all(declared);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	load(data, size, false);
	load(data, size, true);
	return 0;
}
