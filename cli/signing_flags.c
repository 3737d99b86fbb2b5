/*
 * From flags to a trust root and services. What a SigningConfig means is signer/services.h's, where
 * trust roots come from signer/trust_source.h's.
 */
#include "cli/signing_flags.h"

#include "base/alloc.h"
#include "reconciler/config.h"

static bool has_all(const struct signing_flags *flags)
{
	return flags->fulcio_url && (flags->rekor_url || flags->rekor_v2_url);
}

bool trust_flags_need_network(const struct trust_flags *flags)
{
	return !flags->trusted_root && !flags->built_in;
}

void trust_flags_merge(struct trust_flags *flags, const struct config_sigstore *file)
{
	bool is_said = flags->trusted_root || flags->tuf_mirror || flags->tuf_root ||
		flags->built_in || flags->staging;

	flags->ignore_sct |= file->no_sct;
	if (!flags->tuf_cache)
		flags->tuf_cache = file->tuf_cache;
	if (is_said)
		return;
	flags->trusted_root = file->trusted_root;
	flags->tuf_mirror = file->tuf_mirror;
	flags->tuf_root = file->tuf_root;
}

static bool check(const struct trust_flags *flags, struct err **err)
{
	/* A cache may be named once for all runs, also those that need none. */
	bool by_tuf = flags->tuf_mirror || flags->tuf_root;

	if (flags->trusted_root && flags->built_in)
		return err_set(err, ERR_USAGE,
			"--trusted-root and --built-in-trusted-root exclude each other");
	if (by_tuf && !trust_flags_need_network(flags))
		return err_set(err, ERR_USAGE, "--tuf-mirror and --tuf-root mean nothing with %s",
			flags->built_in ? "--built-in-trusted-root" : "--trusted-root");
	if (flags->staging && flags->built_in)
		return err_set(err, ERR_USAGE,
			"--built-in-trusted-root is the public instance's, not that of --staging");
	return !flags->staging || !flags->tuf_mirror ||
		err_set(err, ERR_USAGE, "--staging and --tuf-mirror exclude each other");
}

bool trust_flags_load(const struct trust_flags *flags, const struct signing_flags *signing,
	struct http *http, struct trust_source *ret_source, struct err **err)
{
	CLEANUP(err_freep) struct err *why = NULL;
	const struct trust_source_options options = {
		.http = http,
		.trusted_root = flags->trusted_root,
		.signing_config = signing ? signing->signing_config : NULL,
		.tuf_mirror = flags->staging ? TRUST_SOURCE_STAGING : flags->tuf_mirror,
		.tuf_root = flags->tuf_root,
		.cache_dir = flags->tuf_cache,
		.built_in = flags->built_in,
		.wants_signing_config = signing && (signing->signing_config || !has_all(signing)),
	};

	if (!check(flags, err))
		return false;
	if (trust_source_load(&options, ret_source, &why))
		return true;
	if (trust_flags_need_network(flags) && !err_is(why, ERR_USAGE))
		return err_set_http(err, why->kind, why->http,
			"%s (without asking anybody: --trusted-root FILE%s)", why->msg,
			flags->staging ? "" : ", or --built-in-trusted-root");
	err_keep_first(err, &why);
	return false;
}

/* ---- Services ---- */

static void urls_clear(struct signing_services *services)
{
	for (size_t i = 0; i < services->rekor1_urls.len; i++)
		mem_free(services->rekor1_urls.items[i]);
	for (size_t i = 0; i < services->rekor2_urls.len; i++)
		mem_free(services->rekor2_urls.items[i]);
	vec_clear(&services->rekor1_urls);
	vec_clear(&services->rekor2_urls);
}

/* Both forms may need both versions of the log, and a config is asked for one at a time. */
static bool choose(const struct trust_source *source, unsigned forms, int64_t now,
	struct signing_services *services, struct err **err)
{
	CLEANUP(signing_services_release) struct signing_services older = {0};
	const char *text = source->signing_config;
	size_t len = source->signing_config_len;

	if (!signing_services_choose(text, len, now, forms & SIGNING_BUNDLE ? 2 : 1, services, err))
		return false;
	if (forms != (SIGNING_LEGACY | SIGNING_BUNDLE) || services->rekor1_urls.len)
		return true;
	if (!signing_services_choose(text, len, now, 1, &older, err))
		return false;
	for (size_t i = 0; i < older.rekor1_urls.len; i++)
		*vec_push(&services->rekor1_urls) = steal_ptr(&older.rekor1_urls.items[i]);
	return true;
}

static void replace(const struct signing_flags *flags, struct signing_services *services)
{
	if (flags->fulcio_url) {
		mem_free(services->fulcio_url);
		services->fulcio_url = mem_strdup(flags->fulcio_url);
	}
	if (flags->rekor_url || flags->rekor_v2_url)
		urls_clear(services);
	if (flags->rekor_url)
		*vec_push(&services->rekor1_urls) = mem_strdup(flags->rekor_url);
	if (flags->rekor_v2_url)
		*vec_push(&services->rekor2_urls) = mem_strdup(flags->rekor_v2_url);
	if (!flags->timestamp_url)
		return;
	for (size_t i = 0; i < services->timestamp_urls.len; i++)
		mem_free(services->timestamp_urls.items[i]);
	vec_clear(&services->timestamp_urls);
	*vec_push(&services->timestamp_urls) = mem_strdup(flags->timestamp_url);
}

bool signing_flags_services(const struct signing_flags *flags, const struct trust_source *source,
	unsigned forms, int64_t now, struct signing_services *ret_services, struct err **err)
{
	CLEANUP(signing_services_release) struct signing_services services = {0};

	if (source->signing_config) {
		if (!choose(source, forms, now, &services, err))
			return err_prefix(err, "the signing config");
	} else if (!has_all(flags)) {
		return err_set(err, ERR_USAGE,
			"which services sign: --signing-config, or --fulcio-url with --rekor-url "
			"or --rekor-v2-url");
	}
	replace(flags, &services);
	*ret_services = services;
	services = (struct signing_services){0};
	return true;
}
