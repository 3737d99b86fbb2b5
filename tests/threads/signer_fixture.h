/* For the threaded programs that sign: a Sigstore of their own, a client, and a clock that they set. */
#ifndef CIP_TESTS_THREADS_SIGNER_FIXTURE_H
#define CIP_TESTS_THREADS_SIGNER_FIXTURE_H

#include <stdatomic.h>
#include <string.h>

#include "signer/id_token.h"
#include "signer/trust_root.h"
#include "tests/fakes/sigstore.h"
#include "tests/threads/check.h"

struct bench {
	struct fake_sigstore *fake;
	struct http *http;  /* patient: the machine may be busy */
	struct http *hasty; /* for services that do not answer at all */
	struct trust_root *root;
	struct id_token_source *tokens;
	char *jwt;
	struct clock clock;
	_Atomic int64_t shift_ms; /* of our clock and that of all services */
	_Atomic int64_t skew_ms;  /* of ours alone */
	struct clock our_clock;
};

static int64_t bench_monotonic_ms(void *ctx)
{
	struct bench *bench = ctx;

	return clock_monotonic_ms(&clock_system) + bench->shift_ms;
}

static int64_t bench_unix_ms(void *ctx)
{
	struct bench *bench = ctx;

	return clock_unix_ms(&clock_system) + bench->shift_ms;
}

static int64_t bench_our_unix_ms(void *ctx)
{
	struct bench *bench = ctx;

	return bench_unix_ms(ctx) + bench->skew_ms;
}

static inline void bench_close(struct bench *bench)
{
	id_token_source_free(bench->tokens);
	trust_root_free(bench->root);
	http_free(bench->http);
	http_free(bench->hasty);
	fake_sigstore_stop(bench->fake);
	mem_free(bench->jwt);
}

/* The call comes first, the error is looked at afterwards: arguments have no order of their own. */
#define must(call, err)                                                                            \
	do {                                                                                       \
		bool ok_ = (call);                                                                 \
		check_success(ok_, err);                                                           \
	} while (0)

#define must_fail(call, err, kind, words)                                                          \
	do {                                                                                       \
		bool ok_ = (call);                                                                 \
		check_failure(ok_, err, kind, words);                                              \
	} while (0)

static inline void check_success(bool ok, struct err *err)
{
	if (!ok)
		fprintf(stderr, "failed: %s\n", err ? err->msg : "without an error");
	CHECK(ok && !err);
}

/* Fails for this reason, and the message holds nothing of a token. Frees the error. */
static inline void check_failure(bool ok, struct err *err, enum err_kind kind, const char *words)
{
	if (ok || !err || err->kind != kind || !strstr(err->msg, words))
		fprintf(stderr, "%s, not %s with \"%s\": %s\n",
			ok ? "success" : err_kind_name(err->kind), err_kind_name(kind), words,
			err ? err->msg : "no error");
	CHECK(!ok && err && err->kind == kind && strstr(err->msg, words));
	CHECK(!strstr(err->msg, "eyJ"));
	err_free(err);
}

static inline struct id_token_source *bench_token_source(struct bench *bench, const char *jwt)
{
	const struct id_token_options options = {
		.http = bench->http, .clock = &bench->our_clock, .token = jwt};
	struct err *err = NULL;
	struct id_token_source *source = id_token_source_new(&options, &err);

	must(source, err);
	return source;
}

static inline void bench_open(struct bench *bench, struct fake_sigstore_options options)
{
	struct http_options http = {.first_byte_timeout_ms = 30000,
		.attempts = 2,
		.retry_base_ms = 1,
		.retry_max_ms = 2,
		.connections_per_host = 32};
	const struct fake_claims claims = {.lifetime_s = 7200};
	struct err *err = NULL;

	memset(bench, 0, sizeof(*bench));
	bench->clock =
		(struct clock){bench_monotonic_ms, bench_unix_ms, clock_system.random, bench};
	bench->our_clock = bench->clock;
	bench->our_clock.unix_ms = bench_our_unix_ms;
	options.clock = &bench->clock;
	bench->fake = fake_sigstore_start(&options);
	bench->http = http_new(&http, &err);
	must(bench->http, err);
	http.first_byte_timeout_ms = 300;
	bench->hasty = http_new(&http, &err);
	must(bench->hasty, err);
	CLEANUP(mem_freep) char *root = fake_sigstore_trusted_root(bench->fake);
	must(trust_root_parse(root, strlen(root), &bench->root, &err), err);
	CHECK(bench->root->skipped.len == 0);
	bench->jwt = fake_sigstore_token(bench->fake, &claims);
	bench->tokens = bench_token_source(bench, bench->jwt);
}

static inline void bench_fault(struct bench *bench, const char *rule)
{
	CHECK(fake_sigstore_fault(bench->fake, rule));
}

#endif
