/*
 * Referrers over the wire: the API in its shapes, hosts without it in theirs, and the index under
 * the tag with writers in between.
 */
#include <pthread.h>

#include "registry/referrers.h"
#include "tests/threads/registry_fixture.h"

#define TYPE_A "application/vnd.example.a+json"
#define TYPE_B "application/vnd.example.b+json"

struct scene {
	struct client client;
	struct fake fake;
	struct repository repository;
	struct digest subject;
	char tag[80];
};

static void scene_open(struct scene *scene, const char *faults, const char *options)
{
	*scene = (struct scene){0};
	client_open(&scene->client);
	fake_open(&scene->fake, faults, options);
	scene->repository = (struct repository){.host = scene->fake.host, .path = "prod/app"};
	scene->subject = push_image(&scene->client, &scene->repository, "v1", "a", 1, 100);
	char text[DIGEST_TEXT_SIZE];
	snprintf(scene->tag, sizeof(scene->tag), "sha256-%.64s",
		digest_format(&scene->subject, text) + 7);
	fake_forget_log(&scene->fake);
}

static void scene_close(struct scene *scene)
{
	client_close(&scene->client);
	fake_close(&scene->fake);
}

/* An artifact that names the subject; its one blob is pushed. */
static struct document artifact(
	struct scene *scene, const struct digest *subject, const char *type, const char *name)
{
	CLEANUP(str_release) struct str text = STR_INIT(1 << 20);
	CLEANUP(str_release) struct str empty = STR_INIT(10);
	char digest[DIGEST_TEXT_SIZE];
	str_add_text(&empty, "{}");
	struct digest config = push_blob(&scene->client, &scene->repository, &empty);
	str_addf(&text,
		"{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_TYPE_OCI_MANIFEST
		"\",\"artifactType\":\"%s\",\"config\":",
		type);
	add_descriptor(&text, "application/vnd.oci.empty.v1+json", &config, 2);
	str_addf(&text,
		",\"layers\":[],\"subject\":{\"mediaType\":\"" MEDIA_TYPE_OCI_MANIFEST
		"\",\"digest\":\"%s\",\"size\":1},\"annotations\":{\"name\":\"%s\"}}",
		digest_format(subject, digest), name);
	struct document document = {
		.len = text.len, .media_type = mem_strdup(MEDIA_TYPE_OCI_MANIFEST)};
	document.digest = digest_of(DIGEST_SHA256, text.bytes, text.len);
	document.bytes = str_steal(&text, NULL);
	return document;
}

static bool put(struct scene *scene, const char *type, const char *name, struct err **err)
{
	struct document document = artifact(scene, &scene->subject, type, name);
	fake_forget_log(&scene->fake);
	bool ok = referrers_put(scene->client.registry, &scene->repository, &scene->subject,
		&document, 1, NULL, err);
	document_release(&document);
	return ok;
}

static void must_put(struct scene *scene, const char *type, const char *name)
{
	struct err *err = NULL;
	must(put(scene, type, name, &err), &err);
}

static void expect_list(struct scene *scene, const char *type, size_t count, bool from_tag)
{
	struct referrers list = {0};
	struct err *err = NULL;
	fake_forget_log(&scene->fake);
	must(referrers_list(scene->client.registry, &scene->repository, &scene->subject, type, NULL,
		     &list, &err),
		&err);
	if (list.items.len != count || list.from_tag != from_tag) {
		fprintf(stderr, "%zu referrers, wanted %zu\n", list.items.len, count);
		fake_show_log(&scene->fake);
		exit(1);
	}
	referrers_release(&list);
}

static char *temporary_file(const char *text)
{
	char *path = mem_strdup("/tmp/cip-answer.XXXXXX");
	int fd = mkstemp(path);
	CHECK(fd >= 0);
	close(fd);
	CHECK(fs_write_atomic(path, text, strlen(text), 0600, NULL));
	return path;
}

/* ---- With the API ---- */

static void test_api(const char *options, const char *page)
{
	struct scene scene;
	CLEANUP(mem_freep) char *all = mem_printf("%s%s", options, page);
	scene_open(&scene, NULL, all);
	expect_list(&scene, NULL, 0, false);
	/* Its word is checked once: PUT and list; afterwards the PUT is enough. */
	must_put(&scene, TYPE_A, "one");
	CHECK_COUNT(&scene.fake, "*", 2);
	CHECK_COUNT(&scene.fake, "GET */referrers/sha256:* 200 *", 1);
	must_put(&scene, TYPE_A, "two");
	must_put(&scene, TYPE_B, "three");
	CHECK_COUNT(&scene.fake, "*", 1);
	expect_list(&scene, NULL, 3, false);
	CHECK_COUNT(&scene.fake, "*", *page ? 2 : 1);
	expect_list(&scene, TYPE_A, 2, false);
	CHECK_COUNT(&scene.fake, "*artifactType=application/vnd.example.a%2Bjson*", 1);
	expect_list(&scene, TYPE_B, 1, false);
	expect_list(&scene, "application/none", 0, false);
	scene_close(&scene);
}

static void test_descriptors(void)
{
	struct scene scene;
	struct referrers list = {0};
	struct err *err = NULL;
	scene_open(&scene, NULL, "--referrers=yes");
	must_put(&scene, TYPE_A, "one");
	must(referrers_list(scene.client.registry, &scene.repository, &scene.subject, NULL, NULL,
		     &list, &err),
		&err);
	const struct referrer *referrer = &list.items.items[0];
	CHECK(strcmp(referrer->artifact_type, TYPE_A) == 0 && referrer->size > 100);
	CHECK(strcmp(referrer->media_type, MEDIA_TYPE_OCI_MANIFEST) == 0);
	CHECK(strstr(referrer->json, "\"annotations\":{\"name\":\"one\"}"));
	referrers_release(&list);
	scene_close(&scene);
}

/* It says that it lists, and has the API, but does not list. */
static void test_broken_promise(void)
{
	struct scene scene;
	struct err *err = NULL;
	static const char empty[] =
		"{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_TYPE_OCI_INDEX "\",\"manifests\":[]}";
	CLEANUP(mem_freep) char *path = temporary_file(empty);
	CLEANUP(mem_freep)
	char *rule =
		mem_printf("GET */referrers/* 1+ file 200 " MEDIA_TYPE_OCI_INDEX " %s\n", path);
	scene_open(&scene, rule, "--referrers=yes");
	CHECK(!put(&scene, TYPE_A, "one", &err));
	CHECK(err_is(err, ERR_INVALID) && strstr(err->msg, "does not list"));
	CHECK_COUNT(&scene.fake, "GET */referrers/*", 3);
	CHECK_COUNT(&scene.fake, "PUT */manifests/sha256-*", 0);
	err_free(steal_ptr(&err));
	unlink(path);
	scene_close(&scene);
}

static void test_refused_lists(void)
{
	static const struct {
		const char *rule, *options;
		enum err_kind kind;
		const char *text;
	} cases[] = {
		{"GET */referrers/* 1+ bad-json\n", "--referrers=yes", ERR_INVALID, "no JSON"},
		{"GET */referrers/* 1+ status 403\n", "--referrers=yes", ERR_AUTH, "403"},
		{"GET */referrers/* 1+ status 503\n", "--referrers=yes", ERR_TRANSIENT, "503"},
		{"GET */referrers/* 1+ gigabyte\n", "--referrers=yes", ERR_TOO_LARGE, "referrers"},
		{"GET */referrers/* 1+ truncate\n", "--referrers=yes", ERR_TRANSIENT, "referrers"},
		{"GET */referrers/* 1+ header Link: <https://evil.example/x>; rel=next\n",
			"--referrers=yes", ERR_INVALID, "another host"},
		{"GET */referrers/* 1+ header Link: <?x=1>; rel=next\n", "--referrers=yes",
			ERR_INVALID, "circle"},
		{"GET */referrers/*last=* 1+ status 404\n", "--referrers=yes --page-size=1",
			ERR_NOT_FOUND, "404"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scene scene;
		struct referrers list;
		struct err *err = NULL;
		scene_open(&scene, NULL, cases[i].options);
		must_put(&scene, TYPE_A, "one");
		must_put(&scene, TYPE_A, "two");
		fake_set_faults(&scene.fake, cases[i].rule);
		CHECK(!referrers_list(scene.client.registry, &scene.repository, &scene.subject,
			NULL, NULL, &list, &err));
		if (err->kind != cases[i].kind || !strstr(err->msg, cases[i].text)) {
			fprintf(stderr, "'%s': %s\n", cases[i].rule, err->msg);
			exit(1);
		}
		err_free(steal_ptr(&err));
		scene_close(&scene);
	}
}

/* ---- Without ---- */

/* Every way of saying "no such API" leads to the tag; it is learned for the host. */
static void test_missing(const char *rule, const char *options, bool is_learned)
{
	struct scene scene;
	scene_open(&scene, rule, options);
	expect_list(&scene, NULL, 0, true);
	CHECK_COUNT(&scene.fake, "GET */manifests/sha256-* 404 *", 1);
	CHECK_COUNT(&scene.fake, "GET */referrers/*", 1);
	expect_list(&scene, NULL, 0, true);
	CHECK_COUNT(&scene.fake, "GET */referrers/*", is_learned ? 0 : 1);
	scene_close(&scene);
}

static void test_ways_of_missing(void)
{
	test_missing(NULL, NULL, true);
	test_missing("GET */referrers/* 1+ status 400\n", NULL, true);
	test_missing("GET */referrers/* 1+ status 405\n", NULL, true);
	test_missing("GET */referrers/* 1+ status 406\n", NULL, true);
	test_missing("GET */referrers/* 1+ file 200 text/html /etc/hostname\n", NULL, true);
	test_missing("GET */referrers/* 1+ file 200 " MEDIA_TYPE_OCI_MANIFEST " /etc/hostname\n",
		NULL, true);
	test_missing("GET */referrers/* 1+ status 303 Location: /v2/\n", NULL, true);
	/* Of one repository only. */
	static const char unknown[] = "{\"errors\":[{\"code\":\"NAME_UNKNOWN\"}]}";
	CLEANUP(mem_freep) char *path = temporary_file(unknown);
	CLEANUP(mem_freep)
	char *rule = mem_printf("GET */referrers/* 1+ file 404 application/json %s\n", path);
	test_missing(rule, NULL, false);
	unlink(path);
}

static void test_tag(void)
{
	struct scene scene;
	scene_open(&scene, NULL, NULL);
	must_put(&scene, TYPE_A, "one");
	CHECK_COUNT(&scene.fake, "GET */referrers/* 404 *", 1);
	CHECK_COUNT(&scene.fake, "PUT */manifests/sha256-* 201 *", 1);
	CHECK_COUNT(&scene.fake, "*", 1 + 1 + 3);
	must_put(&scene, TYPE_B, "two");
	CHECK_COUNT(&scene.fake, "*", 1 + 3); /* the manifest; read, write, read */
	expect_list(&scene, NULL, 2, true);
	CHECK_COUNT(&scene.fake, "*", 1);
	expect_list(&scene, TYPE_B, 1, true);
	must_put(&scene, TYPE_B, "two");
	CHECK_COUNT(&scene.fake, "PUT */manifests/sha256-*", 0);
	CHECK_COUNT(&scene.fake, "*", 2);
	scene_close(&scene);
}

static void test_lies(void)
{
	struct scene scene;
	scene_open(&scene, NULL, "--referrers=lie");
	must_put(&scene, TYPE_A, "one");
	CHECK_COUNT(&scene.fake, "GET */referrers/* 404 *", 1);
	must_put(&scene, TYPE_A, "two");
	CHECK_COUNT(&scene.fake, "GET */referrers/*", 0);
	CHECK_COUNT(&scene.fake, "*", 1 + 3);
	expect_list(&scene, NULL, 2, true);
	scene_close(&scene);
}

/* ---- Writers in between ---- */

static void push_index_text(struct scene *scene, const char *text)
{
	CLEANUP(str_release) struct str bytes = STR_INIT(1 << 20);
	str_add_text(&bytes, text);
	push_document(&scene->client, &scene->repository, scene->tag, MEDIA_TYPE_OCI_INDEX, &bytes);
}

/* Reads after our write show an index without it, as often as `times` says. */
static bool put_against(struct scene *scene, const char *text, const char *times, struct err **err)
{
	CLEANUP(mem_freep) char *file = fs_join(scene->fake.directory, "other");
	CLEANUP(mem_freep)
	char *rule = mem_printf(
		"GET */manifests/sha256-* %s file 200 " MEDIA_TYPE_OCI_INDEX " %s\n", times, file);
	struct document document = artifact(scene, &scene->subject, TYPE_A, "ours");
	CHECK(fs_write_atomic(file, text, strlen(text), 0600, NULL));
	fake_set_faults(&scene->fake, rule);
	fake_forget_log(&scene->fake);
	bool ok = referrers_put(scene->client.registry, &scene->repository, &scene->subject,
		&document, 1, NULL, err);
	fake_set_faults(&scene->fake, "");
	document_release(&document);
	return ok;
}

static char *index_of(const struct document *document)
{
	CLEANUP(str_release) struct str text = STR_INIT(1 << 20);
	str_add_text(&text,
		"{ \"schemaVersion\":2, \"odd\":1.50, \"mediaType\":\"" MEDIA_TYPE_OCI_INDEX
		"\", \"manifests\" : [ ");
	add_descriptor(&text, document->media_type, &document->digest, document->len);
	str_add_text(&text, " ] }");
	return str_steal(&text, NULL);
}

static void test_other_writers(void)
{
	struct scene scene;
	struct err *err = NULL;
	scene_open(&scene, NULL, NULL);
	struct document theirs = artifact(&scene, &scene.subject, TYPE_B, "theirs");
	struct str bytes = {.bytes = theirs.bytes, .len = theirs.len};
	push_document(&scene.client, &scene.repository, NULL, theirs.media_type, &bytes);
	CLEANUP(mem_freep) char *text = index_of(&theirs);

	/* One replaced ours with theirs once: both are in the end. */
	must(put_against(&scene, text, "2", &err), &err);
	CHECK_COUNT(&scene.fake, "PUT */manifests/sha256-* 201 *", 2);
	expect_list(&scene, NULL, 2, true);

	/* One that does so for ever wins, and we say so. */
	CHECK(!put_against(&scene, text, "1+", &err));
	CHECK(err_is(err, ERR_CONFLICT) && strstr(err->msg, "other writers"));
	CHECK_COUNT(&scene.fake, "PUT */manifests/sha256-*", 6);
	err_free(steal_ptr(&err));
	document_release(&theirs);
	scene_close(&scene);
}

/* What was there keeps its bytes. */
static void test_bytes_are_kept(void)
{
	struct scene scene;
	struct err *err = NULL;
	struct digest before, after;
	scene_open(&scene, NULL, NULL);
	struct document theirs = artifact(&scene, &scene.subject, TYPE_B, "theirs");
	struct str bytes = {.bytes = theirs.bytes, .len = theirs.len};
	push_document(&scene.client, &scene.repository, NULL, theirs.media_type, &bytes);
	CLEANUP(mem_freep) char *text = index_of(&theirs);
	push_index_text(&scene, text);
	must(registry_manifest_head(
		     scene.client.registry, &scene.repository, scene.tag, NULL, &before, &err),
		&err);
	must_put(&scene, TYPE_A, "ours");
	must(registry_manifest_head(
		     scene.client.registry, &scene.repository, scene.tag, NULL, &after, &err),
		&err);
	CHECK(!digest_equal(&before, &after));
	struct document found;
	must(registry_manifest_get(
		     scene.client.registry, &scene.repository, &after, NULL, &found, &err),
		&err);
	size_t kept = strlen(text) - strlen("] }");
	CHECK(memcmp(found.bytes, text, kept) == 0 && found.bytes[kept] == ',');
	CHECK(strcmp(found.bytes + found.len - 3, "] }") == 0);
	document_release(&found);
	document_release(&theirs);
	scene_close(&scene);
}

/* An image under the tag is not replaced. */
static void test_something_else(void)
{
	struct scene scene;
	struct err *err = NULL;
	struct referrers list;
	scene_open(&scene, NULL, NULL);
	push_image(&scene.client, &scene.repository, scene.tag, "planted", 1, 100);
	CHECK(!put(&scene, TYPE_A, "one", &err));
	CHECK(err_is(err, ERR_CONFLICT) && strstr(err->msg, "not touched"));
	CHECK_COUNT(&scene.fake, "PUT */manifests/sha256-*", 0);
	err_free(steal_ptr(&err));
	CHECK(!referrers_list(
		scene.client.registry, &scene.repository, &scene.subject, NULL, NULL, &list, &err));
	CHECK(err_is(err, ERR_CONFLICT));
	err_free(steal_ptr(&err));

	/* Nor a list that only its Content-Type tells from an index. */
	CLEANUP(str_release) struct str list_text = STR_INIT(100);
	str_add_text(&list_text, "{\"schemaVersion\":2,\"manifests\":[]}");
	push_document(
		&scene.client, &scene.repository, scene.tag, MEDIA_TYPE_DOCKER_LIST, &list_text);
	CHECK(!put(&scene, TYPE_A, "one", &err) && err_is(err, ERR_CONFLICT));
	err_free(steal_ptr(&err));

	struct document other = artifact(&scene, &(struct digest){0}, TYPE_A, "of another");
	CHECK(!referrers_put(
		scene.client.registry, &scene.repository, &scene.subject, &other, 1, NULL, &err));
	CHECK(err_is(err, ERR_INVALID) && strstr(err->msg, "subject"));
	err_free(steal_ptr(&err));
	document_release(&other);
	scene_close(&scene);
}

/* ---- Threads ---- */

#define THREADS 8

struct worker {
	struct scene *scene;
	struct document document;
	pthread_t thread;
};

static void *work(void *ctx)
{
	struct worker *worker = ctx;
	struct err *err = NULL;
	must(referrers_put(worker->scene->client.registry, &worker->scene->repository,
		     &worker->scene->subject, &worker->document, 1, NULL, &err),
		&err);
	return NULL;
}

/* Several threads with one subject: none takes away what another wrote, nobody writes twice. */
static void test_threads(void)
{
	struct scene scene;
	struct worker workers[THREADS];
	scene_open(&scene, NULL, "--delay-ms=2");
	for (size_t i = 0; i < THREADS; i++) {
		char name[16];
		snprintf(name, sizeof(name), "w%zu", i);
		workers[i].scene = &scene;
		workers[i].document = artifact(&scene, &scene.subject, TYPE_A, name);
	}
	fake_forget_log(&scene.fake);
	for (size_t i = 0; i < THREADS; i++)
		CHECK(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		document_release(&workers[i].document);
	}
	CHECK_COUNT(&scene.fake, "PUT */manifests/sha256-*", THREADS);
	expect_list(&scene, NULL, THREADS, true);
	scene_close(&scene);
}

int main(void)
{
	test_api("--referrers=yes", "");
	test_api("--referrers=filter", "");
	test_api("--referrers=yes", " --page-size=2");
	test_descriptors();
	test_broken_promise();
	test_refused_lists();
	test_ways_of_missing();
	test_tag();
	test_lies();
	test_other_writers();
	test_bytes_are_kept();
	test_something_else();
	test_threads();
	return 0;
}
