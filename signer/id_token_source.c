/*
 * Which provider is asked, and when: the first that is there, again only when the last token would
 * not last, and by one thread while the others wait for what it gets. How a provider is asked is in
 * the files beside.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/log.h"
#include "registry/google.h"
#include "registry/json_wipe.h"
#include "signer/id_token_private.h"

/* The order: what somebody put there on purpose, then where we run, then whose machine it is. */
static const struct id_token_provider *const providers[] = {
	&id_token_envvar,
	&id_token_filesystem,
	&id_token_github,
	&id_token_gitlab,
	&id_token_buildkite,
	&id_token_google_impersonate,
	&id_token_google_machine,
	&id_token_spiffe,
};
#define PROVIDERS (sizeof(providers) / sizeof(providers[0]))

const char *const id_token_providers[] = {
	"envvar",
	"filesystem",
	"github-actions",
	"gitlab",
	"buildkite-agent",
	"google-impersonate",
	"google-workload-identity",
	"spiffe",
	NULL,
};
_Static_assert(sizeof(id_token_providers) / sizeof(id_token_providers[0]) == PROVIDERS + 1,
	"a name for each provider");

struct id_token_source {
	const struct clock *clock;
	struct http *http;
	char *token; /* secret */
	char *signer_account;
	struct google *google;
	const struct id_token_provider *wanted; /* NULL: the first that is there */
	bool no_ambient;

	_Atomic(const char *) provider_name;

	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool fetching;
	unsigned long fetches; /* that have ended */
	struct id_token *last;
	struct err *err; /* of the last fetch */
	/* Only whoever fetches looks at it. */
	const struct id_token_provider *chosen;
};

/* ---- Life ---- */

static const struct id_token_provider *find_name(const char *name)
{
	for (size_t i = 0; i < PROVIDERS; i++)
		if (strcmp(providers[i]->name, name) == 0)
			return providers[i];
	return NULL;
}

static bool choose_wanted(const struct id_token_options *options,
	const struct id_token_provider **ret_wanted, struct err **err)
{
	const struct id_token_provider *wanted = NULL;

	if (options->provider)
		wanted = find_name(options->provider);
	if (options->provider && !wanted)
		return err_set(err, ERR_USAGE, "there is no provider of identity tokens \"%s\"",
			options->provider);
	if (options->token && wanted)
		return err_set(err, ERR_USAGE,
			"an identity token was given: there is nothing for the provider %s to do",
			wanted->name);
	if (options->signer_account && wanted && wanted != &id_token_google_impersonate)
		return err_set(err, ERR_USAGE,
			"the provider %s does not sign as %s: that is google-impersonate",
			wanted->name, options->signer_account);
	if (options->token)
		wanted = &id_token_given;
	else if (options->signer_account)
		wanted = &id_token_google_impersonate;
	*ret_wanted = wanted;
	return true;
}

static struct google *open_google(
	const struct id_token_options *options, const struct clock *clock, struct err **err)
{
	const struct google_options google = {
		.http = options->http, .clock = clock, .iam_endpoint = options->iam_endpoint};
	return google_new(&google, err);
}

struct id_token_source *id_token_source_new(
	const struct id_token_options *options, struct err **err)
{
	const struct id_token_provider *wanted = NULL;

	const struct clock *clock = options->clock ? options->clock : &clock_system;

	json_wipe_install();
	if (!choose_wanted(options, &wanted, err))
		return NULL;
	struct google *google = open_google(options, clock, err);
	if (!google)
		return NULL;
	struct id_token_source *source = mem_new(1, sizeof(*source));
	source->clock = clock;
	source->google = google;
	source->http = options->http;
	source->token = options->token ? mem_strdup(options->token) : NULL;
	source->signer_account =
		options->signer_account ? mem_strdup(options->signer_account) : NULL;
	source->wanted = wanted;
	source->no_ambient = options->no_ambient;
	pthread_mutex_init(&source->lock, NULL);
	pthread_cond_init(&source->ended, NULL);
	return source;
}

void id_token_source_free(struct id_token_source *source)
{
	if (!source)
		return;
	id_token_free(source->last);
	err_free(source->err);
	mem_free_secret_string(source->token);
	mem_free(source->signer_account);
	google_free(source->google);
	pthread_mutex_destroy(&source->lock);
	pthread_cond_destroy(&source->ended);
	mem_free(source);
}

const char *id_token_source_provider(const struct id_token_source *source)
{
	return atomic_load(&source->provider_name);
}

/* ---- Which provider ---- */

static bool none_is_there(const struct id_token_source *source, struct err **err)
{
	CLEANUP(str_release) struct str names = STR_INIT(STR_TEXT_MAX);

	if (source->no_ambient)
		return err_set(err, ERR_NOT_FOUND,
			"who signs? An identity token is needed: --identity-token, --oidc-provider "
			"or --signer-account");
	for (size_t i = 0; i < PROVIDERS; i++)
		str_addf(&names, "%s%s (%s)", i ? ", " : "", providers[i]->name,
			providers[i]->needs);
	return err_set(err, ERR_NOT_FOUND,
		"who signs? No identity token was given (--identity-token), and none of these is "
		"there: %s",
		str_text(&names));
}

static bool choose(const struct id_token_source *source, const struct id_token_setting *setting,
	const struct id_token_provider **ret_chosen, struct err **err)
{
	const struct id_token_provider *wanted = source->wanted;
	bool there = false;

	for (size_t i = 0; i < PROVIDERS && !wanted && !source->no_ambient; i++) {
		if (!providers[i]->find(setting, &there, err))
			return err_prefix(err, "identity token by %s", providers[i]->name);
		if (there) {
			*ret_chosen = providers[i];
			return true;
		}
	}
	if (!wanted)
		return none_is_there(source, err);
	if (!wanted->find(setting, &there, err))
		return err_prefix(err, "identity token by %s", wanted->name);
	if (!there)
		return err_set(err, ERR_NOT_FOUND,
			"identity token by %s: that is not there; it needs %s", wanted->name,
			wanted->needs);
	*ret_chosen = wanted;
	return true;
}

/* ---- Fetching ---- */

static int64_t now_of(const struct id_token_source *source)
{
	return clock_unix_ms(source->clock) / 1000;
}

static bool fetch(struct id_token_source *source, struct id_token **ret_token, struct err **err)
{
	const struct id_token_setting setting = {
		.http = source->http,
		.token = source->token,
		.signer_account = source->signer_account,
		.google = source->google,
	};
	CLEANUP(str_release_secret) struct str text = STR_INIT(ID_TOKEN_MAX_SIZE);
	const struct id_token_provider *chosen = source->chosen;

	if (!chosen && !choose(source, &setting, &chosen, err))
		return false;
	source->chosen = chosen;
	atomic_store(&source->provider_name, chosen->name);
	return (chosen->fetch(&setting, &text, err) &&
		       id_token_parse(str_text(&text), text.len, now_of(source), ret_token, err)) ||
		err_prefix(err, "identity token by %s", chosen->name);
}

static void log_token(const struct id_token_source *source, const struct id_token *token)
{
	char end[CLOCK_RFC3339_SIZE];

	clock_format_rfc3339(token->expires * 1000, end);
	log_debug("identity token by %s: of %.200s, good until %s",
		id_token_source_provider(source), token->issuer, end);
}

/* ---- With the lock held ---- */

static int64_t left_of(const struct id_token_source *source)
{
	return source->last ? source->last->expires - now_of(source) : 0;
}

static bool is_due(const struct id_token_source *source, int64_t seconds)
{
	return !source->last || source->chosen->is_file || left_of(source) < seconds;
}

static void renew(struct id_token_source *source)
{
	struct id_token *token = NULL;
	struct err *failure = NULL;

	source->fetching = true;
	pthread_mutex_unlock(&source->lock);
	bool ok = fetch(source, &token, &failure);
	if (ok)
		log_token(source, token);
	pthread_mutex_lock(&source->lock);
	source->fetching = false;
	source->fetches++;
	err_free(source->err);
	source->err = failure;
	if (ok) {
		id_token_free(source->last);
		source->last = token;
	}
	pthread_cond_broadcast(&source->ended);
}

bool id_token_source_get(struct id_token_source *source, int64_t seconds,
	struct id_token **ret_token, struct err **err)
{
	pthread_mutex_lock(&source->lock);
	unsigned long before = source->fetches;
	while (source->fetching)
		pthread_cond_wait(&source->ended, &source->lock);
	/* What another thread got while this one waited is its outcome too. */
	if (source->fetches == before && is_due(source, seconds))
		renew(source);
	bool ok = left_of(source) > 0;
	if (ok)
		*ret_token = id_token_copy(source->last);
	else if (source->err && err)
		*err = err_copy(source->err);
	else
		err_set(err, ERR_AUTH, "the identity token expired while it was waited for");
	pthread_mutex_unlock(&source->lock);
	return ok;
}
