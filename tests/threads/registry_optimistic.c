/*
 * The manifest before its blobs, where a registry is known to check: what it costs, counted in the
 * access logs, and when it is not done.
 */
#include "tests/threads/registry_scene.h"

/* A config of its own, `own` layers of its own, and the layers that all of these have. */
static struct digest push_sibling(
	struct scene *scene, const struct repository *to, const char *name, size_t own)
{
	CLEANUP(str_release) struct str text = STR_INIT(1 << 20);
	str_add_text(&text,
		"{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_TYPE_OCI_MANIFEST "\",\"config\":");
	push_layer(&scene->client, to, name, 100, &text);
	str_add_text(&text, ",\"layers\":[");
	for (size_t i = 0; i < 5; i++) {
		CLEANUP(mem_freep)
		char *layer = mem_printf("%s layer %zu", i < own ? name : "base", i);
		str_add_text(&text, i ? "," : "");
		push_layer(&scene->client, to, layer, 5000, &text);
	}
	str_add_text(&text, "]}");
	return push_document(&scene->client, to, name, MEDIA_TYPE_OCI_MANIFEST, &text);
}

struct siblings {
	struct scene scene;
	struct digest likes[2], strangers[2];
};

/* The destination holds one image; two that are like it and two that are not shall come. */
static void siblings_open(struct siblings *siblings, const char *option, const char *faults,
	bool checks_blobs, bool other_host)
{
	const struct registry_host_options options = {.checks_blobs = checks_blobs};
	struct scene *scene = &siblings->scene;
	scene_open(scene, option, option, NULL, &options);
	struct repository there = {.path = "prod/app"};
	there.host = other_host ? scene->other.host : scene->source.host;
	push_sibling(scene, &there, "old", 1);
	siblings->likes[0] = push_sibling(scene, &scene->from, "new", 1);
	siblings->likes[1] = push_sibling(scene, &scene->from, "newer", 2);
	siblings->strangers[0] = push_sibling(scene, &scene->from, "strange", 5);
	siblings->strangers[1] = push_sibling(scene, &scene->from, "stranger", 5);
	forget_logs(scene);
	if (faults)
		fake_set_faults(&scene->source, faults);
}

static struct copy_destination sibling_destination(
	struct siblings *siblings, struct copy_tag *tags, size_t count, bool other_host)
{
	struct scene *scene = &siblings->scene;
	struct copy_destination to =
		destination(other_host ? &scene->other : &scene->source, "prod/app", tags, count);
	to.has_images = true;
	return to;
}

static void copy_to(
	struct siblings *siblings, const struct digest *digest, struct copy_destination *to)
{
	struct scene *scene = &siblings->scene;
	struct err *err = NULL;
	must(copy_group(scene->client.copier, &scene->from, digest, NULL, to, 1, &err), &err);
}

static void copy_sibling(
	struct siblings *siblings, const struct digest *digest, const char *tag, bool other_host)
{
	struct copy_tag tags = {.name = tag};
	struct copy_destination to = sibling_destination(siblings, &tags, 1, other_host);
	copy_to(siblings, digest, &to);
	must(!to.err, &to.err);
	CHECK(tags.state == COPY_TAG_WRITTEN);
}

/* Six blobs, four of them there: GET, PUT refused, two mounts, PUT; five requests, not eight. */
static void test_manifest_first(void)
{
	struct siblings siblings;
	struct fake *fake = &siblings.scene.source;
	siblings_open(&siblings, NULL, NULL, true, false);
	copy_sibling(&siblings, &siblings.likes[0], "v1", false);
	CHECK_COUNT(fake, "PUT */manifests/v1 400 *", 1);
	CHECK_COUNT(fake, "POST *mount=* 201 0", 2);
	CHECK_COUNT(fake, "*", 1 + 1 + 2 + 1);

	/* It brings nothing for an image that shares nothing, so it is not tried again. */
	fake_forget_log(fake);
	copy_sibling(&siblings, &siblings.strangers[0], "v2", false);
	CHECK_COUNT(fake, "*", 1 + 1 + 6 + 1);
	fake_forget_log(fake);
	copy_sibling(&siblings, &siblings.strangers[1], "v3", false);
	CHECK_COUNT(fake, "*", 1 + 6 + 1);
	scene_close(&siblings.scene);
}

/* ---- The manifest first, and nothing more is needed ---- */

/* A tag of the source's image "old", all blobs of which are at the destination. */
static struct digest old_open(struct siblings *siblings, const char *option)
{
	struct scene *scene = &siblings->scene;
	siblings_open(siblings, option, NULL, true, false);
	struct digest old = push_sibling(scene, &scene->from, "old", 1);
	scene_restart(scene);
	forget_logs(scene);
	return old;
}

/* The manifest is read and put under the tag it shall have, or by digest, and that is all. */
static void test_manifest_first_alone(void)
{
	struct siblings siblings;
	struct fake *fake = &siblings.scene.source;
	struct digest old = old_open(&siblings, NULL);
	struct copy_destination to = sibling_destination(&siblings, NULL, 0, false);
	copy_to(&siblings, &old, &to);
	must(!to.err, &to.err);
	CHECK_COUNT(fake, "PUT */manifests/sha256:* 201 *", 1);
	CHECK_COUNT(fake, "*", 2);
	scene_close(&siblings.scene);

	old = old_open(&siblings, NULL);
	copy_sibling(&siblings, &old, "v1", false);
	CHECK_COUNT(fake, "PUT */manifests/v1 201 *", 1);
	CHECK_COUNT(fake, "*", 2);
	scene_close(&siblings.scene);
}

/* Further tags cost a PUT each; all are looked at again where that is wanted. */
static void test_manifest_first_tags(void)
{
	struct siblings siblings;
	struct fake *fake = &siblings.scene.source;
	struct copy_tag tags[3] = {{.name = "v1"}, {.name = "v2"}, {.name = "v3"}};
	struct digest old = old_open(&siblings, NULL);
	copier_verify_writes(siblings.scene.client.copier);
	tags[0].state = COPY_TAG_IN_PLACE;
	struct copy_destination to = sibling_destination(&siblings, tags, 3, false);
	copy_to(&siblings, &old, &to);
	must(!to.err, &to.err);
	for (size_t i = 1; i < 3; i++)
		CHECK(tags[i].state == COPY_TAG_WRITTEN && tags[i].written_unix_ms > 0);
	CHECK_COUNT(fake, "PUT */manifests/v1*", 0);
	CHECK_COUNT(fake, "PUT */manifests/v2 201 *", 1);
	CHECK_COUNT(fake, "PUT */manifests/v3 201 *", 1);
	CHECK_COUNT(fake, "HEAD */manifests/v[23] 200 *", 2);
	CHECK_COUNT(fake, "*", 1 + 2 + 2);
	scene_close(&siblings.scene);
}

/* A host that takes tags together gets them with the first PUT, once that is known. */
static void test_manifest_first_tags_together(void)
{
	struct siblings siblings;
	struct scene *scene = &siblings.scene;
	struct copy_tag tags[3] = {{.name = "v1"}, {.name = "v2"}, {.name = "v3"}};
	struct copy_tag more[2] = {{.name = "w1"}, {.name = "w2"}};
	struct digest old = old_open(&siblings, "--multi-tag=3");
	struct copy_destination to = sibling_destination(&siblings, more, 2, false);
	copy_to(&siblings, &siblings.strangers[0], &to);
	must(!to.err && more[1].state == COPY_TAG_WRITTEN, &to.err);
	forget_logs(scene);
	to = sibling_destination(&siblings, tags, 3, false);
	to.repository.path = "prod/old";
	push_sibling(scene, &to.repository, "old", 1);
	forget_logs(scene);
	copy_to(&siblings, &old, &to);
	must(!to.err, &to.err);
	for (size_t i = 0; i < 3; i++)
		CHECK(tags[i].state == COPY_TAG_WRITTEN);
	CHECK_COUNT(&scene->source, "*", 2);
	scene_close(scene);
}

/* Only a fresh look lets a tag be written: else the digest goes first, and the tag after a HEAD. */
static void test_manifest_first_old_look(void)
{
	struct siblings siblings;
	struct fake *fake = &siblings.scene.source;
	struct copy_tag tag = {.name = "v1"};
	struct digest old = old_open(&siblings, NULL);
	struct copy_destination to = sibling_destination(&siblings, &tag, 1, false);
	to.observed_ms -= 61 * 1000;
	copy_to(&siblings, &old, &to);
	must(!to.err && tag.state == COPY_TAG_WRITTEN, &to.err);
	CHECK_COUNT(fake, "PUT */manifests/sha256:* 201 *", 1);
	CHECK_COUNT(fake, "HEAD */manifests/v1 404 *", 1);
	CHECK_COUNT(fake, "*", 1 + 1 + 1 + 1);
	scene_close(&siblings.scene);
}

/* What is missing cannot be brought: the tag is neither there nor said to be. */
static void test_manifest_first_incomplete(void)
{
	struct siblings siblings;
	struct scene *scene = &siblings.scene;
	struct copy_tag tag = {.name = "v1"};
	struct digest found;
	struct err *err = NULL;
	siblings_open(&siblings, NULL, "POST *mount=* 1+ status 500", true, false);
	struct copy_destination to = sibling_destination(&siblings, &tag, 1, false);
	copy_to(&siblings, &siblings.likes[0], &to);
	CHECK(to.err && tag.state == COPY_TAG_PENDING);
	err_free(to.err);
	CHECK_COUNT(&scene->source, "PUT */manifests/v1 400 *", 1);
	CHECK(!registry_manifest_head(
		scene->client.registry, &to.repository, "v1", NULL, &found, &err));
	CHECK(err_is(err, ERR_NOT_FOUND));
	err_free(err);
	scene_close(scene);
}

/* To another host: what is there is neither looked at nor read. */
static void test_manifest_first_far(void)
{
	struct siblings siblings;
	struct scene *scene = &siblings.scene;
	siblings_open(&siblings, NULL, NULL, true, true);
	copy_sibling(&siblings, &siblings.likes[0], "v1", true);
	CHECK_COUNT(&scene->source, "*", 1 + 2);
	CHECK_COUNT(&scene->other, "*", 1 + 2 * 2 + 1);
	/* Three of its six blobs are known to be there by now; the others are not worth asking. */
	forget_logs(scene);
	copy_sibling(&siblings, &siblings.likes[1], "v2", true);
	CHECK_COUNT(&scene->other, "PUT */manifests/*", 1);
	scene_close(scene);
}

/* Never where it is not known to be safe, and nothing is believed that is no exact list. */
static void test_manifest_first_not(void)
{
	struct siblings siblings;
	siblings_open(&siblings, NULL, NULL, false, false);
	copy_sibling(&siblings, &siblings.likes[0], "v1", false);
	CHECK_COUNT(&siblings.scene.source, "*", 1 + 6 + 1);
	scene_close(&siblings.scene);

	siblings_open(&siblings, "--no-missing-list", NULL, true, false);
	copy_sibling(&siblings, &siblings.likes[0], "v1", false);
	copy_sibling(&siblings, &siblings.likes[1], "v2", false);
	CHECK_COUNT(&siblings.scene.source, "PUT */manifests/*", 3);
	CHECK_COUNT(&siblings.scene.source, "PUT */manifests/* 201 0", 2);
	scene_close(&siblings.scene);

	/* A server in trouble is no list either; the image arrives all the same. */
	siblings_open(&siblings, NULL, "PUT */manifests/* 1 status 500", true, false);
	copy_sibling(&siblings, &siblings.likes[0], "v1", false);
	scene_close(&siblings.scene);
}

int main(void)
{
	test_manifest_first();
	test_manifest_first_alone();
	test_manifest_first_tags();
	test_manifest_first_tags_together();
	test_manifest_first_old_look();
	test_manifest_first_incomplete();
	test_manifest_first_far();
	test_manifest_first_not();
	return 0;
}
