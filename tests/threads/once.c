/* base/once.h: many threads want the same keys; work succeeds, fails and is cancelled. */
#include "base/once.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "tests/threads/check.h"

enum { THREADS = 8, KEYS = 200, FAILURES = 3 };

static struct once *table;
static struct cancel *token;

/* Not atomic where only the worker of a key may touch it: ThreadSanitizer is the check. */
static struct work {
	char key[16];
	atomic_int inside;
	int attempts;
	int result;
} works[KEYS];

static void work_on(struct work *work)
{
	CHECK(atomic_fetch_add(&work->inside, 1) == 0);
	work->attempts++;
	if (work->attempts > FAILURES)
		work->result = 42;
	CHECK(atomic_fetch_sub(&work->inside, 1) == 1);
	once_finish(table, work->key, work->attempts > FAILURES);
}

static void *want_everything(void *arg)
{
	size_t start = (size_t)(uintptr_t)arg * 7;

	for (size_t i = 0; i < KEYS; i++) {
		struct work *work = &works[(start + i) % KEYS];
		enum once_turn turn;

		while ((turn = once_begin(table, work->key, token)) == ONCE_MINE)
			work_on(work);
		CHECK(turn == ONCE_DONE);
		CHECK(work->result == 42);
	}
	return NULL;
}

static void test_every_key_is_done_once(void)
{
	pthread_t threads[THREADS];

	table = once_new();
	token = cancel_new();
	for (size_t i = 0; i < KEYS; i++)
		snprintf(works[i].key, sizeof(works[i].key), "blob/%zu", i);
	for (size_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, want_everything, (void *)(uintptr_t)i);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < KEYS; i++)
		CHECK(works[i].attempts == FAILURES + 1);
	once_free(table);
	cancel_free(token);
}

static atomic_int waiting;

static void *wait_for_turn(void *ret_turn)
{
	waiting++;
	*(enum once_turn *)ret_turn = once_begin(table, "k", token);
	return NULL;
}

static void start_waiters(pthread_t threads[THREADS], enum once_turn turns[THREADS])
{
	table = once_new();
	token = cancel_new();
	waiting = 0;
	CHECK(once_begin(table, "k", token) == ONCE_MINE);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, wait_for_turn, &turns[i]);
	while (waiting < THREADS)
		cancel_sleep_ms(NULL, CANCEL_NOW, 1);
	cancel_sleep_ms(NULL, CANCEL_NOW, 10);
}

static void end_waiters(pthread_t threads[THREADS])
{
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static void release(void)
{
	once_free(table);
	cancel_free(token);
}

static void test_waiters_see_success_after_drain(void)
{
	pthread_t threads[THREADS];
	enum once_turn turns[THREADS];

	start_waiters(threads, turns);
	cancel_raise(token, CANCEL_DRAIN);
	cancel_sleep_ms(NULL, CANCEL_NOW, 10);
	once_finish(table, "k", true);
	end_waiters(threads);
	for (int i = 0; i < THREADS; i++)
		CHECK(turns[i] == ONCE_DONE);
	release();
}

static void test_cancel_ends_the_wait(void)
{
	pthread_t threads[THREADS];
	enum once_turn turns[THREADS];

	start_waiters(threads, turns);
	cancel_raise(token, CANCEL_NOW);
	end_waiters(threads);
	for (int i = 0; i < THREADS; i++)
		CHECK(turns[i] == ONCE_CANCELLED);
	once_finish(table, "k", false);
	CHECK(once_begin(table, "k", token) == ONCE_CANCELLED);
	CHECK(once_begin(table, "k", NULL) == ONCE_MINE);
	once_finish(table, "k", true);
	CHECK(once_begin(table, "k", token) == ONCE_DONE);
	release();
}

static void test_without_a_token(void)
{
	table = once_new();
	CHECK(once_begin(table, "k", NULL) == ONCE_MINE);
	once_finish(table, "k", true);
	CHECK(once_begin(table, "k", NULL) == ONCE_DONE);
	once_free(table);
	once_free(NULL);
}

static void test_forget(void)
{
	static const char *const keys[] = {"a/1", "a/2", "ab", "b/1"};

	table = once_new();
	for (size_t i = 0; i < 4; i++)
		CHECK(once_begin(table, keys[i], NULL) == ONCE_MINE);
	for (size_t i = 1; i < 4; i++)
		once_finish(table, keys[i], true);
	once_forget(table, "a/"); /* but somebody is still working on a/1 */
	once_finish(table, "a/1", true);
	CHECK(once_begin(table, "a/1", NULL) == ONCE_DONE);
	CHECK(once_begin(table, "a/2", NULL) == ONCE_MINE);
	CHECK(once_begin(table, "ab", NULL) == ONCE_DONE);
	CHECK(once_begin(table, "b/1", NULL) == ONCE_DONE);
	once_finish(table, "a/2", true);
	once_forget(table, "");
	CHECK(once_begin(table, "b/1", NULL) == ONCE_MINE);
	once_finish(table, "b/1", false);
	once_free(table);
}

int main(void)
{
	test_every_key_is_done_once();
	test_waiters_see_success_after_drain();
	test_cancel_ends_the_wait();
	test_without_a_token();
	test_forget();
	return 0;
}
