/*
 * One small entry for each host, under one lock. Judges failures by kind only: an HTTP answer,
 * even 403 or 500, means that somebody is there and answers quickly; refused connections, missed
 * deadlines and broken TLS cost their retries and deadlines every time.
 */
#include "reconciler/hosts.h"

#include <pthread.h>
#include <string.h>

#include "base/log.h"
#include "base/strmap.h"
#include "registry/quirks.h"

struct host {
	char *name;
	unsigned failures; /* in a row */
	bool answered;	   /* ever */
	bool tried_google;
	struct err *fenced; /* NULL: it is not */
};

struct hosts {
	pthread_mutex_t lock;
	struct strmap by_name;
};

struct hosts *hosts_new(void)
{
	struct hosts *hosts = mem_new(1, sizeof(*hosts));

	pthread_mutex_init(&hosts->lock, NULL);
	return hosts;
}

void hosts_free(struct hosts *hosts)
{
	const char *name;
	void *value;

	if (!hosts)
		return;
	for (size_t i = 0; strmap_next(&hosts->by_name, &i, &name, &value);) {
		struct host *host = value;

		err_free(host->fenced);
		mem_free(host->name);
		mem_free(host);
	}
	strmap_release(&hosts->by_name);
	pthread_mutex_destroy(&hosts->lock);
	mem_free(hosts);
}

/* With the lock held. */
static struct host *get(struct hosts *hosts, const char *name)
{
	struct host *host = strmap_get(&hosts->by_name, name);

	if (!host) {
		host = mem_new(1, sizeof(*host));
		host->name = mem_strdup(name);
		*strmap_put(&hosts->by_name, host->name) = host;
	}
	return host;
}

bool hosts_check(struct hosts *hosts, const char *name, struct err **err)
{
	struct err *copy = NULL;

	pthread_mutex_lock(&hosts->lock);
	copy = err_copy(get(hosts, name)->fenced);
	pthread_mutex_unlock(&hosts->lock);
	if (!copy)
		return true;
	if (err)
		*err = copy;
	else
		err_free(copy);
	return err_prefix(err, "not asked again after repeated failures");
}

static bool is_connection_failure(const struct err *err)
{
	return !err->http &&
		(err->kind == ERR_TRANSIENT || err->kind == ERR_TIMEOUT || err->kind == ERR_TLS);
}

void hosts_note(struct hosts *hosts, const char *name, const struct err *outcome)
{
	struct host *host;
	bool fenced = false;

	if (outcome && outcome->kind == ERR_CANCELLED)
		return;
	pthread_mutex_lock(&hosts->lock);
	host = get(hosts, name);
	if (!outcome || !is_connection_failure(outcome)) {
		host->failures = 0;
		host->answered = true;
	} else if (++host->failures >= HOSTS_FENCE * (host->answered ? 4 : 1) && !host->fenced) {
		host->fenced = err_copy(outcome);
		fenced = true;
	}
	pthread_mutex_unlock(&hosts->lock);
	if (fenced)
		log_error("%s is not asked any more in this run: %s", name, outcome->msg);
}

bool hosts_try_google(struct hosts *hosts, const char *name)
{
	struct host *host;
	bool first;

	if (!quirks_of(name)->is_google)
		return false;
	pthread_mutex_lock(&hosts->lock);
	host = get(hosts, name);
	first = !host->tried_google;
	host->tried_google = true;
	pthread_mutex_unlock(&hosts->lock);
	return first;
}
