/* Whole runs in which one registry does not answer for a long time: the others do not wait for it. */
#include "reconciler/run.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <time.h>

#include "tests/unit/reconciler/run_suite.h"

TestSuite(run_shares, .init = set_up, .fini = tear_down);

enum { PROJECTS = 30, THREADS = 8, SHARE = THREADS / 2, SLOW_DIGESTS = 6, PATIENCE_S = 60 };

/* Requests to the slow registry are held until the quick one has everything. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum model_verb held; /* the verb that the slow registry does not answer */
	unsigned slow, most_slow, quick_done;
	bool gave_up;
} gate;

static void hold(void)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_S;
	gate.slow++;
	if (gate.quick_done < PROJECTS && gate.slow > gate.most_slow)
		gate.most_slow = gate.slow;
	while (gate.quick_done < PROJECTS && !gate.gave_up)
		if (pthread_cond_timedwait(&gate.changed, &gate.lock, &until) != 0)
			gate.gave_up = true;
	gate.slow--;
}

static bool is_at(const char *repository, const char *host)
{
	return strncmp(repository, host, strlen(host)) == 0;
}

static bool slow_or_quick(void *ctx, enum model_verb verb, const char *repository,
	const char *reference, struct err **err)
{
	(void)ctx;
	(void)err;
	pthread_mutex_lock(&gate.lock);
	if (is_at(repository, "slow.io/") && verb == gate.held)
		hold();
	if (is_at(repository, "quick.io/") && verb == MODEL_PUT && strcmp(reference, "v") == 0) {
		gate.quick_done++;
		pthread_cond_broadcast(&gate.changed);
	}
	pthread_mutex_unlock(&gate.lock);
	return true;
}

/* Images of `digests` digests, of which the first has the tag "v". */
static void declare(const char *prefix, const char *registries, unsigned digests)
{
	for (int i = 0; i < PROJECTS; i++) {
		CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);
		CLEANUP(mem_freep) char *name = mem_printf("%s%02d", prefix, i);
		CLEANUP(mem_freep) char *source = mem_printf("src.io/%s", name);

		str_addf(&text, "- name: %s\n  dmap:\n    @1: [\"v\"]\n", name);
		for (unsigned digest = 1; digest <= digests; digest++) {
			if (digest > 1)
				str_addf(&text, "    @%u: []\n", digest);
			model_hold(model, source, digest, NULL);
		}
		project(name, registries, str_text(&text));
	}
}

static void run_and_expect(enum model_verb held)
{
	struct told told;

	pthread_mutex_init(&gate.lock, NULL);
	pthread_cond_init(&gate.changed, NULL);
	gate.held = held;
	/* By name, so all of the slow ones come first. */
	declare("a", "*src.io slow.io", SLOW_DIGESTS);
	declare("b", "*src.io quick.io", 1);
	manifest_tree_load(&tree);
	model_set_fault(model, slow_or_quick, NULL);
	tell_run(&tree, model, &(struct tell_options){.confirm = true, .threads = THREADS}, &told);
	cr_expect_not(gate.gave_up, "the quick registry waited for the slow one");
	cr_expect(gate.most_slow >= 1 && gate.most_slow <= SHARE, "%u workers were held at a time",
		gate.most_slow);
	cr_expect_eq(told.result.outcomes[OUTCOME_PROMOTED], (1 + SLOW_DIGESTS) * PROJECTS);
	cr_expect(told_is_consistent(&told, model));
	told_release(&told);
}

Test(run_shares, lists_that_stall_hold_half_of_the_workers)
{
	run_and_expect(MODEL_LIST);
}

/* Groups go before lists, and share their source; still they do not take everything. */
Test(run_shares, copies_that_stall_hold_half_of_the_workers)
{
	run_and_expect(MODEL_PUT);
}
