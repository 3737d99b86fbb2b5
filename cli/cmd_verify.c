/*
 * `cip verify` and `cip verify-attestation`: is an image in a registry signed, or attested, by whom it
 * must be? Flags as cosign has them. Where is looked and what counts: cli/verify_image.h.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "cip_version.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/help.h"
#include "cli/policy_flags.h"
#include "cli/session.h"
#include "cli/signing_flags.h"
#include "cli/verify_image_output.h"
#include "reconciler/signing.h"

#define PROMOTION_TYPE "https://k8s.io/promo-tools/promotion/v1"

struct verify_options {
	struct options common; /* first: parts of the table are of this type */
	struct policy_flags who;
	struct trust_flags trust;
	const char *type;
	const char *docker_reference;
	bool any_reference;
	const char *form;
};

#define FIELD(member) .offset = offsetof(struct verify_options, member)

static const struct flag_set *const parts[] = {
	&options_registry_flags,
	&options_log_flags,
	NULL,
};

#define OTHER_FLAGS                                                                                \
	{.group = "Where signatures are",                                                          \
		.name = "signature-format",                                                        \
		.type = FLAG_CHOICE,                                                               \
		FIELD(form),                                                                       \
		.value = "FORM",                                                                   \
		.choices = "legacy|bundle|both",                                                   \
		.initial = "both",                                                                 \
		.help = "look at .sig and .att images, at bundles, or until one counts at both"},  \
		{.group = "Other",                                                                 \
			.name = "output",                                                          \
			.type = FLAG_CHOICE,                                                       \
			FIELD(common.output),                                                      \
			.value = "FORMAT",                                                         \
			.choices = "text|json",                                                    \
			.initial = "text",                                                         \
			.help = "lines for people, or one JSON object (docs/signing.md)"},         \
	{                                                                                          \
		.name = "help", .type = FLAG_BOOL, FIELD(common.help), .ends_parsing = true,       \
		.help = "print this and stop"                                                      \
	}

static const struct flag verify_flags[] = {
	POLICY_FLAGS(struct verify_options, who),
	{.name = "docker-reference",
		.type = FLAG_TEXT,
		FIELD(docker_reference),
		.value = "NAME",
		.help = "the name that payloads must have (default: the image's repository, or "
			"what it is mapped to)",
		.details = "Destinations that the public knows under another name are mapped as "
			   "when they are signed; cip.yaml can add to that under \"signatures\". "
			   "Bundles have no such name."},
	{.name = "any-docker-reference",
		.type = FLAG_BOOL,
		FIELD(any_reference),
		.help = "accept whatever name payloads have, as cosign does"},
	TRUST_FLAGS(struct verify_options, trust),
	OTHER_FLAGS,
};
const struct flag_set cmd_verify_flags = {
	.parts = parts,
	.flags = verify_flags,
	.count = sizeof(verify_flags) / sizeof(verify_flags[0]),
	.max_positional = FLAG_POSITIONAL_MAX,
};

static const struct flag attestation_flags[] = {
	{.group = "What is verified",
		.name = "type",
		.type = FLAG_TEXT,
		FIELD(type),
		.value = "TYPE",
		.choices = "custom|cyclonedx|link|openvex|promotion|slsaprovenance|"
			   "slsaprovenance02|slsaprovenance1|spdx|spdxjson|vuln",
		.initial = "custom",
		.help = "predicate type: a URI, or one of the short names"},
	POLICY_FLAGS(struct verify_options, who),
	TRUST_FLAGS(struct verify_options, trust),
	OTHER_FLAGS,
};
const struct flag_set cmd_verify_attestation_flags = {
	.parts = parts,
	.flags = attestation_flags,
	.count = sizeof(attestation_flags) / sizeof(attestation_flags[0]),
	.max_positional = FLAG_POSITIONAL_MAX,
};

/* ---- What is asked ---- */

static const struct {
	const char *name, *uri;
} types[] = {
	{"custom", "https://cosign.sigstore.dev/attestation/v1"},
	{"cyclonedx", "https://cyclonedx.org/bom"},
	{"link", "https://in-toto.io/Link/v1"},
	{"openvex", "https://openvex.dev/ns"},
	{"promotion", PROMOTION_TYPE},
	{"slsaprovenance", "https://slsa.dev/provenance/v0.2"},
	{"slsaprovenance02", "https://slsa.dev/provenance/v0.2"},
	{"slsaprovenance1", "https://slsa.dev/provenance/v1"},
	{"spdx", "https://spdx.dev/Document"},
	{"spdxjson", "https://spdx.dev/Document"},
	{"vuln", "https://cosign.sigstore.dev/attestation/vuln/v1"},
};

/* NULL with an error for what is neither a short name nor a URI. */
static const char *type_uri(const char *type, struct err **err)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].name, type) == 0)
			return types[i].uri;
	if (strchr(type, ':'))
		return type;
	err_set(err, ERR_USAGE, "--type: \"%.80s\" is neither a URI nor a type that has a name",
		type);
	return NULL;
}

static bool options_check(
	struct verify_options *options, const struct flag_given *given, struct err **err)
{
	if (given->positional_count == 0)
		return err_set(err, ERR_USAGE, "the image is missing: HOST/PATH:TAG or @DIGEST");
	if (options->docker_reference && options->any_reference)
		return err_set(err, ERR_USAGE,
			"--docker-reference and --any-docker-reference exclude each other");
	return policy_flags_check(&options->who, err) &&
		options_read_log_level(&options->common, err);
}

static unsigned forms_of(const char *form)
{
	if (strcmp(form, "legacy") == 0)
		return VERIFY_LEGACY;
	if (strcmp(form, "bundle") == 0)
		return VERIFY_BUNDLES;
	return VERIFY_LEGACY | VERIFY_BUNDLES;
}

/* ---- Doing it ---- */

/* One run of the command. */
struct verifying {
	const struct verify_options *options;
	const char *predicate_type; /* NULL: signatures */
	struct session session;
	struct registry *registry;
	struct trust_source trust;
	struct loaded_policy policy;
	struct verified_image images[FLAG_POSITIONAL_MAX];
	size_t count;
};

static void verifying_release(struct verifying *verifying)
{
	for (size_t i = 0; i < verifying->count; i++)
		verified_image_release(&verifying->images[i]);
	loaded_policy_release(&verifying->policy);
	trust_source_release(&verifying->trust);
	registry_free(verifying->registry);
	session_release(&verifying->session);
}

static bool images_parse(
	struct verifying *verifying, const struct flag_given *given, struct err **err)
{
	for (size_t i = 0; i < given->positional_count; i++) {
		struct verified_image *image = &verifying->images[verifying->count++];
		image->text = given->positional[i];
		if (!image_argument_parse(image->text, &image->argument, err))
			return false;
	}
	return true;
}

/* What cip.yaml says stands behind the flags. */
static bool trust_load(struct verifying *verifying, struct err **err)
{
	const struct config_sigstore *config = &verifying->session.config.sigstore;
	struct trust_flags trust = verifying->options->trust;

	trust_flags_merge(&trust, config);
	return trust_flags_load(&trust, NULL, verifying->session.http, &verifying->trust, err) &&
		policy_flags_load(
			&verifying->options->who, trust.ignore_sct, &verifying->policy, err);
}

static bool prepare(struct verifying *verifying, struct err **err)
{
	if (!session_open(&verifying->session, err) || !trust_load(verifying, err))
		return false;
	verifying->registry = session_registry(&verifying->session, true, err);
	return verifying->registry != NULL;
}

static void verify_all(struct verifying *verifying)
{
	const struct verify_options *options = verifying->options;
	CLEANUP(mem_freep) char *version = signing_annotation_value(CIP_VERSION);
	const struct payload_annotation annotation = {SIGNING_ANNOTATION, version};
	CLEANUP(verify_seen_release) struct verify_seen seen;
	const struct verify_wanted wanted = {
		.registry = registry_for_signing(verifying->registry),
		.policy = {.root = verifying->trust.root,
			.policy = &verifying->policy.policy,
			.docker_reference = options->docker_reference,
			.predicate_type = verifying->predicate_type},
		.any_reference = options->any_reference,
		.identities = &verifying->session.config.identities,
		.annotation = &annotation,
		.forms = forms_of(options->form),
		.seen = &seen,
	};

	verify_seen_init(&seen);
	for (size_t i = 0; i < verifying->count; i++)
		verify_image(&wanted, &verifying->images[i]);
}

static bool print(const struct verifying *verifying)
{
	CLEANUP(str_release) struct str good = STR_INIT(STR_TEXT_MAX);
	CLEANUP(str_release) struct str bad = STR_INIT(STR_TEXT_MAX);
	bool is_json = strcmp(verifying->options->common.output, "json") == 0;

	for (size_t i = 0; i < verifying->count; i++) {
		const struct verified_image *image = &verifying->images[i];
		if (!image->counting) {
			verify_image_why(image,
				verifying->predicate_type ? "attestation" : "signature", &bad);
			continue;
		}
		if (good.len)
			str_add_char(&good, '\n');
		verify_image_text(image, &good);
	}
	fwrite(str_text(&bad), 1, bad.len, stderr);
	if (is_json)
		return verify_image_json(verifying->images, verifying->count, stdout);
	return fwrite(str_text(&good), 1, good.len, stdout) == good.len && fflush(stdout) == 0;
}

static int judge(const struct verifying *verifying)
{
	int code = EXIT_CODE_OK;

	if (session_signal(&verifying->session))
		return EXIT_CODE_SIGNAL + session_signal(&verifying->session);
	for (size_t i = 0; i < verifying->count; i++) {
		const struct verified_image *image = &verifying->images[i];
		if (image->err)
			return EXIT_CODE_NOT_DONE;
		if (!image->counting)
			code = EXIT_CODE_FINDINGS;
	}
	return code;
}

static int run(struct verifying *verifying, const struct flag_given *given)
{
	CLEANUP(err_freep) struct err *error = NULL;

	if (!images_parse(verifying, given, &error) || !prepare(verifying, &error)) {
		session_log(LOG_ERROR, error->msg);
		return exit_code_of_error(error, session_signal(&verifying->session));
	}
	verify_all(verifying);
	if (print(verifying))
		return judge(verifying);
	log_error("standard output could not be written");
	return EXIT_CODE_NOT_DONE;
}

static int verify(const struct program *program, const char *name, const struct flag_set *set,
	const char *const *arguments)
{
	CLEANUP(err_freep) struct err *error = NULL;
	struct verify_options options = {0};
	struct verifying verifying = {.options = &options};
	struct flag_given given;
	int code;

	if (!flag_parse(set, arguments, &options, &given, &error))
		return command_usage_error(error);
	if (options.common.help)
		return help_command(program, command_find(program, name), stdout);
	if (!options_check(&options, &given, &error))
		return command_usage_error(error);
	if (options.type) {
		verifying.predicate_type = type_uri(options.type, &error);
		if (!verifying.predicate_type)
			return command_usage_error(error);
	}
	options.common.threads = 8;
	session_init(&verifying.session, &options.common);
	code = run(&verifying, &given);
	verifying_release(&verifying);
	return code;
}

int cmd_verify(const struct program *program, const char *const *arguments)
{
	return verify(program, "verify", &cmd_verify_flags, arguments);
}

int cmd_verify_attestation(const struct program *program, const char *const *arguments)
{
	return verify(program, "verify-attestation", &cmd_verify_attestation_flags, arguments);
}
