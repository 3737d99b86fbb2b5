/* base/cancel.h with sleepers and watchers on several threads. */
#include "base/cancel.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "tests/threads/check.h"

enum { THREADS = 8, LONG_MS = 60000 };

static struct cancel *token;

static int64_t now_ms(void)
{
	return clock_monotonic_ms(&clock_system);
}

static void test_states(void)
{
	CLEANUP(cancel_freep) struct cancel *own = cancel_new();
	CLEANUP(err_freep) struct err *err = NULL;

	CHECK(cancel_get(own) == CANCEL_NONE);
	CHECK(cancel_check(own, CANCEL_DRAIN, &err) && !err);
	cancel_raise(own, CANCEL_DRAIN);
	CHECK(!cancel_check(own, CANCEL_DRAIN, &err) && err_is(err, ERR_CANCELLED));
	CHECK(cancel_check(own, CANCEL_NOW, NULL));
	cancel_raise(own, CANCEL_NOW);
	cancel_raise(own, CANCEL_DRAIN);
	CHECK(cancel_get(own) == CANCEL_NOW);
	CHECK(cancel_check(NULL, CANCEL_DRAIN, NULL));
}

static void test_sleep_alone(void)
{
	CLEANUP(cancel_freep) struct cancel *own = cancel_new();
	int64_t start = now_ms();

	CHECK(cancel_sleep_ms(own, CANCEL_DRAIN, 20));
	CHECK(cancel_sleep_ms(NULL, CANCEL_DRAIN, 20));
	CHECK(now_ms() - start >= 40);
	CHECK(cancel_sleep_ms(own, CANCEL_DRAIN, 0));
	CHECK(cancel_sleep_ms(own, CANCEL_DRAIN, -5));
	cancel_raise(own, CANCEL_DRAIN);
	start = now_ms();
	CHECK(!cancel_sleep_ms(own, CANCEL_DRAIN, LONG_MS));
	CHECK(!cancel_sleep_ms(own, CANCEL_DRAIN, 0));
	CHECK(now_ms() - start < LONG_MS / 2);
	CHECK(cancel_sleep_ms(own, CANCEL_NOW, 1));
}

static atomic_int asleep, woken_by_drain;

static void *sleep_through_drain(void *arg)
{
	(void)arg;
	asleep++;
	CHECK(!cancel_sleep_ms(token, CANCEL_NOW, LONG_MS));
	CHECK(cancel_get(token) == CANCEL_NOW);
	return NULL;
}

static void *sleep_until_drain(void *arg)
{
	(void)arg;
	asleep++;
	CHECK(!cancel_sleep_ms(token, CANCEL_DRAIN, LONG_MS));
	woken_by_drain++;
	return NULL;
}

static void test_raise_wakes_sleepers(void)
{
	pthread_t threads[THREADS];

	token = cancel_new();
	for (int i = 0; i < THREADS; i++)
		pthread_create(
			&threads[i], NULL, i % 2 ? sleep_through_drain : sleep_until_drain, NULL);
	while (asleep < THREADS)
		CHECK(cancel_sleep_ms(NULL, CANCEL_NOW, 1));
	CHECK(woken_by_drain == 0);
	cancel_raise(token, CANCEL_DRAIN);
	while (woken_by_drain < THREADS / 2)
		CHECK(cancel_sleep_ms(NULL, CANCEL_NOW, 1));
	cancel_raise(token, CANCEL_NOW);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	cancel_free(token);
}

static void count_call(void *ctx)
{
	(*(int *)ctx)++;
}

static void test_watchers_hear_every_change(void)
{
	CLEANUP(cancel_freep) struct cancel *own = cancel_new();
	int first = 0, second = 0, late = 0;
	struct cancel_watch watches[] = {
		{.wake = count_call, .ctx = &first},
		{.wake = count_call, .ctx = &second},
		{.wake = count_call, .ctx = &late},
	};

	cancel_watch(own, &watches[0]);
	cancel_watch(own, &watches[1]);
	CHECK(first == 0 && second == 0);
	cancel_raise(own, CANCEL_DRAIN);
	cancel_raise(own, CANCEL_DRAIN);
	CHECK(first == 1 && second == 1);
	cancel_unwatch(own, &watches[0]);
	cancel_watch(own, &watches[2]);
	CHECK(late == 1);
	cancel_raise(own, CANCEL_NOW);
	CHECK(first == 1 && second == 2 && late == 2);
	cancel_unwatch(own, &watches[1]);
	cancel_unwatch(own, &watches[2]);
}

static atomic_bool call_started, call_ended;

static void slow_call(void *ctx)
{
	(void)ctx;
	call_started = true;
	cancel_sleep_ms(NULL, CANCEL_NOW, 30);
	CHECK(cancel_get(token) == CANCEL_DRAIN); /* the token may be asked from here */
	call_ended = true;
}

static void *raise_drain(void *arg)
{
	(void)arg;
	cancel_raise(token, CANCEL_DRAIN);
	return NULL;
}

static void test_unwatch_waits_for_the_call(void)
{
	struct cancel_watch watch = {.wake = slow_call};
	pthread_t raiser;

	token = cancel_new();
	cancel_watch(token, &watch);
	pthread_create(&raiser, NULL, raise_drain, NULL);
	while (!call_started)
		CHECK(cancel_sleep_ms(NULL, CANCEL_NOW, 1));
	cancel_unwatch(token, &watch);
	CHECK(call_ended);
	pthread_join(raiser, NULL);
	cancel_free(token);
}

/* Watches live on the stacks of threads that come and go while the token is raised. */
static void *watch_and_unwatch(void *arg)
{
	(void)arg;
	for (int i = 0; i < 2000; i++) {
		int calls = 0;
		struct cancel_watch watch = {.wake = count_call, .ctx = &calls};

		cancel_watch(token, &watch);
		cancel_unwatch(token, &watch);
		CHECK(calls <= 3);
	}
	return NULL;
}

static void test_watchers_come_and_go(void)
{
	pthread_t threads[THREADS];

	token = cancel_new();
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, watch_and_unwatch, NULL);
	cancel_raise(token, CANCEL_DRAIN);
	cancel_raise(token, CANCEL_NOW);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	cancel_free(token);
}

int main(void)
{
	test_states();
	test_sleep_alone();
	test_raise_wakes_sleepers();
	test_watchers_hear_every_change();
	test_unwatch_waits_for_the_call();
	test_watchers_come_and_go();
	return 0;
}
