/*
 * The flags that say who signs, for every command that does: rows of its flag table, a member of its
 * target, and what becomes of them.
 *
 *	struct my_options {
 *		struct identity_flags identity;
 *		...
 *	};
 *	static const struct flag flags[] = {IDENTITY_FLAGS(struct my_options, identity), ...};
 *
 * flag_parse, then identity_flags_hide at once; identity_flags_release at the end.
 */
#ifndef CIP_CLI_IDENTITY_FLAGS_H
#define CIP_CLI_IDENTITY_FLAGS_H

#include <stdbool.h>

#include "cli/flag.h"
#include "net/http.h"
#include "signer/id_token.h"

/* Texts point into the argument vector; NULL: not given. */
struct identity_flags {
	const char *token; /* of --identity-token; a literal one points to `hidden` */
	const char *provider;
	const char *signer_account;
	bool no_ambient;
	/* No flags, so identity_flags_hide sets them to NULL. */
	char *hidden;		  /* owned, secret; NULL: no literal token was given */
	const char *iam_endpoint; /* for whoever has one in cip.yaml; NULL: Google's */
};

/* In the order in which they are looked for: that of id_token_providers. */
#define IDENTITY_PROVIDERS                                                                         \
	"envvar|filesystem|github-actions|gitlab|buildkite-agent|google-impersonate|"              \
	"google-workload-identity|spiffe"

#define IDENTITY_FLAGS(target, member)                                                             \
	{.group = "Who signs",                                                                     \
		.name = "identity-token",                                                          \
		.type = FLAG_FILE,                                                                 \
		.offset = offsetof(target, member.token),                                          \
		.value = "FILE",                                                                   \
		.help = "file with the identity token to sign with, or the token itself "          \
			"(default: the first of --oidc-provider that is there)",                   \
		.details = "A token is a JWT for the audience sigstore. A file is read again "     \
			   "whenever a token is needed. A token on the command line can be read "  \
			   "by every process of this machine until it is overwritten there, "      \
			   "which is the first thing done: give a file, or the variable "          \
			   "SIGSTORE_ID_TOKEN."},                                                  \
		{.name = "oidc-provider",                                                          \
			.type = FLAG_CHOICE,                                                       \
			.offset = offsetof(target, member.provider),                               \
			.value = "NAME",                                                           \
			.choices = IDENTITY_PROVIDERS,                                             \
			.help = "where the identity token comes from",                             \
			.details = "Without it, and without the flags beside it, these are "       \
				   "looked for in "                                                \
				   "this order, and the first that is there is "                   \
				   "used: " IDENTITY_PROVIDERS                                     \
				   ". docs/signing.md says what each of them needs."},             \
		{.name = "signer-account",                                                         \
			.type = FLAG_TEXT,                                                         \
			.offset = offsetof(target, member.signer_account),                         \
			.value = "ACCOUNT",                                                        \
			.help = "sign as this service account of Google, impersonated with the "   \
				"application default credentials"},                                \
	{                                                                                          \
		.name = "oidc-disable-ambient-providers", .type = FLAG_BOOL,                       \
		.offset = offsetof(target, member.no_ambient),                                     \
		.help = "look for no identity token: use what the flags beside this one name, or " \
			"fail"                                                                     \
	}

/*
 * To be called as soon as the flags are parsed: other users can see the arguments of a process, so a
 * token among them is copied and overwritten there.
 */
void identity_flags_hide(struct identity_flags *flags);
void identity_flags_release(struct identity_flags *flags);

/* Where tokens come from, as the flags say; warns of a token on the command line. ERR_USAGE. */
struct id_token_source *identity_flags_source(
	const struct identity_flags *flags, struct http *http, struct err **err);

#endif
