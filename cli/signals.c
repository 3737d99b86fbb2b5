/*
 * The thread that waits for signals. Knows the two steps of stopping and their time, not what is
 * being stopped.
 */
#include "cli/signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"

/* Wakes the thread so that it can be joined; from outside it has no effect. */
#define WAKE SIGUSR1

struct signals {
	struct cancel *cancel;
	int64_t grace_ms;
	pthread_t thread;
	sigset_t set, before;
	_Atomic int received;
	_Atomic bool stopping;
};

/* The number of a signal, 0 when the moment has come; `deadline_ms` < 0 is never. */
static int wait_until(const struct signals *signals, int64_t deadline_ms)
{
	for (;;) {
		int64_t left = deadline_ms - clock_monotonic_ms(&clock_system);
		struct timespec time = {0};
		int number;

		if (left > 0)
			time = (struct timespec){left / 1000, left % 1000 * 1000000};
		number = deadline_ms < 0 ? sigwaitinfo(&signals->set, NULL)
					 : sigtimedwait(&signals->set, NULL, &time);
		if (number > 0)
			return number;
		if (errno == EAGAIN)
			return 0;
	}
}

static void *watch(void *arg)
{
	struct signals *signals = arg;
	int64_t deadline_ms = -1;

	pthread_setname_np(pthread_self(), "signals");
	for (;;) {
		int number = wait_until(signals, deadline_ms);

		if (atomic_load(&signals->stopping))
			return NULL;
		if (number == WAKE)
			continue;
		if (number > 0 && atomic_load(&signals->received) == 0) {
			atomic_store(&signals->received, number);
			deadline_ms = clock_monotonic_ms(&clock_system) + signals->grace_ms;
			log_warning("SIG%s: nothing new is begun, requests in flight have %.1f s; "
				    "again to end them at once",
				sigabbrev_np(number), (double)signals->grace_ms / 1000);
			cancel_raise(signals->cancel, CANCEL_DRAIN);
			continue;
		}
		if (cancel_get(signals->cancel) != CANCEL_NOW)
			log_warning("%s: requests in flight are cancelled",
				number ? "second signal" : "the time of --grace is over");
		deadline_ms = -1;
		cancel_raise(signals->cancel, CANCEL_NOW);
	}
}

struct signals *signals_start(struct cancel *cancel, int64_t grace_ms)
{
	struct signals *signals = mem_new(1, sizeof(*signals));
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	signals->cancel = cancel;
	signals->grace_ms = grace_ms;
	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGXFSZ, &ignore, NULL);
	sigemptyset(&signals->set);
	sigaddset(&signals->set, SIGINT);
	sigaddset(&signals->set, SIGTERM);
	sigaddset(&signals->set, WAKE);
	pthread_sigmask(SIG_BLOCK, &signals->set, &signals->before);
	if (pthread_create(&signals->thread, NULL, watch, signals) != 0) {
		log_error("the system gives no thread for signals");
		abort();
	}
	return signals;
}

int signals_received(const struct signals *signals)
{
	return atomic_load(&signals->received);
}

void signals_stop(struct signals *signals)
{
	atomic_store(&signals->stopping, true);
	pthread_kill(signals->thread, WAKE);
	pthread_join(signals->thread, NULL);
	pthread_sigmask(SIG_SETMASK, &signals->before, NULL);
	mem_free(signals);
}
