/* Listing tags over the wire: pages, Google's extension, and lists that must not be believed. */
#include "base/log.h"
#include "tests/threads/registry_fixture.h"

struct seen {
	size_t tags, manifests, manifest_tags;
	char last[129];
};

static void on_tag(void *ctx, const char *tag)
{
	struct seen *seen = ctx;
	seen->tags++;
	snprintf(seen->last, sizeof(seen->last), "%s", tag);
}

static void on_manifest(void *ctx, const struct digest *digest)
{
	(void)digest;
	((struct seen *)ctx)->manifests++;
}

static void on_manifest_tag(void *ctx, const struct digest *digest, const char *tag)
{
	(void)digest;
	(void)tag;
	((struct seen *)ctx)->manifest_tags++;
}

struct scene {
	struct client client;
	struct fake fake;
	struct repository repository;
	struct seen seen;
	enum tags_kind kind;
};

/* Gives one image many tags. */
static void push_tags(struct scene *scene, size_t count)
{
	struct registry *registry = scene->client.registry;
	struct digest digest =
		push_image(&scene->client, &scene->repository, "t000000", "a", 1, 100);
	struct document document;
	struct err *err = NULL;
	must(registry_manifest_get(registry, &scene->repository, &digest, NULL, &document, &err),
		&err);
	for (size_t i = 1; i < count; i++) {
		char tag[32];
		snprintf(tag, sizeof(tag), "t%06zu", i);
		must(registry_manifest_put(
			     registry, &scene->repository, tag, &document, NULL, &err),
			&err);
	}
	document_release(&document);
}

static void scene_open(struct scene *scene, const char *faults, const char *option, size_t tags)
{
	*scene = (struct scene){0};
	client_open(&scene->client);
	fake_open(&scene->fake, faults, option);
	scene->repository = (struct repository){.host = scene->fake.host, .path = "prod/app"};
	push_tags(scene, tags);
}

static void scene_close(struct scene *scene)
{
	client_close(&scene->client);
	fake_close(&scene->fake);
}

static bool list(struct scene *scene, struct err **err)
{
	const struct tags_visitor visitor = {on_tag, on_manifest, on_manifest_tag, &scene->seen};
	scene->seen = (struct seen){0};
	return registry_tags_list(
		scene->client.registry, &scene->repository, &visitor, NULL, &scene->kind, err);
}

static void expect_list(struct scene *scene, enum tags_kind kind, size_t tags, size_t manifests)
{
	struct err *err = NULL;
	must(list(scene, &err), &err);
	CHECK(scene->kind == kind && scene->seen.tags == tags &&
		scene->seen.manifests == manifests);
}

static void expect_refused(
	const char *rule, const char *option, enum err_kind kind, const char *text)
{
	struct scene scene;
	struct err *err = NULL;
	scene_open(&scene, rule, option, 3);
	CHECK(!list(&scene, &err));
	if (err->kind != kind || !strstr(err->msg, text)) {
		fprintf(stderr, "'%s': %s\n", rule, err->msg);
		exit(1);
	}
	err_free(err);
	scene_close(&scene);
}

static void test_plain(void)
{
	struct scene scene;
	scene_open(&scene, NULL, NULL, 3);
	expect_list(&scene, TAGS_PLAIN, 3, 0);
	CHECK(!registry_host_is_google(scene.client.registry, scene.fake.host));
	CHECK_COUNT(&scene.fake, "GET */tags/list*", 1);

	struct err *err = NULL;
	scene.repository.path = "prod/none";
	CHECK(!list(&scene, &err) && err_is(err, ERR_NOT_FOUND) && err->http == 404);
	err_free(err);
	scene_close(&scene);
}

static void test_pages(void)
{
	struct scene scene;
	scene_open(&scene, NULL, "--page-size=2", 7);
	expect_list(&scene, TAGS_PLAIN, 7, 0);
	CHECK(strcmp(scene.seen.last, "t000006") == 0);
	CHECK_COUNT(&scene.fake, "GET */tags/list*", 4);
	scene_close(&scene);
}

static void test_google(void)
{
	struct scene scene;
	scene_open(&scene, NULL, "--google", 3);
	push_image(&scene.client, &scene.repository, NULL, "untagged", 1, 100);
	fake_forget_log(&scene.fake);
	expect_list(&scene, TAGS_GOOGLE, 3, 2);
	CHECK(scene.seen.manifest_tags == 3);
	CHECK(registry_host_is_google(scene.client.registry, scene.fake.host));
	CHECK_COUNT(&scene.fake, "*", 1);
	scene_close(&scene);
}

/* A full page without a Link: one more request tells that it was all. */
static void test_exactly_one_page(void)
{
	struct scene scene;
	scene_open(&scene, NULL, NULL, 1000);
	fake_forget_log(&scene.fake);
	expect_list(&scene, TAGS_PLAIN, 2000, 0); /* a server without paging shows the page twice */
	CHECK_COUNT(&scene.fake, "*", 2);
	CHECK_COUNT(&scene.fake, "*last=t000999*", 1);
	scene_close(&scene);

	scene_open(&scene, NULL, "--page-size=1000", 1000);
	fake_forget_log(&scene.fake);
	expect_list(&scene, TAGS_PLAIN, 1000, 0);
	CHECK_COUNT(&scene.fake, "*", 2);
	scene_close(&scene);
}

static void test_refused_lists(void)
{
	expect_refused("GET */tags/* 1+ bad-json", NULL, ERR_INVALID, "cut off");
	expect_refused("GET */tags/* 1+ truncate", NULL, ERR_TRANSIENT, "tags/list");
	expect_refused("GET */tags/* 1+ reset-mid", NULL, ERR_TRANSIENT, "tags/list");
	expect_refused("GET */tags/* 1+ stall-mid", NULL, ERR_TIMEOUT, "tags/list");
	expect_refused("GET */tags/* 1+ gigabyte", NULL, ERR_TOO_LARGE, "tags/list");
	expect_refused("GET */tags/* 1+ status 503", NULL, ERR_TRANSIENT, "503");
	expect_refused("GET */tags/* 1+ status 403", NULL, ERR_AUTH, "anonymous");
	expect_refused("GET */tags/* 2 status 404", "--page-size=1", ERR_INVALID, "404");
	expect_refused("GET */tags/* 2+ reset-mid", "--page-size=1", ERR_TRANSIENT, "tags/list");
	/* Links that lead nowhere good. */
	expect_refused("GET */tags/* 1+ header Link: </v2/prod/app/tags/list?n=1>; rel=next", NULL,
		ERR_INVALID, "circle");
	expect_refused("GET */tags/* 1+ header Link: <https://evil.example/tags>; rel=next", NULL,
		ERR_INVALID, "another host");
	expect_refused("GET */tags/* 1+ header Link: <http://169.254.169.254/x>; rel=next", NULL,
		ERR_INVALID, "169.254.169.254");
	expect_refused(
		"GET */tags/* 1+ header Link: </v2/broken; rel=next", NULL, ERR_INVALID, "Link");
}

/* What may pass is tried again before anything was visited. */
static void test_second_try(void)
{
	struct scene scene;
	scene_open(&scene, "GET */tags/* 1 status 503\nGET */tags/* 1 reset-before\n", NULL, 3);
	expect_list(&scene, TAGS_PLAIN, 3, 0);
	CHECK_COUNT(&scene.fake, "GET */tags/*", 3);
	scene_close(&scene);
}

/* A page that breaks off in the middle is read again, and only that page. */
static void test_page_again(void)
{
	struct scene scene;
	struct err *err = NULL;
	scene_open(
		&scene, "GET */tags/* 2 reset-mid\nGET */tags/* 2 truncate\n", "--page-size=3", 7);
	must(list(&scene, &err), &err);
	CHECK(scene.seen.tags >= 7 && strcmp(scene.seen.last, "t000006") == 0);
	CHECK_COUNT(&scene.fake, "GET */tags/list*", 3 + 2);
	CHECK_COUNT(&scene.fake, "GET */tags/list*last=t000002*", 3);
	scene_close(&scene);
}

/* Every form that registries use leads through all pages. */
static void test_links(void)
{
	static const char *const forms[] = {"absolute", "plain", "query", "several", "repeated"};
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct scene scene;
		CLEANUP(mem_freep) char *options = mem_printf("--page-size=2 --link=%s", forms[i]);
		scene_open(&scene, NULL, options, 5);
		fake_forget_log(&scene.fake);
		expect_list(&scene, TAGS_PLAIN, 5, 0);
		CHECK_COUNT(&scene.fake, "GET */tags/list*", 3);
		CHECK_COUNT(&scene.fake, "*?next_page=1&last=t000001 200 *", i == 2 ? 1 : 0);
		CHECK_COUNT(&scene.fake, "*&opaque=%2Ba,b;c 200 *", i == 0 ? 2 : 0);
		scene_close(&scene);
	}
}

/* Another scheme is another place, and what is not understood may hide a page. */
static void test_links_elsewhere(void)
{
	expect_refused("GET */tags/* 1+ header Link: <//other.example/v2/x>; rel=next", NULL,
		ERR_INVALID, "another host");
	expect_refused("GET */tags/* 1+ header Link: <https://127.0.0.1/v2/x>; rel=next", NULL,
		ERR_INVALID, "another host");
	expect_refused("GET */tags/* 1+ header Link: <ftp://127.0.0.1/v2/x>; rel=next", NULL,
		ERR_INVALID, "");
	expect_refused("GET */tags/* 1+ header Link: </a>; rel=prev, </v2/b; rel=next", NULL,
		ERR_INVALID, "Link");
}

/* Asked without a page size once it was refused, from then on at once. */
static void test_page_size_refused(void)
{
	struct scene scene;
	scene_open(&scene, NULL, "--no-page-size --page-size=2", 3);
	fake_forget_log(&scene.fake);
	expect_list(&scene, TAGS_PLAIN, 3, 0);
	CHECK_COUNT(&scene.fake, "GET */tags/list?n=1000 400 *", 1);
	CHECK_COUNT(&scene.fake, "*", 3);
	expect_list(&scene, TAGS_PLAIN, 3, 0);
	CHECK_COUNT(&scene.fake, "*", 5);
	scene_close(&scene);

	expect_refused("GET */tags/* 1+ status 400", NULL, ERR_INVALID, "status 400");
}

/* What a registry warns of is said once, and once only. */
static unsigned warnings_said;

static void count_warnings(void *ctx, enum log_level level, const char *text)
{
	(void)ctx;
	if (level == LOG_WARNING && strstr(text, "says: soon gone"))
		warnings_said++;
}

static void test_warnings(void)
{
	struct scene scene;
	log_set_sink(count_warnings, NULL);
	scene_open(&scene, "GET */tags/* 1+ header Warning: 299 - \"soon gone\"\n", NULL, 3);
	expect_list(&scene, TAGS_PLAIN, 3, 0);
	expect_list(&scene, TAGS_PLAIN, 3, 0);
	CHECK(warnings_said == 1);
	scene_close(&scene);
	log_set_sink(NULL, NULL);
}

int main(void)
{
	test_links();
	test_links_elsewhere();
	test_page_size_refused();
	test_warnings();
	test_plain();
	test_pages();
	test_google();
	test_exactly_one_page();
	test_refused_lists();
	test_second_try();
	test_page_again();
	return 0;
}
