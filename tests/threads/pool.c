/* base/pool.h: every job once, lanes in order, nobody more than a half, idle means idle. */
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
		pool_add(pool, i % 3 ? POOL_NORMAL : POOL_URGENT, POOL_NO_KEYS,
			(void *)(uintptr_t)i);
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
	pool_add(tree->pool, POOL_URGENT, POOL_NO_KEYS, (void *)(depth - 1));
	pool_add(tree->pool, POOL_NORMAL, POOL_NO_KEYS, (void *)(depth - 1));
}

static void test_jobs_add_jobs(void)
{
	struct tree tree = {0};

	tree.pool = pool_new("test", THREADS, grow_tree, &tree);
	pool_add(tree.pool, POOL_NORMAL, POOL_NO_KEYS, (void *)(uintptr_t)10);
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
		pool_add(pool, *name >= 'a' ? POOL_NORMAL : POOL_URGENT, POOL_NO_KEYS, name);
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
	pool_add(pool, POOL_NORMAL, POOL_NO_KEYS, &gate_job);
	while (number < numbers + 40)
		pool_add(pool, POOL_NORMAL, POOL_NO_KEYS, number++);
	pool_add(pool, POOL_NORMAL, POOL_NO_KEYS, &gate_job);
	pool_add(pool, POOL_NORMAL, POOL_NO_KEYS, &gate_job);
	pthread_barrier_wait(&gate);
	pthread_barrier_wait(&gate);
	/* The 40 are taken, and nothing more is before the third gate opens. */
	while (number < numbers + 300)
		pool_add(pool, POOL_NORMAL, POOL_NO_KEYS, number++);
	pthread_barrier_wait(&gate);
	pool_free(pool);
	CHECK(next_number == numbers + 300);
	pthread_barrier_destroy(&gate);
}

/* ---- Shares ---- */

enum { KEYS = 4, WORKERS = 8, SHARE = WORKERS / 2 };

/* Jobs of key 0 do not end before they are let go. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int running[KEYS], most[KEYS], ended[KEYS];
	bool let_go;
} shares = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

struct keyed_job {
	uint32_t keys[KEYS];
	size_t count;
	bool stalls;
};

static void run_keyed(void *ctx, void *arg)
{
	const struct keyed_job *job = arg;

	(void)ctx;
	pthread_mutex_lock(&shares.lock);
	for (size_t i = 0; i < job->count; i++) {
		int *running = &shares.running[job->keys[i]], *most = &shares.most[job->keys[i]];

		*most = ++*running > *most ? *running : *most;
	}
	pthread_cond_broadcast(&shares.changed);
	while (job->stalls && !shares.let_go)
		pthread_cond_wait(&shares.changed, &shares.lock);
	for (size_t i = 0; i < job->count; i++) {
		shares.running[job->keys[i]]--;
		shares.ended[job->keys[i]]++;
	}
	pthread_cond_broadcast(&shares.changed);
	pthread_mutex_unlock(&shares.lock);
}

static void shares_begin(void)
{
	memset(shares.running, 0, sizeof(shares.running));
	memset(shares.most, 0, sizeof(shares.most));
	memset(shares.ended, 0, sizeof(shares.ended));
	shares.let_go = false;
}

static void wait_for_ends(int key, int count)
{
	pthread_mutex_lock(&shares.lock);
	while (shares.ended[key] < count)
		pthread_cond_wait(&shares.changed, &shares.lock);
	pthread_mutex_unlock(&shares.lock);
}

static void wait_for_running(int key, int count)
{
	pthread_mutex_lock(&shares.lock);
	while (shares.running[key] < count)
		pthread_cond_wait(&shares.changed, &shares.lock);
	pthread_mutex_unlock(&shares.lock);
}

/* How many ran at most at the same time; none may have ended. */
static int most_without_end(int key)
{
	pthread_mutex_lock(&shares.lock);
	int most = shares.ended[key] ? -1 : shares.most[key];
	pthread_mutex_unlock(&shares.lock);
	return most;
}

static void let_go(void)
{
	pthread_mutex_lock(&shares.lock);
	shares.let_go = true;
	pthread_cond_broadcast(&shares.changed);
	pthread_mutex_unlock(&shares.lock);
}

static void add_keyed(struct pool *pool, enum pool_lane lane, struct keyed_job *job)
{
	pool_add(pool, lane, (struct pool_keys){job->keys, job->count}, job);
}

/* One key stalls with a long queue that came first; everything else is done meanwhile. */
static void test_a_stalled_key_keeps_half(enum pool_lane lane_of_stalled)
{
	static struct keyed_job stalled = {{0}, 1, true};
	static struct keyed_job both = {{1, 0}, 2, true};
	static struct keyed_job others[] = {{{1}, 1, false}, {{2}, 1, false}, {{2, 3}, 2, false}};
	struct pool *pool = pool_new("test", WORKERS, run_keyed, NULL);

	shares_begin();
	pool_expect(pool, true);
	for (int i = 0; i < 50; i++) {
		add_keyed(pool, lane_of_stalled, &stalled);
		add_keyed(pool, lane_of_stalled, &both);
	}
	for (int i = 0; i < 100; i++)
		for (size_t j = 0; j < 3; j++)
			add_keyed(pool, j == 1 ? POOL_URGENT : POOL_NORMAL, &others[j]);
	wait_for_ends(1, 100);
	wait_for_ends(2, 200);
	wait_for_ends(3, 100);
	/* A worker may not have begun at all so far. */
	wait_for_running(0, SHARE);
	CHECK(most_without_end(0) == SHARE);
	/* Once nothing else can come, nobody is idle. */
	pool_expect(pool, false);
	wait_for_running(0, WORKERS);
	let_go();
	pool_free(pool);
	CHECK(shares.ended[0] == 100 && shares.ended[1] == 150);
}

/* What waits alone may have all workers, and what comes then gets the next one that is free. */
static void test_alone_takes_all(void)
{
	static struct keyed_job stalled = {{0}, 1, true};
	static struct keyed_job other = {{1}, 1, true};
	struct pool *pool = pool_new("test", WORKERS, run_keyed, NULL);

	shares_begin();
	for (int i = 0; i < 3 * WORKERS; i++)
		add_keyed(pool, POOL_NORMAL, &stalled);
	wait_for_running(0, WORKERS);
	for (int i = 0; i < SHARE; i++)
		add_keyed(pool, POOL_NORMAL, &other);
	let_go();
	wait_for_ends(1, SHARE);
	pool_free(pool);
	CHECK(shares.ended[0] == 3 * WORKERS);
}

/* What runs may add more, so its place is kept while it does. */
static void test_a_running_job_keeps_room(void)
{
	static struct keyed_job stalled = {{0}, 1, true};
	static struct keyed_job other = {{1}, 1, true}, quick = {{2}, 1, false};
	struct pool *pool = pool_new("test", WORKERS, run_keyed, NULL);

	shares_begin();
	add_keyed(pool, POOL_NORMAL, &other);
	wait_for_running(1, 1);
	for (int i = 0; i < 3 * WORKERS; i++)
		add_keyed(pool, POOL_NORMAL, &stalled);
	wait_for_running(0, SHARE);
	for (int i = 0; i < 100; i++) {
		add_keyed(pool, POOL_NORMAL, &quick);
		wait_for_ends(2, i + 1);
	}
	CHECK(most_without_end(0) == SHARE);
	let_go();
	pool_free(pool);
	CHECK(shares.ended[0] == 3 * WORKERS);
}

/* More sets than are told apart: every job runs once all the same. */
static void test_many_sets(void)
{
	enum { MANY = 2 * POOL_SETS_MAX };
	static struct keyed_job jobs[MANY];
	struct pool *pool = pool_new("test", 2, run_keyed, NULL);
	static struct keyed_job stalled = {{1}, 1, true};

	shares_begin();
	add_keyed(pool, POOL_URGENT, &stalled);
	add_keyed(pool, POOL_URGENT, &stalled);
	wait_for_running(1, 2);
	for (uint32_t i = 0; i < MANY; i++) {
		const uint32_t keys[] = {0, i + KEYS};

		jobs[i] = (struct keyed_job){{0}, 1, false};
		pool_add(pool, POOL_NORMAL, (struct pool_keys){keys, 2}, &jobs[i]);
	}
	let_go();
	pool_free(pool);
	CHECK(shares.ended[0] == MANY && shares.ended[1] == 2);
}

static void test_one_worker(void)
{
	static struct keyed_job one = {{0, 1}, 2, false}, two = {{1}, 1, false};
	struct pool *pool = pool_new("test", 1, run_keyed, NULL);

	shares_begin();
	for (int i = 0; i < 100; i++) {
		add_keyed(pool, POOL_NORMAL, &one);
		add_keyed(pool, POOL_URGENT, &two);
	}
	pool_free(pool);
	CHECK(shares.ended[0] == 100 && shares.ended[1] == 200);
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
		pool_add(pool, POOL_NORMAL, POOL_NO_KEYS, NULL);
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
	test_a_stalled_key_keeps_half(POOL_NORMAL);
	test_a_stalled_key_keeps_half(POOL_URGENT);
	test_alone_takes_all();
	test_a_running_job_keeps_room();
	test_many_sets();
	test_one_worker();
	test_threads_are_parallel_named_and_deaf();
	test_nothing_to_do();
	return 0;
}
