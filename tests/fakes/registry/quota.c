/*
 * --quota N: at most N requests in each second of the clock, 429 above; with --retry-after S the
 * refusal asks for so many seconds.
 */
#include <pthread.h>
#include <time.h>

#include "tests/fakes/registry/fake.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static time_t second;
static unsigned used;

static bool has_room(void)
{
	struct timespec now;
	bool room;

	clock_gettime(CLOCK_MONOTONIC, &now);
	pthread_mutex_lock(&lock);
	if (now.tv_sec != second)
		used = 0;
	second = now.tv_sec;
	room = used < fake_options.quota;
	used += room;
	pthread_mutex_unlock(&lock);
	return room;
}

bool quota_refuses(struct fake_response *response)
{
	if (!fake_options.quota || has_room())
		return false;
	if (fake_options.retry_after)
		str_addf(&response->headers, "Retry-After: %u\r\n", fake_options.retry_after);
	respond_error(
		response, 429, "TOOMANYREQUESTS", "Quota exceeded for quota metric 'Requests'");
	return true;
}
