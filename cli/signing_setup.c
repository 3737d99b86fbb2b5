/*
 * Which setting wins, in which order things are checked (what costs nothing first), and how it is
 * said what is missing. What the settings do is known by cli/signing_flags.h and signer/.
 */
#include "cli/signing_setup.h"

#include <string.h>

#include "cip_version.h"
#include "reconciler/report_job.h"

/* What is left of a token when it is looked at before the run. */
#define TOKEN_SECONDS 30

/* Settings of flags over those of cip.yaml. */
struct settings {
	struct trust_flags trust;
	struct signing_flags services;
	struct identity_flags identity;
};

static const char *first_of(const char *flag, const char *file)
{
	return flag ? flag : file;
}

static void merge_services(const struct config_sigstore *file, struct signing_flags *services)
{
	bool logs = services->rekor_url || services->rekor_v2_url;

	services->signing_config = first_of(services->signing_config, file->signing_config);
	services->fulcio_url = first_of(services->fulcio_url, file->fulcio_url);
	if (!logs) {
		services->rekor_url = file->rekor_url;
		services->rekor_v2_url = file->rekor_v2_url;
	}
	if (!services->timestamp_url && file->timestamp_urls.len)
		services->timestamp_url = file->timestamp_urls.items[0];
}

static void merge_identity(const struct config_sigstore *file, struct identity_flags *identity)
{
	if (identity->token || identity->provider || identity->signer_account)
		return;
	identity->provider = file->oidc_provider;
	identity->signer_account = file->signer_account;
}

static struct settings merge(const struct session *session)
{
	const struct config_sigstore *file = &session->config.sigstore;
	struct settings settings = {
		.trust = session->options->trust,
		.services = session->options->services,
		.identity = session->options->identity,
	};

	trust_flags_merge(&settings.trust, file);
	merge_services(file, &settings.services);
	merge_identity(file, &settings.identity);
	return settings;
}

/* ---- What is wanted ---- */

static unsigned forms_of(const struct session *session)
{
	const char *format = first_of(
		session->options->signature_format, session->config.sigstore.signature_format);

	if (!format || strcmp(format, "legacy") == 0)
		return SIGNING_LEGACY;
	return strcmp(format, "bundle") == 0 ? SIGNING_BUNDLE : SIGNING_LEGACY | SIGNING_BUNDLE;
}

static bool no_older_log(struct err **err)
{
	return err_set(err, ERR_USAGE,
		"the older form of signatures needs a transparency log of version 1: name it with "
		"--rekor-url, or say --signature-format=bundle");
}

static void describe_run(struct signing_setup *setup, const struct session *session)
{
	const struct options *options = session->options;
	const struct source *source = session->manifests.source;

	setup->run = (struct promotion_run){
		.program_version = CIP_VERSION,
		.program_commit = CIP_COMMIT,
		.manifest_repository = options->manifest_repo,
		.manifest_directory = options->manifest_path,
		.commit = source_commit(source),
		.comment = first_of(options->comment, source_subject(source)),
		.merged_by = source_merged_by(source),
		.job_name = report_job_fact("name"),
		.job_type = report_job_fact("type"),
		.job_id = report_job_fact("id"),
		.prow_job_id = report_job_fact("prow_job_id"),
	};
}

static void say_what_is_wanted(struct signing_setup *setup, const struct session *session,
	const struct settings *settings, unsigned forms)
{
	setup->options = (struct signing_options){
		.scts = settings->trust.ignore_sct ? 0 : 1,
		.wanted =
			{
				.forms = {[SIGN_LEGACY] = forms & SIGNING_LEGACY,
					[SIGN_BUNDLE] = forms & SIGNING_BUNDLE},
				.statements = {[PROMOTION_RECORD] = true,
					[PROMOTION_SLSA] = session->options->slsa},
			},
		.run = &setup->run,
		.max_ops = (unsigned)session->options->max_signature_ops,
	};
}

/* Whoever is listed, and the identity that the flags name: kpromo's staging signatures are by it. */
static bool say_what_is_carried(
	struct signing_setup *setup, const struct session *session, struct err **err)
{
	const struct options *options = session->options;
	const struct config *config = &session->config;

	for (size_t i = 0; i < config->trusted_identities.len; i++)
		if (!trusted_signers_add(
			    &setup->trusted, &config->trusted_identities.items[i], err))
			return false;
	if (options->certificate_identity && options->certificate_issuer)
		*vec_push(&setup->trusted.all) =
			(struct policy_signer){{.exact = options->certificate_identity},
				{.exact = options->certificate_issuer}};
	setup->options.carry = (struct carry_options){
		.mode = config->carries_nothing ? CARRY_NONE
			: config->carries_all	? CARRY_ALL
						: CARRY_SIGNED,
		.signers = setup->trusted.all.items,
		.signer_count = setup->trusted.all.len,
	};
	return true;
}

/* ---- What it is made with ---- */

/* Before anything is fetched: a run without an identity signs nothing. */
static bool find_identity(struct signing_setup *setup, const struct session *session,
	const struct settings *settings, struct err **err)
{
	CLEANUP(err_freep) struct err *why = NULL;
	CLEANUP(id_token_freep) struct id_token *token = NULL;

	setup->tokens = identity_flags_source(&settings->identity, session->http, err);
	if (!setup->tokens)
		return false;
	if (id_token_source_get(setup->tokens, TOKEN_SECONDS, &token, &why)) {
		log_info("signing with an identity token of %s",
			id_token_source_provider(setup->tokens));
		return true;
	}
	return err_set(err, why->kind == ERR_NOT_FOUND ? ERR_USAGE : why->kind,
		"nothing can be signed: %s; --sign=false promotes without signatures", why->msg);
}

/* Those of cip.yaml may be several, a flag is one. */
static void add_timestamp_urls(struct signing_setup *setup, const struct session *session)
{
	const struct config_sigstore *file = &session->config.sigstore;

	if (session->options->services.timestamp_url)
		return;
	for (size_t i = 1; i < file->timestamp_urls.len; i++)
		*vec_push(&setup->services.timestamp_urls) =
			mem_strdup(file->timestamp_urls.items[i]);
}

static bool find_services(struct signing_setup *setup, const struct session *session,
	const struct settings *settings, unsigned forms, struct err **err)
{
	int64_t now = clock_unix_ms(&clock_system) / 1000;

	if (!trust_flags_load(
		    &settings->trust, &settings->services, session->http, &setup->trust, err))
		return err_prefix(err, "signing: the trust root");
	log_info("trust root: %s", setup->trust.origin);
	setup->options.root = setup->trust.root;
	if (!signing_flags_services(
		    &settings->services, &setup->trust, forms, now, &setup->services, err))
		return false;
	add_timestamp_urls(setup, session);
	if ((forms & SIGNING_LEGACY) && !setup->services.rekor1_urls.len)
		return no_older_log(err);
	return true;
}

/* True too if there is no expression. */
static bool fits(const char *flag, const char *expression, const char *found, struct err **err)
{
	CLEANUP(pattern_freep) struct pattern *pattern = NULL;
	bool matches = false;

	if (!expression)
		return true;
	if (!pattern_new(expression, PATTERN_ANYWHERE, &pattern, err) ||
		!pattern_matches(pattern, found, &matches, err))
		return err_prefix(err, "--%s", flag);
	if (matches)
		return true;
	return err_set(err, ERR_USAGE, "--%s: certificates would name \"%s\", which does not fit",
		flag, found);
}

/* Only a certificate shows who it names, so this asks for one. */
static bool check_expressions(
	struct signing_setup *setup, const struct options *options, struct err **err)
{
	const char *identity, *issuer;

	if (!options->certificate_identity_regexp && !options->certificate_issuer_regexp)
		return true;
	if (!signer_identity(setup->signer, &identity, &issuer, err))
		return err_prefix(err, "signing");
	return fits("certificate-identity-regexp", options->certificate_identity_regexp, identity,
		       err) &&
		fits("certificate-oidc-issuer-regexp", options->certificate_issuer_regexp, issuer,
			err);
}

static bool make_signer(
	struct signing_setup *setup, const struct session *session, struct err **err)
{
	const struct options *options = session->options;
	const struct signer_options signer = {
		.http = session->http,
		.root = setup->trust.root,
		.services = &setup->services,
		.tokens = setup->tokens,
		.scts = setup->options.scts,
		.identity = options->certificate_identity,
		.issuer = options->certificate_issuer,
	};

	setup->signer = signer_new(&signer, err);
	setup->options.signer = setup->signer;
	return setup->signer && check_expressions(setup, options, err);
}

bool signing_setup_init(
	struct signing_setup *setup, const struct session *session, struct err **err)
{
	const struct settings settings = merge(session);
	unsigned forms = forms_of(session);

	*setup = (struct signing_setup){0};
	describe_run(setup, session);
	say_what_is_wanted(setup, session, &settings, forms);
	if ((forms & SIGNING_LEGACY) && settings.services.rekor_v2_url &&
		!settings.services.rekor_url)
		return no_older_log(err);
	if (!say_what_is_carried(setup, session, err))
		return false;
	if (!session->options->confirm)
		return true;
	return find_identity(setup, session, &settings, err) &&
		find_services(setup, session, &settings, forms, err) &&
		make_signer(setup, session, err);
}

bool signing_setup_reader(
	struct signing_setup *setup, const struct session *session, struct err **err)
{
	const struct settings settings = merge(session);

	if (!trust_flags_load(&settings.trust, NULL, session->http, &setup->trust, err))
		return err_prefix(err, "the trust root");
	log_info("trust root: %s", setup->trust.origin);
	setup->options.root = setup->trust.root;
	setup->options.reader_identity = session->options->certificate_identity;
	setup->options.reader_issuer = session->options->certificate_issuer;
	/* What staging has is not at the primary yet. */
	setup->options.carry.mode = CARRY_NONE;
	return true;
}

void signing_setup_release(struct signing_setup *setup)
{
	trusted_signers_release(&setup->trusted);
	signer_free(setup->signer);
	id_token_source_free(setup->tokens);
	signing_services_release(&setup->services);
	trust_source_release(&setup->trust);
}
