#include "tests/unit/reconciler/baton.h"

#include <pthread.h>

#include "base/alloc.h"

struct baton {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint64_t state;
	unsigned stay, turn;
	bool is_held;	     /* by whoever has the turn, until it asks again */
	unsigned waiting[2]; /* threads */
	bool has_left[2];
};

struct baton *baton_new(uint64_t seed, unsigned stay)
{
	struct baton *baton = mem_new(1, sizeof(*baton));

	pthread_mutex_init(&baton->lock, NULL);
	pthread_cond_init(&baton->changed, NULL);
	baton->state = seed * 0x9E3779B97F4A7C15ULL + 1;
	baton->stay = stay;
	return baton;
}

void baton_free(struct baton *baton)
{
	pthread_mutex_destroy(&baton->lock);
	pthread_cond_destroy(&baton->changed);
	mem_free(baton);
}

static void pass_on(struct baton *baton)
{
	baton->state ^= baton->state >> 12;
	baton->state ^= baton->state << 25;
	baton->state ^= baton->state >> 27;
	if ((baton->state * 0x2545F4914F6CDD1DULL >> 33) % 100 >= baton->stay)
		baton->turn = !baton->turn;
	if (baton->has_left[baton->turn])
		baton->turn = !baton->turn;
	baton->is_held = false;
	pthread_cond_broadcast(&baton->changed);
}

void baton_wait(struct baton *baton, unsigned run)
{
	pthread_mutex_lock(&baton->lock);
	if (baton->is_held && baton->turn == run)
		pass_on(baton);
	baton->waiting[run]++;
	while (baton->is_held || baton->turn != run)
		pthread_cond_wait(&baton->changed, &baton->lock);
	baton->waiting[run]--;
	baton->is_held = true;
	/* Another thread of the run waits already, so none may come to ask. */
	if (baton->waiting[run])
		pass_on(baton);
	pthread_mutex_unlock(&baton->lock);
}

void baton_leave(struct baton *baton, unsigned run)
{
	pthread_mutex_lock(&baton->lock);
	baton->has_left[run] = true;
	if (baton->turn == run)
		pass_on(baton);
	pthread_mutex_unlock(&baton->lock);
}
