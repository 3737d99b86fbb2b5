/*
 * The order of signing: credential, signature, timestamps, log entries; then what came together is
 * written, read back and verified as anybody else would. What each service is asked is known to its
 * client, what has to hold of the result to verify.h.
 */
#include "signer/signer.h"

#include <pthread.h>
#include <string.h>

#include "base/log.h"
#include "signer/bundle_write.h"
#include "signer/credential.h"
#include "signer/rekor1.h"
#include "signer/rekor2.h"
#include "signer/service.h"
#include "signer/timestamping.h"

/* A log that has the signature already, a certificate that ended meanwhile: sign anew, this often. */
#define ATTEMPTS 3

struct signer {
	struct http *http;
	const struct clock *clock;
	const struct trust_root *root;
	size_t scts;
	struct fulcio *fulcio;
	struct credential_source *credentials;
	VEC(struct rekor1 *) rekor1;
	VEC(struct rekor2 *) rekor2;
	VEC(char *) timestamp_urls;
	char *rekor1_names, *rekor2_names, *timestamp_names; /* for messages */

	/* Who we are: as configured, else as the first certificate says. Set once. */
	pthread_mutex_t lock;
	char *identity, *issuer;
};

/* ---- Life ---- */

static bool services_check(const struct signing_services *services, struct err **err)
{
	bool has_timestamps = services->timestamp_urls.len > 0;

	if (!services->fulcio_url)
		return err_set(err, ERR_USAGE,
			"signing needs a certificate authority: --fulcio-url, or a signing config "
			"with one");
	if (!services->rekor1_urls.len && !services->rekor2_urls.len)
		return err_set(err, ERR_USAGE,
			"signing needs a transparency log: --rekor-url, or a signing config with "
			"one");
	if (!services->rekor1_urls.len && !has_timestamps)
		return err_set(err, ERR_USAGE,
			"Rekor v2 (%.200s) vouches for no time: signing with it needs a timestamp "
			"authority (--timestamp-server-url)",
			services->rekor2_urls.items[0]);
	return true;
}

/* "https://a, https://b" */
static char *names_of(char *const *urls, size_t count)
{
	struct str out = STR_INIT(STR_TEXT_MAX);

	for (size_t i = 0; i < count; i++)
		str_addf(&out, "%s%s", i ? ", " : "", urls[i]);
	return str_steal(&out, NULL);
}

static void names_set(struct signer *signer, const struct signing_services *services)
{
	signer->rekor1_names = names_of(services->rekor1_urls.items, services->rekor1_urls.len);
	signer->rekor2_names = names_of(services->rekor2_urls.items, services->rekor2_urls.len);
	signer->timestamp_names =
		names_of(services->timestamp_urls.items, services->timestamp_urls.len);
}

static bool logs_open(
	struct signer *signer, const struct signing_services *services, struct err **err)
{
	for (size_t i = 0; i < services->rekor1_urls.len; i++) {
		struct rekor1 *log = rekor1_new(signer->http, services->rekor1_urls.items[i], err);
		if (!log)
			return false;
		*vec_push(&signer->rekor1) = log;
	}
	for (size_t i = 0; i < services->rekor2_urls.len; i++) {
		struct rekor2 *log = rekor2_new(signer->http, services->rekor2_urls.items[i], err);
		if (!log)
			return false;
		*vec_push(&signer->rekor2) = log;
	}
	return true;
}

static bool timestamps_open(
	struct signer *signer, const struct signing_services *services, struct err **err)
{
	for (size_t i = 0; i < services->timestamp_urls.len; i++) {
		const char *url = services->timestamp_urls.items[i];
		CLEANUP(service_release) struct service service = {0};
		if (!service_init(&service, signer->http, "timestamp authority", url, err))
			return false;
		*vec_push(&signer->timestamp_urls) = mem_strdup(url);
	}
	return true;
}

static bool authority_open(
	struct signer *signer, const struct signer_options *options, struct err **err)
{
	const struct fulcio_options fulcio = {
		.http = options->http,
		.clock = signer->clock,
		.url = options->services->fulcio_url,
		.root = options->root,
		.scts = options->scts,
		.identity = options->identity,
		.issuer = options->issuer,
	};

	signer->fulcio = fulcio_new(&fulcio, err);
	if (!signer->fulcio)
		return false;
	signer->credentials = credential_source_new(signer->fulcio, options->tokens, signer->clock);
	return true;
}

struct signer *signer_new(const struct signer_options *options, struct err **err)
{
	if (!services_check(options->services, err))
		return NULL;
	CLEANUP(signer_freep) struct signer *signer = mem_new(1, sizeof(*signer));
	pthread_mutex_init(&signer->lock, NULL);
	signer->http = options->http;
	signer->clock = options->clock ? options->clock : &clock_system;
	signer->root = options->root;
	signer->scts = options->scts;
	names_set(signer, options->services);
	if (!authority_open(signer, options, err) || !logs_open(signer, options->services, err) ||
		!timestamps_open(signer, options->services, err))
		return NULL;
	return steal_ptr(&signer);
}

void signer_free(struct signer *signer)
{
	if (!signer)
		return;
	credential_source_free(signer->credentials);
	fulcio_free(signer->fulcio);
	for (size_t i = 0; i < signer->rekor1.len; i++)
		rekor1_free(signer->rekor1.items[i]);
	for (size_t i = 0; i < signer->rekor2.len; i++)
		rekor2_free(signer->rekor2.items[i]);
	for (size_t i = 0; i < signer->timestamp_urls.len; i++)
		mem_free(signer->timestamp_urls.items[i]);
	vec_release(&signer->rekor1);
	vec_release(&signer->rekor2);
	vec_release(&signer->timestamp_urls);
	mem_free(signer->rekor1_names);
	mem_free(signer->rekor2_names);
	mem_free(signer->timestamp_names);
	mem_free(signer->identity);
	mem_free(signer->issuer);
	pthread_mutex_destroy(&signer->lock);
	mem_free(signer);
}

static bool uses_rekor2(const struct signer *signer, enum sign_form form)
{
	return form == SIGN_BUNDLE && signer->rekor2.len > 0 && signer->timestamp_urls.len > 0;
}

bool signer_has_form(const struct signer *signer, enum sign_form form)
{
	return signer->rekor1.len > 0 || uses_rekor2(signer, form);
}

/* ---- Who signs ---- */

/* One run signs in one name, even if tokens of another come along. */
static bool identity_keep(
	struct signer *signer, const struct certificate *certificate, struct err **err)
{
	const char *identity = certificate_identity(certificate);
	const char *issuer = certificate_issuer(certificate);

	pthread_mutex_lock(&signer->lock);
	if (!signer->identity) {
		signer->identity = mem_strdup(identity);
		signer->issuer = mem_strdup(issuer);
	}
	bool same = strcmp(signer->identity, identity) == 0 && strcmp(signer->issuer, issuer) == 0;
	pthread_mutex_unlock(&signer->lock);
	return same ||
		err_set(err, ERR_AUTH,
			"the new certificate is for \"%.300s\" (issuer %.200s), but this run signs "
			"as \"%.300s\" (issuer %.200s): the identity token changed its subject",
			identity, issuer, signer->identity, signer->issuer);
}

static bool credential_get(
	struct signer *signer, const struct credential **ret_credential, struct err **err)
{
	const struct credential *credential;

	if (!credential_acquire(signer->credentials, &credential, err))
		return false;
	if (!identity_keep(signer, credential->certificate, err)) {
		credential_release(signer->credentials, credential);
		return false;
	}
	*ret_credential = credential;
	return true;
}

bool signer_identity(
	struct signer *signer, const char **ret_identity, const char **ret_issuer, struct err **err)
{
	const struct credential *credential;

	if (!credential_get(signer, &credential, err))
		return false;
	credential_release(signer->credentials, credential);
	*ret_identity = signer->identity;
	*ret_issuer = signer->issuer;
	return true;
}

/* ---- One signature while it is made ---- */

struct signing {
	struct signer *signer;
	enum sign_form form;
	const struct sign_content *content;
	const struct credential *credential;
	struct bundle *bundle;
	struct message artifact; /* what the result is verified against */
	struct str pae;
	struct message message; /* what the signature is over */
	struct str envelope;	/* its text, as a log of v1 and the older form have it */
};

static void signing_release(struct signing *signing)
{
	if (signing->credential)
		credential_release(signing->signer->credentials, signing->credential);
	bundle_free(signing->bundle);
	str_release(&signing->pae);
	str_release(&signing->envelope);
}

static void envelope_begin(struct signing *signing)
{
	const struct sign_content *content = signing->content;
	struct dsse_envelope *envelope = &signing->bundle->envelope;

	signing->bundle->is_envelope = true;
	envelope->payload_type = mem_strdup(content->payload_type);
	envelope->payload = (struct bytes){mem_dup(content->bytes, content->len), content->len};
	str_init(&signing->pae, content->len + strlen(content->payload_type) + 64);
	dsse_pae(envelope, &signing->pae);
	signing->message = message_of_bytes(signing->pae.bytes, signing->pae.len);
}

/* The text is made once; what is stored, logged and stamped is this. */
static void envelope_end(struct signing *signing)
{
	struct bundle *bundle = signing->bundle;

	str_init(&signing->envelope, STR_TEXT_MAX * 2);
	dsse_write(&bundle->envelope, &signing->envelope);
	if (signing->form == SIGN_LEGACY)
		bundle->envelope_text =
			(struct bytes){mem_dup(signing->envelope.bytes, signing->envelope.len),
				signing->envelope.len};
}

static void digest_state(struct signing *signing)
{
	uint8_t digest[HASH_MAX_SIZE];

	if (!message_digest(&signing->message, HASH_SHA256, digest))
		return;
	signing->bundle->stated_hash = HASH_SHA256;
	signing->bundle->stated_digest =
		(struct bytes){mem_dup(digest, HASH_SHA256_SIZE), HASH_SHA256_SIZE};
}

static bool signature_make(struct signing *signing, struct err **err)
{
	const struct sign_content *content = signing->content;
	struct bundle *bundle = mem_new(1, sizeof(*bundle));

	signing->bundle = bundle;
	bundle->form = signing->form == SIGN_LEGACY ? BUNDLE_LEGACY : BUNDLE_0_3;
	bundle->chain = mem_strdup(signing->credential->chain);
	bundle->certificate = certificate_share(signing->credential->certificate);
	if (content->payload_type)
		envelope_begin(signing);
	else
		signing->message = content->bytes ? message_of_bytes(content->bytes, content->len)
						  : *content->artifact;
	signing->artifact = content->artifact ? *content->artifact : signing->message;
	if (!signing_key_sign(signing->credential->key, &signing->message,
		    content->payload_type ? &bundle->envelope.signature : &bundle->signature, err))
		return false;
	if (content->payload_type)
		envelope_end(signing);
	else if (signing->form == SIGN_BUNDLE)
		digest_state(signing);
	return true;
}

/* ---- Services ---- */

/* Stamped before it is logged: logs can take long, and a stamp must fall into the certificate's life. */
static bool timestamps_get(struct signing *signing, struct err **err)
{
	struct signer *signer = signing->signer;
	struct bundle *bundle = signing->bundle;
	const struct bytes *covered =
		bundle->envelope_text.data ? &bundle->envelope_text : bundle_signature(bundle);
	/* The older form has room for one. */
	size_t count = signing->form == SIGN_LEGACY && signer->timestamp_urls.len > 1
		? 1
		: signer->timestamp_urls.len;

	for (size_t i = 0; i < count; i++) {
		CLEANUP(bytes_release) struct bytes timestamp = {0};
		if (!timestamping_request(signer->http, signer->timestamp_urls.items[i],
			    covered->data, covered->len, &timestamp, err))
			return false;
		*vec_push(&bundle->timestamps) = timestamp;
		timestamp = (struct bytes){0};
	}
	return true;
}

static bool entries_add(struct signing *signing, struct err **err)
{
	struct signer *signer = signing->signer;
	struct bundle *bundle = signing->bundle;
	const struct bytes text = {(uint8_t *)signing->envelope.bytes, signing->envelope.len};
	const struct logged logged = {
		.signature = bundle_signature(bundle),
		.certificate = bundle->certificate,
		.key = certificate_key(bundle->certificate),
		.message = &signing->message,
		.envelope = bundle->is_envelope ? &bundle->envelope : NULL,
		.envelope_text = bundle->is_envelope ? &text : NULL,
	};
	bool v2 = uses_rekor2(signer, signing->form);
	size_t count = v2		       ? signer->rekor2.len
		: signing->form == SIGN_LEGACY ? 1 /* it has room for no more */
					       : signer->rekor1.len;

	for (size_t i = 0; i < count; i++) {
		struct log_entry entry = {0};
		if (!(v2 ? rekor2_add(signer->rekor2.items[i], &logged, &entry, err)
			 : rekor1_add(signer->rekor1.items[i], &logged, &entry, err)))
			return false;
		*vec_push(&bundle->entries) = entry;
	}
	return true;
}

/* ---- Proof ---- */

/* As somebody reads it who was given it. */
static bool read_back(const struct signing *signing, struct bundle **ret_bundle, struct err **err)
{
	CLEANUP(str_release) struct str text = STR_INIT(BUNDLE_MAX_SIZE);
	CLEANUP(legacy_text_release) struct legacy_text legacy = {0};

	if (signing->form == SIGN_BUNDLE) {
		bundle_write(signing->bundle, &text);
		return bundle_parse(str_text(&text), text.len, ret_bundle, err);
	}
	if (!bundle_write_legacy(signing->bundle, &legacy, err))
		return false;
	const struct legacy_layer layer = {
		.blob = legacy.blob ? (const void *)legacy.blob : signing->content->bytes,
		.len = legacy.blob ? legacy.len : signing->content->len,
		.is_envelope = legacy.blob != NULL,
		.signature = legacy.signature,
		.log_entry = legacy.log_entry,
		.certificate = legacy.certificate,
		.timestamp = legacy.timestamp,
	};
	return bundle_of_legacy(&layer, ret_bundle, err);
}

/* Everything that was asked for counts, and exactly our name. */
static bool prove(const struct signing *signing, enum verify_step *ret_step, struct err **err)
{
	const struct signer *signer = signing->signer;
	const struct bundle *ours = signing->bundle;
	CLEANUP(bundle_freep) struct bundle *bundle = NULL;
	CLEANUP(verify_result_release) struct verify_result result = {0};
	const struct policy_signer name = {{signer->identity, NULL}, {signer->issuer, NULL}};
	struct policy policy = POLICY_INIT;

	policy.signers = &name;
	policy.signer_count = 1;
	policy.scts = signer->scts;
	policy.logs = ours->entries.len;
	policy.times = ours->timestamps.len;
	for (size_t i = 0; i < ours->entries.len; i++)
		policy.times += ours->entries.items[i].promise.len > 0;
	*ret_step = VERIFY_BUNDLE;
	if (!read_back(signing, &bundle, err))
		return false;
	bool ok = verify_bundle(signer->root, bundle, &signing->artifact, &policy, &result, err);
	*ret_step = result.failed;
	return ok;
}

/* Certificates were good when they came: what fails now is about the moments. */
static char *blamed(const struct signing *signing, enum verify_step step)
{
	const struct signer *signer = signing->signer;
	const char *logs =
		uses_rekor2(signer, signing->form) ? signer->rekor2_names : signer->rekor1_names;

	switch (step) {
	case VERIFY_ENTRY:
	case VERIFY_PROMISE:
	case VERIFY_INCLUSION:
	case VERIFY_CHECKPOINT:
	case VERIFY_LOG:
		return mem_printf("what Rekor (%s) gave does not verify", logs);
	case VERIFY_TIMESTAMP:
		return mem_printf("what the timestamp authority (%s) gave does not verify",
			signer->timestamp_names);
	case VERIFY_TIME:
	case VERIFY_CERTIFICATE:
		return mem_printf("the time that Rekor (%s) or a timestamp authority (%s) gave "
				  "does not do; is a clock wrong?",
			logs, *signer->timestamp_names ? signer->timestamp_names : "none");
	case VERIFY_SCT:
	case VERIFY_IDENTITY:
		return mem_strdup("Fulcio's certificate does not verify");
	case VERIFY_BUNDLE:
	case VERIFY_ARTIFACT:
	case VERIFY_SIGNATURE:
		break;
	}
	return mem_strdup("what was signed does not verify");
}

static bool proof_failed(const struct signing *signing, enum verify_step step, struct err **err)
{
	CLEANUP(mem_freep) char *text = blamed(signing, step);

	return err_prefix(err,
		"%s (step \"%s\"; the signature is thrown away; are the services those of the "
		"trusted root?)",
		text, verify_step_name(step));
}

/* ---- Signing ---- */

/* *ret_again: another attempt may well succeed. */
static bool attempt(struct signing *signing, bool *ret_again, struct err **err)
{
	struct signer *signer = signing->signer;
	CLEANUP(err_freep) struct err *reason = NULL;
	enum verify_step step;

	if (!credential_get(signer, &signing->credential, err) || !signature_make(signing, err) ||
		!timestamps_get(signing, err))
		return false;
	if (!entries_add(signing, &reason)) {
		*ret_again = err_is(reason, ERR_CONFLICT);
		err_keep_first(err, &reason);
		return false;
	}
	if (prove(signing, &step, err))
		return true;
	/* Services that took minutes: the next attempt has a new certificate. */
	*ret_again = step == VERIFY_CERTIFICATE &&
		!certificate_is_valid_at(
			signing->bundle->certificate, clock_unix_ms(signer->clock) / 1000);
	return proof_failed(signing, step, err);
}

bool signer_sign(struct signer *signer, enum sign_form form, const struct sign_content *content,
	struct bundle **ret_bundle, struct err **err)
{
	if (!signer_has_form(signer, form))
		return err_set(err, ERR_UNSUPPORTED,
			"signatures in cosign's older form need Rekor v1, and none is configured "
			"(--rekor-url, or --signature-format=bundle)");
	for (unsigned i = 1;; i++) {
		CLEANUP(signing_release)
		struct signing signing = {.signer = signer, .form = form, .content = content};
		CLEANUP(err_freep) struct err *reason = NULL;
		bool again = false;

		if (attempt(&signing, &again, &reason)) {
			*ret_bundle = steal_ptr(&signing.bundle);
			return true;
		}
		if (!again || i == ATTEMPTS) {
			err_keep_first(err, &reason);
			return false;
		}
		log_debug("Signing again: %s", reason->msg);
	}
}
