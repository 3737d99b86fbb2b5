/*
 * The flags that say who must have signed, with cosign's names, for every command that verifies: rows
 * of its flag table, a member of its target, and what becomes of them. As signing_flags.h.
 */
#ifndef CIP_CLI_POLICY_FLAGS_H
#define CIP_CLI_POLICY_FLAGS_H

#include "cli/flag.h"
#include "signer/policy.h"

/* Texts point into the argument vector; NULL: not given. */
struct policy_flags {
	const char *identity, *identity_regexp;
	const char *issuer, *issuer_regexp;
	const char *key;
};

#define POLICY_FLAGS(target, member)                                                               \
	{.group = "Who must have signed",                                                          \
		.name = "certificate-identity",                                                    \
		.type = FLAG_TEXT,                                                                 \
		.offset = offsetof(target, member.identity),                                       \
		.value = "IDENTITY",                                                               \
		.help = "e-mail address or URI in the certificate, exactly"},                      \
		{.name = "certificate-identity-regexp",                                            \
			.type = FLAG_TEXT,                                                         \
			.offset = offsetof(target, member.identity_regexp),                        \
			.value = "REGEXP",                                                         \
			.help = "instead: a regular expression (RE2) found anywhere in it",        \
			.details = "It is found anywhere in the text, as in cosign: write ^ and "  \
				   "$ to match the whole. Only what RE2 and PCRE2 have in common " \
				   "is accepted."},                                                \
		{.name = "certificate-oidc-issuer",                                                \
			.type = FLAG_TEXT,                                                         \
			.offset = offsetof(target, member.issuer),                                 \
			.value = "URL",                                                            \
			.help = "who vouched for that identity, exactly"},                         \
		{.name = "certificate-oidc-issuer-regexp",                                         \
			.type = FLAG_TEXT,                                                         \
			.offset = offsetof(target, member.issuer_regexp),                          \
			.value = "REGEXP",                                                         \
			.help = "instead: a regular expression (RE2) found anywhere in it"},       \
	{                                                                                          \
		.name = "key", .type = FLAG_FILE, .offset = offsetof(target, member.key),          \
		.value = "FILE",                                                                   \
		.help = "instead of both: the public key (PEM) that must have signed"              \
	}

/* Do they say who, once? ERR_USAGE. Touches no file. */
bool policy_flags_check(const struct policy_flags *flags, struct err **err);

/* A policy and what it refers to; must not move once it is loaded. */
struct loaded_policy {
	struct policy policy;
	struct policy_signer signer;
	struct pattern *identity, *issuer; /* owned */
	struct public_key *key;		   /* owned */
};
void loaded_policy_release(struct loaded_policy *loaded);

/*
 * POLICY_INIT for these signers; without SCT if `ignore_sct`. ERR_USAGE for a pattern; the errors of
 * reading a key. *loaded is released by the caller either way.
 */
bool policy_flags_load(const struct policy_flags *flags, bool ignore_sct,
	struct loaded_policy *loaded, struct err **err);

#endif
