/* base/pool.h: every job once, lanes in order, idle means idle. */
#include "base/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "tests/threads/check.h"

enum { THREADS = 4, JOBS = 5000 };

static atomic_int runs[JOBS];

static void count_run(void *ctx, void *job)
{
	CHECK(ctx == runs);
	atomic_fetch_add(&runs[(uintptr_t)job], 1);
}

static void *add_a_quarter(void *pool)
{
	static atomic_int next;
	int quarter = next++;

	for (int i = quarter; i < JOBS; i += 4)
		pool_add(pool, i % 3 ? POOL_NORMAL : POOL_URGENT, (void *)(uintptr_t)i);
	return NULL;
}

static void test_every_job_runs_once(void)
{
	struct pool *pool = pool_new("test", THREADS, count_run, runs);
	pthread_t adders[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&adders[i], NULL, add_a_quarter, pool);
	for (int i = 0; i < 4; i++)
		pthread_join(adders[i], NULL);
	pool_wait_idle(pool);
	for (int i = 0; i < JOBS; i++)
		CHECK(runs[i] == 1);
	pool_wait_idle(pool);
	pool_free(pool);
}

struct tree {
	struct pool *pool;
	atomic_int leaves;
};

/* A job is the depth that is left; each adds two below it. */
static void grow_tree(void *ctx, void *job)
{
	struct tree *tree = ctx;
	uintptr_t depth = (uintptr_t)job;

	if (!depth) {
		tree->leaves++;
		return;
	}
	pool_add(tree->pool, POOL_URGENT, (void *)(depth - 1));
	pool_add(tree->pool, POOL_NORMAL, (void *)(depth - 1));
}

static void test_jobs_add_jobs(void)
{
	struct tree tree = {0};

	tree.pool = pool_new("test", THREADS, grow_tree, &tree);
	pool_add(tree.pool, POOL_NORMAL, (void *)(uintptr_t)10);
	/* free waits too, and for jobs that did not exist when it was called */
	pool_free(tree.pool);
	CHECK(tree.leaves == 1024);
}

static pthread_barrier_t gate;
static char order[64];

static void note_order(void *ctx, void *job)
{
	const char *name = job;

	(void)ctx;
	if (name[0] == 'g')
		pthread_barrier_wait(&gate);
	else
		order[strlen(order)] = name[0];
}

static void test_urgent_first_and_in_order(void)
{
	static char names[] = "gabcdeABC";
	struct pool *pool = pool_new("test", 1, note_order, NULL);

	pthread_barrier_init(&gate, NULL, 2);
	for (char *name = names; *name; name++)
		pool_add(pool, *name >= 'a' ? POOL_NORMAL : POOL_URGENT, name);
	/* Whatever ran before the gate closed, nothing but the gate can have. */
	pthread_barrier_wait(&gate);
	pool_free(pool);
	CHECK(strcmp(order, "ABCabcde") == 0);
	pthread_barrier_destroy(&gate);
}

static int gate_job;
static int numbers[300];
static int *next_number = numbers;

static void expect_next_number(void *ctx, void *job)
{
	(void)ctx;
	if (job == &gate_job)
		pthread_barrier_wait(&gate);
	else
		CHECK(job == next_number++);
}

/* The queue grows while its first job is in the middle of its memory. */
static void test_order_survives_growth(void)
{
	struct pool *pool = pool_new("test", 1, expect_next_number, NULL);
	int *number = numbers;

	pthread_barrier_init(&gate, NULL, 2);
	pool_add(pool, POOL_NORMAL, &gate_job);
	while (number < numbers + 40)
		pool_add(pool, POOL_NORMAL, number++);
	pool_add(pool, POOL_NORMAL, &gate_job);
	pool_add(pool, POOL_NORMAL, &gate_job);
	pthread_barrier_wait(&gate);
	pthread_barrier_wait(&gate);
	/* The 40 are taken, and nothing more is before the third gate opens. */
	while (number < numbers + 300)
		pool_add(pool, POOL_NORMAL, number++);
	pthread_barrier_wait(&gate);
	pool_free(pool);
	CHECK(next_number == numbers + 300);
	pthread_barrier_destroy(&gate);
}

static void look_around(void *ctx, void *job)
{
	char name[16];
	sigset_t blocked;

	(void)ctx;
	(void)job;
	CHECK(pthread_getname_np(pthread_self(), name, sizeof(name)) == 0);
	CHECK(strcmp(name, "a-name-longer-t") == 0);
	CHECK(pthread_sigmask(SIG_SETMASK, NULL, &blocked) == 0);
	CHECK(sigismember(&blocked, SIGTERM) == 1);
	CHECK(sigismember(&blocked, SIGINT) == 1);
	pthread_barrier_wait(&gate);
}

/* The barrier opens only if all threads are in a job at the same time. */
static void test_threads_are_parallel_named_and_deaf(void)
{
	struct pool *pool;
	sigset_t blocked;

	pthread_barrier_init(&gate, NULL, THREADS);
	pool = pool_new("a-name-longer-than-the-kernel-allows", THREADS, look_around, NULL);
	for (int i = 0; i < THREADS; i++)
		pool_add(pool, POOL_NORMAL, NULL);
	pool_free(pool);
	pthread_barrier_destroy(&gate);
	CHECK(pthread_sigmask(SIG_SETMASK, NULL, &blocked) == 0);
	CHECK(sigismember(&blocked, SIGTERM) == 0);
}

static void test_nothing_to_do(void)
{
	struct pool *pool = pool_new("test", THREADS, count_run, runs);

	pool_wait_idle(pool);
	pool_free(pool);
	pool_free(NULL);
}

int main(void)
{
	test_every_job_runs_once();
	test_jobs_add_jobs();
	test_urgent_first_and_in_order();
	test_order_survives_growth();
	test_threads_are_parallel_named_and_deaf();
	test_nothing_to_do();
	return 0;
}
