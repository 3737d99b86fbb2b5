/*
 * `cip replicate-signatures`: what belongs to images and stands beside them in primaries, on all
 * mirrors. A job of its own beside the promotion.
 */
#include <pthread.h>
#include <string.h>

#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/help.h"
#include "cli/replicate_table.h"
#include "cli/session.h"
#include "cli/signing_flags.h"
#include "reconciler/config_identities.h"

#define FIELD(name) .offset = offsetof(struct options, name)
/* The job's flags, which kpromo takes here too. */
#define WITHOUT_EFFECT(flag, field, of_type)                                                       \
	{                                                                                          \
		.name = flag, .type = of_type, .state = FLAG_HIDDEN, FIELD(field),                 \
		.value = "VALUE", .help = "accepted without effect: nothing is signed here"        \
	}

static const struct flag_set *const parts[] = {
	&options_manifest_flags,
	&options_registry_flags,
	&options_log_flags,
	NULL,
};
static const struct flag flags[] = {
	{.group = "What to do",
		.name = "confirm",
		.type = FLAG_BOOL,
		FIELD(confirm),
		.help = "write to the mirrors; without it what would be copied is printed"},
	{.name = "replicate-scope",
		.type = FLAG_CHOICE,
		FIELD(replicate_scope),
		.value = "SCOPE",
		.choices = "all|declared",
		.initial = "all",
		.help = "everything that primaries hold (all), or only what belongs to digests "
			"that the manifests declare"},
	{.name = "referrers",
		.type = FLAG_CHOICE,
		FIELD(referrers),
		.value = "WHEN",
		.choices = "auto|always|never",
		.initial = "auto",
		.help = "ask primaries that have the referrers API what refers to each declared "
			"digest, one request a digest; auto: if bundles are signed",
		.details =
			"No list shows what only that API lists. auto: always if signature_format "
			"in cip.yaml is bundle or both, else never."},
	{.name = "max-signature-copies",
		.type = FLAG_NUMBER,
		FIELD(max_signature_copies),
		.value = "N",
		.initial = "50",
		.min = 1,
		.max = OPTIONS_THREADS_MAX,
		.help = "signatures copied at the same time"},
	{.name = "threads",
		.type = FLAG_NUMBER,
		FIELD(threads),
		.value = "N",
		.initial = "20",
		.min = 1,
		.max = OPTIONS_THREADS_MAX,
		.help = "images whose repositories are listed at the same time"},
	{.name = "grace",
		.type = FLAG_DURATION,
		FIELD(grace_ms),
		.value = "TIME",
		.initial = "20s",
		.max = OPTIONS_GRACE_MAX_MS,
		.help = "how long requests in flight may go on after SIGINT or SIGTERM; a second "
			"signal ends them at once"},
	{.name = "output",
		.type = FLAG_CHOICE,
		FIELD(output),
		.value = "FORMAT",
		.choices = "table|json",
		.initial = "table",
		.help = "lines for people, or one JSON object (docs/operations.md)"},
	{.group = "Whose signatures of mirrors stay",
		.name = "certificate-identity",
		.type = FLAG_TEXT,
		FIELD(certificate_identity),
		.value = "IDENTITY",
		.help = "beside the trusted_identities of cip.yaml: e-mail address or URI in the "
			"certificate, exactly",
		.details = "Asked only where a mirror has more than 100 layers or 1 MiB that its "
			   "primary lacks: what does not verify is left out there."},
	{.name = "certificate-oidc-issuer",
		.type = FLAG_TEXT,
		FIELD(certificate_issuer),
		.value = "URL",
		.help = "who must have vouched for that identity, exactly"},
	TRUST_FLAGS(struct options, trust),
	{.group = "Other",
		.name = "help",
		.type = FLAG_BOOL,
		FIELD(help),
		.ends_parsing = true,
		.help = "print this and stop"},
	WITHOUT_EFFECT("sign", ignored_bool, FLAG_BOOL),
	WITHOUT_EFFECT("signer-account", ignored, FLAG_TEXT),
	WITHOUT_EFFECT("certificate-identity-regexp", ignored, FLAG_TEXT),
	WITHOUT_EFFECT("certificate-oidc-issuer-regexp", ignored, FLAG_TEXT),
	WITHOUT_EFFECT("max-signature-ops", ignored, FLAG_TEXT),
	WITHOUT_EFFECT("max-image-size", ignored, FLAG_TEXT),
	WITHOUT_EFFECT("vuln-severity-threshold", ignored, FLAG_TEXT),
};
const struct flag_set cmd_replicate_flags = {
	.parts = parts,
	.flags = flags,
	.count = sizeof(flags) / sizeof(flags[0]),
};

static bool print(const struct options *options, const struct replicate_result *result)
{
	return strcmp(options->output, "json") == 0 ? replicate_table_json(result, stdout)
						    : replicate_table_text(result, stdout);
}

static unsigned long long end_of(const struct replicate_result *result, enum replica_end end)
{
	return result->ends[end];
}

static void say_what_was_done(const struct options *options, const struct replicate_result *result)
{
	unsigned long long in_place =
		end_of(result, REPLICA_IN_PLACE) + end_of(result, REPLICA_HAS_MORE);

	if (options->confirm)
		log_info("copied %llu to mirrors; %llu in place before",
			end_of(result, REPLICA_COPIED) + end_of(result, REPLICA_MERGED), in_place);
	else
		log_info("%llu to copy to mirrors, %llu in place; --confirm carries it out",
			end_of(result, REPLICA_PLANNED), in_place);
}

static int judge(const struct session *session, const struct replicate_result *result)
{
	unsigned long long lacking =
		end_of(result, REPLICA_CONFLICT) + end_of(result, REPLICA_FAILED);

	if (result->interrupted) {
		log_warning("interrupted; the next run goes on");
		return EXIT_CODE_SIGNAL + session_signal(session);
	}
	say_what_was_done(session->options, result);
	if (result->left_out)
		log_error("%lu projects were left out: their files cannot be read",
			(unsigned long)result->left_out);
	if (result->unlisted)
		log_error("%llu repositories could not be listed",
			(unsigned long long)result->unlisted);
	if (lacking)
		log_error("%llu could not be brought to their mirrors", lacking);
	return lacking || result->unlisted || result->left_out ? EXIT_CODE_FINDINGS : EXIT_CODE_OK;
}

static bool wants_referrers(const struct session *session)
{
	const char *when = session->options->referrers;
	const char *format = session->config.sigstore.signature_format;

	if (strcmp(when, "auto") == 0)
		return format && strcmp(format, "legacy") != 0;
	return strcmp(when, "always") == 0;
}

/* ---- Whose signatures stay ---- */

/* The trust root is fetched by whoever needs it first. */
struct trusting {
	const struct session *session;
	struct trusted_signers signers;
	pthread_mutex_t lock;
	struct trust_source source; /* under the lock; root NULL: not fetched */
	struct err *err;	    /* likewise: it could not be */
};

static void trusting_release(struct trusting *trusting)
{
	trusted_signers_release(&trusting->signers);
	trust_source_release(&trusting->source);
	err_free(trusting->err);
	pthread_mutex_destroy(&trusting->lock);
}

static const struct trust_root *fetch_root(void *ctx, struct err **err)
{
	struct trusting *trusting = ctx;
	struct trust_flags where = trusting->session->options->trust;

	pthread_mutex_lock(&trusting->lock);
	if (!trusting->source.root && !trusting->err) {
		trust_flags_merge(&where, &trusting->session->config.sigstore);
		if (!trust_flags_load(&where, NULL, trusting->session->http, &trusting->source,
			    &trusting->err))
			err_prefix(&trusting->err, "the trust root");
	}
	if (trusting->err && err)
		*err = err_copy(trusting->err);
	pthread_mutex_unlock(&trusting->lock);
	return trusting->source.root;
}

static bool find_signers(struct trusting *trusting, struct err **err)
{
	const struct options *options = trusting->session->options;
	const struct config *config = &trusting->session->config;
	const struct config_identity named = {
		.identity = (char *)(uintptr_t)options->certificate_identity,
		.issuer = (char *)(uintptr_t)options->certificate_issuer,
	};

	for (size_t i = 0; i < config->trusted_identities.len; i++)
		if (!trusted_signers_add(
			    &trusting->signers, &config->trusted_identities.items[i], err))
			return false;
	return !named.identity || !named.issuer ||
		trusted_signers_add(&trusting->signers, &named, err);
}

/* ---- The command ---- */

static int replicate(
	const struct session *session, struct registry *registry, struct trusting *trusting)
{
	struct trust_flags trust = session->options->trust;
	CLEANUP(replicate_result_release) struct replicate_result result = {0};

	trust_flags_merge(&trust, &session->config.sigstore);
	const struct replicate_options options = {
		.declared = session->manifests.declared,
		.registry = registry,
		.cancel = session->cancel,
		.threads = (unsigned)session->options->threads,
		.copies = (unsigned)session->options->max_signature_copies,
		.confirm = session->options->confirm,
		.referrers = wants_referrers(session),
		.only_declared = strcmp(session->options->replicate_scope, "declared") == 0,
		.trust =
			{
				.signers = trusting->signers.all.items,
				.signer_count = trusting->signers.all.len,
				.scts = trust.ignore_sct ? 0 : 1,
				.root = fetch_root,
				.ctx = trusting,
			},
	};

	replicate_run(&options, &result);
	if (print(session->options, &result))
		return judge(session, &result);
	log_error("standard output could not be written");
	return EXIT_CODE_NOT_DONE;
}

static int run(struct session *session)
{
	CLEANUP(err_freep) struct err *error = NULL;
	CLEANUP(registry_freep) struct registry *registry = NULL;
	CLEANUP(trusting_release)
	struct trusting trusting = {.session = session, .lock = PTHREAD_MUTEX_INITIALIZER};
	bool loaded = session_load(session, true, &error);

	session_say_left_out(session);
	if (loaded && find_signers(&trusting, &error))
		registry = session_registry(session, !session->options->confirm, &error);
	if (registry)
		return replicate(session, registry, &trusting);
	session_log(LOG_ERROR, error->msg);
	return exit_code_of_error(error, session_signal(session));
}

int cmd_replicate(const struct program *program, const char *const *arguments)
{
	CLEANUP(err_freep) struct err *error = NULL;
	CLEANUP(options_release) struct options options = {0};
	struct session session;
	int code;

	if (!options_parse(&cmd_replicate_flags, arguments, &options, &error))
		return command_usage_error(error);
	if (options.help)
		return help_command(program, command_find(program, "replicate-signatures"), stdout);
	session_init(&session, &options);
	code = run(&session);
	session_release(&session);
	return code;
}
