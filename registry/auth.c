/*
 * From requests to Authorization headers: what a host wants (learned from its challenges), what
 * there is to show (credentials.h), which token that makes (auth_token.h, lease.h). What answers
 * teach is auth_answer.c.
 */
#include "registry/auth.h"

#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "registry/auth_google.h"
#include "registry/auth_private.h"
#include "registry/host.h"

/* How long others wait for the first answer of a host before they go on without it. */
#define PROBE_WAIT_S 5
/* Sources of one repository whose images share a token with it. */
#define WIDE_SOURCES_MAX 4
/* A wrong password, tried for every repository in turn, locks accounts. */
#define FAILURES_MAX 3

struct auth *auth_new(const struct auth_options *options, struct err **err)
{
	CLEANUP(credentials_freep)
	struct credentials *credentials = credentials_new(&options->credentials, err);
	if (!credentials)
		return NULL;
	struct auth *auth = mem_new(1, sizeof(*auth));
	auth->http = options->http;
	auth->read_only = options->read_only;
	auth->credentials = steal_ptr(&credentials);
	auth->tokens = leases_new(options->credentials.clock);
	return auth;
}

void auth_free(struct auth *auth)
{
	if (!auth)
		return;
	credentials_free(auth->credentials);
	leases_free(auth->tokens);
	mem_free(auth);
}

/* ---- Hosts ---- */

struct auth_host *auth_host_new(void)
{
	struct auth_host *state = mem_new(1, sizeof(*state));
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_mutex_init(&state->lock, NULL);
	pthread_cond_init(&state->probe_ended, &attributes);
	pthread_condattr_destroy(&attributes);
	return state;
}

void auth_host_free(struct auth_host *state)
{
	for (size_t i = 0; i < state->mounts.len; i++) {
		mem_free(state->mounts.items[i].from);
		mem_free(state->mounts.items[i].to);
	}
	vec_release(&state->mounts);
	for (size_t i = 0; i < state->failures.len; i++)
		err_free(state->failures.items[i].err);
	vec_release(&state->failures);
	auth_realm_release(&state->realm);
	mem_free(state->service);
	pthread_cond_destroy(&state->probe_ended);
	pthread_mutex_destroy(&state->lock);
	mem_free(state);
}

enum auth_wants auth_host_wants(struct auth_host *state)
{
	pthread_mutex_lock(&state->lock);
	enum auth_wants wants = state->wants;
	pthread_mutex_unlock(&state->lock);
	return wants;
}

/* With the lock held. */
static void wait_for_probe(struct auth_host *state)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += PROBE_WAIT_S;
	while (state->probing && !state->probed)
		if (pthread_cond_timedwait(&state->probe_ended, &state->lock, &until) != 0)
			return;
}

static enum auth_wants settle(struct auth_use *use, bool may_probe)
{
	struct auth_host *state = use->host->auth;
	pthread_mutex_lock(&state->lock);
	if (!state->probed && may_probe) {
		if (state->probing)
			wait_for_probe(state);
		else
			use->is_probe = state->probing = true;
	}
	enum auth_wants wants = state->wants;
	pthread_mutex_unlock(&state->lock);
	return wants;
}

bool auth_is_settled(const struct auth_use *use)
{
	struct auth_host *state = use->host->auth;
	pthread_mutex_lock(&state->lock);
	bool settled = state->probed;
	pthread_mutex_unlock(&state->lock);
	return settled;
}

bool auth_is_understood(const struct host *host)
{
	return auth_host_wants(host->auth) != AUTH_WANTS_UNKNOWN;
}

bool auth_takes_tokens(const struct host *host)
{
	return auth_host_wants(host->auth) == AUTH_WANTS_TOKEN;
}

/* ---- Mounts ---- */

void auth_expect_mount(struct auth *auth, struct host *host, const char *from, const char *to)
{
	struct auth_host *state = host->auth;
	if (auth->read_only)
		return;
	pthread_mutex_lock(&state->lock);
	bool known = false;
	for (size_t i = 0; i < state->mounts.len && !known; i++)
		known = strcmp(state->mounts.items[i].from, from) == 0 &&
			strcmp(state->mounts.items[i].to, to) == 0;
	if (!known)
		*vec_push(&state->mounts) =
			(struct auth_mount){.from = mem_strdup(from), .to = mem_strdup(to)};
	pthread_mutex_unlock(&state->lock);
}

bool auth_may_mount(const struct host *host)
{
	return !host->auth->no_mounts;
}

void auth_refuse_mounts(struct host *host)
{
	host->auth->no_mounts = true;
	host->auth->no_wide = true;
}

/* ---- Scopes ---- */

unsigned auth_actions(const struct auth_use *use)
{
	bool writes =
		use->side == CREDENTIAL_DESTINATION && !use->auth->read_only && !use->pulls_only;
	return writes ? AUTH_PULL | AUTH_PUSH : AUTH_PULL;
}

void auth_scopes_needed(const struct auth_use *use, struct auth_scopes *scopes)
{
	auth_scopes_add(scopes, use->path, auth_actions(use));
	if (use->mount_from)
		auth_scopes_add(scopes, use->mount_from, AUTH_PULL);
	if (use->scope)
		auth_scopes_add_text(scopes, use->scope, auth_actions(use));
}

/* The repository into which images of this one, only read here, are mounted. Fresh text or NULL. */
static char *mount_target(struct auth_host *state, const char *from)
{
	char *to = NULL;
	pthread_mutex_lock(&state->lock);
	for (size_t i = 0; i < state->mounts.len && !to; i++)
		if (strcmp(state->mounts.items[i].from, from) == 0)
			to = mem_strdup(state->mounts.items[i].to);
	pthread_mutex_unlock(&state->lock);
	return to;
}

static void add_sources(struct auth_host *state, const char *to, struct auth_scopes *scopes)
{
	size_t added = 0;
	pthread_mutex_lock(&state->lock);
	for (size_t i = 0; i < state->mounts.len && added < WIDE_SOURCES_MAX; i++)
		if (strcmp(state->mounts.items[i].to, to) == 0)
			added += auth_scopes_add(scopes, state->mounts.items[i].from, AUTH_PULL);
	pthread_mutex_unlock(&state->lock);
}

/* A source may share its destination's token only if both sides show the same credential. */
static bool writer_is_same(const struct auth_use *use, const char *to)
{
	const struct credential *writer = NULL;
	return credentials_find(use->auth->credentials, CREDENTIAL_DESTINATION, use->host->name, to,
		       &writer, NULL) &&
		writer->id == use->credential->id;
}

/* Everything the promotion needs on this host; what the request needs where that is not wanted. */
static void make_scopes(struct auth_use *use, struct auth_scopes *scopes)
{
	struct auth_host *state = use->host->auth;
	struct auth_scopes needed = {0};
	auth_scopes_needed(use, &needed);
	if (!use->narrow && !state->no_wide) {
		CLEANUP(mem_freep)
		char *to = use->side == CREDENTIAL_SOURCE ? mount_target(state, use->path) : NULL;
		bool shared = to && writer_is_same(use, to);
		if (shared)
			auth_scopes_add(scopes, to, AUTH_PULL | AUTH_PUSH);
		if (use->side == CREDENTIAL_DESTINATION)
			auth_scopes_add(scopes, use->path, auth_actions(use));
		if (shared || use->side == CREDENTIAL_DESTINATION)
			add_sources(state, shared ? to : use->path, scopes);
	}
	for (size_t i = 0; i < needed.len; i++)
		auth_scopes_add(scopes, needed.items[i].repository, needed.items[i].actions);
	use->is_wide = scopes->len > needed.len;
	auth_scopes_release(&needed);
}

/* ---- Credentials that were refused ---- */

/* With the lock held. */
static struct auth_failure *failure_of(struct auth_host *state, unsigned credential_id)
{
	for (size_t i = 0; i < state->failures.len; i++)
		if (state->failures.items[i].credential_id == credential_id)
			return &state->failures.items[i];
	struct auth_failure *failure = vec_push(&state->failures);
	failure->credential_id = credential_id;
	return failure;
}

static bool check_failures(struct auth_host *state, unsigned credential_id, struct err **err)
{
	struct err *copy = NULL;
	pthread_mutex_lock(&state->lock);
	struct auth_failure *failure = failure_of(state, credential_id);
	if (failure->count >= FAILURES_MAX)
		copy = err_copy(failure->err);
	pthread_mutex_unlock(&state->lock);
	if (!copy)
		return true;
	err_keep_first(err, &copy);
	return err_prefix(err, "not asked again after %d refusals", FAILURES_MAX);
}

/* `err` NULL: it was taken. Only 401 speaks of the credential, other refusals of the repository. */
static void note_outcome(struct auth_host *state, unsigned credential_id, const struct err *err)
{
	if (err && err->http != 401)
		return;
	pthread_mutex_lock(&state->lock);
	struct auth_failure *failure = failure_of(state, credential_id);
	failure->count = err ? failure->count + 1 : 0;
	err_free(steal_ptr(&failure->err));
	failure->err = err ? err_copy(err) : NULL;
	pthread_mutex_unlock(&state->lock);
}

/* ---- Tokens ---- */

struct fetch {
	struct auth_use *use;
	const struct credential *credential;
	const struct auth_scopes *scopes;
};

static bool fetch_token(void *ctx, char **ret_text, int64_t *ret_life_ms, struct err **err)
{
	const struct fetch *fetch = ctx;
	const struct auth_use *use = fetch->use;
	struct auth_host *state = use->host->auth;
	CLEANUP(mem_freep) char *quota = host_quota(use->host, fetch->credential->id);
	const struct auth_token_request request = {
		.http = use->auth->http,
		.host = use->host,
		.realm = &state->realm,
		.service = state->service,
		.scopes = fetch->scopes,
		.credential = fetch->credential,
		.quota = quota,
		.tally = use->tally,
	};
	struct err *failure = NULL;
	if (!check_failures(state, fetch->credential->id, err))
		return false;
	bool ok = auth_token_fetch(&request, ret_text, ret_life_ms, &failure);
	/* A refusal of more than is needed says nothing of the credential yet. */
	if (fetch->credential->kind != CREDENTIAL_ANONYMOUS && (ok || !use->is_wide))
		note_outcome(state, fetch->credential->id, failure);
	err_keep_first(err, &failure);
	return ok;
}

static char *lease_key(const struct fetch *fetch)
{
	const struct auth_host *state = fetch->use->host->auth;
	CLEANUP(str_release) struct str scopes = STR_INIT(STR_TEXT_MAX);
	auth_scopes_key(fetch->scopes, &scopes);
	return mem_printf("%s\n%s\n%s\n%s\n%u", fetch->use->host->name, state->realm.url,
		state->service ? state->service : "", str_text(&scopes), fetch->credential->id);
}

static bool prepare_token(struct auth_use *use, struct err **err)
{
	CLEANUP(auth_scopes_release) struct auth_scopes scopes = {0};
	CLEANUP(lease_release) struct lease lease = {0};
	struct fetch fetch = {use, use->credential, &scopes};
	if (use->is_withheld)
		fetch.credential = &credential_anonymous;
	make_scopes(use, &scopes);
	use->key = lease_key(&fetch);
	if (!leases_get(use->auth->tokens, use->key, fetch_token, &fetch, &lease, err))
		return false;
	use->value = mem_printf("Bearer %s", lease.text);
	use->serial = lease.serial;
	use->is_fresh = lease.is_fresh;
	return true;
}

static void forget_sending(struct auth_use *use)
{
	mem_free_secret_string(steal_ptr(&use->value));
	mem_free(steal_ptr(&use->key));
	use->is_fresh = use->is_wide = false;
}

/* A token server that does not mix repositories is asked for what is needed, from now on. */
static bool prepare_any_token(struct auth_use *use, struct err **err)
{
	CLEANUP(err_freep) struct err *failure = NULL;
	if (prepare_token(use, &failure))
		return true;
	bool was_wide = use->is_wide;
	if (was_wide && err_is(failure, ERR_AUTH)) {
		forget_sending(use);
		use->narrow = true;
		if (!prepare_token(use, err))
			return false;
		use->host->auth->no_wide = true;
		return true;
	}
	err_keep_first(err, &failure);
	return false;
}

/* ---- Requests ---- */

void auth_use_init(struct auth_use *use, struct auth *auth, struct host *host,
	enum credential_side side, const char *path, struct http_tally *tally)
{
	*use = (struct auth_use){
		.auth = auth, .host = host, .side = side, .path = mem_strdup(path), .tally = tally};
}

void auth_use_release(struct auth_use *use)
{
	forget_sending(use);
	mem_free(use->path);
	mem_free(use->mount_from);
	mem_free(use->scope);
	*use = (struct auth_use){0};
}

/* Another machine answers for a host with an endpoint; it gets secrets only if that was said. */
static bool is_elsewhere(const struct host *host)
{
	return host->public_origin && !host->endpoint_gets_credentials;
}

bool auth_find_credential(struct auth_use *use, struct err **err)
{
	struct auth_host *state = use->host->auth;
	bool elsewhere = is_elsewhere(use->host);
	struct credentials *credentials = use->auth->credentials;
	const char *name = use->host->name;
	bool ok = elsewhere
		? credentials_find_stored(
			  credentials, use->side, name, use->path, &use->credential, err)
		: credentials_find(credentials, use->side, name, use->path, &use->credential, err);
	if (!ok)
		return false;
	use->is_withheld = use->credential->kind != CREDENTIAL_ANONYMOUS &&
		(elsewhere ||
			(auth_host_wants(state) == AUTH_WANTS_TOKEN &&
				!state->realm.takes_secrets &&
				use->credential->kind != CREDENTIAL_REGISTRY_TOKEN &&
				use->credential->kind != CREDENTIAL_GOOGLE));
	return true;
}

/* Google's registries take access tokens as they are: nothing has to be asked first. */
static bool prepare_google(struct auth_use *use, bool *ret_prepared, struct err **err)
{
	CLEANUP(lease_release) struct lease lease = {0};
	const struct credential *credential;
	*ret_prepared = false;
	if (!use->host->quirks.is_google)
		return true;
	if (!auth_find_credential(use, err))
		return false;
	credential = use->credential;
	if (credential->kind != CREDENTIAL_GOOGLE || use->is_withheld)
		return true;
	if (!google_token(credential->google, credential->username, use->tally, &lease, err))
		return false;
	use->value = mem_printf("Bearer %s", lease.text);
	use->serial = lease.serial;
	use->is_fresh = lease.is_fresh;
	*ret_prepared = true;
	return true;
}

bool auth_prepare(struct auth_use *use, bool may_probe, struct err **err)
{
	bool prepared;
	forget_sending(use);
	if (!prepare_google(use, &prepared, err))
		return false;
	if (prepared)
		return true;
	enum auth_wants wants = settle(use, may_probe);
	if (wants == AUTH_WANTS_UNKNOWN || wants == AUTH_WANTS_NOTHING)
		return true;
	if (!auth_find_credential(use, err))
		return false;
	const struct credential *credential = use->credential;
	if (credential->kind == CREDENTIAL_REGISTRY_TOKEN && !use->is_withheld) {
		use->value = mem_printf("Bearer %s", credential->secret);
		return true;
	}
	if (wants == AUTH_WANTS_TOKEN)
		return prepare_any_token(use, err);
	if (credential->kind != CREDENTIAL_ANONYMOUS && !use->is_withheld)
		use->value = auth_basic(credential->username, credential->secret);
	return true;
}

char *auth_quota(const struct auth_use *use)
{
	bool is_shown = use->credential && !use->is_withheld;

	return host_quota(use->host, (is_shown ? use->credential : &credential_anonymous)->id);
}
