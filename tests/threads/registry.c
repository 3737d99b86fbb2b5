/*
 * Copying between fake registries: the requests it takes, read from their access logs, and many
 * groups at once. What goes wrong on the way is in registry_faults.c.
 */
#include <pthread.h>

#include "tests/threads/registry_scene.h"

#define LAYER_SIZE 5000
#define LARGE_LAYER ((size_t)3 << 20) /* several times what a channel holds */

/* Copies from the scene's source; everything must arrive. */
static void copy(struct scene *scene, const struct digest *digest, struct http_tally *tally,
	struct copy_destination *destinations, size_t count)
{
	struct err *err = NULL;
	must(copy_group(
		     scene->client.copier, &scene->from, digest, tally, destinations, count, &err),
		&err);
	for (size_t i = 0; i < count; i++)
		must(!destinations[i].err, &destinations[i].err);
}

static void expect_tag(struct scene *scene, const struct copy_destination *to, const char *tag,
	const struct digest *digest)
{
	struct digest found;
	struct err *err = NULL;
	must(registry_manifest_head(
		     scene->client.registry, &to->repository, tag, NULL, &found, &err),
		&err);
	CHECK(digest_equal(&found, digest));
}

/* ---- Floors of single copies ---- */

static void test_single_same_host(void)
{
	struct scene scene;
	struct copy_tag tags[] = {{.name = "v1"}, {.name = "latest"}};
	scene_open(&scene, NULL, NULL, NULL, NULL);
	struct digest digest = push_image(&scene.client, &scene.from, NULL, "a", 3, LAYER_SIZE);
	forget_logs(&scene);

	struct http_tally tally = {0};
	struct copy_destination to = destination(&scene.source, "prod/app", tags, 1);
	copy(&scene, &digest, &tally, &to, 1);
	CHECK(tags[0].state == COPY_TAG_WRITTEN && tags[0].written_unix_ms > 0);
	CHECK(tally.requests == 1 && to.tally.requests == 5);
	CHECK_COUNT(&scene.source, "*", 3 + 3);
	CHECK_COUNT(&scene.source, "POST *mount=*from=staging/app 201 0", 4);
	expect_tag(&scene, &to, "v1", &digest);

	/* One more tag on what is there already: its document and one PUT. */
	forget_logs(&scene);
	to = destination(&scene.source, "prod/app", tags + 1, 1);
	to.has_manifest = true;
	copy(&scene, &digest, NULL, &to, 1);
	CHECK_COUNT(&scene.source, "*", 2);
	expect_tag(&scene, &to, "latest", &digest);
	scene_close(&scene);
}

/* An image with S layers more under the tag of a signature: d + (S + 3), on one host. */
static void test_signature_beside(void)
{
	struct scene scene;
	char text[DIGEST_TEXT_SIZE];
	scene_open(&scene, NULL, NULL, NULL, NULL);
	struct digest digest = push_image(&scene.client, &scene.from, NULL, "a", 3, LAYER_SIZE);
	digest_format(&digest, text);
	*strchr(text, ':') = '-';
	CLEANUP(mem_freep) char *name = mem_printf("%s.sig", text);
	struct digest signature = push_image(&scene.client, &scene.from, name, "sig", 2, 300);
	struct copy_tag tags[] = {{.name = "v1"}, {.name = name}};
	forget_logs(&scene);

	struct copy_destination to = destination(&scene.source, "prod/app", &tags[0], 1);
	copy(&scene, &digest, NULL, &to, 1);
	CHECK_COUNT(&scene.source, "*", 3 + 3);
	to = destination(&scene.source, "prod/app", &tags[1], 1);
	to.has_images = true;
	copy(&scene, &signature, NULL, &to, 1);
	CHECK_COUNT(&scene.source, "*", (3 + 3) + (2 + 3));
	expect_tag(&scene, &to, name, &signature);
	scene_close(&scene);
}

static void test_single_other_host(void)
{
	struct scene scene;
	struct copy_tag tag = {.name = "v1"};
	scene_open(&scene, NULL, NULL, NULL, NULL);
	struct digest digest = push_image(&scene.client, &scene.from, NULL, "a", 3, LARGE_LAYER);
	forget_logs(&scene);

	struct http_tally tally = {0};
	struct copy_destination to = destination(&scene.other, "prod/app", &tag, 1);
	copy(&scene, &digest, &tally, &to, 1);
	CHECK_COUNT(&scene.source, "*", 5);
	CHECK_COUNT(&scene.other, "*", 9);
	CHECK(tally.requests == 5 && to.tally.requests == 9);
	CHECK(tally.bytes_received > 3 * LARGE_LAYER && to.tally.bytes_sent > 3 * LARGE_LAYER);
	expect_tag(&scene, &to, "v1", &digest);
	scene_close(&scene);
}

static void test_without_tags(void)
{
	struct scene scene;
	char text[DIGEST_TEXT_SIZE];
	scene_open(&scene, NULL, "--relative-location", NULL, NULL);
	struct digest digest = push_image(&scene.client, &scene.from, NULL, "a", 1, LAYER_SIZE);
	struct copy_destination to = destination(&scene.other, "prod/app", NULL, 0);
	copy(&scene, &digest, NULL, &to, 1);
	CHECK_COUNT(&scene.other, "*", 5);
	expect_tag(&scene, &to, digest_format(&digest, text), &digest);
	scene_close(&scene);
}

/* ---- Indexes ---- */

/* Two images that share a layer's bytes, an index over them, an index over that and one image. */
static struct digest push_nested(struct scene *scene)
{
	struct digest children[2], tops[2];
	children[0] = push_image(&scene->client, &scene->from, NULL, "x", 2, LAYER_SIZE);
	children[1] = push_image(&scene->client, &scene->from, NULL, "y", 2, LAYER_SIZE);
	tops[0] = push_index(&scene->client, &scene->from, NULL, children, 2);
	tops[1] = children[0];
	return push_index(&scene->client, &scene->from, NULL, tops, 2);
}

static void test_index_same_host(void)
{
	struct scene scene;
	struct copy_tag tag = {.name = "v1"};
	struct digest children[2];
	scene_open(&scene, NULL, NULL, NULL, NULL);
	children[0] = push_image(&scene.client, &scene.from, NULL, "x", 2, LAYER_SIZE);
	children[1] = push_image(&scene.client, &scene.from, NULL, "y", 2, LAYER_SIZE);
	struct digest digest = push_index(&scene.client, &scene.from, NULL, children, 2);
	forget_logs(&scene);

	/* 2 + 2N + U with N = 2 children and U = 6 blobs. */
	struct copy_destination to = destination(&scene.source, "prod/app", &tag, 1);
	copy(&scene, &digest, NULL, &to, 1);
	CHECK_COUNT(&scene.source, "*", 12);
	expect_tag(&scene, &to, "v1", &digest);
	scene_close(&scene);
}

static void test_nested_index_other_host(void)
{
	struct scene scene;
	struct copy_tag tag = {.name = "v1"};
	scene_open(&scene, NULL, NULL, NULL, NULL);
	struct digest digest = push_nested(&scene);
	forget_logs(&scene);

	/* Two indexes, two images, six blobs. */
	struct copy_destination to = destination(&scene.other, "prod/app", &tag, 1);
	copy(&scene, &digest, NULL, &to, 1);
	CHECK_COUNT(&scene.source, "*", 4 + 6);
	CHECK_COUNT(&scene.other, "*", 2 * 6 + 4);
	expect_tag(&scene, &to, "v1", &digest);

	/* The children are known to be there now: another index over them costs nothing for them. */
	struct copy_tag tag2 = {.name = "v2"};
	struct document document;
	struct err *err = NULL;
	must(registry_manifest_get(
		     scene.client.registry, &scene.from, &digest, NULL, &document, &err),
		&err);
	document_release(&document);
	struct digest child = push_image(&scene.client, &scene.from, NULL, "x", 2, LAYER_SIZE);
	struct digest again = push_index(&scene.client, &scene.from, NULL, &child, 1);
	forget_logs(&scene);
	to = destination(&scene.other, "prod/app", &tag2, 1);
	copy(&scene, &again, NULL, &to, 1);
	CHECK_COUNT(&scene.source, "*", 1);
	CHECK_COUNT(&scene.other, "*", 1);
	scene_close(&scene);
}

/* ---- Several destinations ---- */

static void test_two_destinations_of_one_host(void)
{
	struct scene scene;
	struct copy_tag tags[] = {{.name = "v1"}, {.name = "v1"}};
	scene_open(&scene, NULL, NULL, NULL, NULL);
	struct digest digest = push_image(&scene.client, &scene.from, NULL, "a", 2, LAYER_SIZE);
	forget_logs(&scene);

	struct copy_destination to[] = {
		destination(&scene.other, "eu/app", &tags[0], 1),
		destination(&scene.other, "us/app", &tags[1], 1),
	};
	copy(&scene, &digest, NULL, to, 2);
	CHECK_COUNT(&scene.source, "*", 4);
	CHECK_COUNT(&scene.other, "PUT */blobs/*", 3);
	CHECK_COUNT(&scene.other, "POST *mount=*&from=?s/app 201 0", 0);
	CHECK_COUNT(&scene.other, "POST *mount=*&from=eu/app 201 0", 3);
	CHECK_COUNT(&scene.other, "*", 3 * 2 + 3 + 2);
	expect_tag(&scene, &to[1], "v1", &digest);
	scene_close(&scene);
}

#define MIRRORS 4

static void test_fan_out(void)
{
	struct scene scene;
	struct fake mirrors[MIRRORS];
	struct copy_tag tags[MIRRORS] = {{0}};
	struct copy_destination to[MIRRORS];
	scene_open(&scene, NULL, NULL, NULL, NULL);
	struct digest digest = push_image(&scene.client, &scene.from, NULL, "a", 2, LARGE_LAYER);
	forget_logs(&scene);
	for (size_t i = 0; i < MIRRORS; i++) {
		fake_open(&mirrors[i], NULL, NULL);
		tags[i].name = "v1";
		to[i] = destination(&mirrors[i], "prod/app", &tags[i], 1);
	}
	copy(&scene, &digest, NULL, to, MIRRORS);
	CHECK_COUNT(&scene.source, "*", 1 + 3);
	for (size_t i = 0; i < MIRRORS; i++) {
		CHECK_COUNT(&mirrors[i], "*", 7);
		expect_tag(&scene, &to[i], "v1", &digest);
		fake_close(&mirrors[i]);
	}
	scene_close(&scene);
}

/* A host that refuses mounts: the upload it opened instead is used. */
static void test_refused_mounts(void)
{
	struct scene scene;
	struct copy_tag tag = {.name = "v1"};
	scene_open(&scene, "--no-mount", NULL, NULL, NULL);
	struct digest digest = push_image(&scene.client, &scene.from, NULL, "a", 2, LAYER_SIZE);
	forget_logs(&scene);
	struct copy_destination to = destination(&scene.source, "prod/app", &tag, 1);
	copy(&scene, &digest, NULL, &to, 1);
	CHECK_COUNT(&scene.source, "POST *mount=* 202 0", 3);
	CHECK_COUNT(&scene.source, "POST *", 3);
	CHECK_COUNT(&scene.source, "PUT */blobs/* 201 0", 3);
	CHECK_COUNT(&scene.source, "*", 1 + 3 * 3 + 1);
	expect_tag(&scene, &to, "v1", &digest);
	scene_close(&scene);
}

/* ---- Many at once ---- */

#define GROUPS 12

struct job {
	struct scene *scene;
	struct digest digest;
	struct copy_tag tags[2];
	struct copy_destination to[2];
	bool ok;
};

static void *run_job(void *arg)
{
	struct job *job = arg;
	job->ok = copy_group(
		job->scene->client.copier, &job->scene->from, &job->digest, NULL, job->to, 2, NULL);
	return NULL;
}

/* Images with their own config and a common base of layers, all at the same moment. */
static void test_concurrent_groups_share_layers(void)
{
	struct scene scene;
	struct job jobs[GROUPS];
	pthread_t threads[GROUPS];
	char names[GROUPS][8];
	scene_open(&scene, NULL, NULL, NULL, NULL);
	for (size_t i = 0; i < GROUPS; i++) {
		struct digest children[2];
		snprintf(names[i], sizeof(names[i]), "v%zu", i);
		children[0] = push_image(&scene.client, &scene.from, NULL, "base", 3, LAYER_SIZE);
		children[1] = push_image(&scene.client, &scene.from, NULL, names[i], 1, LAYER_SIZE);
		jobs[i].scene = &scene;
		jobs[i].digest = push_index(&scene.client, &scene.from, NULL, children, 2);
	}
	forget_logs(&scene);
	for (size_t i = 0; i < GROUPS; i++) {
		for (size_t d = 0; d < 2; d++)
			jobs[i].tags[d] = (struct copy_tag){.name = names[i]};
		jobs[i].to[0] = destination(&scene.other, "prod/app", &jobs[i].tags[0], 1);
		jobs[i].to[1] = destination(&scene.source, "prod/app", &jobs[i].tags[1], 1);
		CHECK(pthread_create(&threads[i], NULL, run_job, &jobs[i]) == 0);
	}
	for (size_t i = 0; i < GROUPS; i++) {
		pthread_join(threads[i], NULL);
		CHECK(jobs[i].ok);
		for (size_t d = 0; d < 2; d++) {
			must(!jobs[i].to[d].err, &jobs[i].to[d].err);
			expect_tag(&scene, &jobs[i].to[d], names[i], &jobs[i].digest);
		}
	}
	/* Four blobs and one manifest in common, two blobs and two manifests of each group's own. */
	CHECK_COUNT(&scene.other, "PUT */blobs/* 201 0", 4 + 2 * GROUPS);
	CHECK_COUNT(&scene.source, "POST *mount=* 201 0", 4 + 2 * GROUPS);
	CHECK_COUNT(&scene.other, "PUT */manifests/* 201 0", 1 + 2 * GROUPS);
	CHECK_COUNT(&scene.source, "GET */blobs/*", 4 + 2 * GROUPS);
	scene_close(&scene);
}

/* ---- Tags ---- */

static void test_stale_looks(void)
{
	struct scene scene;
	scene_open(&scene, NULL, NULL, NULL, NULL);
	struct digest digest = push_image(&scene.client, &scene.from, NULL, "a", 1, LAYER_SIZE);
	struct repository there = {.host = scene.source.host, .path = "prod/app"};
	struct digest old = push_image(&scene.client, &there, "moved", "old", 1, LAYER_SIZE);
	struct copy_tag tags[] = {{.name = "absent"}, {.name = "moved"}, {.name = "present"}};
	struct copy_destination to = destination(&scene.source, "prod/app", tags, 1);
	copy(&scene, &digest, NULL, &to, 1);
	to.has_manifest = true;
	tags[2].state = COPY_TAG_PENDING;
	to.tags = tags + 2;
	copy(&scene, &digest, NULL, &to, 1);

	forget_logs(&scene);
	tags[0] = (struct copy_tag){.name = "absent2"};
	tags[2].state = COPY_TAG_PENDING;
	to = destination(&scene.source, "prod/app", tags, 3);
	to.has_manifest = true;
	to.observed_ms = now_ms() - 60001;
	CHECK(copy_group(scene.client.copier, &scene.from, &digest, NULL, &to, 1, NULL));
	CHECK(err_is(to.err, ERR_CONFLICT));
	err_free(to.err);
	CHECK(tags[0].state == COPY_TAG_WRITTEN && tags[1].state == COPY_TAG_MOVED &&
		tags[2].state == COPY_TAG_IN_PLACE);
	CHECK_COUNT(&scene.source, "HEAD *", 3);
	CHECK_COUNT(&scene.source, "PUT *", 1);
	expect_tag(&scene, &to, "moved", &old);
	scene_close(&scene);
}

static void test_lost(void)
{
	struct scene scene;
	struct copy_tag tag = {.name = "v1"};
	struct err *err = NULL;
	scene_open(&scene, NULL, NULL, NULL, NULL);
	struct digest digest = digest_of(DIGEST_SHA256, "nothing", 7);
	struct copy_destination to = destination(&scene.other, "prod/app", &tag, 1);
	CHECK(!copy_group(scene.client.copier, &scene.from, &digest, NULL, &to, 1, &err));
	CHECK(err_is(err, ERR_NOT_FOUND) && err->http == 404);
	CHECK(!to.err && tag.state == COPY_TAG_PENDING);
	CHECK_COUNT(&scene.other, "*", 0);
	err_free(err);
	scene_close(&scene);
}

static void test_cancelled(void)
{
	struct scene scene;
	struct copy_tag tag = {.name = "v1"};
	struct err *err = NULL;
	scene_open(&scene, NULL, NULL, NULL, NULL);
	struct digest digest = push_image(&scene.client, &scene.from, NULL, "a", 1, LAYER_SIZE);
	struct copy_destination to = destination(&scene.other, "prod/app", &tag, 1);
	cancel_raise(scene.client.cancel, CANCEL_NOW);
	CHECK(!copy_group(scene.client.copier, &scene.from, &digest, NULL, &to, 1, &err));
	CHECK(err_is(err, ERR_CANCELLED));
	err_free(err);
	scene_close(&scene);
}

int main(void)
{
	test_single_same_host();
	test_signature_beside();
	test_single_other_host();
	test_without_tags();
	test_index_same_host();
	test_nested_index_other_host();
	test_two_destinations_of_one_host();
	test_fan_out();
	test_refused_mounts();
	test_concurrent_groups_share_layers();
	test_stale_looks();
	test_lost();
	test_cancelled();
	return 0;
}
