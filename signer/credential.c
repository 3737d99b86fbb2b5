/*
 * The current credential, and who fetches the next. From CREDENTIAL_RENEW_S before a certificate's end
 * on, the first that comes fetches while the others go on with the old one; from CREDENTIAL_MARGIN_S
 * on they wait. What a certificate needs is known to fulcio.c.
 */
#include "signer/credential.h"

#include <inttypes.h>
#include <pthread.h>

#include "base/alloc.h"
#include "base/log.h"

/*
 * At least; and as long as it took to fail: a service that does not answer would otherwise cost its
 * whole timeout again and again.
 */
#define FAILURE_REMEMBERED_MS 5000
/* What a token must have left when it is shown. */
#define TOKEN_LEFT_S 30

struct held {
	struct credential credential; /* first: what callers hold */
	struct signing_key *key;
	struct certificate *certificate;
	char *chain;
	size_t holders; /* callers, and the source for its current one */
};

struct credential_source {
	struct fulcio *fulcio;
	struct id_token_source *tokens;
	const struct clock *clock;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct held *current;
	bool is_fetching;
	struct err *failure; /* the last fetch's */
	int64_t retry_ms;    /* not before this is it tried again */
};

static void held_free(struct held *held)
{
	signing_key_free(held->key);
	certificate_free(held->certificate);
	mem_free(held->chain);
	mem_free(held);
}
DEFINE_CLEANUP(struct held, held_freep, held_free)

struct credential_source *credential_source_new(
	struct fulcio *fulcio, struct id_token_source *tokens, const struct clock *clock)
{
	struct credential_source *source = mem_new(1, sizeof(*source));

	source->fulcio = fulcio;
	source->tokens = tokens;
	source->clock = clock ? clock : &clock_system;
	pthread_mutex_init(&source->lock, NULL);
	pthread_cond_init(&source->changed, NULL);
	return source;
}

void credential_source_free(struct credential_source *source)
{
	if (!source)
		return;
	if (source->current)
		held_free(source->current);
	err_free(source->failure);
	pthread_cond_destroy(&source->changed);
	pthread_mutex_destroy(&source->lock);
	mem_free(source);
}

static int64_t seconds_left(const struct credential_source *source, const struct held *held)
{
	int64_t now = clock_unix_ms(source->clock) / 1000;

	/* A clock that was set back makes none of them last longer. */
	if (now < certificate_not_before(held->certificate) - FULCIO_CLOCK_SKEW_S)
		return 0;
	return certificate_not_after(held->certificate) - now;
}

/* ---- Fetching, without the lock ---- */

static bool fetch(struct credential_source *source, struct held **ret_held, struct err **err)
{
	CLEANUP(id_token_freep) struct id_token *token = NULL;
	CLEANUP(held_freep) struct held *held = mem_new(1, sizeof(*held));

	if (!id_token_source_get(source->tokens, TOKEN_LEFT_S, &token, err))
		return false;
	held->key = signing_key_new(err);
	if (!held->key ||
		!fulcio_certify(
			source->fulcio, token, held->key, &held->certificate, &held->chain, err))
		return false;
	if (seconds_left(source, held) < CREDENTIAL_MARGIN_S)
		return err_set(err, ERR_INVALID,
			"Fulcio's certificate has only %" PRId64
			" s left by this machine's clock, %d are needed to sign with it: set the "
			"clock",
			seconds_left(source, held), CREDENTIAL_MARGIN_S);
	held->credential = (struct credential){held->key, held->certificate, held->chain};
	*ret_held = steal_ptr(&held);
	return true;
}

/* ---- The current one, under the lock ---- */

static void let_go(struct held *held)
{
	if (--held->holders == 0)
		held_free(held);
}

static void succeed(struct credential_source *source, struct held *held)
{
	if (source->current)
		let_go(source->current);
	source->current = held;
	held->holders = 1;
	err_free(source->failure);
	source->failure = NULL;
}

static void fail(struct credential_source *source, struct err *failure, int64_t begun_ms)
{
	int64_t now = clock_monotonic_ms(source->clock), took = now - begun_ms;

	if (source->current && seconds_left(source, source->current) >= CREDENTIAL_MARGIN_S)
		log_warning(
			"The certificate for signing could not be renewed yet: %s", failure->msg);
	err_free(source->failure);
	source->failure = failure;
	source->retry_ms = now + (took > FAILURE_REMEMBERED_MS ? took : FAILURE_REMEMBERED_MS);
}

static void renew(struct credential_source *source)
{
	struct held *held = NULL;
	struct err *failure = NULL;
	int64_t begun_ms = clock_monotonic_ms(source->clock);

	source->is_fetching = true;
	pthread_mutex_unlock(&source->lock);
	bool ok = fetch(source, &held, &failure);
	pthread_mutex_lock(&source->lock);
	source->is_fetching = false;
	if (ok)
		succeed(source, held);
	else
		fail(source, failure, begun_ms);
	pthread_cond_broadcast(&source->changed);
}

static bool is_good(const struct credential_source *source, int64_t seconds)
{
	return source->current && seconds_left(source, source->current) >= seconds;
}

static bool has_just_failed(const struct credential_source *source)
{
	return source->failure && clock_monotonic_ms(source->clock) < source->retry_ms;
}

bool credential_acquire(struct credential_source *source, const struct credential **ret_credential,
	struct err **err)
{
	bool ok;

	pthread_mutex_lock(&source->lock);
	for (;;) {
		if (!is_good(source, CREDENTIAL_RENEW_S) && !source->is_fetching &&
			!has_just_failed(source))
			renew(source);
		ok = is_good(source, CREDENTIAL_MARGIN_S);
		if (ok || (!source->is_fetching && has_just_failed(source)))
			break;
		if (source->is_fetching)
			pthread_cond_wait(&source->changed, &source->lock);
	}
	if (ok) {
		source->current->holders++;
		*ret_credential = &source->current->credential;
	} else if (err) {
		*err = err_copy(source->failure);
	}
	pthread_mutex_unlock(&source->lock);
	return ok;
}

void credential_release(struct credential_source *source, const struct credential *credential)
{
	/* The first member of what was handed out. */
	struct held *held = (struct held *)(uintptr_t)credential;

	pthread_mutex_lock(&source->lock);
	let_go(held);
	pthread_mutex_unlock(&source->lock);
}
