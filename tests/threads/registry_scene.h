/*
 * For the threaded programs that copy between two fake registries with one client: what most of
 * them begin with.
 */
#ifndef CIP_TESTS_THREADS_REGISTRY_SCENE_H
#define CIP_TESTS_THREADS_REGISTRY_SCENE_H

#include "tests/threads/registry_fixture.h"

struct scene {
	struct client client;
	struct fake source, other;
	struct registry_host_options hosts[2]; /* the other's, the source's */
	struct repository from;
};

static inline void scene_client_open(struct scene *scene)
{
	client_open_with(&scene->client, 2000, scene->hosts, 2, NULL);
}

/* All but the scene may be NULL. `options` are for both hosts; the source takes no pieces. */
static inline void scene_open(struct scene *scene, const char *source_option,
	const char *other_option, const char *other_faults,
	const struct registry_host_options *options)
{
	*scene = (struct scene){0};
	fake_open(&scene->source, NULL, source_option);
	fake_open(&scene->other, other_faults, other_option);
	if (options)
		scene->hosts[0] = scene->hosts[1] = *options;
	scene->hosts[0].host = scene->other.host;
	scene->hosts[1].host = scene->source.host;
	scene->hosts[1].chunked_upload = false;
	scene_client_open(scene);
	scene->from = (struct repository){.host = scene->source.host, .path = "staging/app"};
}

/* Another process, as it were: it knows nothing of the first. */
static inline void scene_restart(struct scene *scene)
{
	client_close(&scene->client);
	scene_client_open(scene);
}

static inline void scene_close(struct scene *scene)
{
	client_close(&scene->client);
	fake_close(&scene->source);
	fake_close(&scene->other);
}

static inline void forget_logs(struct scene *scene)
{
	fake_forget_log(&scene->source);
	fake_forget_log(&scene->other);
}

/* Looked at just now. */
static inline struct copy_destination destination(
	const struct fake *fake, const char *path, struct copy_tag *tags, size_t tag_count)
{
	return (struct copy_destination){
		.repository = {.host = fake->host, .path = path},
		.tags = tags,
		.tag_count = tag_count,
		.observed_ms = now_ms(),
	};
}

#endif
