/*
 * One lock and one condition for all keys: fetches are rare and slow, looks short. It does not know
 * what the texts are good for.
 */
#include "registry/lease.h"

#include <pthread.h>
#include <string.h>

#include "base/strmap.h"

#define SLOTS_MAX 4096
#define FAILURE_MS 5000

struct slot {
	char *key;
	char *text; /* NULL: none, or refused */
	uint64_t serial;
	int64_t renew_ms, end_ms; /* monotonic */
	bool fetching;
	unsigned users;	 /* threads that refer to the slot */
	uint64_t ended;	 /* fetches that have ended */
	struct err *err; /* of the last fetch */
	int64_t err_ms;
};

struct leases {
	const struct clock *clock;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	struct strmap slots;
	uint64_t serials;
};

static void drop_text(struct slot *slot)
{
	mem_free_secret_string(steal_ptr(&slot->text));
}

static void slot_free(struct slot *slot)
{
	drop_text(slot);
	err_free(slot->err);
	mem_free(slot->key);
	mem_free(slot);
}

struct leases *leases_new(const struct clock *clock)
{
	struct leases *leases = mem_new(1, sizeof(*leases));
	leases->clock = clock;
	pthread_mutex_init(&leases->lock, NULL);
	pthread_cond_init(&leases->ended, NULL);
	return leases;
}

void leases_free(struct leases *leases)
{
	const char *key;
	void *slot;
	if (!leases)
		return;
	for (size_t i = 0; strmap_next(&leases->slots, &i, &key, &slot);)
		slot_free(slot);
	strmap_release(&leases->slots);
	pthread_mutex_destroy(&leases->lock);
	pthread_cond_destroy(&leases->ended);
	mem_free(leases);
}

void lease_release(struct lease *lease)
{
	mem_free_secret_string(lease->text);
	*lease = (struct lease){0};
}

/* ---- With the lock held ---- */

/* Forgets everything nobody is using: costs fetches, never correctness. */
static void make_room(struct leases *leases)
{
	struct strmap kept = STRMAP_INIT;
	const char *key;
	void *value;
	if (leases->slots.len < SLOTS_MAX)
		return;
	for (size_t i = 0; strmap_next(&leases->slots, &i, &key, &value);) {
		struct slot *slot = value;
		if (slot->users > 0)
			*strmap_put(&kept, slot->key) = slot;
		else
			slot_free(slot);
	}
	strmap_release(&leases->slots);
	leases->slots = kept;
}

static struct slot *slot_get(struct leases *leases, const char *key)
{
	struct slot *slot = strmap_get(&leases->slots, key);
	if (slot)
		return slot;
	make_room(leases);
	slot = mem_new(1, sizeof(*slot));
	slot->key = mem_strdup(key);
	*strmap_put(&leases->slots, slot->key) = slot;
	return slot;
}

static void take(struct leases *leases, struct slot *slot, char *text, int64_t life_ms)
{
	int64_t now = clock_monotonic_ms(leases->clock);
	drop_text(slot);
	slot->text = text;
	slot->serial = ++leases->serials;
	slot->renew_ms = now + life_ms / 5 * 4;
	slot->end_ms = now + life_ms;
}

static void take_failure(struct leases *leases, struct slot *slot, struct err *err)
{
	slot->err = err;
	slot->err_ms = clock_monotonic_ms(leases->clock);
	if (slot->text && slot->err_ms >= slot->end_ms)
		drop_text(slot);
}

static void fetch_slot(struct leases *leases, struct slot *slot, lease_fetch_fn *fetch, void *ctx)
{
	struct err *err = NULL;
	char *text = NULL;
	int64_t life_ms = 0;
	slot->fetching = true;
	err_free(steal_ptr(&slot->err));
	pthread_mutex_unlock(&leases->lock);
	bool ok = fetch(ctx, &text, &life_ms, &err);
	pthread_mutex_lock(&leases->lock);
	slot->fetching = false;
	slot->ended++;
	if (ok)
		take(leases, slot, text, life_ms);
	else
		take_failure(leases, slot, err);
	pthread_cond_broadcast(&leases->ended);
}

static bool is_due(const struct leases *leases, const struct slot *slot)
{
	return !slot->text || clock_monotonic_ms(leases->clock) >= slot->renew_ms;
}

static bool failed_lately(const struct leases *leases, const struct slot *slot)
{
	return slot->err && slot->err->kind != ERR_CANCELLED &&
		clock_monotonic_ms(leases->clock) - slot->err_ms < FAILURE_MS;
}

/* ---- Outside ---- */

bool leases_get(struct leases *leases, const char *key, lease_fetch_fn *fetch, void *ctx,
	struct lease *ret_lease, struct err **err)
{
	pthread_mutex_lock(&leases->lock);
	struct slot *slot = slot_get(leases, key);
	uint64_t before = slot->ended;
	slot->users++;
	while (slot->fetching)
		pthread_cond_wait(&leases->ended, &leases->lock);
	/* What another thread got while this one waited is its outcome too. */
	if (slot->ended == before && is_due(leases, slot) && !failed_lately(leases, slot))
		fetch_slot(leases, slot, fetch, ctx);
	slot->users--;
	bool ok = slot->text != NULL;
	if (ok)
		*ret_lease = (struct lease){.text = mem_strdup(slot->text),
			.serial = slot->serial,
			.is_fresh = slot->ended != before};
	else if (err)
		*err = err_copy(slot->err);
	pthread_mutex_unlock(&leases->lock);
	return ok;
}

void leases_refuse(struct leases *leases, const char *key, uint64_t serial)
{
	pthread_mutex_lock(&leases->lock);
	struct slot *slot = strmap_get(&leases->slots, key);
	if (slot && slot->serial == serial)
		drop_text(slot);
	pthread_mutex_unlock(&leases->lock);
}
