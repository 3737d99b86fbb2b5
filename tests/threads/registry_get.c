/* Reading manifests: what servers say of them and leave out, old formats, layers kept elsewhere. */
#include "tests/threads/registry_fixture.h"

#define FOREIGN "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
#define SCHEMA1 "application/vnd.docker.distribution.manifest.v1+prettyjws"

struct scene {
	struct client client;
	struct fake fake;
	struct repository from;
};

static void scene_open(struct scene *scene, const char *faults)
{
	client_open(&scene->client);
	fake_open(&scene->fake, faults, NULL);
	scene->from = (struct repository){.host = scene->fake.host, .path = "staging/app"};
}

static void scene_close(struct scene *scene)
{
	client_close(&scene->client);
	fake_close(&scene->fake);
}

static void test_head_without_digest(void)
{
	struct scene scene;
	struct digest found;
	struct err *err = NULL;
	scene_open(&scene, "HEAD * 1+ no-digest-header\n");
	struct digest digest = push_image(&scene.client, &scene.from, "v1", "a", 1, 100);
	fake_forget_log(&scene.fake);
	must(registry_manifest_head(scene.client.registry, &scene.from, "v1", NULL, &found, &err),
		&err);
	CHECK(digest_equal(&found, &digest));
	CHECK_COUNT(&scene.fake, "*", 2);
	CHECK_COUNT(&scene.fake, "GET */manifests/v1 200 *", 1);
	scene_close(&scene);
}

/* Its digest is that of a part of it: not "somebody changed the bytes". */
static void test_schema1(void)
{
	static const char text[] = "{\"schemaVersion\":1,\"name\":\"a/b\",\"signatures\":[]}";
	struct scene scene;
	struct document document;
	struct err *err = NULL;
	char path[] = "/tmp/cip-schema1.XXXXXX";
	int fd = mkstemp(path);
	CHECK(fd >= 0);
	close(fd);
	CHECK(fs_write_atomic(path, text, strlen(text), 0600, NULL));
	CLEANUP(mem_freep)
	char *rule = mem_printf("GET */manifests/* 1+ file 200 " SCHEMA1 " %s\n", path);
	scene_open(&scene, rule);
	struct digest digest = digest_of(DIGEST_SHA256, "payload", 7);
	CHECK(!registry_manifest_get(
		scene.client.registry, &scene.from, &digest, NULL, &document, &err));
	CHECK(err_is(err, ERR_UNSUPPORTED) && strstr(err->msg, "schema 1"));
	CHECK_COUNT(&scene.fake, "GET *", 1);
	err_free(err);
	unlink(path);
	scene_close(&scene);
}

/* An image with a layer that registries do not hold: it is neither looked for nor fetched. */
static struct digest push_foreign(struct scene *scene)
{
	CLEANUP(str_release) struct str text = STR_INIT(1 << 20);
	char digest[DIGEST_TEXT_SIZE];
	struct digest absent = digest_of(DIGEST_SHA256, "base", 4);
	str_add_text(&text,
		"{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_TYPE_DOCKER_MANIFEST
		"\",\"config\":");
	push_layer(&scene->client, &scene->from, "config", 100, &text);
	str_addf(&text,
		",\"layers\":[{\"mediaType\":\"" FOREIGN
		"\",\"digest\":\"%s\",\"size\":4,\"urls\":[\"http://%s/v2/elsewhere\"]},",
		digest_format(&absent, digest), scene->fake.host);
	push_layer(&scene->client, &scene->from, "layer", 100, &text);
	str_add_text(&text, "]}");
	return push_document(&scene->client, &scene->from, NULL, MEDIA_TYPE_DOCKER_MANIFEST, &text);
}

static void test_foreign_layers(void)
{
	struct scene scene;
	struct err *err = NULL;
	struct document before, after;
	scene_open(&scene, NULL);
	struct digest digest = push_foreign(&scene);
	fake_forget_log(&scene.fake);
	struct copy_tag tag = {.name = "v1"};
	struct copy_destination to = {
		.repository = {.host = scene.fake.host, .path = "prod/app"},
		.tags = &tag,
		.tag_count = 1,
		.observed_ms = now_ms(),
	};
	must(copy_group(scene.client.copier, &scene.from, &digest, NULL, &to, 1, &err), &err);
	must(!to.err, &to.err);
	CHECK_COUNT(&scene.fake, "*", 1 + 2 + 1);
	CHECK_COUNT(&scene.fake, "*elsewhere*", 0);
	must(registry_manifest_get(
		     scene.client.registry, &scene.from, &digest, NULL, &before, &err),
		&err);
	must(registry_manifest_get(
		     scene.client.registry, &to.repository, &digest, NULL, &after, &err),
		&err);
	CHECK(strcmp(after.media_type, MEDIA_TYPE_DOCKER_MANIFEST) == 0);
	CHECK(before.len == after.len && memcmp(before.bytes, after.bytes, before.len) == 0);
	document_release(&before);
	document_release(&after);
	scene_close(&scene);
}

int main(void)
{
	test_head_without_digest();
	test_schema1();
	test_foreign_layers();
	return 0;
}
