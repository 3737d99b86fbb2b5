/*
 * Reading what is attached to images over the wire: what need not be fetched, and blobs, descriptors and
 * registries that are not what they should be.
 */
#include "tests/threads/attach_fixture.h"

/* A payload that is expected is not fetched, and is the same. */
static void test_expected_payloads(void)
{
	struct scene scene;
	struct err *err = NULL;
	CLEANUP(attached_release) struct attached attached = {0};
	CLEANUP(attached_release) struct attached other = {0};
	struct attached_query query = {
		.kinds = ATTACHED_SIG, .docker_reference = "registry.k8s.io/app"};
	CLEANUP(signature_release) struct signature signature;

	scene_open(&scene, NULL);
	signature_make(&scene, "one", &signature);
	must_attach(&scene, "one", true);
	fake_forget_log(&scene.fake);
	must(attached_read(scene.registry, &scene.repository, &scene.image, &query, NULL, &attached,
		     &err),
		&err);
	CHECK_COUNT(&scene.fake, "*", 1);
	CHECK(bytes_equal(&attached.items.items[0].payload, str_text(&signature.payload),
		signature.payload.len));
	query.docker_reference = "registry.k8s.io/other";
	must(attached_read(
		     scene.registry, &scene.repository, &scene.image, &query, NULL, &other, &err),
		&err);
	CHECK_COUNT(&scene.fake, "*", 1 + 2);
	CHECK(bytes_equal(&other.items.items[0].payload, str_text(&signature.payload),
		signature.payload.len));
	scene_close(&scene);
}

/* Blobs that are gone, changed or larger than was said spoil their layers, and no others. */
static void test_broken_blobs(void)
{
	struct scene scene;
	CLEANUP(attached_release) struct attached attached = {0};
	struct document document = {0};

	scene_open(&scene, NULL);
	must_attach(&scene, "good", true);
	tag_read(&scene, &document);
	const char *layers = strstr(document.bytes, "\"layers\":[") + strlen("\"layers\":[");
	CLEANUP(mem_freep)
	char *text = mem_printf("%.*s{\"mediaType\":\"application/vnd.dev.cosign.simplesigning.v1+"
				"json\",\"size\":99999999,\"digest\":\"" DIGEST_C "\"},%s",
		(int)(layers - document.bytes), document.bytes, layers);
	show_instead(&scene, text, "1+", "");
	read_kinds(&scene, ATTACHED_SIG, &attached);
	CHECK(attached.items.len == 2 && count_named(&attached, "good") == 1);
	CHECK(strstr(attached.items.items[0].error, "larger"));
	document_release(&document);
	scene_close(&scene);
}

/* However many there are, and whatever they claim to be, so much is read and no more. */
static void test_bounds(void)
{
	struct scene scene;
	CLEANUP(attached_release) struct attached attached = {0};
	CLEANUP(str_release) struct str text = STR_INIT(1 << 20);
	size_t refused = 0;

	scene_open(&scene, NULL);
	str_add_text(&text, "{\"config\":{\"digest\":\"" DIGEST_C "\"},\"layers\":[");
	for (size_t i = 0; i < 10; i++)
		str_addf(&text,
			"%s{\"mediaType\":\"application/vnd.dsse.envelope.v1+json\",\"size\":%zu,"
			"\"digest\":\"sha256:%064zu\"}",
			i ? "," : "", ATTACHED_BLOB_MAX, i);
	str_add_text(&text, "]}");
	show_instead(&scene, text.bytes, "1+", "GET */blobs/* 1+ gigabyte\n");
	read_kinds(&scene, ATTACHED_ATT, &attached);
	CHECK(attached.items.len == 10);
	for (size_t i = 0; i < 10; i++) {
		CHECK(!attached.items.items[i].bundle);
		refused += strstr(attached.items.items[i].error, "in all") != NULL;
	}
	CHECK(refused == 10 - ATTACHED_TOTAL_MAX / ATTACHED_BLOB_MAX);
	CHECK_COUNT(&scene.fake, "GET */blobs/*", 10 - refused);
	scene_close(&scene);
}

/* One blob that is named again and again is one request, and counts each time. */
static void test_shared_blob(void)
{
	struct scene scene;
	CLEANUP(attached_release) struct attached attached = {0};
	CLEANUP(str_release) struct str text = STR_INIT(1 << 20);
	CLEANUP(str_release) struct str blob = STR_INIT(ATTACHED_BLOB_MAX);
	char digest[DIGEST_TEXT_SIZE];
	size_t refused = 0;

	scene_open(&scene, NULL);
	while (blob.len < ATTACHED_BLOB_MAX)
		str_add(&blob, "        ", 8);
	const struct digest pushed = push_blob(&scene.client, &scene.repository, &blob);
	digest_format(&pushed, digest);
	str_add_text(&text, "{\"config\":{\"digest\":\"" DIGEST_C "\"},\"layers\":[");
	for (size_t i = 0; i < 20; i++)
		str_addf(&text,
			"%s{\"mediaType\":\"application/vnd.dsse.envelope.v1+json\",\"size\":%zu,"
			"\"digest\":\"%s\"}",
			i ? "," : "", ATTACHED_BLOB_MAX, digest);
	str_add_text(&text, "]}");
	show_instead(&scene, text.bytes, "1+", "");
	read_kinds(&scene, ATTACHED_ATT, &attached);
	CHECK(attached.items.len == 20);
	for (size_t i = 0; i < 20; i++)
		refused += strstr(attached.items.items[i].error, "in all") != NULL;
	CHECK(refused == 20 - ATTACHED_TOTAL_MAX / ATTACHED_BLOB_MAX);
	scene_close(&scene);
}

/* A descriptor that says less than there is. */
static void test_understated(void)
{
	struct scene scene;
	CLEANUP(attached_release) struct attached attached = {0};
	CLEANUP(str_release) struct str blob = STR_INIT(1 << 20);
	char text[DIGEST_TEXT_SIZE];

	scene_open(&scene, NULL);
	while (blob.len < 8192)
		str_add_char(&blob, ' ');
	struct digest digest = push_blob(&scene.client, &scene.repository, &blob);
	digest_format(&digest, text);
	CLEANUP(mem_freep)
	char *manifest = mem_printf(
		"{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_TYPE_OCI_MANIFEST
		"\",\"config\":{\"mediaType\":\"a/"
		"b\",\"size\":8192,\"digest\":\"%s\"},\"layers\":[{"
		"\"mediaType\":\"application/vnd.dev.cosign.simplesigning.v1+json\",\"size\":10,"
		"\"digest\":\"%s\"}]}",
		text, text);
	show_instead(&scene, manifest, "1+", "");
	read_kinds(&scene, ATTACHED_SIG, &attached);
	CHECK(strstr(attached.items.items[0].error, "bytes"));
	CHECK(!attached.items.items[0].payload.data);
	scene_close(&scene);
}

/* A registry that cannot be read is no image without signatures. */
static void test_broken_registry(void)
{
	struct scene scene;
	struct err *err = NULL;
	CLEANUP(attached_release) struct attached attached = {0};
	const struct attached_query query = {.kinds = ATTACHED_SIG};

	scene_open(&scene, NULL);
	must_attach(&scene, "good", true);
	set_rules(&scene, "GET */blobs/* 1+ status 403\n");
	CHECK(!attached_read(
		scene.registry, &scene.repository, &scene.image, &query, NULL, &attached, &err));
	CHECK(err_is(err, ERR_AUTH));
	err_free(err);
	scene_close(&scene);
}

int main(void)
{
	test_expected_payloads();
	test_broken_blobs();
	test_bounds();
	test_shared_blob();
	test_understated();
	test_broken_registry();
	return 0;
}
