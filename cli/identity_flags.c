/*
 * From flags to a source of identity tokens. Keeps a token off the command line; who provides tokens
 * and what they must be like is signer/id_token.h's.
 */
#include "cli/identity_flags.h"

#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"

void identity_flags_hide(struct identity_flags *flags)
{
	/* Parsing leaves alone what is no flag. */
	flags->hidden = NULL;
	flags->iam_endpoint = NULL;
	if (!flags->token || !id_token_is_literal(flags->token))
		return;
	flags->hidden = mem_strdup(flags->token);
	/* The text is in the argument vector, which is ours to write to. */
	explicit_bzero((char *)(uintptr_t)flags->token, strlen(flags->token));
	flags->token = flags->hidden;
}

void identity_flags_release(struct identity_flags *flags)
{
	mem_free_secret_string(flags->hidden);
	flags->hidden = NULL;
	flags->token = NULL;
}

struct id_token_source *identity_flags_source(
	const struct identity_flags *flags, struct http *http, struct err **err)
{
	const struct id_token_options options = {
		.http = http,
		.provider = flags->provider,
		.token = flags->token,
		.no_ambient = flags->no_ambient,
		.signer_account = flags->signer_account,
		.iam_endpoint = flags->iam_endpoint,
	};

	if (flags->hidden)
		log_warning("--identity-token was a token itself: other processes could read it "
			    "until it was overwritten; better give a file, or the variable "
			    "SIGSTORE_ID_TOKEN");
	return id_token_source_new(&options, err);
}
