/*
 * Destinations that keep others waiting are left behind and finish by themselves; two threads that
 * bring one blob to one host upload it once.
 */
#include <pthread.h>

#include "tests/threads/registry_fixture.h"

#define MIRRORS 3
/* More than the channel and the sockets of a connection hold. */
#define HUGE_LAYER ((size_t)16 << 20)
/* Far away: only patience, a second, ends before. */
#define DEADLINE_MS 20000

struct scene {
	struct client client;
	struct fake source, mirrors[MIRRORS];
	struct repository from;
	struct copy_tag tags[MIRRORS];
	struct copy_destination to[MIRRORS];
	struct digest digest;
};

/* The first mirror has the faults. */
static void scene_open(struct scene *scene, const char *faults, size_t layer_size)
{
	const struct copy_limits limits = {.slow_destination_ms = 1000};
	*scene = (struct scene){0};
	client_open_with(&scene->client, DEADLINE_MS, NULL, 0, &limits);
	fake_open(&scene->source, NULL, NULL);
	scene->from = (struct repository){.host = scene->source.host, .path = "staging/app"};
	scene->digest = push_image(&scene->client, &scene->from, NULL, "a", 1, layer_size);
	fake_forget_log(&scene->source);
	for (size_t i = 0; i < MIRRORS; i++) {
		fake_open(&scene->mirrors[i], i == 0 ? faults : NULL, NULL);
		scene->tags[i] = (struct copy_tag){.name = "v1"};
		scene->to[i] = (struct copy_destination){
			.repository = {.host = scene->mirrors[i].host, .path = "prod/app"},
			.tags = &scene->tags[i],
			.tag_count = 1,
			.observed_ms = now_ms(),
		};
	}
}

static void scene_close(struct scene *scene)
{
	client_close(&scene->client);
	fake_close(&scene->source);
	for (size_t i = 0; i < MIRRORS; i++)
		fake_close(&scene->mirrors[i]);
}

/* The two good mirrors get theirs, each blob once, without waiting for the first. */
static void copy(struct scene *scene)
{
	struct err *err = NULL;
	int64_t begin = clock_unix_ms(&clock_system);
	must(copy_group(scene->client.copier, &scene->from, &scene->digest, NULL, scene->to,
		     MIRRORS, &err),
		&err);
	for (size_t i = 1; i < MIRRORS; i++) {
		must(!scene->to[i].err, &scene->to[i].err);
		CHECK(scene->tags[i].state == COPY_TAG_WRITTEN);
		CHECK(scene->tags[i].written_unix_ms - begin < DEADLINE_MS);
		CHECK_COUNT(&scene->mirrors[i], "PUT */blobs/* 201 0", 2);
	}
}

/* The source was read that often; a loaded machine may leave another one behind as well. */
static void expect_reads(const struct scene *scene, size_t wanted)
{
	size_t reads = fake_count(&scene->source, "GET */blobs/*");
	if (reads < wanted || reads > wanted + 2)
		CHECK_COUNT(&scene->source, "GET */blobs/*", wanted);
	CHECK_COUNT(&scene->source, "GET */manifests/*", 1);
}

/* One stops reading: it reads the blob once more for itself, and what it had is not sent again. */
static void test_stalled(void)
{
	struct scene scene;
	scene_open(&scene, "PUT */blobs/* 2 slow-read 0", HUGE_LAYER);
	copy(&scene);
	must(!scene.to[0].err, &scene.to[0].err);
	CHECK(scene.tags[0].state == COPY_TAG_WRITTEN);
	expect_reads(&scene, 2 + 1);
	CHECK_COUNT(&scene.mirrors[0], "PUT */blobs/* 201 0", 2);
	scene_close(&scene);
}

/* One reads on, far too slowly for the others; alone it has all the time. */
static void test_trickle(void)
{
	struct scene scene;
	scene_open(&scene, "PUT */blobs/* 2+ slow-read 50000", HUGE_LAYER);
	copy(&scene);
	must(!scene.to[0].err, &scene.to[0].err);
	expect_reads(&scene, 2 + 1);
	CHECK_COUNT(&scene.mirrors[0], "PUT */blobs/* 201 0", 2);
	scene_close(&scene);
}

/* One does not answer: to a small blob, to the opening of an upload, to a tag. */
static void test_silent(void)
{
	static const char *const rules[] = {"PUT */blobs/* 1 stall", "PUT */blobs/* 2 stall",
		"POST * 2 stall", "PUT */manifests/* 1 stall"};
	/* What it has got by then is not read again. */
	static const size_t reads[] = {2 + 2, 2 + 1, 2 + 2, 2};
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct scene scene;
		scene_open(&scene, rules[i], 600000);
		copy(&scene);
		must(!scene.to[0].err, &scene.to[0].err);
		CHECK(scene.tags[0].state == COPY_TAG_WRITTEN);
		CHECK_COUNT(&scene.mirrors[0], "PUT */blobs/* 201 0", 2);
		expect_reads(&scene, reads[i]);
		scene_close(&scene);
	}
}

/* One is gone, one fails for good: each fails alone. */
static void test_dead(void)
{
	struct scene scene;
	scene_open(&scene, NULL, 600000);
	spawn_stop(&scene.mirrors[0].child, 0, &(int){0});
	copy(&scene);
	CHECK(err_is(scene.to[0].err, ERR_TRANSIENT));
	expect_reads(&scene, 2);
	err_free(scene.to[0].err);
	scene_close(&scene);

	scene_open(&scene, "PUT */blobs/* 1+ status 503", 600000);
	copy(&scene);
	CHECK(err_is(scene.to[0].err, ERR_TRANSIENT));
	err_free(scene.to[0].err);
	scene_close(&scene);
}

/* ---- Two threads, one host ---- */

#define THREADS 4

struct job {
	struct client *client;
	const struct repository *from;
	const struct digest *digest;
	struct copy_tag tag;
	struct copy_destination to;
};

static void *run_job(void *arg)
{
	struct job *job = arg;
	struct err *err = NULL;
	must(copy_group(job->client->copier, job->from, job->digest, NULL, &job->to, 1, &err),
		&err);
	must(!job->to.err, &job->to.err);
	return NULL;
}

static void test_one_upload_a_host(const char *option, size_t uploads)
{
	static const char *const paths[THREADS] = {"a/app", "b/app", "c/app", "d/app"};
	struct client client;
	struct fake source, other;
	struct job jobs[THREADS];
	pthread_t threads[THREADS];
	client_open(&client);
	fake_open(&source, NULL, NULL);
	fake_open(&other, NULL, option);
	const struct repository from = {.host = source.host, .path = "staging/app"};
	struct digest digest = push_image(&client, &from, NULL, "a", 5, 300000);
	fake_forget_log(&source);
	for (size_t i = 0; i < THREADS; i++) {
		jobs[i] = (struct job){.client = &client, .from = &from, .digest = &digest};
		jobs[i].tag.name = "v1";
		jobs[i].to = (struct copy_destination){
			.repository = {.host = other.host, .path = paths[i]},
			.tags = &jobs[i].tag,
			.tag_count = 1,
			.observed_ms = now_ms(),
		};
		CHECK(pthread_create(&threads[i], NULL, run_job, &jobs[i]) == 0);
	}
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CHECK_COUNT(&other, "PUT */blobs/* 201 0", uploads);
	CHECK_COUNT(&other, "POST *mount=* 201 0", THREADS * 6 - uploads);
	CHECK_COUNT(&source, "GET */blobs/*", uploads);
	fake_close(&source);
	fake_close(&other);
	client_close(&client);
}

int main(void)
{
	test_stalled();
	test_trickle();
	test_silent();
	test_dead();
	for (int i = 0; i < 5; i++)
		test_one_upload_a_host(NULL, 6);
	/* One that does not mount gets every upload. */
	test_one_upload_a_host("--no-mount", THREADS * 6);
	return 0;
}
