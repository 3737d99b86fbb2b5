/*
 * One certificate for everybody and for minutes: how often Fulcio is asked, who waits for it, what
 * happens when it does not answer, and when time passes.
 */
#include "signer/credential.h"

#include <pthread.h>
#include <time.h>

#include "tests/threads/signer_fixture.h"

enum { THREADS = 16, LIFETIME_S = 600 };

struct desk {
	struct bench bench;
	struct fulcio *fulcio;
	struct credential_source *source;
};

static void open_source(struct desk *desk)
{
	struct err *err = NULL;
	const struct fulcio_options options = {
		.http = desk->bench.http,
		.clock = &desk->bench.our_clock,
		.url = fake_sigstore_url(desk->bench.fake, FAKE_FULCIO),
		.root = desk->bench.root,
		.scts = 1,
	};
	desk->fulcio = fulcio_new(&options, &err);
	must(desk->fulcio, err);
	desk->source =
		credential_source_new(desk->fulcio, desk->bench.tokens, &desk->bench.our_clock);
}

static void open_desk(struct desk *desk)
{
	bench_open(&desk->bench, (struct fake_sigstore_options){0});
	open_source(desk);
}

static void close_desk(struct desk *desk)
{
	credential_source_free(desk->source);
	fulcio_free(desk->fulcio);
	bench_close(&desk->bench);
}

static unsigned certificates(struct desk *desk)
{
	return fake_sigstore_requests(desk->bench.fake, FAKE_FULCIO, "POST");
}

static void pass(struct desk *desk, int64_t seconds)
{
	desk->bench.shift_ms += seconds * 1000;
}

static const struct credential *acquire(struct desk *desk)
{
	const struct credential *credential = NULL;
	struct err *err = NULL;

	must(credential_acquire(desk->source, &credential, &err), err);
	CHECK(credential->key && credential->certificate && *credential->chain);
	return credential;
}

/* Its serial number, fresh text. */
static char *serial(struct desk *desk)
{
	const struct credential *credential = acquire(desk);
	char *text = mem_strdup(certificate_serial(credential->certificate));

	credential_release(desk->source, credential);
	return text;
}

static void fail(struct desk *desk, enum err_kind kind, const char *words)
{
	const struct credential *credential = NULL;
	struct err *err = NULL;

	must_fail(credential_acquire(desk->source, &credential, &err), err, kind, words);
}

static void *acquire_often(void *ctx)
{
	struct desk *desk = ctx;
	const struct message message = message_of_bytes("hello", 5);

	for (unsigned i = 0; i < 20; i++) {
		CLEANUP(bytes_release) struct bytes signature = {0};
		const struct credential *credential = acquire(desk);
		struct err *err = NULL;
		must(signing_key_sign(credential->key, &message, &signature, &err), err);
		CHECK(public_key_verify(certificate_key(credential->certificate), HASH_SHA256,
			&message, signature.data, signature.len));
		credential_release(desk->source, credential);
	}
	return NULL;
}

static void in_threads(struct desk *desk, void *(*run)(void *))
{
	pthread_t threads[THREADS];

	for (unsigned i = 0; i < THREADS; i++)
		CHECK(pthread_create(&threads[i], NULL, run, desk) == 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static void test_one_for_all(struct desk *desk)
{
	bench_fault(&desk->bench, "fulcio POST 1 delay 50");
	in_threads(desk, acquire_often);
	CHECK(certificates(desk) == 1);
	pass(desk, LIFETIME_S - CREDENTIAL_RENEW_S - 30);
	in_threads(desk, acquire_often);
	CHECK(certificates(desk) == 1);
}

/* What somebody holds stays good for him. */
static void test_renewal(struct desk *desk)
{
	const struct credential *old = acquire(desk);
	CLEANUP(mem_freep) char *before = serial(desk);

	pass(desk, 35);
	in_threads(desk, acquire_often);
	CHECK(certificates(desk) == 2);
	CLEANUP(mem_freep) char *after = serial(desk);
	CHECK(strcmp(before, after) != 0);
	CHECK(strcmp(certificate_serial(old->certificate), before) == 0);
	credential_release(desk->source, old);
}

static void *renew(void *ctx)
{
	struct desk *desk = ctx;

	credential_release(desk->source, acquire(desk));
	return NULL;
}

/* The others go on with the old one while one thread fetches. */
static void test_nobody_waits(struct desk *desk)
{
	CLEANUP(mem_freep) char *before = serial(desk);
	pthread_t thread;

	pass(desk, LIFETIME_S - CREDENTIAL_RENEW_S + 5);
	bench_fault(&desk->bench, "fulcio POST 1 delay 2000");
	CHECK(pthread_create(&thread, NULL, renew, desk) == 0);
	while (certificates(desk) < 3)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	CLEANUP(mem_freep) char *during = serial(desk);
	CHECK(strcmp(before, during) == 0);
	pthread_join(thread, NULL);
	CLEANUP(mem_freep) char *after = serial(desk);
	CHECK(strcmp(before, after) != 0 && certificates(desk) == 3);
	fake_sigstore_forget_faults(desk->bench.fake);
}

/* A renewal that fails hurts nobody before the margin, and is not tried again at once. */
static void test_failed_renewal(struct desk *desk)
{
	CLEANUP(mem_freep) char *before = serial(desk);

	bench_fault(&desk->bench, "fulcio POST 1+ status 400");
	pass(desk, LIFETIME_S - CREDENTIAL_RENEW_S + 5);
	in_threads(desk, acquire_often);
	CLEANUP(mem_freep) char *after = serial(desk);
	CHECK(strcmp(before, after) == 0);
	CHECK(certificates(desk) == 4);
	pass(desk, 6);
	in_threads(desk, acquire_often);
	CHECK(certificates(desk) == 5);

	pass(desk, CREDENTIAL_RENEW_S - CREDENTIAL_MARGIN_S);
	fail(desk, ERR_AUTH, "the server answered 400");
	fail(desk, ERR_AUTH, "the server answered 400");
	CHECK(certificates(desk) == 6);
	fake_sigstore_forget_faults(desk->bench.fake);
	fail(desk, ERR_AUTH, "the server answered 400");
	pass(desk, 6);
	CLEANUP(mem_freep) char *fresh = serial(desk);
	CHECK(strcmp(before, fresh) != 0 && certificates(desk) == 7);
}

static void *fail_often(void *ctx)
{
	for (unsigned i = 0; i < 20; i++)
		fail(ctx, ERR_AUTH, "the server answered 403");
	return NULL;
}

/* A Fulcio that refuses is asked once, not once an image. */
static void test_failure_for_all(struct desk *desk)
{
	unsigned before = certificates(desk);

	pass(desk, LIFETIME_S);
	bench_fault(&desk->bench, "fulcio POST 1+ status 403");
	in_threads(desk, fail_often);
	CHECK(certificates(desk) == before + 1);
	fake_sigstore_forget_faults(desk->bench.fake);
	pass(desk, 6);
}

static void *let_minutes_pass(void *ctx)
{
	struct desk *desk = ctx;

	while (fake_sigstore_requests(desk->bench.fake, FAKE_FULCIO, "GET") < 2)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	pass(desk, 180);
	return NULL;
}

/* What takes minutes to fail is not tried again for minutes. */
static void test_slow_failure(struct desk *desk)
{
	unsigned before = certificates(desk);
	pthread_t thread;

	credential_source_free(desk->source);
	fulcio_free(desk->fulcio);
	open_source(desk);
	bench_fault(&desk->bench, "fulcio GET 1 delay 2000");
	bench_fault(&desk->bench, "fulcio POST 1+ status 400");
	CHECK(pthread_create(&thread, NULL, let_minutes_pass, desk) == 0);
	fail(desk, ERR_AUTH, "the server answered 400");
	pthread_join(thread, NULL);
	pass(desk, 170);
	fail(desk, ERR_AUTH, "the server answered 400");
	CHECK(certificates(desk) == before + 1);
	fake_sigstore_forget_faults(desk->bench.fake);
	pass(desk, 20);
	credential_release(desk->source, acquire(desk));
	CHECK(certificates(desk) == before + 2);
}

/* Neither a clock that is set back nor one that is fast lets a certificate be used too long. */
static void test_clock(struct desk *desk)
{
	CLEANUP(mem_freep) char *before = serial(desk);
	unsigned count = certificates(desk);

	desk->bench.skew_ms = -120 * 1000;
	fail(desk, ERR_INVALID, "clock");
	CHECK(certificates(desk) == count + 1);
	pass(desk, 6);
	desk->bench.skew_ms = (LIFETIME_S - CREDENTIAL_MARGIN_S + 20) * 1000;
	fail(desk, ERR_INVALID, "set the clock");
	pass(desk, 6);
	desk->bench.skew_ms = 0;
	CLEANUP(mem_freep) char *after = serial(desk);
	CHECK(strcmp(before, after) == 0);
}

static void test_no_token(struct desk *desk)
{
	CLEANUP(id_token_source_freep)
	struct id_token_source *tokens =
		bench_token_source(&desk->bench, "/nonexistent/file/of/a/token");
	CLEANUP(credential_source_freep)
	struct credential_source *source =
		credential_source_new(desk->fulcio, tokens, &desk->bench.our_clock);
	const struct credential *credential = NULL;
	struct err *err = NULL;

	CHECK(!credential_acquire(source, &credential, &err));
	CHECK(err && strstr(err->msg, "identity token"));
	err_free(err);
}

int main(void)
{
	struct desk desk;

	open_desk(&desk);
	test_one_for_all(&desk);
	test_renewal(&desk);
	test_nobody_waits(&desk);
	test_failed_renewal(&desk);
	test_failure_for_all(&desk);
	test_slow_failure(&desk);
	test_clock(&desk);
	test_no_token(&desk);
	close_desk(&desk);
	return 0;
}
