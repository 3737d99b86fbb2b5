/*
 * What answers teach: what a host wants, and whether a refused request has a chance when it is sent
 * again. What a host wants is learned once; a registry that names another token server later, or
 * Basic after a token server, is not followed.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "net/url.h"
#include "registry/auth_google.h"
#include "registry/auth_private.h"
#include "registry/host.h"

#define REFUSALS_MAX 3

static void end_probe(struct auth_use *use, bool answered_openly)
{
	struct auth_host *state = use->host->auth;
	pthread_mutex_lock(&state->lock);
	if (answered_openly && state->wants == AUTH_WANTS_UNKNOWN)
		state->wants = AUTH_WANTS_NOTHING;
	if (answered_openly || use->is_probe) {
		state->probed = true;
		state->probing = false;
		pthread_cond_broadcast(&state->probe_ended);
	}
	pthread_mutex_unlock(&state->lock);
	use->is_probe = false;
}

void auth_unanswered(struct auth_use *use)
{
	if (use->is_probe)
		end_probe(use, false);
}

/* ---- Learning ---- */

/* With the lock held. Takes the realm. */
static bool take_realm(struct auth_use *use, const struct auth_challenge *challenge,
	struct auth_realm *realm, struct err **err)
{
	struct auth_host *state = use->host->auth;
	if (state->wants == AUTH_WANTS_TOKEN)
		return strcmp(state->realm.url, realm->url) == 0 ||
			err_set(err, ERR_AUTH,
				"%s names another token server than earlier in this run: not "
				"followed",
				use->host->name);
	if (state->wants == AUTH_WANTS_BASIC)
		return true;
	state->realm = *realm;
	*realm = (struct auth_realm){0};
	state->service = challenge->service ? mem_strdup(challenge->service) : NULL;
	state->wants = AUTH_WANTS_TOKEN;
	return true;
}

static bool learn(struct auth_use *use, const struct auth_challenge *challenge,
	const struct http_response *answer, struct err **err)
{
	struct auth_host *state = use->host->auth;
	CLEANUP(auth_realm_release) struct auth_realm realm = {0};
	bool ok = true;
	if (challenge->scheme == AUTH_SCHEME_NONE)
		return true;
	if (challenge->scheme == AUTH_SCHEME_BEARER &&
		!auth_realm_resolve(use->host, answer, challenge->realm, &realm, err))
		return false;
	pthread_mutex_lock(&state->lock);
	if (challenge->scheme == AUTH_SCHEME_BEARER)
		ok = take_realm(use, challenge, &realm, err);
	else if (state->wants == AUTH_WANTS_UNKNOWN || state->wants == AUTH_WANTS_NOTHING)
		state->wants = AUTH_WANTS_BASIC;
	pthread_mutex_unlock(&state->lock);
	return ok;
}

static bool is_known(const struct auth_use *use)
{
	enum auth_wants wants = auth_host_wants(use->host->auth);
	return wants == AUTH_WANTS_BASIC || wants == AUTH_WANTS_TOKEN;
}

/* Some refuse without saying what they want, but say it here. Once for each host. */
static bool ping(struct auth_use *use, struct err **err)
{
	struct auth_host *state = use->host->auth;
	CLEANUP(http_response_release) struct http_response answer = {0};
	CLEANUP(auth_challenge_release) struct auth_challenge challenge = {0};
	CLEANUP(mem_freep) char *url = mem_printf("%s/v2/", use->host->origin);
	CLEANUP(mem_freep) char *quota = auth_quota(use);
	const struct http_request request = {
		.method = "GET",
		.url = url,
		.response_max = (size_t)64 * 1024,
		.repeatable = true,
		.tls = use->host->tls,
		.quota = quota,
		.tally = use->tally,
	};
	pthread_mutex_lock(&state->lock);
	bool again = state->pinged;
	state->pinged = true;
	pthread_mutex_unlock(&state->lock);
	/* Without an answer the refusal that led here stands. */
	if (again || !http_do(use->auth->http, &request, &answer, NULL))
		return true;
	if (answer.status == 401 && host_owns_url(use->host, answer.url))
		auth_challenge_of(&answer, &challenge);
	return learn(use, &challenge, &answer, err);
}

/* ---- Refusals ---- */

/* True if there is something to show to a host that has been shown nothing. */
static bool has_more_to_show(
	struct auth_use *use, int status, bool challenged, bool *ret_more, struct err **err)
{
	*ret_more = false;
	if (!auth_find_credential(use, err))
		return false;
	bool anonymous = use->credential->kind == CREDENTIAL_ANONYMOUS || use->is_withheld;
	/* A plain 403 may mean what it says. */
	if (!is_known(use) && !challenged && (status == 401 || !anonymous) && !ping(use, err))
		return false;
	if (!is_known(use))
		return true;
	if (!auth_find_credential(use, err))
		return false;
	anonymous = use->credential->kind == CREDENTIAL_ANONYMOUS || use->is_withheld;
	*ret_more = !anonymous || auth_host_wants(use->host->auth) == AUTH_WANTS_TOKEN;
	return true;
}

/* A registry may know a repository by another name than we do. */
static bool take_scope(struct auth_use *use, const struct auth_challenge *challenge)
{
	CLEANUP(auth_scopes_release) struct auth_scopes scopes = {0};
	if (!challenge->scope || use->scope)
		return false;
	auth_scopes_needed(use, &scopes);
	if (!auth_scopes_add_text(&scopes, challenge->scope, auth_actions(use)))
		return false;
	use->scope = mem_strdup(challenge->scope);
	return true;
}

static bool token_has_another_chance(
	struct auth_use *use, int status, const struct auth_challenge *challenge)
{
	bool lacks = status == 403 ||
		(challenge->error && strcmp(challenge->error, "insufficient_scope") == 0);
	if (use->is_wide && (lacks || use->is_fresh)) {
		use->narrow = true;
		use->host->auth->no_wide = true;
		return true;
	}
	if (status == 401 && !use->is_fresh) {
		leases_refuse(use->auth->tokens, use->key, use->serial);
		return true;
	}
	return status == 401 && take_scope(use, challenge);
}

static bool shows_google(const struct auth_use *use)
{
	return use->value && use->credential && use->credential->kind == CREDENTIAL_GOOGLE;
}

static bool google_has_another_chance(struct auth_use *use, int status)
{
	if (status != 401 || use->is_fresh || use->refusals++ == REFUSALS_MAX)
		return false;
	google_refuse(use->credential->google, use->credential->username, use->serial);
	return true;
}

/* A secret that was changed in its file meanwhile is another credential. */
static bool was_replaced(struct auth_use *use, int status, bool *ret_replaced, struct err **err)
{
	unsigned shown = use->credential->id;
	*ret_replaced = false;
	if (status != 401)
		return true;
	if (!auth_find_credential(use, err))
		return false;
	*ret_replaced = use->credential->id != shown && !use->is_withheld;
	return true;
}

bool auth_answered(
	struct auth_use *use, const struct http_response *answer, bool *ret_again, struct err **err)
{
	CLEANUP(auth_challenge_release) struct auth_challenge challenge = {0};
	int status = answer->status;
	bool refused = status == 401 || status == 403;
	bool by_registry = answer->url && host_owns_url(use->host, answer->url);
	*ret_again = false;
	if (!refused || !by_registry) {
		if (!use->value || shows_google(use))
			end_probe(use, true);
		return true;
	}
	if (shows_google(use)) {
		*ret_again = google_has_another_chance(use, status);
		return true;
	}
	auth_challenge_of(answer, &challenge);
	bool ok = learn(use, &challenge, answer, err);
	auth_unanswered(use);
	if (!ok || use->refusals == REFUSALS_MAX)
		return ok;
	use->refusals++;
	if (!use->value)
		return has_more_to_show(
			use, status, challenge.scheme != AUTH_SCHEME_NONE, ret_again, err);
	if (!use->key)
		return was_replaced(use, status, ret_again, err);
	*ret_again = token_has_another_chance(use, status, &challenge);
	return true;
}
