/*
 * The cancel token. Two locks: `lock` for the state and its sleepers, `watch_lock` for the list of
 * watchers. The second is held while they are called, which is how cancel_unwatch knows that no
 * call is running; the first is not, so a watcher may ask the token for its state. Knows nothing
 * of signals: one thread of the program turns them into cancel_raise.
 */
#include "base/cancel.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

struct cancel {
	atomic_int state; /* written under lock */
	pthread_mutex_t lock;
	pthread_cond_t changed; /* on CLOCK_MONOTONIC */
	pthread_mutex_t watch_lock;
	struct cancel_watch *watches;
};

struct cancel *cancel_new(void)
{
	struct cancel *token = mem_new(1, sizeof(*token));
	pthread_condattr_t attributes;

	atomic_init(&token->state, CANCEL_NONE);
	pthread_mutex_init(&token->lock, NULL);
	pthread_mutex_init(&token->watch_lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&token->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	return token;
}

void cancel_free(struct cancel *token)
{
	if (!token)
		return;
	pthread_cond_destroy(&token->changed);
	pthread_mutex_destroy(&token->watch_lock);
	pthread_mutex_destroy(&token->lock);
	mem_free(token);
}

void cancel_raise(struct cancel *token, enum cancel_state state)
{
	bool raised;

	pthread_mutex_lock(&token->lock);
	raised = state > cancel_get(token);
	if (raised) {
		atomic_store(&token->state, (int)state);
		pthread_cond_broadcast(&token->changed);
	}
	pthread_mutex_unlock(&token->lock);
	if (!raised)
		return;
	/* A watcher added after the store sees the new state by itself; all others are listed. */
	pthread_mutex_lock(&token->watch_lock);
	for (struct cancel_watch *watch = token->watches; watch; watch = watch->next)
		watch->wake(watch->ctx);
	pthread_mutex_unlock(&token->watch_lock);
}

enum cancel_state cancel_get(const struct cancel *token)
{
	return (enum cancel_state)atomic_load(&token->state);
}

bool cancel_check(const struct cancel *token, enum cancel_state limit, struct err **err)
{
	if (!token || cancel_get(token) < limit)
		return true;
	return err_set(
		err, ERR_CANCELLED, "stopped before it was finished: the run was interrupted");
}

static struct timespec deadline_after(int64_t ms)
{
	struct timespec deadline;

	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += ms / 1000;
	deadline.tv_nsec += ms % 1000 * 1000000;
	if (deadline.tv_nsec >= 1000000000) {
		deadline.tv_nsec -= 1000000000;
		deadline.tv_sec++;
	}
	return deadline;
}

bool cancel_sleep_ms(struct cancel *token, enum cancel_state limit, int64_t ms)
{
	struct timespec deadline = deadline_after(ms > 0 ? ms : 0);
	bool undisturbed;
	int waited = 0;

	if (!token) {
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, NULL) == EINTR)
			continue;
		return true;
	}
	pthread_mutex_lock(&token->lock);
	while (cancel_get(token) < limit && waited != ETIMEDOUT)
		waited = pthread_cond_timedwait(&token->changed, &token->lock, &deadline);
	undisturbed = cancel_get(token) < limit;
	pthread_mutex_unlock(&token->lock);
	return undisturbed;
}

void cancel_watch(struct cancel *token, struct cancel_watch *watch)
{
	pthread_mutex_lock(&token->watch_lock);
	watch->next = token->watches;
	token->watches = watch;
	if (cancel_get(token) > CANCEL_NONE)
		watch->wake(watch->ctx);
	pthread_mutex_unlock(&token->watch_lock);
}

void cancel_unwatch(struct cancel *token, struct cancel_watch *watch)
{
	pthread_mutex_lock(&token->watch_lock);
	for (struct cancel_watch **at = &token->watches; *at; at = &(*at)->next) {
		if (*at != watch)
			continue;
		*at = watch->next;
		break;
	}
	pthread_mutex_unlock(&token->watch_lock);
}
