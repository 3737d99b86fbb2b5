/*
 * cli/signals.h: the two steps of stopping, by signals that the process sends to itself, and that
 * nothing is left running.
 */
#include "cli/signals.h"

#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/threads/check.h"

#define LONG_MS 60000

static void wait_for(struct cancel *cancel, enum cancel_state state)
{
	while (cancel_get(cancel) < state)
		cancel_sleep_ms(cancel, state, LONG_MS);
}

static void first_drains_second_ends(int first, int second)
{
	CLEANUP(cancel_freep) struct cancel *cancel = cancel_new();
	CLEANUP(signals_stopp) struct signals *signals = signals_start(cancel, LONG_MS);

	CHECK(signals_received(signals) == 0);
	CHECK(kill(getpid(), first) == 0);
	wait_for(cancel, CANCEL_DRAIN);
	CHECK(signals_received(signals) == first);
	CHECK(cancel_get(cancel) == CANCEL_DRAIN);
	CHECK(kill(getpid(), second) == 0);
	wait_for(cancel, CANCEL_NOW);
	CHECK(signals_received(signals) == first);
}

static void grace_ends(int64_t grace_ms)
{
	CLEANUP(cancel_freep) struct cancel *cancel = cancel_new();
	CLEANUP(signals_stopp) struct signals *signals = signals_start(cancel, grace_ms);
	int64_t begun = clock_monotonic_ms(&clock_system);

	CHECK(kill(getpid(), SIGTERM) == 0);
	wait_for(cancel, CANCEL_NOW);
	CHECK(clock_monotonic_ms(&clock_system) - begun >= grace_ms);
	CHECK(signals_received(signals) == SIGTERM);
}

static void other_signals_stop_nothing(void)
{
	CLEANUP(cancel_freep) struct cancel *cancel = cancel_new();
	CLEANUP(signals_stopp) struct signals *signals = signals_start(cancel, LONG_MS);

	CHECK(kill(getpid(), SIGUSR1) == 0);
	CHECK(kill(getpid(), SIGPIPE) == 0);
	cancel_sleep_ms(cancel, CANCEL_DRAIN, 20);
	CHECK(cancel_get(cancel) == CANCEL_NONE);
	CHECK(signals_received(signals) == 0);
}

int main(void)
{
	first_drains_second_ends(SIGINT, SIGINT);
	first_drains_second_ends(SIGTERM, SIGINT);
	grace_ends(0);
	grace_ends(30);
	other_signals_stop_nothing();
	return 0;
}
