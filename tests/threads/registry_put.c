/*
 * Writing tags: several in one PUT where the registry takes that, nothing asked in vain where it
 * does not, looks before and after, and what a registry says it stored.
 */
#include "tests/threads/registry_fixture.h"

#define TAGS_MAX 60

struct scene {
	struct client client;
	struct fake fake;
	struct repository from;
	struct copy_tag tags[TAGS_MAX];
	char names[TAGS_MAX][24];
	const struct digest *moves_from; /* of all tags; NULL: they are to be new */
	struct digest digest;		 /* of the last image */
	unsigned images;
};

static void scene_open(struct scene *scene, const char *faults, const char *options)
{
	*scene = (struct scene){0};
	client_open(&scene->client);
	fake_open(&scene->fake, faults, options);
	scene->from = (struct repository){.host = scene->fake.host, .path = "staging/app"};
}

static void scene_close(struct scene *scene)
{
	client_close(&scene->client);
	fake_close(&scene->fake);
}

/* A new image under t0, t1, ... of a repository of its own; the log has only the copy. */
static struct copy_destination copy(struct scene *scene, size_t tags, int64_t age_ms)
{
	char name[32];
	struct err *err = NULL;
	snprintf(name, sizeof(name), "image %u", scene->images++);
	scene->digest = push_image(&scene->client, &scene->from, NULL, name, 1, 100);
	fake_forget_log(&scene->fake);
	for (size_t i = 0; i < tags; i++) {
		snprintf(scene->names[i], sizeof(scene->names[i]), "t%zu", i);
		scene->tags[i] =
			(struct copy_tag){.name = scene->names[i], .moves_from = scene->moves_from};
	}
	struct copy_destination to = {
		.repository = {.host = scene->fake.host, .path = "prod/app"},
		.tags = scene->tags,
		.tag_count = tags,
		.observed_ms = now_ms() - age_ms,
	};
	must(copy_group(scene->client.copier, &scene->from, &scene->digest, NULL, &to, 1, &err),
		&err);
	return to;
}

static void expect_written(struct scene *scene, const struct copy_destination *to, size_t tags)
{
	must(!to->err, &to->err);
	for (size_t i = 0; i < tags; i++) {
		struct digest found;
		struct err *err = NULL;
		CHECK(scene->tags[i].state == COPY_TAG_WRITTEN &&
			scene->tags[i].written_unix_ms > 0);
		must(registry_manifest_head(scene->client.registry, &to->repository,
			     scene->tags[i].name, NULL, &found, &err),
			&err);
	}
}

/* ---- Together ---- */

/* A registry that ignores the query costs a PUT a tag, the first time too. */
static void test_without(void)
{
	struct scene scene;
	scene_open(&scene, NULL, NULL);
	struct copy_destination to = copy(&scene, 5, 0);
	CHECK_COUNT(&scene.fake, "PUT *", 5);
	CHECK_COUNT(&scene.fake, "PUT *tag=*", 1);
	CHECK_COUNT(&scene.fake, "*", 1 + 2 + 5);
	expect_written(&scene, &to, 5);
	to = copy(&scene, 3, 0);
	CHECK_COUNT(&scene.fake, "PUT *", 3);
	CHECK_COUNT(&scene.fake, "PUT *tag=*", 0);
	expect_written(&scene, &to, 3);
	scene_close(&scene);
}

/* One that takes them beside a digest only refuses once. */
static void test_with(void)
{
	struct scene scene;
	scene_open(&scene, NULL, "--multi-tag=46");
	struct copy_destination to = copy(&scene, 1, 0);
	CHECK_COUNT(&scene.fake, "PUT *", 1);
	CHECK_COUNT(&scene.fake, "PUT *tag=*", 0);
	to = copy(&scene, 5, 0);
	CHECK_COUNT(&scene.fake, "PUT */manifests/t0?tag=t1* 400 *", 1);
	CHECK_COUNT(&scene.fake, "PUT */manifests/sha256:*?tag=t0&tag=t1*&tag=t4 201 *", 1);
	CHECK_COUNT(&scene.fake, "PUT *", 2);
	expect_written(&scene, &to, 5);
	to = copy(&scene, 46, 0);
	CHECK_COUNT(&scene.fake, "PUT *", 1);
	expect_written(&scene, &to, 46);
	to = copy(&scene, 60, 0);
	CHECK_COUNT(&scene.fake, "PUT *", 2);
	expect_written(&scene, &to, 60);
	to = copy(&scene, 1, 0);
	CHECK_COUNT(&scene.fake, "PUT */manifests/t0 201 *", 1);
	scene_close(&scene);
}

/* Too many at once: halved until it fits, and remembered. */
static void test_too_many(void)
{
	struct scene scene;
	scene_open(&scene, NULL, "--multi-tag=12");
	struct copy_destination to = copy(&scene, 40, 0);
	CHECK_COUNT(&scene.fake, "PUT * 400 *", 1);
	CHECK_COUNT(&scene.fake, "PUT * 414 *", 3); /* 40, then 20 twice */
	CHECK_COUNT(&scene.fake, "PUT * 201 *", 4);
	expect_written(&scene, &to, 40);
	to = copy(&scene, 10, 0);
	CHECK_COUNT(&scene.fake, "PUT *", 1);
	expect_written(&scene, &to, 10);
	scene_close(&scene);

	scene_open(&scene, "PUT *&tag=* 1+ status 414\n", "--multi-tag=46");
	to = copy(&scene, 9, 0);
	expect_written(&scene, &to, 9);
	to = copy(&scene, 3, 0);
	CHECK_COUNT(&scene.fake, "PUT *", 3);
	scene_close(&scene);
}

/* What was taken is what the answer lists; the rest goes one by one. */
static void test_partly(void)
{
	struct scene scene;
	scene_open(&scene, "PUT *?tag=* 1 header OCI-Tag: t2,other , t0\n", NULL);
	struct copy_destination to = copy(&scene, 4, 0);
	must(!to.err, &to.err);
	CHECK_COUNT(&scene.fake, "PUT */manifests/t0?tag=t1&tag=t2&tag=t3 201 *", 1);
	CHECK_COUNT(&scene.fake, "PUT */manifests/t1 201 *", 1);
	CHECK_COUNT(&scene.fake, "PUT */manifests/t3 201 *", 1);
	CHECK_COUNT(&scene.fake, "PUT *", 3);
	scene_close(&scene);
}

/* One that must not be changed keeps the others from being written together only. */
static void test_immutable(void)
{
	struct scene scene;
	scene_open(&scene, "PUT *sha256:*tag=t1* 1+ status 409\nPUT */manifests/t1 1+ status 409\n",
		"--multi-tag=46");
	struct copy_destination to = copy(&scene, 3, 0);
	CHECK(err_is(to.err, ERR_CONFLICT) && strstr(to.err->msg, "manifests/t1"));
	CHECK(scene.tags[0].state == COPY_TAG_WRITTEN && scene.tags[2].state == COPY_TAG_WRITTEN);
	CHECK(scene.tags[1].state == COPY_TAG_PENDING);
	CHECK_COUNT(&scene.fake, "PUT *", 5);
	err_free(to.err);
	scene_close(&scene);
}

/* What fails for good fails once. */
static void test_failures(void)
{
	struct scene scene;
	scene_open(&scene, "PUT */prod/* 1+ status 403\n", "--multi-tag=46");
	struct copy_destination to = copy(&scene, 9, 0);
	CHECK(err_is(to.err, ERR_AUTH));
	CHECK_COUNT(&scene.fake, "PUT *", 1);
	err_free(to.err);
	scene_close(&scene);

	scene_open(&scene, "PUT */prod/* 1+ status 400\n", "--multi-tag=46");
	to = copy(&scene, 9, 0);
	CHECK(err_is(to.err, ERR_INVALID));
	CHECK_COUNT(&scene.fake, "PUT *", 2 + 9);
	err_free(to.err);
	scene_close(&scene);
}

/* docker-registry says by a 500 that it takes no layers with URLs; another 500 may pass. */
static void test_server_errors(void)
{
	static const char body[] = "{\"errors\":[{\"code\":\"MANIFEST_BLOB_UNKNOWN\","
				   "\"message\":\"blob unknown to registry\"}]}";
	struct scene scene;
	scene_open(&scene, NULL, NULL);
	CLEANUP(mem_freep) char *path = fs_join(scene.fake.directory, "body");
	CLEANUP(mem_freep)
	char *rule =
		mem_printf("PUT */prod/app/manifests/* 1+ file 500 application/json %s\n", path);
	CHECK(fs_write_atomic(path, body, strlen(body), 0600, NULL));
	fake_set_faults(&scene.fake, rule);
	struct copy_destination to = copy(&scene, 1, 0);
	CHECK(err_is(to.err, ERR_UNSUPPORTED) && strstr(to.err->msg, "urls.allow"));
	CHECK_COUNT(&scene.fake, "PUT */manifests/*", 1);
	err_free(to.err);

	fake_set_faults(&scene.fake, "PUT */prod/app/manifests/* 1 status 500\n");
	to = copy(&scene, 1, 0);
	must(!to.err, &to.err);
	CHECK_COUNT(&scene.fake, "PUT */manifests/t0 *", 2);
	scene_close(&scene);
}

/* ---- Looks ---- */

static void test_stale_looks(void)
{
	struct scene scene;
	scene_open(&scene, NULL, "--multi-tag=46");
	struct copy_destination to = copy(&scene, 3, 61000);
	CHECK_COUNT(&scene.fake, "HEAD */manifests/t* 404 *", 3);
	expect_written(&scene, &to, 3);

	/* They are elsewhere now: none is overwritten, whichever form a PUT would have. */
	to = copy(&scene, 4, 61000);
	CHECK(err_is(to.err, ERR_CONFLICT));
	CHECK_COUNT(&scene.fake, "HEAD *", 4);
	CHECK_COUNT(&scene.fake, "PUT *", 1);
	CHECK_COUNT(&scene.fake, "PUT */manifests/t3 201 *", 1);
	CHECK(scene.tags[0].state == COPY_TAG_MOVED && scene.tags[3].state == COPY_TAG_WRITTEN);
	err_free(to.err);
	scene_close(&scene);
}

/* However fresh the look: a move looks again, and takes away from nobody but whom it was told. */
static void test_moves(void)
{
	struct scene scene;
	scene_open(&scene, NULL, "--multi-tag=46");
	struct copy_destination to = copy(&scene, 2, 0);
	struct digest first = scene.digest, second;
	expect_written(&scene, &to, 2);

	scene.moves_from = &first;
	to = copy(&scene, 3, 0);
	CHECK_COUNT(&scene.fake, "HEAD */manifests/t*", 3);
	CHECK_COUNT(&scene.fake, "HEAD */manifests/t2 404 *", 1);
	CHECK_COUNT(&scene.fake, "PUT */manifests/* 201 *", 1);
	expect_written(&scene, &to, 3);
	second = scene.digest;

	to = copy(&scene, 3, 0);
	CHECK(err_is(to.err, ERR_CONFLICT));
	CHECK_COUNT(&scene.fake, "PUT */manifests/t*", 0);
	for (size_t i = 0; i < 3; i++)
		CHECK(scene.tags[i].state == COPY_TAG_MOVED &&
			digest_equal(&scene.tags[i].found, &second));
	err_free(to.err);
	scene_close(&scene);
}

static void test_verified(void)
{
	struct scene scene;
	scene_open(&scene, "HEAD */manifests/t1 1 wrong-digest-header\n", NULL);
	copier_verify_writes(scene.client.copier);
	struct copy_destination to = copy(&scene, 3, 0);
	CHECK_COUNT(&scene.fake, "HEAD */manifests/t0 *", 1);
	CHECK_COUNT(&scene.fake, "HEAD */manifests/t1 *", 2); /* a copy that is behind */
	CHECK_COUNT(&scene.fake, "*", 1 + 2 + 3 + 3 + 1);
	expect_written(&scene, &to, 3);
	scene_close(&scene);

	scene_open(&scene, "HEAD */manifests/t1 1+ wrong-digest-header\n", NULL);
	copier_verify_writes(scene.client.copier);
	to = copy(&scene, 3, 0);
	CHECK(err_is(to.err, ERR_DIGEST) && strstr(to.err->msg, "prod/app:t1 was written"));
	CHECK(scene.tags[0].state == COPY_TAG_WRITTEN && scene.tags[1].state == COPY_TAG_PENDING);
	err_free(to.err);
	scene_close(&scene);

	/* A registry that lists tags which it did not write. */
	scene_open(&scene, "PUT *?tag=* 1 header OCI-Tag: t0, t1\n", NULL);
	copier_verify_writes(scene.client.copier);
	to = copy(&scene, 2, 0);
	CHECK(err_is(to.err, ERR_DIGEST) && strstr(to.err->msg, "no such tag"));
	err_free(to.err);
	scene_close(&scene);
}

/* ---- What the registry says it stored ---- */

static void expect_stored(const char *said, bool accepted, enum err_kind kind, const char *text)
{
	struct scene scene;
	CLEANUP(mem_freep)
	char *rule = mem_printf(
		"PUT */prod/*/manifests/* 1+ status 201 Docker-Content-Digest: %s\n", said);
	scene_open(&scene, rule, NULL);
	struct copy_destination to = copy(&scene, 1, 0);
	CHECK(accepted == !to.err);
	if (to.err && (to.err->kind != kind || !strstr(to.err->msg, text))) {
		fprintf(stderr, "'%s': %s\n", said, to.err->msg);
		exit(1);
	}
	err_free(to.err);
	scene_close(&scene);
}

#define ZEROS "00000000000000000000000000000000"

static void test_stored(void)
{
	expect_stored("blake3:" ZEROS, true, 0, "");
	expect_stored("sha512:" ZEROS ZEROS ZEROS ZEROS, true, 0, "");
	expect_stored("multi+b64:aGVsbG8=", true, 0, "");
	expect_stored("sha256:" ZEROS ZEROS, false, ERR_DIGEST, "says it stored");
	expect_stored("sha256:" ZEROS, false, ERR_INVALID, "no digest");
	expect_stored("sha256", false, ERR_INVALID, "no digest");
	expect_stored("<b>oops</b>", false, ERR_INVALID, "no digest");
	expect_stored("a++b:" ZEROS, false, ERR_INVALID, "no digest");
	expect_stored(":", false, ERR_INVALID, "no digest");
}

int main(void)
{
	test_without();
	test_with();
	test_too_many();
	test_partly();
	test_immutable();
	test_failures();
	test_server_errors();
	test_stale_looks();
	test_moves();
	test_verified();
	test_stored();
	return 0;
}
