/*
 * The order of verification (Sigstore's client specification, section 4, stricter in places: see
 * docs/signing.md), one function a step. How each proof is checked is known to the files below it;
 * here is only what must be there and what follows from it.
 */
#include "signer/verify.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "signer/statement.h"
#include "signer/timestamp.h"

static const char *const step_names[VERIFY_STEP_COUNT] = {
	[VERIFY_BUNDLE] = "bundle",
	[VERIFY_ARTIFACT] = "artifact",
	[VERIFY_ENTRY] = "log-entry",
	[VERIFY_PROMISE] = "log-promise",
	[VERIFY_INCLUSION] = "log-inclusion",
	[VERIFY_CHECKPOINT] = "log-checkpoint",
	[VERIFY_LOG] = "log",
	[VERIFY_TIMESTAMP] = "timestamp",
	[VERIFY_TIME] = "time",
	[VERIFY_CERTIFICATE] = "certificate",
	[VERIFY_SCT] = "sct",
	[VERIFY_SIGNATURE] = "signature",
	[VERIFY_IDENTITY] = "identity",
};

const char *verify_step_name(enum verify_step step)
{
	return step_names[step];
}

/* One verification while it runs. */
struct verification {
	const struct trust_root *root;
	const struct bundle *bundle;
	const struct message *artifact;
	const struct policy *policy;
	struct verify_result *result;
	const struct public_key *key;
	struct str pae;
	struct message message;	     /* what the signature is over */
	struct message time_stamped; /* what timestamps are over */
};

static void check(struct verification *v, enum verify_step step)
{
	v->result->checked |= 1u << step;
}

/* The step that is being done: where it ended, if it ends here. */
static void begin(struct verification *v, enum verify_step step)
{
	v->result->failed = step;
}

static bool pass_over(struct verification *v, char *why)
{
	*vec_push(&v->result->passed_over) = why;
	return true;
}

/* ---- Bundle and artifact ---- */

static bool signer_check(struct verification *v, struct err **err)
{
	begin(v, VERIFY_BUNDLE);
	if (v->policy->key && v->bundle->certificate)
		return err_set(err, ERR_INVALID,
			"signed with a certificate, but a public key is what must have signed");
	if (!v->policy->key && !v->bundle->certificate)
		return err_set(err, ERR_INVALID,
			"signed with a bare key, and no public key was given to verify it");
	v->result->certificate = v->bundle->certificate;
	v->key = v->policy->key ? v->policy->key : certificate_key(v->bundle->certificate);
	check(v, VERIFY_BUNDLE);
	return true;
}

static bool statement_check(struct verification *v, struct err **err)
{
	const struct dsse_envelope *envelope = &v->bundle->envelope;
	CLEANUP(statement_release) struct statement statement = {0};

	if (strcmp(envelope->payload_type, DSSE_PAYLOAD_INTOTO) != 0)
		return err_set(err, ERR_UNSUPPORTED,
			"an envelope with a payload of type \"%.160s\"", envelope->payload_type);
	if (!statement_parse(envelope->payload.data, envelope->payload.len, &statement, err))
		return false;
	if (!statement_is_about(&statement, v->artifact))
		return err_set(err, ERR_INVALID, "no subject of the statement is this artifact");
	v->result->predicate_type = steal_ptr(&statement.predicate_type);
	return true;
}

static bool artifact_check(struct verification *v, struct err **err)
{
	const struct bundle *bundle = v->bundle;
	uint8_t digest[HASH_MAX_SIZE];

	begin(v, VERIFY_ARTIFACT);
	if (bundle->is_envelope) {
		str_init(&v->pae,
			bundle->envelope.payload.len + strlen(bundle->envelope.payload_type) + 64);
		dsse_pae(&bundle->envelope, &v->pae);
		v->message = message_of_bytes(v->pae.bytes, v->pae.len);
		if (!statement_check(v, err))
			return false;
	} else {
		v->message = *v->artifact;
		if (bundle->stated_digest.len > 0 &&
			message_digest(v->artifact, bundle->stated_hash, digest) &&
			!bytes_equal(
				&bundle->stated_digest, digest, hash_size(bundle->stated_hash)))
			return err_set(
				err, ERR_INVALID, "the digest in the bundle is another artifact's");
	}
	/* Of an .att layer, timestamps cover the whole envelope. */
	const struct bytes *covered =
		bundle->envelope_text.data ? &bundle->envelope_text : bundle_signature(bundle);
	v->time_stamped = message_of_bytes(covered->data, covered->len);
	check(v, VERIFY_ARTIFACT);
	return true;
}

/* ---- Logs ---- */

static bool time_add(
	struct verification *v, int64_t seconds, const char *by, const struct trusted_log *log)
{
	*vec_push(&v->result->times) =
		(struct verified_time){.seconds = seconds, .by = by, .log = log};
	return true;
}

static bool promise_check(struct verification *v, struct verified_entry *verified, struct err **err)
{
	const struct log_entry *entry = verified->entry;

	begin(v, VERIFY_PROMISE);
	if (!entry->promise.len)
		return true;
	if (log_entry_is_v2(entry))
		return err_set(err, ERR_INVALID,
			"an entry of Rekor v2 with a signed entry timestamp, which it does not "
			"have");
	if (!log_entry_verify_promise(entry, verified->log, err))
		return false;
	verified->has_promise = true;
	check(v, VERIFY_PROMISE);
	return entry->integrated_time == 0 ||
		time_add(
			v, (int64_t)entry->integrated_time, verified->log->base_url, verified->log);
}

static bool proof_check(struct verification *v, struct verified_entry *verified,
	const uint8_t leaf[MERKLE_HASH_SIZE], struct err **err)
{
	const struct log_entry *entry = verified->entry;

	begin(v, VERIFY_INCLUSION);
	/* Promises alone are what the older forms have. */
	if (!entry->has_proof && verified->has_promise)
		return true;
	if (!log_entry_verify_inclusion(entry, leaf, err))
		return false;
	check(v, VERIFY_INCLUSION);
	begin(v, VERIFY_CHECKPOINT);
	if (!entry->checkpoint && v->bundle->form == BUNDLE_0_1)
		return true;
	if (!log_entry_verify_checkpoint(entry, verified->log, err))
		return false;
	verified->has_proof = true;
	check(v, VERIFY_CHECKPOINT);
	return true;
}

static bool entry_check(struct verification *v, const struct log_entry *entry, struct err **err)
{
	struct verified_entry verified = {.entry = entry};
	uint8_t leaf[MERKLE_HASH_SIZE];

	begin(v, VERIFY_ENTRY);
	verified.log = trust_root_log(v->root, entry->log_id);
	if (!verified.log)
		return pass_over(v,
			mem_printf("log entry %" PRIu64 ": of a log that the trusted "
				   "root does not have",
				entry->index));
	struct logged logged = {
		.signature = bundle_signature(v->bundle),
		.certificate = v->bundle->certificate,
		.key = v->key,
		.message = &v->message,
		.envelope = v->bundle->is_envelope ? &v->bundle->envelope : NULL,
		.envelope_text = v->bundle->envelope_text.data ? &v->bundle->envelope_text : NULL,
	};
	if (!log_entry_bind(entry, &logged, leaf, err))
		return false;
	check(v, VERIFY_ENTRY);
	if (!promise_check(v, &verified, err) || !proof_check(v, &verified, leaf, err))
		return false;
	*vec_push(&v->result->entries) = verified;
	return true;
}

static bool is_duplicate(const struct bundle *bundle, size_t index)
{
	const struct log_entry *entry = &bundle->entries.items[index];

	for (size_t i = 0; i < index; i++) {
		const struct log_entry *other = &bundle->entries.items[i];
		if (other->index == entry->index &&
			memcmp(other->log_id, entry->log_id, sizeof(entry->log_id)) == 0)
			return true;
	}
	return false;
}

static size_t distinct_logs(const struct verify_result *result)
{
	size_t count = 0;

	for (size_t i = 0; i < result->entries.len; i++) {
		size_t j = 0;
		while (result->entries.items[j].log != result->entries.items[i].log)
			j++;
		count += i == j;
	}
	return count;
}

static bool logs_check(struct verification *v, struct err **err)
{
	for (size_t i = 0; i < v->bundle->entries.len; i++) {
		begin(v, VERIFY_ENTRY);
		if (is_duplicate(v->bundle, i))
			return err_set(err, ERR_INVALID, "the same log entry twice");
		if (!entry_check(v, &v->bundle->entries.items[i], err))
			return false;
	}
	begin(v, VERIFY_LOG);
	if (distinct_logs(v->result) < v->policy->logs)
		return err_set(err, ERR_INVALID,
			"in %zu transparency logs of the trusted root; %zu required",
			distinct_logs(v->result), v->policy->logs);
	check(v, VERIFY_LOG);
	return true;
}

/* ---- Time ---- */

static bool timestamp_check(struct verification *v, const struct bytes *der, struct err **err)
{
	CLEANUP(timestamp_freep) struct timestamp *timestamp = NULL;
	CLEANUP(err_freep) struct err *reason = NULL;
	const struct trusted_authority *authority;
	int64_t seconds;

	if (!timestamp_parse(der->data, der->len, &timestamp, err))
		return false;
	if (timestamp_verify(timestamp, v->root, &v->time_stamped, &authority, &seconds, &reason)) {
		check(v, VERIFY_TIMESTAMP);
		return time_add(v, seconds, authority->uri, NULL);
	}
	if (err_is(reason, ERR_NOT_FOUND))
		return pass_over(v, mem_strdup(reason->msg));
	err_keep_first(err, &reason);
	return false;
}

/* An authority that stamps twice is one witness. */
static size_t distinct_times(const struct verify_result *result)
{
	size_t count = 0;

	for (size_t i = 0; i < result->times.len; i++) {
		size_t j = 0;
		while (strcmp(result->times.items[j].by, result->times.items[i].by) != 0)
			j++;
		count += i == j;
	}
	return count;
}

static bool key_counts_at(const struct trusted_log *log, int64_t seconds, struct err **err)
{
	char at[CLOCK_RFC3339_SIZE];

	if (validity_includes(&log->validity, seconds * 1000))
		return true;
	clock_format_rfc3339(seconds * 1000, at);
	return err_set(
		err, ERR_INVALID, "the key of log %.160s does not count at %s", log->base_url, at);
}

/* A log's key counts at the time it wrote, or for want of that when timestamps say it was signed. */
static bool log_key_check(
	struct verification *v, const struct verified_entry *verified, struct err **err)
{
	const struct trusted_log *log = verified->log;

	if (!log->validity.has_start)
		return err_set(err, ERR_INVALID,
			"log %.160s has no validFor.start in the trusted root", log->base_url);
	if (verified->has_promise && verified->entry->integrated_time)
		return key_counts_at(log, (int64_t)verified->entry->integrated_time, err);
	for (size_t i = 0; i < v->result->times.len; i++)
		if (!v->result->times.items[i].log &&
			!key_counts_at(log, v->result->times.items[i].seconds, err))
			return false;
	return true;
}

static bool times_check(struct verification *v, struct err **err)
{
	begin(v, VERIFY_TIMESTAMP);
	for (size_t i = 0; i < v->bundle->timestamps.len; i++)
		if (!timestamp_check(v, &v->bundle->timestamps.items[i], err))
			return false;
	begin(v, VERIFY_TIME);
	for (size_t i = 0; i < v->result->entries.len; i++)
		if (!log_key_check(v, &v->result->entries.items[i], err))
			return false;
	if (!v->bundle->certificate)
		return true;
	size_t wanted = v->policy->times > 0 ? v->policy->times : 1;
	if (distinct_times(v->result) < wanted)
		return err_set(err, ERR_INVALID,
			"%zu verified times of signing, by a log's promise or a timestamp; %zu "
			"required%s%s",
			distinct_times(v->result), wanted, v->result->passed_over.len ? ": " : "",
			v->result->passed_over.len ? v->result->passed_over.items[0] : "");
	check(v, VERIFY_TIME);
	return true;
}

/* ---- The certificate ---- */

/* A time that nobody vouches for proves nothing, but it may not contradict the certificate. */
static bool stated_times_check(const struct verification *v, struct err **err)
{
	for (size_t i = 0; i < v->result->entries.len; i++) {
		uint64_t stated = v->result->entries.items[i].entry->integrated_time;
		if (stated && !certificate_is_valid_at(v->bundle->certificate, (int64_t)stated))
			return err_set(err, ERR_INVALID,
				"the log entry's time is outside the certificate's validity");
	}
	return true;
}

static bool certificate_check(struct verification *v, struct err **err)
{
	int64_t seconds[BUNDLE_MAX_ENTRIES + BUNDLE_MAX_TIMESTAMPS];
	size_t count = v->result->times.len;

	begin(v, VERIFY_CERTIFICATE);
	for (size_t i = 0; i < count; i++)
		seconds[i] = v->result->times.items[i].seconds;
	if (!trust_root_issued(v->root, v->bundle->certificate, seconds, count,
		    &v->result->authority, &v->result->issuer, err) ||
		!stated_times_check(v, err))
		return false;
	check(v, VERIFY_CERTIFICATE);
	return true;
}

static bool sct_check(struct verification *v, struct err **err)
{
	begin(v, VERIFY_SCT);
	if (v->policy->scts == 0)
		return true;
	if (!sct_verify(v->bundle->certificate, v->result->issuer, v->root, v->result->scts,
		    &v->result->sct_count, err))
		return false;
	if (v->result->sct_count < v->policy->scts)
		return err_set(err, ERR_INVALID,
			"the certificate has SCTs of %zu logs of the trusted root; %zu required",
			v->result->sct_count, v->policy->scts);
	check(v, VERIFY_SCT);
	return true;
}

/* ---- Signature and identity ---- */

static bool signature_check(struct verification *v, struct err **err)
{
	const struct bytes *signature = bundle_signature(v->bundle);
	enum hash hashes[2];
	size_t count = public_key_hashes(v->key, hashes);
	uint8_t digest[HASH_MAX_SIZE];

	begin(v, VERIFY_SIGNATURE);
	for (size_t i = 0; i < count; i++)
		if (public_key_verify(
			    v->key, hashes[i], &v->message, signature->data, signature->len)) {
			check(v, VERIFY_SIGNATURE);
			return true;
		}
	if (!v->message.bytes &&
		(public_key_kind(v->key) == PUBLIC_KEY_ED25519 ||
			!message_digest(&v->message, hashes[0], digest)))
		return err_set(err, ERR_UNSUPPORTED,
			"this key's signature cannot be verified from the artifact's digest alone");
	return err_set(err, ERR_INVALID, "the signature is wrong");
}

static bool identity_check(struct verification *v, struct err **err)
{
	const char *identity = certificate_identity(v->bundle->certificate);
	const char *issuer = certificate_issuer(v->bundle->certificate);
	bool accepted = false;

	begin(v, VERIFY_IDENTITY);
	if (!identity || !issuer)
		return err_set(err, ERR_INVALID, "the certificate names no %s",
			identity ? "issuer of its identity" : "identity");
	if (!policy_accepts_signer(v->policy, identity, issuer, &accepted, err))
		return false;
	if (!accepted)
		return err_set(err, ERR_INVALID, "signed by \"%.1000s\" (issuer \"%.1000s\")",
			identity, issuer);
	check(v, VERIFY_IDENTITY);
	return true;
}

bool verify_bundle(const struct trust_root *root, const struct bundle *bundle,
	const struct message *artifact, const struct policy *policy,
	struct verify_result *ret_result, struct err **err)
{
	struct verification v = {
		.root = root,
		.bundle = bundle,
		.artifact = artifact,
		.policy = policy,
		.result = ret_result,
	};
	bool ok = signer_check(&v, err) && artifact_check(&v, err) && logs_check(&v, err) &&
		times_check(&v, err);

	if (ok && bundle->certificate)
		ok = certificate_check(&v, err) && sct_check(&v, err);
	ok = ok && signature_check(&v, err) && (!bundle->certificate || identity_check(&v, err));
	str_release(&v.pae);
	ret_result->passed = ok;
	return ok;
}

void verify_result_release(struct verify_result *result)
{
	mem_free(result->predicate_type);
	for (size_t i = 0; i < result->passed_over.len; i++)
		mem_free(result->passed_over.items[i]);
	vec_release(&result->passed_over);
	vec_release(&result->entries);
	vec_release(&result->times);
}
