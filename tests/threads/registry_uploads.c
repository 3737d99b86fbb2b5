/*
 * How blobs get to another host, in the fewest requests that it lets us: single POSTs, mounts across
 * hosts, uploads that tell what is there already, pieces. Each counted in the access logs.
 */
#include "tests/threads/registry_scene.h"

#define LARGE_LAYER ((size_t)600000) /* not a small blob */

static struct digest push(struct scene *scene, const char *name, size_t layers, size_t size)
{
	struct digest digest = push_image(&scene->client, &scene->from, NULL, name, layers, size);
	forget_logs(scene);
	return digest;
}

/* What became of the destination, NULL if all is well. */
static struct err *copy(struct scene *scene, const struct digest *digest, const char *path)
{
	struct copy_tag tag = {.name = "v1"};
	struct copy_destination to = destination(&scene->other, path, &tag, 1);
	struct err *err = NULL;
	must(copy_group(scene->client.copier, &scene->from, digest, NULL, &to, 1, &err), &err);
	CHECK(to.err || tag.state == COPY_TAG_WRITTEN);
	return to.err;
}

static void must_copy(struct scene *scene, const struct digest *digest, const char *path)
{
	struct err *err = copy(scene, digest, path);
	must(!err, &err);
}

/* So that it is known how the host is asked, as a look does in a run. */
static void greet(struct scene *scene)
{
	const struct repository nowhere = {.host = scene->other.host, .path = "no/where"};
	struct digest found;
	CHECK(!registry_manifest_head(
		scene->client.registry, &nowhere, "none", NULL, &found, NULL));
	forget_logs(scene);
}

/* ---- Single POST ---- */

static void test_single_post_proven(void)
{
	struct scene scene;
	scene_open(&scene, NULL, "--single-post=yes", NULL, NULL);
	struct digest digest = push(&scene, "a", 3, LARGE_LAYER);
	greet(&scene);
	/* 2L + 4: the config proves it, the layers are streamed. */
	must_copy(&scene, &digest, "prod/app");
	CHECK_COUNT(&scene.source, "*", 1 + 4);
	CHECK_COUNT(&scene.other, "*", 4 + 1);
	CHECK_COUNT(&scene.other, "POST *digest=* 201 0", 4);

	struct digest next = push(&scene, "b", 2, 5000);
	must_copy(&scene, &next, "prod/app");
	CHECK_COUNT(&scene.other, "*", 3 + 1);
	scene_close(&scene);
}

/* One that only opens an upload is asked once, and that costs nothing. */
static void test_single_post_refused(void)
{
	struct scene scene;
	scene_open(&scene, NULL, "--single-post=no", NULL, NULL);
	struct digest digest = push(&scene, "a", 3, LARGE_LAYER);
	greet(&scene);
	must_copy(&scene, &digest, "prod/app");
	struct digest next = push_image(&scene.client, &scene.from, NULL, "b", 3, LARGE_LAYER);
	must_copy(&scene, &next, "prod/app");
	CHECK_COUNT(&scene.other, "*", 2 * (2 * 4 + 1));
	CHECK_COUNT(&scene.other, "POST *\\?digest=* 202 0", 1);
	scene_close(&scene);
}

/* What is no proof is no success either: the blob is sent as usual. */
static void test_single_post_polite(void)
{
	struct scene scene;
	scene_open(&scene, NULL, NULL, "POST *\\?digest=* 1+ status 201", NULL);
	struct digest digest = push(&scene, "a", 1, LARGE_LAYER);
	greet(&scene);
	must_copy(&scene, &digest, "prod/app");
	CHECK_COUNT(&scene.other, "POST *\\?digest=*", 1);
	CHECK_COUNT(&scene.other, "PUT */blobs/* 201 0", 2);
	scene_close(&scene);
}

/* Not all machines of a host do it: an upload that is opened instead is used. */
static void test_single_post_fickle(void)
{
	struct scene scene;
	scene_open(&scene, NULL, "--single-post=yes",
		"POST *\\?digest=* 2 status 202 Location: /v2/prod/app/blobs/uploads/lost", NULL);
	struct digest digest = push(&scene, "a", 3, LARGE_LAYER);
	greet(&scene);
	must_copy(&scene, &digest, "prod/app");
	CHECK_COUNT(&scene.other, "POST *\\?digest=* 201 0", 1);
	CHECK_COUNT(&scene.other, "PUT */blobs/* 201 0", 3);
	scene_close(&scene);
}

/* ---- Mounts across hosts ---- */

static void test_mounts_across(void)
{
	const struct registry_host_options options = {.cross_mounts = true};
	char family[] = "/tmp/cip-family.XXXXXX";
	struct scene scene;
	CHECK(mkdtemp(family));
	CLEANUP(mem_freep) char *option = mem_printf("--cross-mount=%s", family);
	scene_open(&scene, option, option, NULL, &options);
	struct digest digest = push(&scene, "a", 3, LARGE_LAYER);
	must_copy(&scene, &digest, "prod/app");
	CHECK_COUNT(&scene.source, "*", 1);
	CHECK_COUNT(&scene.other, "POST *mount=*&from=staging/app&origin=127.0.0.1:* 201 0", 4);
	CHECK_COUNT(&scene.other, "*", 4 + 1);
	scene_close(&scene);
	fs_remove_tree(family, NULL);
}

/* A pair of hosts that does not is asked for one image; its uploads are used, nothing is lost. */
static void test_mounts_across_refused(const char *faults, size_t asked)
{
	const struct registry_host_options options = {.cross_mounts = true};
	struct scene scene;
	scene_open(&scene, NULL, NULL, faults, &options);
	struct digest first = push_image(&scene.client, &scene.from, NULL, "a", 3, LARGE_LAYER);
	struct digest next = push(&scene, "b", 3, LARGE_LAYER);
	must_copy(&scene, &first, "prod/app");
	CHECK_COUNT(&scene.other, "*", (faults ? asked : 0) + 2 * 4 + 1);
	must_copy(&scene, &next, "prod/app");
	CHECK_COUNT(&scene.other, "POST *origin=*", asked);
	CHECK_COUNT(&scene.other, "*", (faults ? asked : 0) + 2 * (2 * 4 + 1));
	CHECK_COUNT(&scene.source, "*", 2 * (4 + 1));
	scene_close(&scene);
}

/* ---- What is there already ---- */

/* A run ends somewhere between the blobs; the next one sends what is missing, and no more. */
static void test_resume(void)
{
	struct scene scene;
	scene_open(&scene, NULL, NULL, "PUT */blobs/* 3+ status 403", NULL);
	struct digest digest = push(&scene, "a", 5, LARGE_LAYER);
	struct err *err = copy(&scene, &digest, "prod/app");
	CHECK(err_is(err, ERR_AUTH));
	err_free(err);
	CHECK_COUNT(&scene.other, "PUT */blobs/* 201 0", 2);

	fake_set_faults(&scene.other, "");
	scene_restart(&scene);
	forget_logs(&scene);
	must_copy(&scene, &digest, "prod/app");
	CHECK_COUNT(&scene.source, "GET */blobs/*", 4);
	CHECK_COUNT(&scene.other, "POST *mount=*&from=prod/app 201 0", 2);
	CHECK_COUNT(&scene.other, "PUT */blobs/* 201 0", 4);
	CHECK_COUNT(&scene.other, "*", 6 + 4 + 1);
	scene_close(&scene);
}

/* A host that is not willing to be asked that way is asked once. */
static void test_looks_refused(void)
{
	struct scene scene;
	scene_open(&scene, NULL, NULL, "POST *mount=* 1+ status 404", NULL);
	struct digest digest = push(&scene, "a", 3, LARGE_LAYER);
	must_copy(&scene, &digest, "prod/app");
	struct digest next = push_image(&scene.client, &scene.from, NULL, "b", 3, LARGE_LAYER);
	must_copy(&scene, &next, "prod/app");
	CHECK_COUNT(&scene.other, "POST *mount=*", 1);
	CHECK_COUNT(&scene.other, "*", 1 + 2 * (2 * 4 + 1));
	scene_close(&scene);
}

/* ---- Pieces ---- */

#define PIECE 200000 /* three of a large layer */

static void test_pieces_configured(void)
{
	const struct registry_host_options options = {.chunked_upload = true, .chunk_bytes = PIECE};
	struct scene scene;
	scene_open(&scene, NULL, "--chunked-only", NULL, &options);
	struct digest digest = push(&scene, "a", 2, LARGE_LAYER);
	must_copy(&scene, &digest, "prod/app");
	/* A POST, the pieces and a PUT for each. */
	CHECK_COUNT(&scene.other, "PATCH * 202 0", 1 + 2 * 3);
	CHECK_COUNT(&scene.other, "*", 7 + 3 * 2 + 1);
	CHECK_COUNT(&scene.source, "*", 1 + 3);
	scene_close(&scene);
}

/* A host that refuses a whole blob gets pieces from then on, as long as it asks for. */
static void test_pieces_learned(void)
{
	const struct registry_host_options options = {.chunk_bytes = 1000};
	struct scene scene;
	scene_open(&scene, NULL, "--chunked-only", NULL, &options);
	struct digest digest = push(&scene, "a", 2, LARGE_LAYER);
	must_copy(&scene, &digest, "prod/app");
	CHECK_COUNT(&scene.other, "PUT */blobs/* 413 *", 1);
	struct digest next = push_image(&scene.client, &scene.from, NULL, "b", 1, 2500);
	forget_logs(&scene);
	must_copy(&scene, &next, "prod/app");
	CHECK_COUNT(&scene.other, "PATCH * 202 0", 1 + 3);
	CHECK_COUNT(&scene.other, "PUT */blobs/* 413 *", 0);
	scene_close(&scene);
}

static void test_pieces_minimum(void)
{
	const struct registry_host_options options = {.chunked_upload = true, .chunk_bytes = 1000};
	struct scene scene;
	scene_open(&scene, NULL, "--chunk-min=300000", NULL, &options);
	struct digest digest = push(&scene, "a", 1, LARGE_LAYER);
	must_copy(&scene, &digest, "prod/app");
	CHECK_COUNT(&scene.other, "PATCH * 202 0", 1 + 2);
	scene_close(&scene);

	scene_open(&scene, NULL, "--chunk-min=20000000", NULL, &options);
	digest = push(&scene, "a", 1, (size_t)17 << 20);
	struct err *err = copy(&scene, &digest, "prod/app");
	CHECK(err_is(err, ERR_UNSUPPORTED));
	err_free(err);
	scene_close(&scene);
}

/* A piece that breaks off goes on where the registry says it is: no byte twice, no new upload. */
static void test_pieces_resumed(void)
{
	const struct registry_host_options options = {.chunked_upload = true, .chunk_bytes = PIECE};
	struct scene scene;
	scene_open(&scene, NULL, "--cut-patch=3", NULL, &options);
	struct digest digest = push(&scene, "a", 1, LARGE_LAYER);
	must_copy(&scene, &digest, "prod/app");
	CHECK_COUNT(&scene.other, "GET */uploads/* 204 0", 1);
	CHECK_COUNT(&scene.other, "PATCH *", 1 + 4);
	CHECK_COUNT(&scene.other, "POST *", 2);
	CHECK_COUNT(&scene.source, "GET */blobs/*", 2);
	scene_close(&scene);
}

/* Damaged bytes are never completed, and the upload they went to is cancelled. */
static void test_pieces_damaged(void)
{
	const struct registry_host_options options = {.chunked_upload = true, .chunk_bytes = PIECE};
	struct scene scene;
	scene_open(&scene, NULL, NULL, NULL, &options);
	struct digest digest = push(&scene, "a", 1, LARGE_LAYER);
	fake_set_faults(&scene.source, "GET */blobs/* 2+ flip-bit\n");
	struct err *err = copy(&scene, &digest, "prod/app");
	CHECK(err_is(err, ERR_DIGEST));
	err_free(err);
	CHECK_COUNT(&scene.other, "PUT */blobs/*", 1);
	CHECK_COUNT(&scene.other, "PUT */manifests/*", 0);
	CHECK_COUNT(&scene.other, "DELETE */uploads/* 204 0", 1);
	scene_close(&scene);
}

int main(void)
{
	test_single_post_proven();
	test_single_post_refused();
	test_single_post_polite();
	test_single_post_fickle();
	test_mounts_across();
	test_mounts_across_refused(NULL, 4);
	test_mounts_across_refused("POST *origin=* 1+ status 404", 4);
	test_resume();
	test_looks_refused();
	test_pieces_configured();
	test_pieces_learned();
	test_pieces_minimum();
	test_pieces_resumed();
	test_pieces_damaged();
	return 0;
}
