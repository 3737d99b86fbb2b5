/*
 * Faults that only some requests can have, and what they cost: a lost answer, a forgotten blob.
 * Those that every request can have are in registry_matrix.c.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "tests/threads/registry_fixture.h"

/* What becomes of the destination; ERR_* or this. */
#define ARRIVES (-1)

enum place {
	AT_SOURCE, /* an image of two blobs is streamed to another host */
	AT_OTHER,
	ON_ONE_HOST, /* an index of one such image is mounted into another repository */
};

struct fault_case {
	enum place place;
	const char *rule;
	int end;
};

static const struct fault_case cases[] = {
	{AT_SOURCE, "GET */manifests/* 1+ status 429", ERR_THROTTLED},
	{AT_OTHER, "POST * 1+ status 202", ERR_INVALID},
	{AT_OTHER, "POST * 1+ status 202 Location: http://169.254.169.254/upload", ERR_INVALID},
	{AT_OTHER, "POST * 1+ status 202 Location: ftp://127.0.0.1/upload", ERR_INVALID},
	{AT_OTHER, "PUT */blobs/* 1+ status 400", ERR_INVALID},
	{AT_OTHER, "PUT */blobs/* 1+ status 413", ERR_TOO_LARGE},
	{AT_OTHER, "PUT */manifests/* 1+ status 400", ERR_INVALID},
	{AT_OTHER, "PUT */manifests/* 1+ status 409", ERR_CONFLICT},
	{ON_ONE_HOST, "POST */prod/app/* 1+ status 403", ERR_AUTH},
};

static void run(struct client *client, const struct fault_case *c, const struct fake *source,
	const struct fake *other, const struct digest *digest, int end)
{
	const struct repository from = {.host = source->host, .path = "staging/app"};
	struct copy_tag tag = {.name = "v1"};
	struct copy_destination to = {
		.repository = {.host = other->host, .path = "prod/app"},
		.tags = &tag,
		.tag_count = 1,
		.observed_ms = now_ms(),
	};
	if (c->place == ON_ONE_HOST)
		to.repository.host = source->host;
	struct err *err = NULL;
	copy_group(client->copier, &from, digest, NULL, &to, 1, &err);
	err_keep_first(&to.err, &err);
	int kind = to.err ? (int)to.err->kind : ARRIVES;
	if (kind != end || (tag.state == COPY_TAG_WRITTEN) != (end == ARRIVES)) {
		fake_show_log(source);
		fake_show_log(other);
		fprintf(stderr, "'%s' ended with: %s\n", c->rule, to.err ? to.err->msg : "success");
		exit(1);
	}
	err_free(to.err);
}

static bool is_permanent(const struct fault_case *c)
{
	return strstr(c->rule, "+ ") != NULL;
}

static void run_case(const struct fault_case *c)
{
	struct client client;
	struct fake source, other;
	fake_open(&source, c->place == AT_OTHER ? NULL : c->rule, NULL);
	fake_open(&other, c->place == AT_OTHER ? c->rule : NULL, NULL);
	client_open(&client);
	struct repository from = {.host = source.host, .path = "staging/app"};
	struct digest digest = push_image(&client, &from, NULL, "a", 1, 300000);
	if (c->place == ON_ONE_HOST)
		digest = push_index(&client, &from, NULL, &digest, 1);

	run(&client, c, &source, &other, &digest, c->end);
	/* The registry never had to tell us that bytes were wrong. */
	if (!strstr(c->rule, "400"))
		CHECK_COUNT(&other, "PUT */blobs/* 400 *", 0);
	client_close(&client);

	/* Another process, as it were: it knows nothing of the first. */
	if (!is_permanent(c)) {
		client_open(&client);
		run(&client, c, &source, &other, &digest, ARRIVES);
		client_close(&client);
	}
	fake_close(&source);
	fake_close(&other);
}

/* One of three mirrors is dead, one loses its first upload: the third does not care. */
static void test_fan_out_goes_on(void)
{
	struct client client;
	struct fake source, mirrors[3];
	struct copy_tag tags[3] = {{.name = "v1"}, {.name = "v1"}, {.name = "v1"}};
	struct copy_destination to[3];
	static const char *const rules[3] = {
		"PUT */blobs/* 1+ status 403", "PUT */blobs/* 2 status 500", NULL};
	client_open(&client);
	fake_open(&source, NULL, NULL);
	struct repository from = {.host = source.host, .path = "staging/app"};
	struct digest digest = push_image(&client, &from, NULL, "a", 1, 2000000);
	fake_forget_log(&source);
	for (size_t i = 0; i < 3; i++) {
		fake_open(&mirrors[i], rules[i], NULL);
		to[i] = (struct copy_destination){
			.repository = {.host = mirrors[i].host, .path = "prod/app"},
			.tags = &tags[i],
			.tag_count = 1,
			.observed_ms = now_ms(),
		};
	}
	struct err *err = NULL;
	must(copy_group(client.copier, &from, &digest, NULL, to, 3, &err), &err);
	CHECK(err_is(to[0].err, ERR_AUTH) && strstr(to[0].err->msg, mirrors[0].host));
	CHECK(!to[1].err && !to[2].err && tags[1].state == COPY_TAG_WRITTEN);
	CHECK_COUNT(&mirrors[2], "*", 5);
	/* The one that lost an upload read that blob once more. */
	CHECK_COUNT(&source, "*", 1 + 2 + 1);
	err_free(to[0].err);
	for (size_t i = 0; i < 3; i++)
		fake_close(&mirrors[i]);
	fake_close(&source);
	client_close(&client);
}

/* The registry forgot a blob that this run brought: it is brought again, once. */
static void test_forgotten_blob(void)
{
	struct client client;
	struct fake source, other;
	struct copy_tag tags[2] = {{.name = "v1"}, {.name = "v2"}};
	client_open(&client);
	fake_open(&source, NULL, NULL);
	fake_open(&other, "PUT */manifests/v2 1 status 404", NULL);
	struct repository from = {.host = source.host, .path = "staging/app"};
	struct digest digest = push_image(&client, &from, NULL, "a", 1, 1000);
	for (size_t i = 0; i < 2; i++) {
		struct err *err = NULL;
		struct copy_destination to = {
			.repository = {.host = other.host, .path = "prod/app"},
			.tags = &tags[i],
			.tag_count = 1,
			.observed_ms = now_ms(),
		};
		must(copy_group(client.copier, &from, &digest, NULL, &to, 1, &err), &err);
		must(!to.err, &to.err);
	}
	/* v1: two blobs and a tag; v2: a refused tag, the same two blobs, the tag. */
	CHECK_COUNT(&other, "PUT */blobs/* 201 0", 4);
	CHECK_COUNT(&other, "PUT */manifests/*", 3);
	fake_close(&source);
	fake_close(&other);
	client_close(&client);
}

/* The answer to an upload got lost: a look saves sending the bytes again. */
static void test_lost_answer(void)
{
	struct client client;
	struct fake source, other;
	struct copy_tag tag = {.name = "v1"};
	client_open(&client);
	fake_open(&source, NULL, NULL);
	fake_open(&other, "PUT */blobs/* 2 reset-mid", NULL);
	struct repository from = {.host = source.host, .path = "staging/app"};
	struct digest digest = push_image(&client, &from, NULL, "a", 1, 300000);
	struct err *err = NULL;
	struct copy_destination to = {
		.repository = {.host = other.host, .path = "prod/app"},
		.tags = &tag,
		.tag_count = 1,
		.observed_ms = now_ms(),
	};
	must(copy_group(client.copier, &from, &digest, NULL, &to, 1, &err), &err);
	must(!to.err, &to.err);
	CHECK_COUNT(&other, "PUT */blobs/* 201 0", 2);
	CHECK_COUNT(&other, "POST *mount=*&from=prod/app 201 0", 1);
	CHECK_COUNT(&source, "GET */blobs/*", 2);
	fake_close(&source);
	fake_close(&other);
	client_close(&client);
}

/* A manifest that is refused for good is sent as often as there are attempts, not once more. */
static void test_attempts(void)
{
	struct client client;
	struct fake source, other;
	struct copy_tag tag = {.name = "v1"};
	client_open(&client);
	fake_open(&source, NULL, NULL);
	fake_open(&other, "PUT */manifests/* 1+ status 500", NULL);
	struct repository from = {.host = source.host, .path = "staging/app"};
	struct digest digest = push_image(&client, &from, NULL, "a", 1, 1000);
	struct err *err = NULL;
	struct copy_destination to = {
		.repository = {.host = other.host, .path = "prod/app"},
		.tags = &tag,
		.tag_count = 1,
		.observed_ms = now_ms(),
	};
	copy_group(client.copier, &from, &digest, NULL, &to, 1, &err);
	err_keep_first(&to.err, &err);
	CHECK(err_is(to.err, ERR_TRANSIENT) && tag.state != COPY_TAG_WRITTEN);
	CHECK_COUNT(&other, "PUT */manifests/* 500 *", http_settings(client.http)->attempts);
	err_free(to.err);
	fake_close(&source);
	fake_close(&other);
	client_close(&client);
}

/* The cases mostly wait, for processes and for deadlines: several at once. */
static void *run_cases(void *arg)
{
	static _Atomic size_t next;
	(void)arg;
	for (size_t i; (i = next++) < sizeof(cases) / sizeof(cases[0]);)
		run_case(&cases[i]);
	return NULL;
}

int main(void)
{
	pthread_t threads[4];
	for (size_t i = 0; i < 4; i++)
		CHECK(pthread_create(&threads[i], NULL, run_cases, NULL) == 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	test_fan_out_goes_on();
	test_forgotten_blob();
	test_lost_answer();
	test_attempts();
	return 0;
}
