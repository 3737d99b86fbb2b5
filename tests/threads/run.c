/*
 * Whole runs against fake registries, with the real client: what arrives, what it costs by the
 * registries' own logs, and that a run that was cut off anywhere is finished by the next one.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "tests/threads/registry_fixture.h"
#include "tests/unit/reconciler/run_fixture.h"

enum { LAYERS = 3, IMAGES = 20 };

struct scene {
	struct client client;
	struct fake one, two; /* the second speaks Google's extension */
	struct manifest_tree tree;
	struct str images;
	struct digest digests[IMAGES];
	size_t image_count;
};

static void scene_open(struct scene *scene)
{
	log_set_level(LOG_FATAL);
	*scene = (struct scene){.images = STR_INIT(STR_TEXT_MAX)};
	client_open(&scene->client);
	fake_open(&scene->one, NULL, NULL);
	fake_open(&scene->two, NULL, "--google");
	manifest_tree_init(&scene->tree);
}

static void scene_close(struct scene *scene)
{
	client_close(&scene->client);
	fake_close(&scene->one);
	fake_close(&scene->two);
	manifest_tree_release(&scene->tree);
	str_release(&scene->images);
}

/* One image a repository below the first registry's staging, with one tag. */
static void add_image(struct scene *scene,
	struct digest (*push)(
		struct scene *scene, const struct repository *repository, const char *name))
{
	CLEANUP(mem_freep) char *path = mem_printf("staging/image%zu", scene->image_count);
	const struct repository repository = {.host = scene->one.host, .path = path};
	char text[DIGEST_TEXT_SIZE];
	struct digest digest = push(scene, &repository, path);

	str_addf(&scene->images, "- name: image%zu\n  dmap:\n    \"%s\": [\"v1\"]\n",
		scene->image_count, digest_format(&digest, text));
	scene->digests[scene->image_count++] = digest;
}

static struct digest push_single(
	struct scene *scene, const struct repository *repository, const char *name)
{
	return push_image(&scene->client, repository, NULL, name, LAYERS, 2000);
}

static struct digest push_multi(
	struct scene *scene, const struct repository *repository, const char *name)
{
	CLEANUP(mem_freep) char *other = mem_printf("%s other", name);
	const struct digest children[] = {
		push_image(&scene->client, repository, NULL, name, LAYERS, 2000),
		push_image(&scene->client, repository, NULL, other, LAYERS, 2000),
	};

	return push_index(&scene->client, repository, NULL, children, 2);
}

/* `destinations`: registries with %1 and %2 for the hosts. */
static void declare(struct scene *scene, const char *destinations)
{
	CLEANUP(str_release) struct str registries = STR_INIT(STR_TEXT_MAX);

	str_addf(&registries, "*%s/staging", scene->one.host);
	str_add_char(&registries, ' ');
	for (const char *c = destinations; *c; c++) {
		if (*c == '%')
			str_add_text(&registries, *++c == '1' ? scene->one.host : scene->two.host);
		else
			str_add_char(&registries, *c);
	}
	manifest_tree_project(&scene->tree, "a", str_text(&registries), str_text(&scene->images));
	manifest_tree_load(&scene->tree);
	fake_forget_log(&scene->one);
	fake_forget_log(&scene->two);
}

static size_t count(const struct scene *scene, const char *glob)
{
	return fake_count(&scene->one, glob) + fake_count(&scene->two, glob);
}

static size_t count_writes(const struct scene *scene)
{
	return count(scene, "PUT *") + count(scene, "POST *") + count(scene, "PATCH *");
}

static void run(struct scene *scene, bool confirm, struct told *told)
{
	size_t before = count(scene, "*");

	tell_run(&scene->tree, scene->client.registry,
		&(struct tell_options){.confirm = confirm, .threads = 8}, told);
	CHECK(told_adds_up(told, count(scene, "*") - before));
}

static void expect_arrived(struct scene *scene, const char *host, const char *prefix)
{
	for (size_t i = 0; i < scene->image_count; i++) {
		CLEANUP(mem_freep) char *path = mem_printf("%s/image%zu", prefix, i);
		const struct repository repository = {.host = host, .path = path};
		struct digest found;
		struct err *err = NULL;

		must(registry_manifest_head(
			     scene->client.registry, &repository, "v1", NULL, &found, &err),
			&err);
		CHECK(digest_equal(&found, &scene->digests[i]));
	}
}

static void show(const struct told *told)
{
	for (size_t i = 0; i < told->records.len; i++)
		fprintf(stderr, "%s: %s: %s\n", told->records.items[i].key,
			told->records.items[i].text, told->records.items[i].error);
}

/* An outcome that is not as often as it should be shows all records. */
#define CHECK_OUTCOME(told, outcome, wanted)                                                       \
	do {                                                                                       \
		if ((told)->result.outcomes[outcome] != (wanted)) {                                \
			show(told);                                                                \
			fprintf(stderr, "%s:%d: %ju pairs are %s, not %ju\n", __FILE__, __LINE__,  \
				(uintmax_t)(told)->result.outcomes[outcome],                       \
				outcome_name(outcome), (uintmax_t)(wanted));                       \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

/* The budget of 20 images of 3 layers on one registry: 7 requests each, then 2. */
static void test_budget(void)
{
	struct scene scene;
	struct told told;

	scene_open(&scene);
	for (size_t i = 0; i < IMAGES; i++)
		add_image(&scene, push_single);
	declare(&scene, "%1/prod");
	run(&scene, false, &told);
	CHECK_OUTCOME(&told, OUTCOME_PLANNED, IMAGES);
	CHECK(count_writes(&scene) == 0);
	told_release(&told);
	fake_forget_log(&scene.one);

	run(&scene, true, &told);
	CHECK_OUTCOME(&told, OUTCOME_PROMOTED, IMAGES);
	CHECK_COUNT(&scene.one, "*", 7 * IMAGES);
	told_release(&told);
	expect_arrived(&scene, scene.one.host, "prod");
	fake_forget_log(&scene.one);

	run(&scene, true, &told);
	CHECK_OUTCOME(&told, OUTCOME_IN_PLACE, IMAGES);
	CHECK(told.records.len == 0);
	CHECK_COUNT(&scene.one, "*", 2 * IMAGES);
	CHECK(count_writes(&scene) == 0);
	told_release(&told);
	scene_close(&scene);
}

/* Same host, other host, two destinations of one host, indexes; one chain of registries. */
static void test_many_destinations(void)
{
	struct scene scene;
	struct told told;
	CLEANUP(str_release) struct str chain = STR_INIT(STR_TEXT_MAX);

	scene_open(&scene);
	for (size_t i = 0; i < 6; i++)
		add_image(&scene, i % 2 ? push_multi : push_single);
	str_addf(&chain, "*%s/eu %s/asia", scene.two.host, scene.two.host);
	manifest_tree_project(&scene.tree, "b", str_text(&chain), str_text(&scene.images));
	declare(&scene, "%1/prod %2/eu %2/us");
	run(&scene, true, &told);
	CHECK_OUTCOME(&told, OUTCOME_PROMOTED, 6 * 4);
	told_release(&told);
	expect_arrived(&scene, scene.one.host, "prod");
	expect_arrived(&scene, scene.two.host, "eu");
	expect_arrived(&scene, scene.two.host, "us");
	expect_arrived(&scene, scene.two.host, "asia");
	fake_forget_log(&scene.one);
	fake_forget_log(&scene.two);

	run(&scene, true, &told);
	CHECK_OUTCOME(&told, OUTCOME_IN_PLACE, 6 * 4);
	CHECK(count_writes(&scene) == 0);
	/* Plain: a list and a HEAD. Google: a list. */
	CHECK_COUNT(&scene.one, "*", 6 * 2);
	CHECK_COUNT(&scene.two, "*", 6 * 3);
	told_release(&told);
	scene_close(&scene);
}

static void set_faults(const struct fake *fake, const char *rules)
{
	CLEANUP(mem_freep) char *path = fs_join(fake->directory, "faults");

	CHECK(fs_write_atomic(path, rules, strlen(rules), 0600, NULL));
}

/* One poisoned manifest, one forbidden repository, one list cut short: all others arrive. */
static void test_bad_entries(void)
{
	struct scene scene;
	struct told told;

	scene_open(&scene);
	for (size_t i = 0; i < 12; i++)
		add_image(&scene, push_single);
	/* So that there is a list to cut. */
	for (size_t i = 7; i <= 11; i += 4) {
		CLEANUP(mem_freep) char *path = mem_printf("prod/image%zu", i);
		const struct repository there = {.host = scene.one.host, .path = path};

		push_image(&scene.client, &there, "old", "old", 1, 100);
	}
	declare(&scene, "%1/prod");
	set_faults(&scene.one,
		"GET */staging/image3/manifests/* 1+ flip-bit\n"
		"GET */prod/image5/tags/list* 1+ status 403\n"
		"GET */prod/image7/tags/list* 1+ truncate\n"
		"GET */staging/image9/manifests/* 1+ status 404\n"
		"GET */prod/image11/tags/list* 1+ bad-json\n");
	run(&scene, true, &told);
	CHECK_OUTCOME(&told, OUTCOME_PROMOTED, 7);
	CHECK_OUTCOME(&told, OUTCOME_FAILED, 4);
	CHECK_OUTCOME(&told, OUTCOME_LOST, 1);
	CHECK(count(&scene, "P*/prod/image5/*") == 0);
	CHECK(count(&scene, "P*/prod/image7/*") == 0);
	CHECK(count(&scene, "P*/prod/image11/*") == 0);
	told_release(&told);

	set_faults(&scene.one, "");
	run(&scene, true, &told);
	CHECK_OUTCOME(&told, OUTCOME_PROMOTED, 5);
	CHECK_OUTCOME(&told, OUTCOME_IN_PLACE, 7);
	told_release(&told);
	expect_arrived(&scene, scene.one.host, "prod");
	scene_close(&scene);
}

/* Nobody listens at the second host any more. */
static void test_dead_registry(void)
{
	struct scene scene;
	struct told told;
	int status;

	scene_open(&scene);
	for (size_t i = 0; i < 12; i++)
		add_image(&scene, push_single);
	declare(&scene, "%2/far %1/prod");
	spawn_stop(&scene.two.child, 0, &status);
	tell_run(
		&scene.tree, scene.client.registry, &(struct tell_options){.confirm = true}, &told);
	CHECK_OUTCOME(&told, OUTCOME_PROMOTED, 12);
	CHECK_OUTCOME(&told, OUTCOME_FAILED, 12);
	told_release(&told);
	expect_arrived(&scene, scene.one.host, "prod");
	scene_close(&scene);
}

/* ---- A registry that takes requests and never answers ---- */

struct watch {
	struct scene *scene;
	size_t asked; /* requests to the second registry when the first one had everything */
};

static void *end_the_silence(void *arg)
{
	struct watch *watch = arg;
	struct scene *scene = watch->scene;
	int status;

	while (fake_count(&scene->one, "PUT /v2/prod/*/manifests/v1 201 *") < scene->image_count)
		usleep(1000);
	watch->asked = fake_count(&scene->two, "*");
	spawn_stop(&scene->two.child, 0, &status);
	return NULL;
}

static void test_silent_registry(void)
{
	struct scene scene;
	struct told told;
	pthread_t thread;
	struct watch watch = {.scene = &scene};
	CLEANUP(str_release) struct str registries = STR_INIT(STR_TEXT_MAX);

	scene_open(&scene);
	client_close(&scene.client);
	client_open_with(&scene.client, (int64_t)3600 * 1000, NULL, 0, NULL);
	for (size_t i = 0; i < IMAGES; i++)
		add_image(&scene, push_single);
	str_addf(&registries, "*%s/staging %s/far", scene.one.host, scene.two.host);
	manifest_tree_project(&scene.tree, "A", str_text(&registries), str_text(&scene.images));
	declare(&scene, "%1/prod");
	set_faults(&scene.two, "* * 1+ stall\n");
	pthread_create(&thread, NULL, end_the_silence, &watch);
	tell_run(&scene.tree, scene.client.registry,
		&(struct tell_options){.confirm = true, .threads = 8}, &told);
	pthread_join(thread, NULL);
	CHECK_OUTCOME(&told, OUTCOME_PROMOTED, IMAGES);
	CHECK_OUTCOME(&told, OUTCOME_FAILED, IMAGES);
	CHECK(watch.asked >= 1 && watch.asked <= 4);
	told_release(&told);
	expect_arrived(&scene, scene.one.host, "prod");
	scene_close(&scene);
}

/* ---- Cut off anywhere ---- */

struct cut {
	const struct http_tally *tally;
	struct cancel *cancel;
	uint64_t at;
	enum cancel_state state;
	atomic_bool over;
};

static void *cut_off(void *arg)
{
	struct cut *cut = arg;

	while (!cut->over && cut->tally->requests < cut->at)
		usleep(100);
	cancel_raise(cut->cancel, cut->state);
	return NULL;
}

/* Returns false once the run ends before it is cut off. */
static bool run_cut(struct scene *scene, uint64_t at, enum cancel_state state)
{
	struct client client;
	struct told told;
	struct cut cut;
	pthread_t thread;
	bool interrupted;

	client_open(&client);
	cut = (struct cut){http_totals(client.http), client.cancel, at, state, false};
	pthread_create(&thread, NULL, cut_off, &cut);
	tell_run(&scene->tree, client.registry,
		&(struct tell_options){.confirm = true, .cancel = client.cancel}, &told);
	interrupted = told.result.interrupted;
	CHECK_OUTCOME(&told, OUTCOME_FAILED, 0);
	CHECK(interrupted || told.result.outcomes[OUTCOME_NOT_DONE] == 0);
	cut.over = true;
	pthread_join(thread, NULL);
	told_release(&told);
	client_close(&client);
	return interrupted;
}

static void test_cut_off(enum cancel_state state)
{
	bool interrupted = true;

	for (uint64_t at = 1; interrupted && at < 200; at += 4) {
		struct scene scene;
		struct told told;

		scene_open(&scene);
		for (size_t i = 0; i < 3; i++)
			add_image(&scene, i % 2 ? push_multi : push_single);
		declare(&scene, "%1/prod %2/eu");
		interrupted = run_cut(&scene, at, state);
		/* Not counted: requests that were given up are still being logged. */
		tell_run(&scene.tree, scene.client.registry,
			&(struct tell_options){.confirm = true}, &told);
		CHECK(told.result.outcomes[OUTCOME_IN_PLACE] +
				told.result.outcomes[OUTCOME_PROMOTED] ==
			6);
		told_release(&told);
		expect_arrived(&scene, scene.one.host, "prod");
		expect_arrived(&scene, scene.two.host, "eu");
		scene_close(&scene);
	}
}

int main(void)
{
	test_budget();
	test_many_destinations();
	test_bad_entries();
	test_dead_registry();
	test_silent_registry();
	test_cut_off(CANCEL_DRAIN);
	test_cut_off(CANCEL_NOW);
	return 0;
}
