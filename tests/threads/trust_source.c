/*
 * The trust root out of a TUF repository, run after run on one cache: what is asked for, what is kept, what
 * a lying mirror, a poisoned cache and a second process can change.
 */
#include "signer/trust_source.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "image/digest.h"
#include "tests/fakes/tuf_repository.h"
#include "tests/threads/check.h"

#define SNAPSHOT_OF(version) "\"targets.json\":{\"version\":" #version "}"
#define CONFIG "{\"mediaType\":\"application/vnd.dev.sigstore.signingconfig.v0.2+json\"}"
#define OLDER "{\"mediaType\":\"application/vnd.dev.sigstore.trustedroot+json;version=0.1\"}"
#define NEWER                                                                                      \
	"{\"mediaType\":\"application/"                                                            \
	"vnd.dev.sigstore.trustedroot+json;version=0.1\",\"tlogs\":[{}]}"

struct bench {
	struct tuf_repository repository;
	struct http *http;
	char directory[64];
	char *cache, *kept; /* below the directory; and the mirror's own in the cache */
	char *root;	    /* file of version 1 */
	int64_t now_ms;
	struct clock clock;
};

static int64_t bench_unix_ms(void *ctx)
{
	return ((struct bench *)ctx)->now_ms;
}

/* Fresh text: the target in metadata; publishes its bytes too. */
static char *target(struct bench *bench, const char *name, const char *text)
{
	char digits[DIGEST_TEXT_SIZE];
	struct digest digest = digest_of(DIGEST_SHA256, text, strlen(text));

	digest_format(&digest, digits);
	CLEANUP(mem_freep)
	char *path = mem_printf("/metadata/targets/%s.%s", strchr(digits, ':') + 1, name);
	tuf_publish_file(&bench->repository, path, text);
	return mem_printf("\"%s\":{\"hashes\":{\"sha256\":\"%s\"},\"length\":%zu}", name,
		strchr(digits, ':') + 1, strlen(text));
}

static void publish(struct bench *bench, unsigned version, const char *root, const char *config)
{
	CLEANUP(mem_freep) char *root_target = target(bench, "trusted_root.json", root);
	CLEANUP(mem_freep)
	char *config_target =
		config ? target(bench, "signing_config.v0.2.json", config) : mem_strdup("");
	CLEANUP(mem_freep)
	char *targets = mem_printf("%s%s%s", config_target, config ? "," : "", root_target);
	CLEANUP(mem_freep) char *meta = mem_printf("\"targets.json\":{\"version\":%u}", version);

	tuf_publish_targets(&bench->repository, "targets", 3, version, targets, "");
	tuf_publish_snapshot(&bench->repository, version, meta);
	tuf_publish_timestamp(&bench->repository, version, version);
}

static void open_bench(struct bench *bench)
{
	const struct http_options options = {.retry_base_ms = 1, .retry_max_ms = 2};

	memset(bench, 0, sizeof(*bench));
	tuf_repository_open(&bench->repository);
	bench->clock = clock_system;
	bench->clock.unix_ms = bench_unix_ms;
	bench->clock.ctx = bench;
	bench->now_ms = 1800000000000;
	snprintf(bench->directory, sizeof(bench->directory), "/tmp/cip-source-XXXXXX");
	CHECK(mkdtemp(bench->directory));
	bench->cache = fs_join(bench->directory, "cache");
	bench->kept = mem_printf("%s/127.0.0.1-%u-metadata", bench->cache,
		(unsigned)tiny_server_port(bench->repository.server));
	bench->root = fs_join(bench->directory, "root.json");
	bench->http = http_new(&options, NULL);
	CHECK(bench->http);
	tuf_publish_root(&bench->repository, 1);
	publish(bench, 1, OLDER, CONFIG);
	CLEANUP(mem_freep)
	char *root = tuf_published(&bench->repository, "/metadata/1.root.json");
	CHECK(fs_write_atomic(bench->root, root, strlen(root), 0600, NULL));
}

static void close_bench(struct bench *bench)
{
	http_free(bench->http);
	tuf_repository_close(&bench->repository);
	fs_remove_tree(bench->directory, NULL);
	mem_free(bench->cache);
	mem_free(bench->kept);
	mem_free(bench->root);
}

static struct trust_source_options options_of(struct bench *bench)
{
	return (struct trust_source_options){.http = bench->http,
		.clock = &bench->clock,
		.tuf_mirror = bench->repository.metadata_url,
		.tuf_root = bench->root,
		.cache_dir = bench->cache,
		.wants_signing_config = true};
}

/* `entries` logs in the root, usable or not: which of the two texts it is. */
static void loads_with(const struct trust_source_options *options, size_t entries, unsigned version)
{
	CLEANUP(trust_source_release) struct trust_source source = {0};
	CLEANUP(mem_freep) char *words = mem_printf("(version %u)", version);
	struct err *err = NULL;

	if (!trust_source_load(options, &source, &err))
		fprintf(stderr, "failed: %s\n", err->msg);
	CHECK(!err);
	CHECK(source.root->logs.len + source.root->skipped.len == entries);
	CHECK(strstr(source.origin, words));
}

static void loads(struct bench *bench, size_t entries, unsigned version)
{
	struct trust_source_options options = options_of(bench);

	loads_with(&options, entries, version);
}

static void refuses_with(
	const struct trust_source_options *options, enum err_kind kind, const char *words)
{
	CLEANUP(trust_source_release) struct trust_source source = {0};
	CLEANUP(err_freep) struct err *err = NULL;

	CHECK(!trust_source_load(options, &source, &err) && !source.root);
	if (err->kind != kind || !strstr(err->msg, words))
		fprintf(stderr, "%s: %s, not %s with '%s'\n", err_kind_name(err->kind), err->msg,
			err_kind_name(kind), words);
	CHECK(err->kind == kind && strstr(err->msg, words));
}

static void refuses(struct bench *bench, enum err_kind kind, const char *words)
{
	struct trust_source_options options = options_of(bench);

	refuses_with(&options, kind, words);
}

static void expect_requests(struct bench *bench, const char *expected)
{
	if (strcmp(str_text(&bench->repository.requests), expected) != 0)
		fprintf(stderr, "asked for:\n%s", str_text(&bench->repository.requests));
	CHECK(strcmp(str_text(&bench->repository.requests), expected) == 0);
	tuf_repository_forget_requests(&bench->repository);
}

static void put_kept(struct bench *bench, const char *name, const char *text)
{
	CLEANUP(mem_freep) char *path = fs_join(bench->kept, name);

	CHECK(fs_write_atomic(path, text, strlen(text), 0600, NULL));
}

/* ---- The straight way ---- */

static void test_first_and_second_run(void)
{
	struct bench bench;

	open_bench(&bench);
	loads(&bench, 0, 1);
	tuf_repository_forget_requests(&bench.repository);
	/* What is kept and still listed is not asked for again. */
	loads(&bench, 0, 1);
	expect_requests(&bench, "/metadata/2.root.json\n/metadata/timestamp.json\n");
	publish(&bench, 2, NEWER, NULL);
	loads(&bench, 1, 2);
	close_bench(&bench);
}

static void test_signing_config(void)
{
	struct bench bench;

	open_bench(&bench);
	struct trust_source_options options = options_of(&bench);
	for (unsigned run = 0; run < 3; run++) {
		CLEANUP(trust_source_release) struct trust_source source = {0};

		options.wants_signing_config = run > 0;
		if (run == 2)
			publish(&bench, 2, NEWER, NULL);
		CHECK(trust_source_load(&options, &source, NULL));
		CHECK((source.signing_config != NULL) == (run == 1));
		CHECK(run != 1 || strcmp(source.signing_config, CONFIG) == 0);
	}
	close_bench(&bench);
}

/* ---- A mirror that lies ---- */

static void test_rollback_and_freeze(void)
{
	struct bench bench;

	open_bench(&bench);
	publish(&bench, 5, NEWER, CONFIG);
	loads(&bench, 1, 5);
	publish(&bench, 4, OLDER, CONFIG);
	refuses(&bench, ERR_CONFLICT, "version 4, but 5 was seen already (rollback)");
	publish(&bench, 5, NEWER, CONFIG);
	loads(&bench, 1, 5);
	bench.now_ms = 2300000000000;
	refuses(&bench, ERR_TIMEOUT, "expired");
	close_bench(&bench);
}

static void test_other_bytes(void)
{
	struct bench bench;

	open_bench(&bench);
	CLEANUP(mem_freep) char *right = target(&bench, "trusted_root.json", OLDER);
	char digits[65] = "";
	memcpy(digits, strstr(right, "sha256\":\"") + 9, 64);
	CLEANUP(mem_freep)
	char *path = mem_printf("/metadata/targets/%s.trusted_root.json", digits);

	tuf_publish_file(&bench.repository, path, NEWER);
	refuses(&bench, ERR_TOO_LARGE, "trusted_root.json");
	CLEANUP(mem_freep) char *same_length = mem_strdup(OLDER);
	*strstr(same_length, "0.1") = '9';
	tuf_publish_file(&bench.repository, path, same_length);
	refuses(&bench, ERR_DIGEST, "trusted_root.json");
	tuf_publish_file(&bench.repository, path, "{}");
	refuses(&bench, ERR_DIGEST, "trusted_root.json");
	tuf_publish_file(&bench.repository, path, NULL);
	refuses(&bench, ERR_NOT_FOUND, "404");
	tuf_publish_file(&bench.repository, path, OLDER);
	loads(&bench, 0, 1);
	close_bench(&bench);
}

static void test_no_trust_root_in_it(void)
{
	struct bench bench;

	open_bench(&bench);
	tuf_publish_targets(&bench.repository, "targets", 3, 1, "", "");
	refuses(&bench, ERR_NOT_FOUND, "lists no such file");
	publish(&bench, 2, "{}", NULL);
	refuses(&bench, ERR_UNSUPPORTED, "media type");
	close_bench(&bench);
}

/* ---- Keys ---- */

/* Trust begins at version 1 in every run, and what was once seen cannot be hidden any more. */
static void test_roots_that_follow(void)
{
	struct bench bench;

	open_bench(&bench);
	bench.repository.signer[0] = 4;
	bench.repository.signs_root_too = 0;
	tuf_publish_root(&bench.repository, 2);
	bench.repository.signs_root_too = -1;
	bench.repository.signer[1] = 5;
	tuf_publish_root(&bench.repository, 3);
	publish(&bench, 1, OLDER, CONFIG);
	loads(&bench, 0, 1);
	tuf_repository_forget_requests(&bench.repository);

	loads(&bench, 0, 1);
	expect_requests(&bench, "/metadata/4.root.json\n/metadata/timestamp.json\n");
	/* The key of version 1 is out of use; a mirror that hides the later roots does not bring it back. */
	tuf_publish_file(&bench.repository, "/metadata/2.root.json", NULL);
	tuf_publish_file(&bench.repository, "/metadata/3.root.json", NULL);
	loads(&bench, 0, 1);
	bench.repository.signer[1] = 1;
	publish(&bench, 2, NEWER, CONFIG);
	refuses(&bench, ERR_AUTH, "timestamp: signed by 0");
	close_bench(&bench);
}

/* ---- A cache that lies ---- */

static void test_poisoned_cache(void)
{
	static const char *const names[] = {
		"root.json", "2.root.json", "timestamp.json", "snapshot.json", "targets.json"};
	static const char *const sources[] = {"/metadata/1.root.json", "/metadata/2.root.json",
		"/metadata/timestamp.json", "/metadata/1.snapshot.json",
		"/metadata/1.targets.json"};
	struct tuf_repository others;
	struct bench bench;

	open_bench(&bench);
	/* A whole repository of somebody else, up to date and further than ours. */
	tuf_repository_open(&others);
	tuf_publish_root(&others, 1);
	tuf_publish_root(&others, 2);
	tuf_publish_targets(&others, "targets", 3, 1, "", "");
	tuf_publish_snapshot(&others, 1, SNAPSHOT_OF(1));
	tuf_publish_timestamp(&others, 9, 1);
	tuf_publish_root(&bench.repository, 2);
	loads(&bench, 0, 1);
	for (size_t i = 0; i < 5; i++) {
		CLEANUP(mem_freep) char *text = tuf_published(&others, sources[i]);
		put_kept(&bench, names[i], text);
	}
	put_kept(&bench, "targets/trusted_root.json", NEWER);
	loads(&bench, 0, 1);
	for (size_t i = 0; i < 5; i++)
		put_kept(&bench, names[i], "{\"signed\":");
	loads(&bench, 0, 1);
	tuf_repository_close(&others);
	close_bench(&bench);
}

static void test_directories_of_others(void)
{
	struct bench bench;

	open_bench(&bench);
	loads(&bench, 0, 1);
	CHECK(chmod(bench.kept, 0777) == 0);
	refuses(&bench, ERR_USAGE, bench.kept);
	CHECK(chmod(bench.kept, 0700) == 0);
	CHECK(chmod(bench.cache, 0770) == 0);
	refuses(&bench, ERR_USAGE, bench.cache);
	CHECK(chmod(bench.cache, 0700) == 0);
	loads(&bench, 0, 1);
	close_bench(&bench);
}

/* ---- Variables ---- */

static void test_environment(void)
{
	struct bench bench;

	open_bench(&bench);
	struct trust_source_options options = options_of(&bench);
	CHECK(setenv("TUF_MIRROR", options.tuf_mirror, 1) == 0);
	CHECK(setenv("TUF_ROOT", options.cache_dir, 1) == 0);
	options.tuf_mirror = options.tuf_root = options.cache_dir = NULL;
	refuses_with(&options, ERR_USAGE, "initial root.json");
	CHECK(setenv("TUF_ROOT_JSON", bench.root, 1) == 0);
	loads_with(&options, 0, 1);
	struct stat status;
	CHECK(stat(bench.kept, &status) == 0 && (status.st_mode & 0777) == 0700);

	/* Without a place of its own it is ~/.sigstore/root; without a home nothing is kept. */
	CHECK(setenv("TUF_ROOT", "", 1) == 0 && setenv("HOME", bench.directory, 1) == 0);
	loads_with(&options, 0, 1);
	CLEANUP(mem_freep) char *usual = fs_join(bench.directory, ".sigstore/root");
	CHECK(stat(usual, &status) == 0);
	CHECK(unsetenv("HOME") == 0);
	loads_with(&options, 0, 1);
	/* Nothing can be made in there, and nobody asked for it by name. */
	CHECK(setenv("HOME", "/proc", 1) == 0);
	loads_with(&options, 0, 1);
	options.cache_dir = "/proc/no";
	refuses_with(&options, ERR_IO, "/proc/no");
	CHECK(unsetenv("TUF_MIRROR") == 0 && unsetenv("TUF_ROOT") == 0 &&
		unsetenv("TUF_ROOT_JSON") == 0);
	close_bench(&bench);
}

/* ---- Several at a time ---- */

static void *load_some(void *ctx)
{
	struct bench *bench = ctx;
	struct trust_source_options options = options_of(bench);

	for (int i = 0; i < 5; i++) {
		CLEANUP(trust_source_release) struct trust_source source = {0};
		CLEANUP(err_freep) struct err *err = NULL;

		if (!trust_source_load(&options, &source, &err))
			fprintf(stderr, "failed: %s\n", err->msg);
		CHECK(!err);
	}
	return NULL;
}

static void test_many_on_one_cache(void)
{
	pthread_t threads[8];
	struct bench bench;

	open_bench(&bench);
	for (size_t i = 0; i < 8; i++)
		CHECK(pthread_create(&threads[i], NULL, load_some, &bench) == 0);
	for (size_t i = 0; i < 8; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	tuf_repository_forget_requests(&bench.repository);
	loads(&bench, 0, 1);
	expect_requests(&bench, "/metadata/2.root.json\n/metadata/timestamp.json\n");
	close_bench(&bench);
}

/* Between our answer and our writing it down, another process gets further. */
static struct bench *overtaken;

static int64_t overtaking_unix_ms(void *ctx)
{
	static bool done;
	struct bench *bench = ctx;

	if (!done && tuf_repository_asked(&bench->repository, "/metadata/timestamp.json")) {
		done = true;
		publish(bench, 2, NEWER, CONFIG);
		loads(overtaken, 1, 2);
	}
	return bench->now_ms;
}

static void test_overtaken(void)
{
	struct bench bench;

	open_bench(&bench);
	overtaken = &bench;
	struct clock clock = bench.clock;
	clock.unix_ms = overtaking_unix_ms;
	struct trust_source_options options = options_of(&bench);
	options.clock = &clock;
	/* Our answer is out of date, which is no rollback. What the other one saw is still there. */
	loads_with(&options, 1, 2);
	publish(&bench, 1, OLDER, CONFIG);
	refuses(&bench, ERR_CONFLICT, "version 1, but 2 was seen already (rollback)");
	close_bench(&bench);
}

int main(void)
{
	unsetenv("TUF_MIRROR");
	unsetenv("TUF_ROOT");
	unsetenv("TUF_ROOT_JSON");
	test_first_and_second_run();
	test_signing_config();
	test_rollback_and_freeze();
	test_other_bytes();
	test_no_trust_root_in_it();
	test_roots_that_follow();
	test_poisoned_cache();
	test_directories_of_others();
	test_environment();
	test_many_on_one_cache();
	test_overtaken();
	return 0;
}
