/*
 * The client of The Update Framework against a repository that changes, lies and rolls back: what
 * is trusted afterwards, what is written down, what was asked for.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/enc.h"
#include "base/fs.h"
#include "image/digest.h"
#include "signer/tuf_client.h"
#include "tests/fakes/tuf_repository.h"
#include "tests/threads/check.h"

#define SNAPSHOT_OF(version) "\"targets.json\":{\"version\":" #version "}"

struct bench {
	struct tuf_repository repository;
	struct http *http;
	char directory[64];
	int64_t now_ms;
	struct clock clock;
};

static int64_t bench_unix_ms(void *ctx)
{
	return ((struct bench *)ctx)->now_ms;
}

static void must(bool ok, struct err *err)
{
	if (!ok)
		fprintf(stderr, "failed: %s\n", err ? err->msg : "without an error");
	CHECK(ok && !err);
}

/* Version 1 of everything, with the target "hello". */
static void open_bench(struct bench *bench)
{
	static const char target[] =
		"\"hello\":{\"hashes\":{\"sha256\":"
		"\"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\"},"
		"\"length\":5}";
	const struct http_options options = {.retry_base_ms = 1, .retry_max_ms = 2};
	struct err *err = NULL;

	memset(bench, 0, sizeof(*bench));
	tuf_repository_open(&bench->repository);
	bench->clock = clock_system;
	bench->clock.unix_ms = bench_unix_ms;
	bench->clock.ctx = bench;
	bench->now_ms = 1800000000000;
	snprintf(bench->directory, sizeof(bench->directory), "/tmp/cip-tuf-XXXXXX");
	CHECK(mkdtemp(bench->directory));
	bench->http = http_new(&options, &err);
	must(bench->http, err);
	tuf_publish_root(&bench->repository, 1);
	tuf_publish_timestamp(&bench->repository, 1, 1);
	tuf_publish_snapshot(&bench->repository, 1, SNAPSHOT_OF(1));
	tuf_publish_targets(&bench->repository, "targets", 3, 1, target, "");
	tuf_publish_file(&bench->repository,
		"/targets/2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824.hello",
		"hello");
	CLEANUP(mem_freep)
	char *root = tuf_published(&bench->repository, "/metadata/1.root.json");
	must(tuf_client_init(bench->directory, root, strlen(root), &err), err);
}

static void close_bench(struct bench *bench)
{
	http_free(bench->http);
	tuf_repository_close(&bench->repository);
	fs_remove_tree(bench->directory, NULL);
}

static struct tuf_client *client_of(struct bench *bench)
{
	const struct tuf_client_options options = {.http = bench->http,
		.clock = &bench->clock,
		.directory = bench->directory,
		.metadata_url = bench->repository.metadata_url};
	struct err *err = NULL;
	struct tuf_client *client = tuf_client_new(&options, &err);

	must(client, err);
	return client;
}

static void refreshes(struct bench *bench)
{
	CLEANUP(tuf_client_freep) struct tuf_client *client = client_of(bench);
	struct err *err = NULL;

	must(tuf_client_refresh(client, &err), err);
}

/* The refresh fails so, and a client that comes afterwards is not misled. */
static void refuses(struct bench *bench, enum err_kind kind, const char *words)
{
	CLEANUP(tuf_client_freep) struct tuf_client *client = client_of(bench);
	CLEANUP(err_freep) struct err *err = NULL;

	CHECK(!tuf_client_refresh(client, &err));
	if (err->kind != kind || !strstr(err->msg, words))
		fprintf(stderr, "%s: %s, not %s with '%s'\n", err_kind_name(err->kind), err->msg,
			err_kind_name(kind), words);
	CHECK(err->kind == kind && strstr(err->msg, words));
}

/* The version in a stored file; 0 if there is none. */
static unsigned stored(const struct bench *bench, const char *role)
{
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);
	CLEANUP(mem_freep) char *path = mem_printf("%s/%s.json", bench->directory, role);
	const char *last = NULL;

	if (!fs_read_file(path, &text, NULL))
		return 0;
	for (const char *at = str_text(&text); (at = strstr(at, "\"version\":")); at++)
		last = at;
	return (unsigned)strtoul(last + strlen("\"version\":"), NULL, 10);
}

static bool fetches(struct bench *bench, const char *path, const char *cached, const char *bytes,
	bool *ret_from_cache, struct err **err)
{
	CLEANUP(tuf_client_freep) struct tuf_client *client = client_of(bench);
	CLEANUP(str_release) struct str out = STR_INIT(1000);
	struct err *failure = NULL;

	must(tuf_client_refresh(client, &failure), failure);
	if (!tuf_client_fetch(
		    client, path, bench->repository.targets_url, cached, &out, ret_from_cache, err))
		return false;
	CHECK(strcmp(str_text(&out), bytes) == 0);
	return true;
}

/* ---- The straight way ---- */

static void test_requests_of_a_refresh(void)
{
	struct bench bench;

	open_bench(&bench);
	refreshes(&bench);
	CHECK(strcmp(str_text(&bench.repository.requests),
		      "/metadata/2.root.json\n/metadata/timestamp.json\n/metadata/1.snapshot.json\n"
		      "/metadata/1.targets.json\n") == 0);
	CHECK(stored(&bench, "timestamp") == 1 && stored(&bench, "targets") == 1);

	/* What is stored and still listed is not asked for again. */
	tuf_repository_forget_requests(&bench.repository);
	refreshes(&bench);
	CHECK(strcmp(str_text(&bench.repository.requests),
		      "/metadata/2.root.json\n/metadata/timestamp.json\n") == 0);
	close_bench(&bench);
}

static void test_fetch_and_cache(void)
{
	static const char url[] =
		"/targets/2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824.hello";
	CLEANUP(err_freep) struct err *err = NULL;
	struct bench bench;
	bool from_cache = true;

	open_bench(&bench);
	CHECK(fetches(&bench, "hello", NULL, "hello", &from_cache, NULL) && !from_cache);
	CLEANUP(mem_freep) char *copy = mem_printf("%s/copy", bench.directory);
	CHECK(fs_write_atomic(copy, "hello", 5, 0644, NULL));
	CHECK(fetches(&bench, "hello", copy, "hello", &from_cache, NULL) && from_cache);
	CHECK(tuf_repository_asked(&bench.repository, url) == 1);
	/* A copy with other bytes is no copy. */
	CHECK(fs_write_atomic(copy, "hallo", 5, 0644, NULL));
	CHECK(fetches(&bench, "hello", copy, "hello", &from_cache, NULL) && !from_cache);

	tuf_publish_file(&bench.repository, url, "hullo");
	CHECK(!fetches(&bench, "hello", NULL, "", NULL, &err) && err_is(err, ERR_DIGEST));
	err_free(steal_ptr(&err));
	tuf_publish_file(&bench.repository, url, "hello, and more");
	CHECK(!fetches(&bench, "hello", NULL, "", NULL, &err) && err_is(err, ERR_TOO_LARGE));
	err_free(steal_ptr(&err));
	CHECK(!fetches(&bench, "other", NULL, "", NULL, &err) && err_is(err, ERR_NOT_FOUND));
	close_bench(&bench);
}

/* ---- Keys ---- */

static void test_root_rotation(void)
{
	struct bench bench;

	open_bench(&bench);
	refreshes(&bench);
	/* Signed by the old and by the new key; then by the new alone. */
	bench.repository.signer[0] = 4;
	bench.repository.signs_root_too = 0;
	tuf_publish_root(&bench.repository, 2);
	bench.repository.signs_root_too = -1;
	tuf_publish_root(&bench.repository, 3);
	refreshes(&bench);
	CHECK(stored(&bench, "root") == 3);
	/* A key that nobody introduced. */
	bench.repository.signer[0] = 5;
	tuf_publish_root(&bench.repository, 4);
	refuses(&bench, ERR_AUTH, "root version 4: signed by 0 of the keys of 'root'");
	CHECK(stored(&bench, "root") == 3);
	/* Introduces a key that has not signed it. */
	bench.repository.signer[0] = 5;
	tuf_publish_root_signed(&bench.repository, 4, 4);
	refuses(&bench, ERR_AUTH, "root version 4: signed by 0 of the keys of 'root'");
	/* Version 4 under the name of 5. */
	bench.repository.signer[0] = 4;
	tuf_publish_root(&bench.repository, 4);
	CLEANUP(mem_freep) char *text = tuf_published(&bench.repository, "/metadata/4.root.json");
	tuf_publish_file(&bench.repository, "/metadata/5.root.json", text);
	refuses(&bench, ERR_CONFLICT, "root version 5: version 4 where 5 was listed");
	close_bench(&bench);
}

static void test_wrong_signers(void)
{
	struct bench bench;

	open_bench(&bench);
	bench.repository.signer[1] = 6;
	tuf_publish_timestamp(&bench.repository, 2, 1);
	refuses(&bench, ERR_AUTH, "timestamp: signed by 0");
	bench.repository.signer[1] = 1;
	tuf_publish_timestamp(&bench.repository, 2, 1);
	bench.repository.signer[2] = 6;
	tuf_publish_snapshot(&bench.repository, 1, SNAPSHOT_OF(1));
	refuses(&bench, ERR_AUTH, "snapshot version 1: signed by 0");
	bench.repository.signer[2] = 2;
	tuf_publish_snapshot(&bench.repository, 1, SNAPSHOT_OF(1));
	tuf_publish_targets(&bench.repository, "targets", 6, 1, "", "");
	refuses(&bench, ERR_AUTH, "targets version 1: signed by 0");
	CHECK(stored(&bench, "timestamp") == 2 && stored(&bench, "snapshot") == 1);
	CHECK(stored(&bench, "targets") == 0);
	close_bench(&bench);
}

/* A changed byte of what was signed. */
static void test_tampering(void)
{
	struct bench bench;

	open_bench(&bench);
	CLEANUP(mem_freep)
	char *text = tuf_published(&bench.repository, "/metadata/timestamp.json");
	*(strstr(text, "2040") + 3) = '1';
	tuf_publish_file(&bench.repository, "/metadata/timestamp.json", text);
	refuses(&bench, ERR_AUTH, "timestamp: signed by 0");
	tuf_publish_file(&bench.repository, "/metadata/timestamp.json", "{\"signed\":");
	refuses(&bench, ERR_INVALID, "timestamp: line 1");
	CLEANUP(mem_freep) char *huge = mem_printf("%020000d", 0);
	tuf_publish_file(&bench.repository, "/metadata/timestamp.json", huge);
	refuses(&bench, ERR_TOO_LARGE, "");
	CHECK(stored(&bench, "timestamp") == 0);
	close_bench(&bench);
}

/* ---- Time ---- */

static void test_expiry(void)
{
	struct bench bench;

	open_bench(&bench);
	refreshes(&bench);
	bench.repository.expires = "2027-01-01T00:00:00Z";
	tuf_publish_timestamp(&bench.repository, 2, 1);
	refuses(&bench, ERR_TIMEOUT, "timestamp version 2: expired at 2027-01-01T00:00:00.000Z");
	CHECK(stored(&bench, "timestamp") == 1);
	/* An old root is no harm while a newer one follows it. */
	tuf_publish_root(&bench.repository, 2);
	refuses(&bench, ERR_TIMEOUT, "root: expired");
	CHECK(stored(&bench, "root") == 2);
	bench.repository.expires = "2040-01-01T00:00:00Z";
	tuf_publish_root(&bench.repository, 3);
	tuf_publish_timestamp(&bench.repository, 2, 1);
	refreshes(&bench);
	/* And all of it one day. */
	bench.now_ms = 2300000000000;
	refuses(&bench, ERR_TIMEOUT, "root: expired");
	close_bench(&bench);
}

static void test_rollback(void)
{
	struct bench bench;

	open_bench(&bench);
	tuf_publish_snapshot(&bench.repository, 5,
		"\"extra.json\":{\"version\":1},\"targets.json\":{\"version\":3}");
	tuf_publish_targets(&bench.repository, "targets", 3, 3, "", "");
	tuf_publish_timestamp(&bench.repository, 7, 5);
	refreshes(&bench);
	tuf_publish_timestamp(&bench.repository, 6, 5);
	refuses(&bench, ERR_CONFLICT, "version 6, but 7 was seen already (rollback)");
	tuf_publish_timestamp(&bench.repository, 8, 4);
	refuses(&bench, ERR_CONFLICT, "its snapshot: version 4, but 5");
	CHECK(stored(&bench, "timestamp") == 7);
	tuf_publish_snapshot(&bench.repository, 6,
		"\"extra.json\":{\"version\":1},\"targets.json\":{\"version\":2}");
	tuf_publish_timestamp(&bench.repository, 8, 6);
	refuses(&bench, ERR_CONFLICT, "targets.json: version 2, but 3");
	tuf_publish_snapshot(&bench.repository, 7, SNAPSHOT_OF(3));
	tuf_publish_timestamp(&bench.repository, 9, 7);
	refuses(&bench, ERR_CONFLICT, "'extra.json' is not listed any more");
	CHECK(stored(&bench, "snapshot") == 5);
	/* New keys for snapshot and timestamp end what was seen under the old ones. */
	bench.repository.signer[1] = 4;
	bench.repository.signer[2] = 5;
	tuf_publish_root(&bench.repository, 2);
	tuf_publish_snapshot(&bench.repository, 1, SNAPSHOT_OF(1));
	tuf_publish_targets(&bench.repository, "targets", 3, 1, "", "");
	tuf_publish_timestamp(&bench.repository, 1, 1);
	refreshes(&bench);
	CHECK(stored(&bench, "timestamp") == 1 && stored(&bench, "targets") == 1);
	close_bench(&bench);
}

/* The same version with other contents says nothing new. */
static void test_same_timestamp(void)
{
	struct bench bench;

	open_bench(&bench);
	refreshes(&bench);
	tuf_publish_timestamp(&bench.repository, 1, 100);
	refreshes(&bench);
	CHECK(tuf_repository_asked(&bench.repository, "/metadata/100.snapshot.json") == 0);
	close_bench(&bench);
}

/* ---- Delegations ---- */

static void test_delegation(void)
{
	CLEANUP(err_freep) struct err *err = NULL;
	struct bench bench;

	open_bench(&bench);
	CLEANUP(mem_freep) char *key = tuf_repository_key(&bench.repository, 7);
	CLEANUP(mem_freep) char *id = tuf_repository_key_id(7);
	CLEANUP(mem_freep)
	char *delegations =
		mem_printf("\"delegations\":{\"keys\":{\"%s\":%s},\"roles\":["
			   "{\"keyids\":[\"%s\"],\"name\":\"../odd name\",\"paths\":["
			   "\"*.txt\",\"a/*\"],\"terminating\":true,\"threshold\":1},"
			   "{\"keyids\":[\"%s\"],\"name\":\"never\",\"paths\":[\"a/*\"],"
			   "\"terminating\":false,\"threshold\":1}]},",
			id, key, id, id);
	/* Sorted, as canonical form wants it. */
	static const char target[] =
		"\"a/b/hello\":{\"hashes\":{\"sha256\":"
		"\"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\"},"
		"\"length\":5},\"a/hello\":{\"hashes\":{\"sha256\":"
		"\"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\"},"
		"\"length\":5}";
	tuf_publish_targets(&bench.repository, "targets", 3, 2, "", delegations);
	tuf_publish_targets(&bench.repository, "..%2Fodd%20name", 7, 4, target, "");
	tuf_publish_file(&bench.repository,
		"/targets/a/2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824.hello",
		"hello");
	tuf_publish_snapshot(&bench.repository, 2,
		"\"../odd name.json\":{\"version\":4},\"never.json\":{\"version\":1},"
		"\"targets.json\":{\"version\":2}");
	tuf_publish_timestamp(&bench.repository, 2, 2);
	CHECK(fetches(&bench, "a/hello", NULL, "hello", NULL, &err));
	CHECK(stored(&bench, "..%2Fodd%20name") == 4);
	/* The terminating role is the last that is asked; deeper paths do not match. */
	CHECK(!fetches(&bench, "a/other", NULL, "", NULL, &err) && err_is(err, ERR_NOT_FOUND));
	err_free(steal_ptr(&err));
	CHECK(!fetches(&bench, "a/b/hello", NULL, "", NULL, &err) && err_is(err, ERR_NOT_FOUND));
	err_free(steal_ptr(&err));
	CHECK(tuf_repository_asked(&bench.repository, "/metadata/1.never.json") == 0);
	/* Signed by somebody else than the one it was delegated to. */
	tuf_publish_targets(&bench.repository, "..%2Fodd%20name", 3, 5, target, "");
	tuf_publish_snapshot(&bench.repository, 3,
		"\"../odd name.json\":{\"version\":5},\"never.json\":{\"version\":1},"
		"\"targets.json\":{\"version\":2}");
	tuf_publish_timestamp(&bench.repository, 3, 3);
	CHECK(!fetches(&bench, "a/hello", NULL, "", NULL, &err) && err_is(err, ERR_AUTH));
	close_bench(&bench);
}

/* ---- The directory ---- */

static void test_directory(void)
{
	CLEANUP(err_freep) struct err *err = NULL;
	struct bench bench;

	open_bench(&bench);
	CLEANUP(mem_freep) char *root = tuf_published(&bench.repository, "/metadata/1.root.json");
	const struct tuf_client_options options = {.http = bench.http,
		.directory = bench.directory,
		.metadata_url = bench.repository.metadata_url};
	CHECK(chmod(bench.directory, 0777) == 0);
	CHECK(!tuf_client_new(&options, &err) && err_is(err, ERR_USAGE));
	err_free(steal_ptr(&err));
	CHECK(!tuf_client_init(bench.directory, root, strlen(root), &err) &&
		err_is(err, ERR_USAGE));
	err_free(steal_ptr(&err));
	CHECK(chmod(bench.directory, 0700) == 0);
	*(strstr(root, "2040") + 3) = '1';
	CHECK(!tuf_client_init(bench.directory, root, strlen(root), &err) && err_is(err, ERR_AUTH));
	err_free(steal_ptr(&err));
	/* Somebody changed what was stored: asked for again, as if it were not there. */
	refreshes(&bench);
	CLEANUP(mem_freep) char *path = mem_printf("%s/snapshot.json", bench.directory);
	CHECK(fs_write_atomic(path, root, strlen(root), 0644, NULL));
	refreshes(&bench);
	CHECK(tuf_repository_asked(&bench.repository, "/metadata/1.snapshot.json") == 2);
	close_bench(&bench);
}

int main(void)
{
	test_requests_of_a_refresh();
	test_fetch_and_cache();
	test_root_rotation();
	test_wrong_signers();
	test_tampering();
	test_expiry();
	test_rollback();
	test_same_timestamp();
	test_delegation();
	test_directory();
	return 0;
}
