/*
 * What is attached to an image in one repository, attached elsewhere as it stands there: layers together with
 * new ones in one PUT, bundles with their manifests; and what is not taken there.
 */
#include "tests/threads/attach_fixture.h"

/* The scene's repository is where things go; this is where they come from. */
static void stage(struct scene *scene, struct scene *ret_staging)
{
	*ret_staging = *scene;
	ret_staging->repository.path = "staging/app";
}

static void read_parts(struct scene *staging, unsigned kinds, size_t max, struct attached *attached)
{
	const struct attached_query query = {
		.kinds = kinds, .keep_parts = true, .max_count = max, .max_total = 1 << 20};
	struct err *err = NULL;

	must(attached_read(staging->registry, &staging->repository, &staging->image, &query, NULL,
		     attached, &err),
		&err);
}

static void attach_parts(
	struct scene *scene, const struct attached *attached, const char *ours, bool is_absent)
{
	VEC(struct attach_item) items = {0};
	CLEANUP(signature_release) struct signature signature;
	struct err *err = NULL;

	for (size_t i = 0; i < attached->items.len; i++)
		vec_push(&items)->parts = attached->items.items[i].parts;
	signature_make(scene, ours, &signature);
	*vec_push(&items) = signature.item;
	must(attach_legacy(scene->registry, &scene->repository, &scene->image, ATTACHED_SIG,
		     is_absent, items.items, items.len, NULL, &err),
		&err);
	vec_release(&items);
}

static void test_layers(void)
{
	static const char *const names[] = {"one", "two", "ours"};
	struct scene scene, staging;
	CLEANUP(attached_release) struct attached attached = {0};
	CLEANUP(attached_release) struct attached there = {0};

	scene_open(&scene, NULL);
	stage(&scene, &staging);
	must_attach(&staging, "one", true);
	must_attach(&staging, "two", false);
	read_parts(&staging, ATTACHED_SIG, 2, &attached);
	CHECK(attached.items.len == 2 && attached.items.items[1].parts);
	fake_forget_log(&scene.fake);
	attach_parts(&scene, &attached, "ours", true);
	CHECK_COUNT(&scene.fake, "PUT */manifests/sha256-*", 1);
	/* The payload, which all of them share, is mounted. */
	CHECK_COUNT(&scene.fake, "POST *from=staging*", 1);
	CHECK_COUNT(&scene.fake, "*", 5);
	expect_signatures(&scene, names, 3);
	/* In their order, ours behind them. */
	read_parts(&scene, ATTACHED_SIG, 0, &there);
	for (size_t i = 0; i < 2; i++)
		CHECK(attached_is_same(&there.items.items[i], &attached.items.items[i]));
	CHECK(!attached_is_same(&there.items.items[0], &there.items.items[1]));
	/* Nothing is added twice. */
	fake_forget_log(&scene.fake);
	attach_parts(&scene, &attached, "ours", false);
	CHECK_COUNT(&scene.fake, "*", 1);
	scene_close(&scene);
}

/* A registry that mounts nothing gets the bytes. */
static void test_without_mounts(void)
{
	static const char *const names[] = {"one", "ours"};
	struct scene scene, staging;
	CLEANUP(attached_release) struct attached attached = {0};

	scene_open(&scene, "--no-mount");
	stage(&scene, &staging);
	must_attach(&staging, "one", true);
	read_parts(&staging, ATTACHED_SIG, 0, &attached);
	attach_parts(&scene, &attached, "ours", true);
	expect_signatures(&scene, names, 2);
	scene_close(&scene);
}

static void test_bounds(void)
{
	struct scene scene;
	CLEANUP(attached_release) struct attached attached = {0};

	scene_open(&scene, NULL);
	must_attach(&scene, "one", true);
	must_attach(&scene, "two", false);
	fake_forget_log(&scene.fake);
	read_parts(&scene, ATTACHED_SIG, 1, &attached);
	CHECK(attached.items.len == 1 && !attached.items.items[0].parts);
	CHECK(strstr(attached.items.items[0].error, "more than 1 layers"));
	CHECK_COUNT(&scene.fake, "GET */blobs/*", 0);
	scene_close(&scene);
}

static void test_bundles(const char *options)
{
	struct scene scene, staging;
	struct signature made;
	struct err *err = NULL;
	struct attach_item items[2] = {0};
	CLEANUP(attached_release) struct attached attached = {0};
	CLEANUP(attached_release) struct attached there = {0};

	scene_open(&scene, options);
	stage(&scene, &staging);
	bundle_make("https://a.b/one", &made);
	must(attach_bundles(staging.registry, &staging.repository, &staging.image,
		     MEDIA_TYPE_OCI_MANIFEST, 1, &made.item, 1, NULL, &err),
		&err);
	read_parts(&staging, ATTACHED_BUNDLE, 0, &attached);
	CHECK(attached.items.len == 1 && attached.items.items[0].parts);
	signature_release(&made);
	bundle_make("https://a.b/ours", &made);
	items[0] = made.item;
	items[1].parts = attached.items.items[0].parts;
	must(attach_bundles(scene.registry, &scene.repository, &scene.image,
		     MEDIA_TYPE_OCI_MANIFEST, 1, items, 2, NULL, &err),
		&err);
	read_parts(&scene, ATTACHED_BUNDLE, 0, &there);
	CHECK(there.items.len == 2);
	CHECK(attached_is_same(&there.items.items[0], &attached.items.items[0]) ||
		attached_is_same(&there.items.items[1], &attached.items.items[0]));
	signature_release(&made);
	scene_close(&scene);
}

/* What a fallback index lists without being asked by the manifest would spoil the write of all. */
static void test_other_subject(void)
{
	struct scene scene;
	struct signature made;
	struct err *err = NULL;
	struct document index = {0};
	char tag[100], text[DIGEST_TEXT_SIZE];
	CLEANUP(attached_release) struct attached attached = {0};

	scene_open(&scene, NULL);
	bundle_make("https://a.b/one", &made);
	must(attach_bundles(scene.registry, &scene.repository, &scene.image,
		     MEDIA_TYPE_OCI_MANIFEST, 1, &made.item, 1, NULL, &err),
		&err);
	snprintf(tag, sizeof(tag), "sha256-%.64s", digest_format(&scene.image, text) + 7);
	must(registry_manifest_read(scene.registry, &scene.repository, tag, NULL, &index, &err),
		&err);
	scene.image = digest_of(DIGEST_SHA256, "other", 5);
	snprintf(tag, sizeof(tag), "sha256-%.64s", digest_format(&scene.image, text) + 7);
	put_text(&scene, tag, MEDIA_TYPE_OCI_INDEX, index.bytes);
	read_parts(&scene, ATTACHED_BUNDLE, 0, &attached);
	CHECK(attached.items.len == 1 && !attached.items.items[0].parts);
	CHECK(strstr(attached.items.items[0].error, "subject"));
	document_release(&index);
	signature_release(&made);
	scene_close(&scene);
}

/* The descriptor says more than there is: no registry that looks would take it. */
static void test_wrong_size(void)
{
	struct scene scene;
	struct document document = {0};
	CLEANUP(attached_release) struct attached attached = {0};

	scene_open(&scene, NULL);
	must_attach(&scene, "one", true);
	tag_read(&scene, &document);
	char *size = strstr(strstr(document.bytes, "simplesigning"), "\"size\":") + 7;
	*size = '9';
	put_text(&scene, scene.tag, MEDIA_TYPE_OCI_MANIFEST, document.bytes);
	read_parts(&scene, ATTACHED_SIG, 0, &attached);
	CHECK(attached.items.len == 1 && !attached.items.items[0].parts);
	CHECK(strstr(attached.items.items[0].error, "size"));
	document_release(&document);
	scene_close(&scene);
}

int main(void)
{
	test_layers();
	test_without_mounts();
	test_bounds();
	test_bundles("--referrers=yes");
	test_bundles(NULL);
	test_other_subject();
	test_wrong_size();
	return 0;
}
