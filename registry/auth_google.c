/*
 * Which credentials are used, and one token at a time for each account (lease.h). How a token is
 * made from them is in the files beside.
 */
#include "registry/auth_google.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fs.h"
#include "registry/auth_google_private.h"

#define IAM_ENDPOINT "https://iamcredentials.googleapis.com"
#define PROBE_TIMEOUT_MS 1000
#define DAY_MS ((int64_t)24 * 3600 * 1000)

struct google {
	struct http *http;
	const struct clock *clock;
	bool read_only;
	char *file; /* NULL: whatever this machine has */
	char *iam_endpoint;
	char *metadata_probe; /* NULL: Google's */
	int64_t probe_timeout_ms;
	struct leases *leases;
};

void google_free(struct google *google)
{
	if (!google)
		return;
	leases_free(google->leases);
	mem_free(google->file);
	mem_free(google->iam_endpoint);
	mem_free(google->metadata_probe);
	mem_free(google);
}

/* ---- Files ---- */

static bool read_file(const char *path, struct google_file *ret_file, struct err **err)
{
	CLEANUP(str_release_secret) struct str text = STR_INIT(GOOGLE_FILE_MAX);
	if (!fs_read_file(path, &text, err))
		return false;
	return google_file_parse(str_text(&text), text.len, ret_file, err) ||
		err_prefix(err, "%s", path);
}

/* Fresh text; NULL: gcloud's file is not there. */
static char *gcloud_file(void)
{
	static const char name[] = "application_default_credentials.json";
	const char *directory = getenv("CLOUDSDK_CONFIG"), *home = getenv("HOME");
	char *path = NULL;
	if (directory && *directory)
		path = mem_printf("%s/%s", directory, name);
	else if (home && *home)
		path = mem_printf("%s/.config/gcloud/%s", home, name);
	if (path && access(path, F_OK) != 0) {
		mem_free(path);
		path = NULL;
	}
	return path;
}

/* The file to use; NULL: none, ask the metadata server. Fresh text. */
static char *choose_file(const struct google *google)
{
	const char *named = getenv("GOOGLE_APPLICATION_CREDENTIALS");
	if (google->file)
		return mem_strdup(google->file);
	return named && *named ? mem_strdup(named) : gcloud_file();
}

/* ---- Life ---- */

static bool check(const struct google_options *options, struct err **err)
{
	CLEANUP(google_file_release) struct google_file file = {0};
	const char *iam = options->iam_endpoint;
	if (iam && !google_url_takes_secrets(iam))
		return err_set(err, ERR_USAGE,
			"IAM endpoint %s: no https URL of one of Google's hosts "
			"(*.googleapis.com): "
			"tokens are not sent there",
			iam);
	if (!options->file || read_file(options->file, &file, err))
		return true;
	if (err && *err)
		(*err)->kind = ERR_USAGE;
	return false;
}

struct google *google_new(const struct google_options *options, struct err **err)
{
	if (!check(options, err))
		return NULL;
	struct google *google = mem_new(1, sizeof(*google));
	google->http = options->http;
	google->clock = options->clock;
	google->read_only = options->read_only;
	google->file = options->file ? mem_strdup(options->file) : NULL;
	google->iam_endpoint =
		mem_strdup(options->iam_endpoint ? options->iam_endpoint : IAM_ENDPOINT);
	google->metadata_probe =
		options->metadata_probe ? mem_strdup(options->metadata_probe) : NULL;
	google->probe_timeout_ms =
		options->probe_timeout_ms > 0 ? options->probe_timeout_ms : PROBE_TIMEOUT_MS;
	google->leases = leases_new(options->clock);
	return google;
}

/* ---- Is there anything? ---- */

/* Remembered as a lease, so that one thread asks and the others wait for it. */
static bool fetch_probe(void *ctx, char **ret_text, int64_t *ret_life_ms, struct err **err)
{
	const struct google *google = ctx;
	bool there = false;
	if (!google_metadata_probe(
		    google->http, google->metadata_probe, google->probe_timeout_ms, &there, err))
		return false;
	*ret_text = mem_strdup(there ? "there" : "");
	*ret_life_ms = 7 * DAY_MS;
	return true;
}

bool google_find(struct google *google, char **ret_origin, struct err **err)
{
	CLEANUP(mem_freep) char *file = choose_file(google);
	CLEANUP(lease_release) struct lease probe = {0};
	if (file && access(file, F_OK) != 0)
		return err_set(err, ERR_AUTH, "Google's credentials: %s: no such file", file);
	if (file) {
		*ret_origin = mem_printf("Google's %s", file);
		return true;
	}
	if (!leases_get(google->leases, "metadata", fetch_probe, google, &probe, err))
		return err_prefix(err, "Google's metadata server");
	*ret_origin = *probe.text ? mem_strdup("Google's metadata server") : NULL;
	return true;
}

/* ---- Tokens ---- */

struct call {
	struct google *google;
	const char *account; /* "": none */
	struct http_tally *tally;
};

static struct google_exchange exchange_of(const struct call *call)
{
	return (struct google_exchange){
		.http = call->google->http,
		.clock = call->google->clock,
		.tally = call->tally,
		.scope = call->google->read_only ? GOOGLE_SCOPE_READ : GOOGLE_SCOPE_WRITE,
	};
}

static bool fetch_with(const struct google *google, const struct google_exchange *exchange,
	char **ret_text, int64_t *ret_life_ms, struct err **err)
{
	CLEANUP(mem_freep) char *path = choose_file(google);
	CLEANUP(google_file_release) struct google_file file = {0};
	if (!path)
		return google_metadata_token(exchange, ret_text, ret_life_ms, err);
	if (read_file(path, &file, err))
		return google_exchange_file(exchange, &file, ret_text, ret_life_ms, err) ||
			err_prefix(err, "%s", path);
	/* No reason to try it again, and none to end the run. */
	if (err && *err)
		(*err)->kind = ERR_AUTH;
	return false;
}

static bool fetch_own(void *ctx, char **ret_text, int64_t *ret_life_ms, struct err **err)
{
	const struct call *call = ctx;
	const struct google_exchange exchange = exchange_of(call);
	return fetch_with(call->google, &exchange, ret_text, ret_life_ms, err);
}

static bool get_own(const struct call *call, struct lease *ret_lease, struct err **err)
{
	struct call own = {call->google, "", call->tally};
	return leases_get(call->google->leases, "token", fetch_own, &own, ret_lease, err);
}

static bool fetch_as(const struct call *call, const struct google_exchange *exchange,
	char **ret_text, int64_t *ret_life_ms, struct err **err)
{
	CLEANUP(lease_release) struct lease own = {0};
	CLEANUP(mem_freep)
	char *url = mem_printf("%s/v1/projects/-/serviceAccounts/%s:generateAccessToken",
		call->google->iam_endpoint, call->account);
	if (call->google->read_only || !google_account_is_valid(call->account))
		return err_set(err, ERR_INTERNAL, "%s must not be impersonated", call->account);
	if (!get_own(call, &own, err))
		return false;
	bool ok = google_exchange_impersonate(exchange, url, own.text, NULL, 0,
		GOOGLE_LIFE_DEFAULT_S, ret_text, ret_life_ms, err);
	if (!ok && err && (*err)->http == 401)
		leases_refuse(call->google->leases, "token", own.serial);
	return ok;
}

static bool fetch_account(void *ctx, char **ret_text, int64_t *ret_life_ms, struct err **err)
{
	const struct call *call = ctx;
	const struct google_exchange exchange = exchange_of(call);
	return fetch_as(call, &exchange, ret_text, ret_life_ms, err);
}

static char *key_of(const char *account)
{
	return *account ? mem_printf("token of %s", account) : mem_strdup("token");
}

bool google_token(struct google *google, const char *account, struct http_tally *tally,
	struct lease *ret_lease, struct err **err)
{
	struct call call = {google, account, tally};
	CLEANUP(mem_freep) char *key = key_of(account);
	if (!*account)
		return get_own(&call, ret_lease, err) || err_prefix(err, "Google's access token");
	return leases_get(google->leases, key, fetch_account, &call, ret_lease, err) ||
		err_prefix(err, "Google's access token of %s", account);
}

void google_refuse(struct google *google, const char *account, uint64_t serial)
{
	CLEANUP(mem_freep) char *key = key_of(account);
	leases_refuse(google->leases, key, serial);
}

/* ---- Identity tokens ---- */

/* Kept by whoever asks: only the access token with which an account is impersonated is leased. */
bool google_id_token(struct google *google, const char *account, const char *audience,
	char **ret_token, struct err **err)
{
	const struct call call = {google, account, NULL};
	struct google_exchange exchange = exchange_of(&call);
	int64_t life_ms;
	exchange.audience = audience;
	if (!*account)
		return fetch_with(google, &exchange, ret_token, &life_ms, err) ||
			err_prefix(err, "Google's identity token");
	if (!google_account_is_valid(account))
		return err_set(err, ERR_USAGE,
			"%s is no name of a service account, such as "
			"NAME@PROJECT.iam.gserviceaccount.com",
			account);
	return fetch_as(&call, &exchange, ret_token, &life_ms, err) ||
		err_prefix(err, "Google's identity token of %s", account);
}
