/*
 * Tokens of Google's service accounts: of the machine or the credentials that are here, or of one
 * that these may impersonate. How Google is asked is registry/google.h's.
 */
#include "base/alloc.h"
#include "registry/google.h"
#include "signer/id_token_private.h"

#define ACCOUNT_VARIABLE "GOOGLE_SERVICE_ACCOUNT_NAME"

static bool fetch(const struct id_token_setting *setting, const char *account, struct str *out,
	struct err **err)
{
	char *token = NULL;
	bool ok = google_id_token(setting->google, account, ID_TOKEN_AUDIENCE, &token, err);

	if (ok && !str_add_text(out, token))
		ok = err_set(err, ERR_TOO_LARGE, "Google's identity token is too long");
	mem_free_secret_string(token);
	return ok;
}

/* ---- Impersonation ---- */

static const char *account_of(const struct id_token_setting *setting)
{
	return setting->signer_account ? setting->signer_account
				       : id_token_variable(ACCOUNT_VARIABLE);
}

static bool impersonate_find(
	const struct id_token_setting *setting, bool *ret_there, struct err **err)
{
	(void)err;
	*ret_there = account_of(setting) != NULL;
	return true;
}

static bool impersonate_fetch(
	const struct id_token_setting *setting, struct str *out, struct err **err)
{
	return fetch(setting, account_of(setting), out, err);
}

const struct id_token_provider id_token_google_impersonate = {
	.name = "google-impersonate",
	.needs = "--signer-account, " ACCOUNT_VARIABLE,
	.find = impersonate_find,
	.fetch = impersonate_fetch,
};

/* ---- The machine, or the credentials ---- */

static bool machine_find(const struct id_token_setting *setting, bool *ret_there, struct err **err)
{
	CLEANUP(mem_freep) char *origin = NULL;

	if (!google_find(setting->google, &origin, err))
		return false;
	*ret_there = origin != NULL;
	return true;
}

static bool machine_fetch(const struct id_token_setting *setting, struct str *out, struct err **err)
{
	return fetch(setting, "", out, err);
}

const struct id_token_provider id_token_google_machine = {
	.name = "google-workload-identity",
	.needs = "application default credentials, metadata server",
	.find = machine_find,
	.fetch = machine_fetch,
};
