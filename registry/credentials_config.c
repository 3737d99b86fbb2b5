/*
 * What cip.yaml says about credentials, made ready: files watched, Google's files checked, accounts
 * of manifests that are not listed left out. The order of places is credentials.c's.
 */
#include <string.h>

#include "registry/auth_google.h"
#include "registry/auth_google_private.h"
#include "registry/credentials_private.h"
#include "registry/quirks.h"

struct given_host {
	char *host;
	struct credential_given sides[CREDENTIAL_SIDES];
};

struct given_account {
	char *host, *path; /* of the manifests' registry */
	enum credential_side side;
	char *account;
	bool is_disputed; /* another manifest names another one that is listed */
};

struct credential_config {
	VEC(struct given_host) hosts;
	VEC(struct given_account) accounts;
};

void credential_config_free(struct credential_config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < config->hosts.len; i++) {
		struct given_host *host = &config->hosts.items[i];
		for (int side = 0; side < CREDENTIAL_SIDES; side++) {
			mem_free(host->sides[side].username);
			mem_free(host->sides[side].helper);
			mem_free(host->sides[side].origin);
			credential_watch_free(host->sides[side].watch);
			google_free(host->sides[side].google);
		}
		mem_free(host->host);
	}
	vec_release(&config->hosts);
	for (size_t i = 0; i < config->accounts.len; i++) {
		mem_free(config->accounts.items[i].host);
		mem_free(config->accounts.items[i].path);
		mem_free(config->accounts.items[i].account);
	}
	vec_release(&config->accounts);
	mem_free(config);
}

/* ---- Registries ---- */

static bool set_google(struct credential_given *given, const struct credentials_options *options,
	const struct credential_options *side, const char *host, struct err **err)
{
	const struct google_options google = {
		.http = options->http,
		.clock = options->clock,
		.read_only = options->read_only,
		.file = side->file,
		.iam_endpoint = options->google.iam_endpoint,
	};
	if (!quirks_of(host)->is_google)
		return err_set(err, ERR_USAGE,
			"google: its tokens go to Google's registries only (gcr.io, *.gcr.io, "
			"*.pkg.dev)");
	given->google = google_new(&google, err);
	return given->google != NULL;
}

static bool set_given(struct credential_given *given, const struct credentials_options *options,
	const struct credential_options *side, const char *host, struct err **err)
{
	bool is_file = side->way == CREDENTIAL_WAY_PASSWORD_FILE ||
		side->way == CREDENTIAL_WAY_TOKEN_FILE ||
		side->way == CREDENTIAL_WAY_IDENTITY_TOKEN_FILE ||
		side->way == CREDENTIAL_WAY_AUTHFILE;
	given->way = side->way;
	given->username = mem_strdup(side->username ? side->username : "");
	given->helper = mem_strdup(side->helper ? side->helper : "");
	given->origin = mem_strdup(side->file ? side->file : "cip.yaml");
	if (side->way == CREDENTIAL_WAY_HELPER && !credential_helper_name_is_valid(given->helper))
		return err_set(err, ERR_USAGE,
			"helper: the name of a credential helper has letters, digits, '.', '_' and "
			"'-' only");
	if (side->way == CREDENTIAL_WAY_GOOGLE)
		return set_google(given, options, side, host, err);
	if (!is_file)
		return true;
	given->watch = credential_watch_new(side->file, side->way == CREDENTIAL_WAY_AUTHFILE, err);
	return given->watch != NULL;
}

static bool add_hosts(struct credential_config *config, const struct credentials_options *options,
	struct err **err)
{
	for (size_t i = 0; i < options->host_count; i++) {
		const struct registry_host_options *from = &options->hosts[i];
		struct given_host *host = vec_push(&config->hosts);
		host->host = mem_strdup(from->host);
		for (int side = 0; side < CREDENTIAL_SIDES; side++)
			if (!set_given(&host->sides[side], options, &from->credentials[side],
				    from->host, err))
				return err_prefix(err, "registry %s: credentials", from->host);
	}
	return true;
}

const struct credential_given *credential_config_find(
	const struct credential_config *config, enum credential_side side, const char *host)
{
	static const struct credential_given nothing = {0};
	for (size_t i = 0; i < config->hosts.len; i++)
		if (strcmp(config->hosts.items[i].host, host) == 0)
			return &config->hosts.items[i].sides[side];
	return &nothing;
}

/* ---- Accounts ---- */

static bool is_listed(const struct google_account_options *google, const char *account)
{
	for (size_t i = 0; i < google->impersonate_count; i++)
		if (strcmp(google->impersonate[i], account) == 0)
			return true;
	return false;
}

static void add_account(struct credential_config *config, const struct credential_account *from)
{
	size_t host = strcspn(from->registry, "/");
	const char *path = from->registry[host] ? from->registry + host + 1 : "";
	for (size_t i = 0; i < config->accounts.len; i++) {
		struct given_account *known = &config->accounts.items[i];
		if (known->side != from->side || strncmp(known->host, from->registry, host) != 0 ||
			known->host[host] != '\0' || strcmp(known->path, path) != 0)
			continue;
		known->is_disputed |= strcmp(known->account, from->account) != 0;
		return;
	}
	*vec_push(&config->accounts) = (struct given_account){
		.host = mem_strndup(from->registry, host),
		.path = mem_strdup(path),
		.side = from->side,
		.account = mem_strdup(from->account),
	};
}

static bool add_accounts(struct credential_config *config,
	const struct credentials_options *options, struct err **err)
{
	const struct google_account_options *google = &options->google;
	for (size_t i = 0; i < google->impersonate_count; i++)
		if (!google_account_is_valid(google->impersonate[i]))
			return err_set(err, ERR_USAGE, "google: \"%.100s\" is no service account",
				google->impersonate[i]);
	for (size_t i = 0; i < options->account_count; i++)
		if (is_listed(google, options->accounts[i].account))
			add_account(config, &options->accounts[i]);
	return true;
}

bool credential_config_account(const struct credential_config *config, enum credential_side side,
	const char *host, const char *path, const char **ret_account, struct err **err)
{
	const struct given_account *best = NULL;
	for (size_t i = 0; i < config->accounts.len; i++) {
		const struct given_account *account = &config->accounts.items[i];
		if (account->side == side && strcmp(account->host, host) == 0 &&
			credential_path_holds(account->path, path) &&
			(!best || strlen(account->path) > strlen(best->path)))
			best = account;
	}
	if (best && best->is_disputed)
		return err_set(err, ERR_AUTH,
			"the manifests name %s and another service-account for the registry "
			"%s%s%s, "
			"and cip.yaml lists both: one registry has one account",
			best->account, host, *best->path ? "/" : "", best->path);
	*ret_account = best ? best->account : "";
	return true;
}

/* ---- Life ---- */

struct credential_config *credential_config_new(
	const struct credentials_options *options, struct err **err)
{
	CLEANUP(credential_config_freep)
	struct credential_config *config = mem_new(1, sizeof(*config));
	if (!add_hosts(config, options, err) || !add_accounts(config, options, err))
		return NULL;
	return steal_ptr(&config);
}
