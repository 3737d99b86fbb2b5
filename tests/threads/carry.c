/*
 * What staging has beside images, read by many threads at once: its repository is listed once, whatever
 * comes of it, and what refuses is not asked for each image.
 */
#include <pthread.h>

#include "reconciler/carry.h"
#include "tests/threads/attach_fixture.h"

#define THREADS 24 /* more than have a turn */

struct looker {
	struct scene *scene;
	struct carry *carry;
	const char *source;
	struct digest image;
	size_t signatures;
	struct record_carried told;
	pthread_t thread;
};

static void *look(void *ctx)
{
	struct looker *looker = ctx;
	const struct repository primary = {looker->scene->fake.host, "prod/other"};
	struct http_tally tally = {0};
	struct cargo cargo = {0};
	const struct carry_image image = {
		.source = looker->source,
		.primary = &primary,
		.digest = &looker->image,
		.tally = &tally,
	};

	carry_read(looker->carry, &image, &cargo);
	looker->signatures = cargo_count(&cargo, ATTACHED_SIG);
	CHECK(tally.requests > 0 || !looker->signatures);
	cargo_finish(&cargo, "image", &looker->told);
	return NULL;
}

/* Half of the threads ask for the image that is signed, half for one that is not. */
static void look_all(struct scene *scene, struct looker *lookers)
{
	static const struct policy_signer somebody = {{.exact = "a@b.c"}, {.exact = "https://a.b"}};
	const struct carry_options options = {
		.mode = CARRY_SIGNED, .signers = &somebody, .signer_count = 1};
	struct cancel *cancel = cancel_new();
	struct carry *carry = carry_new(&options, scene->registry, &clock_system, cancel);
	CLEANUP(mem_freep)
	char *source = mem_printf("%s/%s", scene->fake.host, scene->repository.path);

	for (size_t i = 0; i < THREADS; i++) {
		lookers[i] = (struct looker){
			.scene = scene, .carry = carry, .source = source, .image = scene->image};
		if (i % 2)
			lookers[i].image = digest_of(DIGEST_SHA256, &i, sizeof(i));
		CHECK(pthread_create(&lookers[i].thread, NULL, look, &lookers[i]) == 0);
	}
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(lookers[i].thread, NULL);
	carry_free(carry);
	cancel_free(cancel);
}

static void release_all(struct looker *lookers)
{
	for (size_t i = 0; i < THREADS; i++)
		mem_free(lookers[i].told.why);
}

static void test_listed_once(void)
{
	struct scene scene;
	struct looker lookers[THREADS];

	scene_open(&scene, "--delay-ms=1");
	must_attach(&scene, "one", true);
	must_attach(&scene, "two", false);
	fake_forget_log(&scene.fake);
	look_all(&scene, lookers);
	CHECK_COUNT(&scene.fake, "GET */tags/list*", 1);
	CHECK_COUNT(&scene.fake, "GET */manifests/sha256-*.sig*", THREADS / 2);
	/* What is not listed is not asked for. */
	CHECK_COUNT(&scene.fake, "GET */manifests/sha256-*.att*", 0);
	for (size_t i = 0; i < THREADS; i++) {
		CHECK(lookers[i].signatures == (i % 2 ? 0 : 2));
		CHECK(!lookers[i].told.failed);
	}
	release_all(lookers);
	scene_close(&scene);
}

/* The failure of the list is remembered too, and a few more are enough to leave it alone. */
static void test_refused(void)
{
	struct scene scene;
	struct looker lookers[THREADS];

	scene_open(&scene, NULL);
	must_attach(&scene, "one", true);
	set_rules(
		&scene, "GET */tags/list* 1+ status 403\nGET */manifests/sha256-* 1+ status 403\n");
	fake_forget_log(&scene.fake);
	look_all(&scene, lookers);
	CHECK_COUNT(&scene.fake, "GET */tags/list*", 1);
	for (size_t i = 0; i < THREADS; i++)
		CHECK(lookers[i].told.failed && lookers[i].told.why);
	release_all(lookers);
	scene_close(&scene);
}

int main(void)
{
	test_listed_once();
	test_refused();
	return 0;
}
