/*
 * The flags that say whom to trust and which services sign, for every command that verifies or signs:
 * rows of its flag table, a member of its target, and what becomes of them. Who signs is
 * identity_flags.h's.
 *
 *	struct my_options {
 *		struct trust_flags trust;
 *		struct signing_flags signing;
 *		...
 *	};
 *	static const struct flag flags[] = {
 *		TRUST_FLAGS(struct my_options, trust), SIGNING_FLAGS(struct my_options, signing), ...};
 *
 * Texts point into the argument vector, or wherever a command takes what was not given from
 * (cip.yaml); NULL: not given.
 */
#ifndef CIP_CLI_SIGNING_FLAGS_H
#define CIP_CLI_SIGNING_FLAGS_H

#include <stdbool.h>

#include "base/clock.h"
#include "cli/flag.h"
#include "net/http.h"
#include "signer/services.h"
#include "signer/trust_source.h"

struct trust_flags {
	const char *trusted_root;
	const char *tuf_mirror, *tuf_root, *tuf_cache;
	bool built_in;
	bool staging;
	bool ignore_sct;
};

#define TRUST_FLAGS(target, member)                                                                \
	{.group = "Whom to trust",                                                                 \
		.name = "trusted-root",                                                            \
		.type = FLAG_FILE,                                                                 \
		.offset = offsetof(target, member.trusted_root),                                   \
		.value = "FILE",                                                                   \
		.help = "trusted_root.json of the Sigstore instance: its authorities and logs "    \
			"(default: fetched by TUF)"},                                              \
		{.name = "tuf-mirror",                                                             \
			.type = FLAG_TEXT,                                                         \
			.offset = offsetof(target, member.tuf_mirror),                             \
			.value = "URL",                                                            \
			.help = "TUF repository that has the trusted root (default: $TUF_MIRROR, " \
				"else Sigstore's public one)"},                                    \
		{.name = "tuf-root",                                                               \
			.type = FLAG_FILE,                                                         \
			.offset = offsetof(target, member.tuf_root),                               \
			.value = "FILE",                                                           \
			.help = "root.json with which trust in the TUF repository begins "         \
				"(default: $TUF_ROOT_JSON, else the one built in)"},               \
		{.name = "tuf-cache",                                                              \
			.type = FLAG_DIRECTORY,                                                    \
			.offset = offsetof(target, member.tuf_cache),                              \
			.value = "DIR",                                                            \
			.help = "where TUF metadata is kept, against rollback (default: "          \
				"$TUF_ROOT, else ~/.sigstore/root)"},                              \
		{.name = "built-in-trusted-root",                                                  \
			.type = FLAG_BOOL,                                                         \
			.offset = offsetof(target, member.built_in),                               \
			.help = "use the public instance's trusted root that is built in, "        \
				"without asking whether it is still good"},                        \
		{.name = "staging",                                                                \
			.type = FLAG_BOOL,                                                         \
			.offset = offsetof(target, member.staging),                                \
			.help = "Sigstore's staging instance instead of the public one"},          \
	{                                                                                          \
		.name = "insecure-ignore-sct", .type = FLAG_BOOL,                                  \
		.offset = offsetof(target, member.ignore_sct),                                     \
		.help = "do not require that certificates were published in a certificate "        \
			"transparency log, for an authority that uses none"                        \
	}

struct signing_flags {
	const char *signing_config;
	const char *fulcio_url, *rekor_url, *rekor_v2_url, *timestamp_url;
};

#define SIGNING_FLAGS(target, member)                                                              \
	{.group = "Which services sign",                                                           \
		.name = "signing-config",                                                          \
		.type = FLAG_FILE,                                                                 \
		.offset = offsetof(target, member.signing_config),                                 \
		.value = "FILE",                                                                   \
		.help = "signing_config.json of the Sigstore instance (default: with the trusted " \
			"root by TUF, unless the services are named)"},                            \
		{.name = "fulcio-url",                                                             \
			.type = FLAG_TEXT,                                                         \
			.offset = offsetof(target, member.fulcio_url),                             \
			.value = "URL",                                                            \
			.help = "certificate authority; the identity token goes there only"},      \
		{.name = "rekor-url",                                                              \
			.type = FLAG_TEXT,                                                         \
			.offset = offsetof(target, member.rekor_url),                              \
			.value = "URL",                                                            \
			.help = "transparency log (Rekor v1)"},                                    \
		{.name = "rekor-v2-url",                                                           \
			.type = FLAG_TEXT,                                                         \
			.offset = offsetof(target, member.rekor_v2_url),                           \
			.value = "URL",                                                            \
			.help = "transparency log (Rekor v2), for bundles; needs a timestamp "     \
				"authority"},                                                      \
	{                                                                                          \
		.name = "timestamp-server-url", .type = FLAG_TEXT,                                 \
		.offset = offsetof(target, member.timestamp_url), .value = "URL",                  \
		.help = "timestamp authority (RFC 3161): the whole endpoint"                       \
	}

/*
 * What cip.yaml says stands behind the flags: one that names where trust comes from leaves nothing of the file's in
 * force but the cache. Texts are borrowed.
 */
struct config_sigstore;
void trust_flags_merge(struct trust_flags *flags, const struct config_sigstore *file);

/* False: the trust root comes from a file or from the program itself. */
bool trust_flags_need_network(const struct trust_flags *flags);

/*
 * Loads the trust root; `signing` (NULL: nothing is signed) says whether a SigningConfig is needed with it.
 * `http` may be NULL if no network is needed. Errors of trust_source_load; the message says what would do without TUF.
 */
bool trust_flags_load(const struct trust_flags *flags, const struct signing_flags *signing,
	struct http *http, struct trust_source *ret_source, struct err **err);

enum signing_forms { SIGNING_LEGACY = 1, SIGNING_BUNDLE = 2 };

/*
 * The services for these forms (bits): those that are named, the rest from the SigningConfig at
 * `now` (seconds since 1970). A log that is named stands for all logs of the config. Errors of
 * signing_services_choose; ERR_USAGE if nothing says which.
 */
bool signing_flags_services(const struct signing_flags *flags, const struct trust_source *source,
	unsigned forms, int64_t now, struct signing_services *ret_services, struct err **err);

#endif
