/*
 * Attaching to images over the wire: layers of .sig and .att images and bundles as referrers, with other
 * writers in between, things of others in the place, and many threads at once.
 */
#include <pthread.h>

#include "tests/threads/attach_fixture.h"

/* ---- One writer ---- */

static void test_adding(void)
{
	static const char *const names[] = {"one", "two"};
	struct scene scene;

	scene_open(&scene, NULL);
	/* Two blobs to open and send, the manifest, and a look at it. */
	must_attach(&scene, "one", true);
	CHECK_COUNT(&scene.fake, "*", 6);
	fake_forget_log(&scene.fake);
	/* The payload is there; the config need not be read. */
	must_attach(&scene, "two", false);
	CHECK_COUNT(&scene.fake, "*", 6);
	CHECK_COUNT(&scene.fake, "GET */blobs/*", 0);
	expect_signatures(&scene, names, 2);
	fake_forget_log(&scene.fake);
	/* What is there is not added again. */
	must_attach(&scene, "two", false);
	CHECK_COUNT(&scene.fake, "*", 1);
	expect_signatures(&scene, names, 2);
	scene_close(&scene);
}

static void test_single_posts(void)
{
	struct scene scene;

	scene_open(&scene, "--single-post=yes");
	must_attach(&scene, "one", true);
	CHECK_COUNT(&scene.fake, "POST *", 2);
	CHECK_COUNT(&scene.fake, "*", 4);
	scene_close(&scene);
}

/* A host that refuses whole blobs gets pieces, and is not asked again. */
static void test_pieces(void)
{
	static const char *const names[] = {"one", "two"};
	struct scene scene;

	scene_open(&scene, "--chunked-only");
	must_attach(&scene, "one", true);
	CHECK_COUNT(&scene.fake, "PATCH *", 2);
	must_attach(&scene, "two", false);
	CHECK_COUNT(&scene.fake, "PATCH *", 3);
	expect_signatures(&scene, names, 2);
	scene_close(&scene);
}

/* Uploads that break off are begun anew; one that never gets through is an error. */
static void test_broken_uploads(void)
{
	static const char *const names[] = {"one"};
	struct scene scene;
	struct err *err = NULL;

	scene_open(&scene, NULL);
	set_rules(&scene, "PUT */blobs/* 1 reset-before\nPUT */blobs/* 2 status 500\n");
	must_attach(&scene, "one", true);
	expect_signatures(&scene, names, 1);
	set_rules(&scene, "PUT */blobs/* 1+ status 500\n");
	CHECK(!attach_named(&scene, "two", false, &err));
	CHECK(err_is(err, ERR_TRANSIENT) && strstr(err->msg, "500"));
	err_free(err);
	expect_signatures(&scene, names, 1);
	scene_close(&scene);
}

/* Both statements in one PUT; what says another type is not fetched. */
static void test_attestations(void)
{
	struct scene scene;
	struct signature made[2];
	struct err *err = NULL;
	CLEANUP(attached_release) struct attached all = {0};
	CLEANUP(attached_release) struct attached one = {0};
	const struct attached_query query = {
		.kinds = ATTACHED_ATT | ATTACHED_SIG, .predicate_type = "https://a.b/two"};

	scene_open(&scene, NULL);
	attestation_make("https://a.b/one", &made[0]);
	attestation_make("https://a.b/two", &made[1]);
	struct attach_item items[] = {made[0].item, made[1].item};
	must(attach_legacy(scene.registry, &scene.repository, &scene.image, ATTACHED_ATT, true,
		     items, 2, NULL, &err),
		&err);
	CHECK_COUNT(&scene.fake, "PUT */manifests/*", 1);
	/* One envelope in two layers is one blob. */
	CHECK_COUNT(&scene.fake, "*", 6);
	read_kinds(&scene, ATTACHED_ATT, &all);
	CHECK(all.items.len == 2 && all.found == ATTACHED_ATT);
	must(attached_read(
		     scene.registry, &scene.repository, &scene.image, &query, NULL, &one, &err),
		&err);
	CHECK(one.items.len == 1 && one.left_out == 1 && one.items.items[0].layer == 1);
	signature_release(&made[0]);
	signature_release(&made[1]);
	scene_close(&scene);
}

static void test_bundles(const char *options, bool has_api)
{
	struct scene scene;
	struct signature made;
	struct err *err = NULL;
	CLEANUP(attached_release) struct attached attached = {0};
	CLEANUP(attached_release) struct attached listed = {0};
	CLEANUP(attached_release) struct attached other = {0};
	const struct attached_query other_type = {
		.kinds = ATTACHED_BUNDLE, .predicate_type = ATTACHED_SIGNATURE_PREDICATE};

	scene_open(&scene, options);
	bundle_make("https://a.b/one", &made);
	for (int i = 0; i < 2; i++)
		must(attach_bundles(scene.registry, &scene.repository, &scene.image,
			     MEDIA_TYPE_OCI_MANIFEST, 1, &made.item, 1, NULL, &err),
			&err);
	/* The second time it is there already: the same bytes. */
	CHECK_COUNT(&scene.fake, "PUT */blobs/*", 2);
	read_kinds(&scene, ATTACHED_BUNDLE, &attached);
	CHECK(attached.items.len == 1 && attached.items.items[0].bundle);
	CHECK(attached.found == ATTACHED_BUNDLE);
	must(attached_read(scene.registry, &scene.repository, &scene.image, &other_type, NULL,
		     &other, &err),
		&err);
	CHECK(other.items.len == 0 && other.left_out == 1 && other.found == ATTACHED_BUNDLE);
	read_kinds(&scene, ATTACHED_BUNDLE_LISTED, &listed);
	CHECK(listed.items.len == (has_api ? 1 : 0) && listed.no_api == !has_api);
	signature_release(&made);
	scene_close(&scene);
}

#define ATTACHERS 8

struct attacher {
	struct scene *scene;
	pthread_t thread;
	char type[32];
};

static void *attach_one(void *ctx)
{
	struct attacher *attacher = ctx;
	struct scene *scene = attacher->scene;
	struct signature made;
	struct err *err = NULL;

	bundle_make(attacher->type, &made);
	must(attach_bundles(scene->registry, &scene->repository, &scene->image,
		     MEDIA_TYPE_OCI_MANIFEST, 1, &made.item, 1, NULL, &err),
		&err);
	signature_release(&made);
	return NULL;
}

/* Of all the bundles of a repository the config is the same. */
static void test_config_goes_once(void)
{
	struct scene scene;
	struct attacher attachers[ATTACHERS];

	scene_open(&scene, "--referrers=yes");
	for (int i = 0; i < ATTACHERS; i++) {
		attachers[i].scene = &scene;
		snprintf(attachers[i].type, sizeof(attachers[i].type), "https://a.b/%d", i);
		CHECK(pthread_create(&attachers[i].thread, NULL, attach_one, &attachers[i]) == 0);
	}
	for (int i = 0; i < ATTACHERS; i++)
		pthread_join(attachers[i].thread, NULL);
	CHECK_COUNT(&scene.fake, "* */blobs/*44136fa355b3678a1146ad16f7e8649e*", 2);
	scene_close(&scene);
}

/* ---- Others ---- */

static char *foreign_image(struct scene *scene, const char *config_text)
{
	CLEANUP(str_release) struct str config = STR_INIT(1000);

	str_add_text(&config, config_text);
	struct digest digest = push_blob(&scene->client, &scene->repository, &config);
	char text[DIGEST_TEXT_SIZE];
	digest_format(&digest, text);
	return mem_printf("{ \"schemaVersion\":2, \"mediaType\":\"" MEDIA_TYPE_OCI_MANIFEST
			  "\", \"layers\":[ {\"mediaType\":\"application/vnd.in-toto+json\","
			  "\"odd\":1.50,\"size\":%zu,\"digest\":\"%s\"} ],"
			  "\"config\":{\"mediaType\":\"a/b\",\"size\":%zu,\"digest\":\"%s\"}}",
		config.len, text, config.len, text);
}

/* Reads after our write show what another made of it, as often as `times` says. */
static bool attach_against(
	struct scene *scene, const char *text, const char *times, struct err **err)
{
	show_instead(scene, text, times, "");
	fake_forget_log(&scene->fake);
	bool ok = attach_named(scene, "ours", false, err);
	set_rules(scene, "");
	return ok;
}

static void test_other_writers(void)
{
	static const char *const names[] = {"theirs", "ours"};
	struct scene scene;
	struct document theirs = {0};
	struct err *err = NULL;

	scene_open(&scene, NULL);
	must_attach(&scene, "theirs", true);
	tag_read(&scene, &theirs);
	/* One replaced ours with theirs once: both are in the end. */
	must(attach_against(&scene, theirs.bytes, "2", &err), &err);
	CHECK_COUNT(&scene.fake, "PUT */manifests/sha256-* 201 *", 2);
	expect_signatures(&scene, names, 2);

	/* What was seen before and is gone after our write is put back. */
	CLEANUP(mem_freep) char *empty = foreign_image(&scene, "{}");
	put_text(&scene, scene.tag, MEDIA_TYPE_OCI_MANIFEST, theirs.bytes);
	must(attach_against(&scene, empty, "2", &err), &err);
	expect_signatures(&scene, names, 2);

	/* One that does so for ever wins, and we say so. */
	CHECK(!attach_against(&scene, theirs.bytes, "1+", &err));
	CHECK(err_is(err, ERR_CONFLICT) && strstr(err->msg, "other writers"));
	CHECK_COUNT(&scene.fake, "PUT */manifests/sha256-*", 6);
	err_free(err);
	document_release(&theirs);
	scene_close(&scene);
}

static void expect_config(struct scene *scene, const struct document *document, const char *wanted)
{
	CLEANUP(str_release) struct str text = STR_INIT(1000);
	char digest[DIGEST_TEXT_SIZE];

	str_add_text(&text, wanted);
	struct digest found = digest_of(DIGEST_SHA256, str_text(&text), text.len);
	CHECK(strstr(document->bytes, digest_format(&found, digest)));
	CHECK(scene->fake.host[0]);
}

#define EMPTY_HISTORY "{\"created\":\"0001-01-01T00:00:00Z\"}"

/* Unsigned statements, odd spaces and configs of others keep their bytes. */
static void test_bytes_are_kept(void)
{
	static const char *const names[] = {"ours"};
	struct scene scene;
	struct document after = {0};
	char payload[DIGEST_TEXT_SIZE];
	CLEANUP(signature_release) struct signature signature;

	scene_open(&scene, NULL);
	signature_make(&scene, "ours", &signature);
	struct digest digest =
		digest_of(DIGEST_SHA256, str_text(&signature.payload), signature.payload.len);
	CLEANUP(mem_freep)
	char *before = foreign_image(&scene,
		"{\"history\":[" EMPTY_HISTORY "],\"odd\":1.50,\"rootfs\":{\"diff_ids\":[]}}");
	put_text(&scene, scene.tag, MEDIA_TYPE_OCI_MANIFEST, before);
	fake_forget_log(&scene.fake);
	must_attach(&scene, "ours", false);
	CHECK_COUNT(&scene.fake, "*", 8);
	tag_read(&scene, &after);
	const char *odd = strstr(before, ",\"odd\":1.50"), *end = strstr(before, " ],\"config\"");
	CHECK(memcmp(after.bytes, before, (size_t)(end - before)) == 0 && odd < end);
	CLEANUP(mem_freep)
	char *config = mem_printf("{\"history\":[" EMPTY_HISTORY "," EMPTY_HISTORY
				  "],\"odd\":1.50,\"rootfs\":{\"diff_ids\":[\"%s\"]}}",
		digest_format(&digest, payload));
	expect_config(&scene, &after, config);
	expect_signatures(&scene, names, 1);
	document_release(&after);
	scene_close(&scene);
}

/* An index in the place is not replaced; reading passes over it. */
static void test_something_else(void)
{
	struct scene scene;
	struct err *err = NULL;
	CLEANUP(attached_release) struct attached attached = {0};

	scene_open(&scene, NULL);
	put_text(&scene, scene.tag, MEDIA_TYPE_OCI_INDEX,
		"{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_TYPE_OCI_INDEX
		"\",\"manifests\":[]}");
	fake_forget_log(&scene.fake);
	CHECK(!attach_named(&scene, "ours", false, &err));
	CHECK(err_is(err, ERR_CONFLICT) && strstr(err->msg, "not touched"));
	CHECK_COUNT(&scene.fake, "PUT *", 0);
	err_free(err);
	read_kinds(&scene, ATTACHED_SIG, &attached);
	CHECK(attached.items.len == 1 && !attached.items.items[0].bundle);
	CHECK(strstr(attached.items.items[0].error, "image index"));
	scene_close(&scene);
}

/* ---- Threads ---- */

#define THREADS 16

struct worker {
	struct scene *scene;
	char name[16];
	pthread_t thread;
};

static void *work(void *ctx)
{
	struct worker *worker = ctx;

	must_attach(worker->scene, worker->name, false);
	return NULL;
}

/* None takes away what another wrote, and nobody writes twice. */
static void test_threads(void)
{
	struct scene scene;
	struct worker workers[THREADS];
	const char *names[THREADS];

	scene_open(&scene, "--delay-ms=1");
	for (size_t i = 0; i < THREADS; i++) {
		workers[i].scene = &scene;
		snprintf(workers[i].name, sizeof(workers[i].name), "w%zu", i);
		names[i] = workers[i].name;
		CHECK(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
	}
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	CHECK_COUNT(&scene.fake, "PUT */manifests/sha256-*", THREADS);
	expect_signatures(&scene, names, THREADS);
	scene_close(&scene);
}

int main(void)
{
	test_adding();
	test_single_posts();
	test_pieces();
	test_broken_uploads();
	test_attestations();
	test_bundles("--referrers=yes", true);
	test_bundles(NULL, false);
	test_config_goes_once();
	test_other_writers();
	test_bytes_are_kept();
	test_something_else();
	test_threads();
	return 0;
}
