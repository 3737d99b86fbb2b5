/*
 * Small random worlds for property tests: manifests of a few projects with overlaps, circles, chains, malformed
 * entries, unreadable files, tag policies and destinations under one identity; registries, plain and
 * Google's, that hold anything of it. One sequence for all, of CIP_SEED in the environment, else of 1; not
 * for threads.
 */
#ifndef CIP_TESTS_UNIT_RECONCILER_RANDOM_WORLD_H
#define CIP_TESTS_UNIT_RECONCILER_RANDOM_WORLD_H

#include "tests/unit/reconciler/model_fixture.h"

enum { WORLD_DIGESTS = 4, WORLD_TAGS = 4, WORLD_HOSTS = 5, WORLD_IMAGES = 3, WORLD_PROJECTS = 4 };

/* Regions of one identity by the rule that is built in. */
#define WORLD_K8S(region) region "-docker.pkg.dev/k8s-artifacts-prod/images"

extern const char *const world_registries[WORLD_HOSTS];
extern const char *const world_names[WORLD_IMAGES];

/* Speaks the registry of "host/path" Google's extension? */
bool world_is_google(const char *repository);

/* Prints the seed. */
void world_seed(void);
unsigned world_below(unsigned limit);
bool world_chance(unsigned percent);

/* With `one_source` all projects promote from one registry: no circles, no chains. */
void world_tree(struct manifest_tree *tree, bool one_source);
/* Sources and destinations hold a random part of what may be declared. */
struct registry *world_model(void);

#endif
