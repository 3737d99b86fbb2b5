/*
 * In-flight de-duplication: a map of keys that are being worked on or done. One lock and one
 * condition for the table: waits are few (two workers rarely want the same blob), so waking all
 * waiters costs less than a condition per key. It does not know what the work is.
 */
#include "base/once.h"

#include <pthread.h>
#include <string.h>

#include "base/strmap.h"
#include "base/vec.h"

struct once_entry {
	bool done; /* else somebody is working on it */
	char key[];
};

struct once {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct strmap entries; /* of struct once_entry, owned */
};

struct once *once_new(void)
{
	struct once *table = mem_new(1, sizeof(*table));

	pthread_mutex_init(&table->lock, NULL);
	pthread_cond_init(&table->changed, NULL);
	return table;
}

void once_free(struct once *table)
{
	const char *key;
	void *entry;

	if (!table)
		return;
	for (size_t i = 0; strmap_next(&table->entries, &i, &key, &entry);)
		mem_free(entry);
	strmap_release(&table->entries);
	pthread_cond_destroy(&table->changed);
	pthread_mutex_destroy(&table->lock);
	mem_free(table);
}

/* False while another thread works on the key. Under the lock. */
static bool try_turn(
	struct once *table, const char *key, const struct cancel *cancel, enum once_turn *ret_turn)
{
	struct once_entry *entry = strmap_get(&table->entries, key);

	if (entry && entry->done) {
		*ret_turn = ONCE_DONE;
		return true;
	}
	if (!cancel_check(cancel, CANCEL_NOW, NULL)) {
		*ret_turn = ONCE_CANCELLED;
		return true;
	}
	if (entry)
		return false;
	entry = mem_new(1, sizeof(*entry) + strlen(key) + 1);
	memcpy(entry->key, key, strlen(key) + 1);
	*strmap_put(&table->entries, entry->key) = entry;
	*ret_turn = ONCE_MINE;
	return true;
}

static void wake_waiters(void *ctx)
{
	struct once *table = ctx;

	/* The lock closes the gap between a waiter's check of the token and its wait. */
	pthread_mutex_lock(&table->lock);
	pthread_cond_broadcast(&table->changed);
	pthread_mutex_unlock(&table->lock);
}

enum once_turn once_begin(struct once *table, const char *key, struct cancel *cancel)
{
	struct cancel_watch watch = {.wake = wake_waiters, .ctx = table};
	enum once_turn turn = ONCE_CANCELLED;
	bool decided;

	pthread_mutex_lock(&table->lock);
	decided = try_turn(table, key, cancel, &turn);
	pthread_mutex_unlock(&table->lock);
	if (decided)
		return turn;
	/* The token may call wake_waiters from cancel_watch, so the lock is free around it. */
	if (cancel)
		cancel_watch(cancel, &watch);
	pthread_mutex_lock(&table->lock);
	while (!try_turn(table, key, cancel, &turn))
		pthread_cond_wait(&table->changed, &table->lock);
	pthread_mutex_unlock(&table->lock);
	if (cancel)
		cancel_unwatch(cancel, &watch);
	return turn;
}

enum once_turn once_try(struct once *table, const char *key, struct cancel *cancel)
{
	enum once_turn turn = ONCE_BUSY;

	pthread_mutex_lock(&table->lock);
	try_turn(table, key, cancel, &turn);
	pthread_mutex_unlock(&table->lock);
	return turn;
}

bool once_is_done(struct once *table, const char *key)
{
	struct once_entry *entry;
	bool done;

	pthread_mutex_lock(&table->lock);
	entry = strmap_get(&table->entries, key);
	done = entry && entry->done;
	pthread_mutex_unlock(&table->lock);
	return done;
}

void once_finish(struct once *table, const char *key, bool success)
{
	struct once_entry *entry;

	pthread_mutex_lock(&table->lock);
	if (success) {
		entry = strmap_get(&table->entries, key);
		entry->done = true;
	} else {
		mem_free(strmap_remove(&table->entries, key));
	}
	pthread_cond_broadcast(&table->changed);
	pthread_mutex_unlock(&table->lock);
}

void once_forget(struct once *table, const char *prefix)
{
	VEC(struct once_entry *) dropped = {0};
	const char *key;
	void *value;

	pthread_mutex_lock(&table->lock);
	for (size_t i = 0; strmap_next(&table->entries, &i, &key, &value);) {
		struct once_entry *entry = value;

		if (entry->done && strncmp(key, prefix, strlen(prefix)) == 0)
			*vec_push(&dropped) = entry;
	}
	for (size_t i = 0; i < dropped.len; i++)
		mem_free(strmap_remove(&table->entries, dropped.items[i]->key));
	pthread_mutex_unlock(&table->lock);
	vec_release(&dropped);
}
