/*
 * Tokens that are here already: given by name, in a variable, in a file that Kubernetes or somebody
 * else keeps fresh. What is in them is not this file's business.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "signer/id_token_private.h"

#define VARIABLE "SIGSTORE_ID_TOKEN"
/* Cosign's place for a projected token of Kubernetes. */
#define PROJECTED "/var/run/sigstore/cosign/oidc-token"

const char *id_token_variable(const char *name)
{
	const char *text = getenv(name);
	return text && *text ? text : NULL;
}

static bool add(const char *text, struct str *out, struct err **err)
{
	return str_add_text(out, text) || err_set(err, ERR_TOO_LARGE, "it is too long for a token");
}

/* ---- By name ---- */

static bool given_is_there(
	const struct id_token_setting *setting, bool *ret_there, struct err **err)
{
	(void)err;
	*ret_there = setting->token != NULL;
	return true;
}

/* What is no file's name may be a token that was damaged: it is not shown. */
static bool given_fetch(const struct id_token_setting *setting, struct str *out, struct err **err)
{
	if (id_token_is_literal(setting->token))
		return add(setting->token, out, err);
	if (access(setting->token, F_OK) != 0)
		return err_set(err, ERR_USAGE,
			"what was given is neither a token (a JWT: three parts with dots between) "
			"nor the name of a file that is there");
	return fs_read_file(setting->token, out, err);
}

const struct id_token_provider id_token_given = {
	.name = "identity-token",
	.needs = "--identity-token",
	.is_file = true,
	.find = given_is_there,
	.fetch = given_fetch,
};

/* ---- In a variable ---- */

static bool envvar_is_there(
	const struct id_token_setting *setting, bool *ret_there, struct err **err)
{
	(void)setting;
	(void)err;
	*ret_there = id_token_variable(VARIABLE) != NULL;
	return true;
}

static bool envvar_fetch(const struct id_token_setting *setting, struct str *out, struct err **err)
{
	const char *text = id_token_variable(VARIABLE);

	(void)setting;
	return text ? add(text, out, err)
		    : err_set(err, ERR_NOT_FOUND, "the variable " VARIABLE " is not set");
}

const struct id_token_provider id_token_envvar = {
	.name = "envvar",
	.needs = VARIABLE,
	.is_file = true,
	.find = envvar_is_there,
	.fetch = envvar_fetch,
};

/* ---- In a file ---- */

static bool filesystem_is_there(
	const struct id_token_setting *setting, bool *ret_there, struct err **err)
{
	(void)setting;
	(void)err;
	*ret_there = access(PROJECTED, F_OK) == 0;
	return true;
}

static bool filesystem_fetch(
	const struct id_token_setting *setting, struct str *out, struct err **err)
{
	(void)setting;
	return fs_read_file(PROJECTED, out, err);
}

const struct id_token_provider id_token_filesystem = {
	.name = "filesystem",
	.needs = PROJECTED,
	.is_file = true,
	.find = filesystem_is_there,
	.fetch = filesystem_fetch,
};
