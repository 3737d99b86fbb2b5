/*
 * Every request of a small promotion goes wrong once in every way. Afterwards: the right kind of
 * error or none, no wrong byte offered as complete, no hang, and a second run that finishes.
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
	/* The image's manifest. */
	{AT_SOURCE, "GET */manifests/* 1 reset-before", ARRIVES},
	{AT_SOURCE, "GET */manifests/* 1 reset-mid", ARRIVES},
	{AT_SOURCE, "GET */manifests/* 1 truncate", ARRIVES},
	{AT_SOURCE, "GET */manifests/* 1 flip-bit", ARRIVES},
	{AT_SOURCE, "GET */manifests/* 1+ flip-bit", ERR_DIGEST},
	{AT_SOURCE, "GET */manifests/* 1 status 500", ARRIVES},
	{AT_SOURCE, "GET */manifests/* 1+ status 503", ERR_TRANSIENT},
	{AT_SOURCE, "GET */manifests/* 1 status 429 Retry-After: 0", ARRIVES},
	{AT_SOURCE, "GET */manifests/* 1+ status 429", ERR_THROTTLED},
	{AT_SOURCE, "GET */manifests/* 1+ status 429 Retry-After: 3600", ERR_THROTTLED},
	{AT_SOURCE, "GET */manifests/* 1+ status 401", ERR_AUTH},
	{AT_SOURCE, "GET */manifests/* 1+ status 403", ERR_AUTH},
	{AT_SOURCE, "GET */manifests/* 1 status 404", ERR_NOT_FOUND},
	{AT_SOURCE, "GET */manifests/* 1 stall", ARRIVES},
	{AT_SOURCE, "GET */manifests/* 1 stall-mid", ARRIVES},
	{AT_SOURCE, "GET */manifests/* 1+ gigabyte", ERR_TOO_LARGE},
	{AT_SOURCE, "GET */manifests/* 1+ bad-json", ERR_DIGEST},
	{AT_SOURCE, "GET */manifests/* 1+ endless-headers", ERR_TOO_LARGE},
	{AT_SOURCE, "GET */manifests/* 1+ redirect /v2/staging/app/manifests/round", ERR_INVALID},
	{AT_SOURCE, "GET */manifests/* 1+ redirect http://169.254.169.254/latest", ERR_INVALID},
	{AT_SOURCE, "GET */manifests/* 1 wrong-digest-header", ARRIVES},
	{AT_SOURCE, "GET */manifests/* 1 no-digest-header", ARRIVES},
	/* Its blobs: two, read one after the other. */
	{AT_SOURCE, "GET */blobs/* 1 reset-before", ARRIVES},
	{AT_SOURCE, "GET */blobs/* 2 reset-mid", ARRIVES},
	{AT_SOURCE, "GET */blobs/* 1 truncate", ARRIVES},
	{AT_SOURCE, "GET */blobs/* 1 flip-bit", ARRIVES},
	{AT_SOURCE, "GET */blobs/* 1+ flip-bit", ERR_DIGEST},
	{AT_SOURCE, "GET */blobs/* 1+ bad-json", ERR_DIGEST},
	{AT_SOURCE, "GET */blobs/* 1+ gigabyte", ERR_DIGEST},
	{AT_SOURCE, "GET */blobs/* 2 status 500", ARRIVES},
	{AT_SOURCE, "GET */blobs/* 1+ status 404", ERR_INVALID},
	{AT_SOURCE, "GET */blobs/* 1+ status 403", ERR_AUTH},
	{AT_SOURCE, "GET */blobs/* 1 stall-mid", ARRIVES},
	/* Opening an upload. */
	{AT_OTHER, "POST * 1 reset-before", ARRIVES},
	{AT_OTHER, "POST * 2 reset-mid", ARRIVES},
	{AT_OTHER, "POST * 1 status 500", ARRIVES},
	{AT_OTHER, "POST * 1 status 429 Retry-After: 0", ARRIVES},
	{AT_OTHER, "POST * 1+ status 403", ERR_AUTH},
	{AT_OTHER, "POST * 1+ status 202", ERR_INVALID},
	{AT_OTHER, "POST * 1+ status 202 Location: http://169.254.169.254/upload", ERR_INVALID},
	{AT_OTHER, "POST * 1+ status 202 Location: ftp://127.0.0.1/upload", ERR_INVALID},
	{AT_OTHER, "POST * 1 stall", ARRIVES},
	/* Uploading. */
	{AT_OTHER, "PUT */blobs/* 1 reset-before", ARRIVES},
	{AT_OTHER, "PUT */blobs/* 2 reset-mid", ARRIVES},
	{AT_OTHER, "PUT */blobs/* 1 status 500", ARRIVES},
	{AT_OTHER, "PUT */blobs/* 1 status 404", ARRIVES},
	{AT_OTHER, "PUT */blobs/* 1+ status 400", ERR_INVALID},
	{AT_OTHER, "PUT */blobs/* 1+ status 413", ERR_TOO_LARGE},
	{AT_OTHER, "PUT */blobs/* 1+ status 503", ERR_TRANSIENT},
	{AT_OTHER, "PUT */blobs/* 1 wrong-digest-header", ARRIVES},
	{AT_OTHER, "PUT */blobs/* 1 stall", ARRIVES},
	/* The tag. */
	{AT_OTHER, "PUT */manifests/* 1 reset-before", ARRIVES},
	{AT_OTHER, "PUT */manifests/* 1 reset-mid", ARRIVES},
	{AT_OTHER, "PUT */manifests/* 1 status 500", ARRIVES},
	{AT_OTHER, "PUT */manifests/* 1 status 404", ARRIVES},
	{AT_OTHER, "PUT */manifests/* 1+ status 404", ERR_NOT_FOUND},
	{AT_OTHER, "PUT */manifests/* 1+ status 400", ERR_INVALID},
	{AT_OTHER, "PUT */manifests/* 1+ status 409", ERR_CONFLICT},
	{AT_OTHER, "PUT */manifests/* 1+ wrong-digest-header", ERR_DIGEST},
	{AT_OTHER, "PUT */manifests/* 1 stall", ARRIVES},
	/* Mounts: whoever does not mount may still take an upload. */
	{ON_ONE_HOST, "POST *mount=* 1+ status 404", ARRIVES},
	{ON_ONE_HOST, "POST *mount=* 1+ status 401", ARRIVES},
	{ON_ONE_HOST, "POST *mount=* 1 status 500", ARRIVES},
	{ON_ONE_HOST, "POST *mount=* 2 reset-mid", ARRIVES},
	{ON_ONE_HOST, "POST *mount=* 1+ status 503", ERR_TRANSIENT},
	{ON_ONE_HOST, "POST */prod/app/* 1+ status 403", ERR_AUTH},
	/* Children: the third GET, after one to make the index and the index itself. */
	{ON_ONE_HOST, "GET */manifests/* 3 reset-mid", ARRIVES},
	{ON_ONE_HOST, "GET */manifests/* 3 flip-bit", ARRIVES},
	{ON_ONE_HOST, "GET */manifests/* 3+ flip-bit", ERR_DIGEST},
	{ON_ONE_HOST, "GET */manifests/* 3 status 404", ERR_INVALID},
	{ON_ONE_HOST, "GET */manifests/* 3+ gigabyte", ERR_TOO_LARGE},
	{ON_ONE_HOST, "PUT */prod/app/manifests/sha256* 1 status 500", ARRIVES},
	{ON_ONE_HOST, "PUT */prod/app/manifests/sha256* 1 status 404", ARRIVES},
	{ON_ONE_HOST, "PUT */prod/app/manifests/sha256* 1+ status 404", ERR_NOT_FOUND},
	{ON_ONE_HOST, "PUT */prod/app/manifests/sha256* 1+ status 403", ERR_AUTH},
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
	return 0;
}
