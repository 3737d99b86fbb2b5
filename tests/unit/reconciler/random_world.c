#include "tests/unit/reconciler/random_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"

const char *const world_registries[WORLD_HOSTS] = {
	"gcr.io/a", WORLD_K8S("us-central1"), "c.example", "c.example/p", WORLD_K8S("asia")};
const char *const world_names[WORLD_IMAGES] = {"foo", "p/foo", "bar"};
static const char *const tags[WORLD_TAGS] = {"v1", "v2", "latest", "x.y-z"};

static uint64_t state;

unsigned world_below(unsigned limit)
{
	/* xorshift64*: the same everywhere. */
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (unsigned)((state * 0x2545F4914F6CDD1DULL >> 33) % limit);
}

bool world_chance(unsigned percent)
{
	return world_below(100) < percent;
}

void world_seed(void)
{
	const char *text = getenv("CIP_SEED");
	uint64_t number = 1;

	if (text)
		number_parse(text, UINT64_MAX, &number);
	fprintf(stderr, "CIP_SEED=%ju\n", (uintmax_t)number);
	state = number * 0x9E3779B97F4A7C15ULL + 1;
}

static void random_tags(struct str *text)
{
	bool first = true;

	str_add_text(text, "[");
	for (unsigned t = 0; t < WORLD_TAGS; t++) {
		if (!world_chance(25))
			continue;
		str_addf(text, "%s\"%s\"", first ? "" : ", ", tags[t]);
		first = false;
	}
	if (world_chance(3))
		str_addf(text, "%s\"no good\"", first ? "" : ", ");
	str_add_text(text, "]\n");
}

static void random_images(struct str *text)
{
	bool any = false;

	for (unsigned i = 0; i < WORLD_IMAGES; i++) {
		if (!world_chance(50))
			continue;
		any = true;
		str_addf(text, "- name: %s\n  dmap:\n", world_names[i]);
		/* At least one entry: an empty mapping would read as null. */
		for (unsigned d = 0; d < WORLD_DIGESTS; d++) {
			struct digest digest = model_digest(d);
			char shown[DIGEST_TEXT_SIZE];

			if (d && !world_chance(50))
				continue;
			str_addf(text, "    \"%s\": ",
				world_chance(3) ? "ha256:12" : digest_format(&digest, shown));
			random_tags(text);
		}
	}
	if (!any)
		str_add_text(text, "[]\n");
	if (world_chance(4))
		str_add_text(text, "surprise: here\n");
}

static void random_policy(struct manifest_tree *tree, const char *project)
{
	CLEANUP(mem_freep) char *path = mem_printf("policies/%s/tag-policy.yaml", project);

	if (world_chance(40))
		manifest_tree_write(tree, path,
			world_chance(5) ? "mutable: latest\n"
					: "mutable:\n- tags: [latest, 'x*']\n");
}

void world_tree(struct manifest_tree *tree, bool one_source)
{
	unsigned projects = 1 + world_below(WORLD_PROJECTS);

	manifest_tree_init(tree);
	for (unsigned p = 0; p < projects; p++) {
		CLEANUP(str_release) struct str list = STR_INIT(STR_TEXT_MAX);
		CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);
		char name[2] = {(char)('a' + p), '\0'};
		unsigned source = one_source ? WORLD_HOSTS - 2 : world_below(WORLD_HOSTS);

		str_addf(&list, "*%s", world_registries[source]);
		for (unsigned r = 0; r < WORLD_HOSTS; r++)
			if (r != source && world_chance(40))
				str_addf(&list, " %s", world_registries[r]);
		random_images(&text);
		manifest_tree_project(tree, name, str_text(&list), str_text(&text));
		random_policy(tree, name);
	}
	manifest_tree_load(tree);
}

static const char *const google[] = {"gcr.io", "us-central1-docker.pkg.dev"};

bool world_is_google(const char *repository)
{
	for (size_t i = 0; i < sizeof(google) / sizeof(google[0]); i++)
		if (strncmp(repository, google[i], strlen(google[i])) == 0)
			return true;
	return false;
}

struct registry *world_model(void)
{
	struct registry *model = model_new();

	for (size_t i = 0; i < sizeof(google) / sizeof(google[0]); i++)
		model_set_google(model, google[i]);
	for (unsigned r = 0; r < WORLD_HOSTS; r++)
		for (unsigned i = 0; i < WORLD_IMAGES; i++) {
			CLEANUP(mem_freep)
			char *name = mem_printf("%s/%s", world_registries[r], world_names[i]);

			for (unsigned d = 0; d < WORLD_DIGESTS; d++)
				if (world_chance(50))
					model_hold(model, name, d, NULL);
			for (unsigned t = 0; t < WORLD_TAGS; t++)
				if (world_chance(30))
					model_hold(model, name, world_below(WORLD_DIGESTS + 1),
						tags[t]);
		}
	return model;
}
