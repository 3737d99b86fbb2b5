/*
 * The steps for one image. How a signature is made and proven is signer/'s matter, which image is to
 * be signed the schedule's.
 */
#include "reconciler/signing.h"

#include <string.h>

#include "base/once.h"
#include "reconciler/json_out.h"
#include "reconciler/signing_fence.h"
#include "reconciler/signing_reader.h"
#include "signer/attached.h"
#include "signer/image_verify.h"

struct signing {
	const struct signing_options *options;
	struct registry *registry;   /* of the signing class */
	char *version;		     /* value of the annotation */
	struct payload_forms *forms; /* that were read */
	const struct clock *clock;
	struct cancel *cancel;
	struct once *images; /* who works on which */
	struct carry *carry;
	struct signing_fence fence;
	void (*announce)(void *ctx, enum phase phase);
	void *ctx;
	atomic_bool announced[PHASES];
};

/* Of one image. */
struct effort {
	struct signing *signing;
	const struct repository *primary;
	const struct signing_listed *listed;
	const struct promotion *promotion;
	struct http_tally *tally;
	struct signing_outcome *outcome;
	struct attached attached;
	int64_t read_ms;	  /* monotonic, when that was read */
	bool may_ask;		  /* the services were not fenced when they were first needed */
	struct document manifest; /* once a bundle has to refer to it */
	struct cargo cargo;	  /* what staging has for it, without what has arrived */
	unsigned relied_on;	  /* kinds of the cargo that are ours: they spare us one */
};

char *signing_annotation_value(const char *program_version)
{
	return mem_printf("kpromo-cip-v%s", program_version);
}

struct signing *signing_new(const struct signing_options *options, struct registry *registry,
	const struct clock *clock, struct cancel *cancel,
	void (*announce)(void *ctx, enum phase phase), void *ctx)
{
	struct signing *signing = mem_new(1, sizeof(*signing));

	signing->options = options;
	signing->registry = registry_for_signing(registry);
	signing->version = signing_annotation_value(options->run->program_version);
	signing->forms = payload_forms_new();
	signing->clock = clock;
	signing->cancel = cancel;
	signing->images = once_new();
	signing->carry = carry_new(&options->carry, signing->registry, clock, cancel);
	signing_fence_init(&signing->fence, clock);
	signing->announce = announce;
	signing->ctx = ctx;
	return signing;
}

void signing_free(struct signing *signing)
{
	if (!signing)
		return;
	signing_fence_release(&signing->fence);
	carry_free(signing->carry);
	once_free(signing->images);
	payload_forms_free(signing->forms);
	mem_free(signing->version);
	mem_free(signing);
}

static void announce(struct signing *signing, enum phase phase)
{
	if (!atomic_exchange(&signing->announced[phase], true))
		signing->announce(signing->ctx, phase);
}

static struct payload_annotation annotation_of(const struct effort *e)
{
	return (struct payload_annotation){SIGNING_ANNOTATION, e->signing->version};
}

static struct carry_image carry_image_of(const struct effort *e)
{
	return (struct carry_image){
		.source = e->promotion->source,
		.primary = e->primary,
		.digest = &e->promotion->digest,
		.tally = e->tally,
	};
}

/* ---- What is there ---- */

/* What was absent longer ago may be there now (signer/attached.h). */
#define ABSENT_MS (50 * 1000)
#define ALL_KINDS (ATTACHED_SIG | ATTACHED_ATT | ATTACHED_BUNDLE)

static bool is_fresh(const struct effort *e, int64_t seen_ms)
{
	return clock_monotonic_ms(e->signing->clock) - seen_ms < ABSENT_MS;
}

/* What the list has not shown need not be read; of bundles, the registry's API may know some. */
static unsigned kinds_to_read(const struct effort *e)
{
	unsigned kinds = ALL_KINDS;

	if (!e->listed->absent || !is_fresh(e, e->listed->ms))
		return kinds;
	kinds &= ~e->listed->absent;
	return kinds & ATTACHED_BUNDLE ? kinds : kinds | ATTACHED_BUNDLE_LISTED;
}

static bool read_attached(struct effort *e, struct err **err)
{
	unsigned kinds = kinds_to_read(e);
	const struct payload_annotation annotation = annotation_of(e);
	const struct attached_query query = {
		.kinds = kinds,
		.docker_reference = e->promotion->destination,
		.annotations = &annotation,
		.annotation_count = 1,
		.forms = e->signing->forms,
		.keep_parts = carry_is_on(e->signing->carry),
	};

	e->read_ms = kinds == ALL_KINDS ? clock_monotonic_ms(e->signing->clock) : e->listed->ms;
	return attached_read(e->signing->registry, e->primary, &e->promotion->digest, &query,
		e->tally, &e->attached, err);
}

static enum sign_form form_of(const struct attached_item *item)
{
	return item->kind == ATTACHED_BUNDLE ? SIGN_BUNDLE : SIGN_LEGACY;
}

/* Of the primary's and of what staging carries. Returns the kinds of which something counts. */
static unsigned judge_signatures(const struct effort *e, const struct policy *policy,
	const struct attached *attached, struct signing_found *found)
{
	const struct image_policy wanted = {
		.root = e->signing->options->root,
		.policy = policy,
		.docker_reference = e->promotion->destination,
	};
	CLEANUP(image_verdicts_release) struct image_verdicts verdicts = {0};
	unsigned kinds = 0;

	image_verify(&wanted, &e->promotion->digest, attached, &verdicts);
	for (size_t i = 0; i < verdicts.items.len; i++) {
		const struct attached_item *item = verdicts.items.items[i].item;
		if (item->kind == ATTACHED_SIG)
			payload_forms_learn(e->signing->forms, e->promotion->destination,
				&e->promotion->digest, item->payload.data, item->payload.len);
		if (!verdicts.items.items[i].counts)
			continue;
		found->is_signed[form_of(item)] = true;
		kinds |= item->kind;
	}
	return kinds;
}

static unsigned judge_statements(const struct effort *e, const struct policy *policy,
	const struct attached *attached, enum promotion_statement statement,
	struct signing_found *found)
{
	const struct image_policy wanted = {
		.root = e->signing->options->root,
		.policy = policy,
		.predicate_type = promotion_type(statement),
	};
	CLEANUP(image_verdicts_release) struct image_verdicts verdicts = {0};
	unsigned kinds = 0;

	image_verify(&wanted, &e->promotion->digest, attached, &verdicts);
	for (size_t i = 0; i < verdicts.items.len; i++) {
		const struct image_verdict *verdict = &verdicts.items.items[i];

		if (!verdict->counts ||
			!promotion_is_said(statement, e->promotion,
				verdict->predicate_statement.data,
				verdict->predicate_statement.len))
			continue;
		found->says[form_of(verdict->item)][statement] = true;
		kinds |= verdict->item->kind;
	}
	return kinds;
}

/* Once for an image: the attempt that ends a fence must come through. */
static bool may_ask(struct effort *e, struct err **err)
{
	if (!e->may_ask)
		e->may_ask = signing_fence_check(&e->signing->fence, err);
	return e->may_ask;
}

/* Certificates may have to be asked for, so this may fail as signing does. */
static bool ask_identity(
	struct signing *signing, struct policy_signer *ret_signer, struct err **err)
{
	CLEANUP(err_freep) struct err *why = NULL;

	if (!signing->options->signer) {
		ret_signer->identity.exact = signing->options->reader_identity;
		ret_signer->issuer.exact = signing->options->reader_issuer;
		return true;
	}
	if (signer_identity(signing->options->signer, &ret_signer->identity.exact,
		    &ret_signer->issuer.exact, &why))
		return true;
	signing_fence_note(&signing->fence, why);
	if (err)
		*err = steal_ptr(&why);
	return false;
}

static unsigned judge(const struct effort *e, const struct policy *policy,
	const struct attached *attached, struct signing_found *found)
{
	unsigned kinds = judge_signatures(e, policy, attached, found);

	for (size_t i = 0; i < attached->items.len; i++)
		if (attached->items.items[i].kind == ATTACHED_BUNDLE)
			found->has_bundle = true;
	for (int statement = 0; statement < PROMOTION_STATEMENTS; statement++)
		if (e->signing->options->wanted.statements[statement])
			kinds |= judge_statements(e, policy, attached, statement, found);
	return kinds;
}

static bool who_we_are(struct effort *e, struct policy_signer *ret_signer, struct err **err)
{
	return may_ask(e, err) && ask_identity(e->signing, ret_signer, err);
}

bool signing_identity(struct signing *signing, struct policy_signer *ret_signer, struct err **err)
{
	return signing_fence_check(&signing->fence, err) && ask_identity(signing, ret_signer, err);
}

static bool judge_attached(struct effort *e, struct signing_found *found, struct err **err)
{
	const struct signing_options *options = e->signing->options;
	const struct carry_image image = carry_image_of(e);
	struct policy_signer signer = {0};
	struct policy policy = POLICY_INIT;

	if (!e->attached.items.len && !e->cargo.attached.items.len)
		return true;
	if (!who_we_are(e, &signer, err))
		return false;
	policy.signers = &signer;
	policy.signer_count = 1;
	policy.scts = options->scts;
	judge(e, &policy, &e->attached, found);
	carry_choose(e->signing->carry, &image, options->root, &policy, &e->attached, &e->cargo);
	e->relied_on = judge(e, &policy, &e->cargo.attached, found);
	return true;
}

/* ---- Making ---- */

static const char *form_name(enum sign_form form)
{
	return form == SIGN_BUNDLE ? "bundle" : "legacy";
}

/* An entry in a log is there whether or not the signature can be attached. */
static void note_logged(
	struct effort *e, enum sign_form form, const char *type, const struct bundle *bundle)
{
	for (size_t i = 0; i < bundle->entries.len; i++) {
		const struct log_entry *entry = &bundle->entries.items[i];
		const struct trusted_log *log =
			trust_root_log(e->signing->options->root, entry->log_id);

		*vec_push(&e->outcome->logged) = (struct record_logged){
			.type = type,
			.form = form_name(form),
			.serial = bundle->certificate
				? mem_strdup(certificate_serial(bundle->certificate))
				: NULL,
			.log = log ? log->base_url : NULL,
			.index = entry->index,
			.unix_ms = clock_unix_ms(e->signing->clock),
		};
	}
}

static bool sign(struct effort *e, enum sign_form form, const char *type,
	const struct sign_content *content, struct bundle **ret_bundle, struct err **err)
{
	struct signing *signing = e->signing;
	CLEANUP(err_freep) struct err *why = NULL;

	if (!may_ask(e, err))
		return false;
	if (signer_sign(signing->options->signer, form, content, ret_bundle, &why)) {
		signing_fence_note(&signing->fence, NULL);
		note_logged(e, form, type, *ret_bundle);
		return true;
	}
	signing_fence_note(&signing->fence, why);
	if (err)
		*err = steal_ptr(&why);
	return false;
}

static bool sign_statement(struct effort *e, enum sign_form form, const char *type,
	const struct str *statement, struct bundle **ret_bundle, struct err **err)
{
	const struct message artifact = message_of_sha256(e->promotion->digest.bytes);
	const struct sign_content content = {
		.bytes = statement->bytes,
		.len = statement->len,
		.artifact = &artifact,
		.payload_type = DSSE_PAYLOAD_INTOTO,
	};

	return sign(e, form, type, &content, ret_bundle, err);
}

/* ---- Attaching ---- */

static bool attach_referrers(
	struct effort *e, const struct attach_item *items, size_t count, struct err **err)
{
	e->outcome->written |= ATTACHED_BUNDLE;
	if (!e->manifest.bytes && !items[0].parts &&
		!registry_manifest_get(e->signing->registry, e->primary, &e->promotion->digest,
			e->tally, &e->manifest, err))
		return false;
	return attach_bundles(e->signing->registry, e->primary, &e->promotion->digest,
		e->manifest.media_type, (int64_t)e->manifest.len, items, count, e->tally, err);
}

static bool attach_layers(struct effort *e, enum attached_kind kind,
	const struct attach_item *items, size_t count, struct err **err)
{
	bool is_absent = !(e->attached.found & kind) && is_fresh(e, e->read_ms);

	e->outcome->written |= kind;
	return attach_legacy(e->signing->registry, e->primary, &e->promotion->digest, kind,
		is_absent, items, count, e->tally, err);
}

static bool push(struct effort *e, enum attached_kind kind, const struct attach_item *items,
	size_t count, struct err **err)
{
	return kind == ATTACHED_BUNDLE ? attach_referrers(e, items, count, err)
				       : attach_layers(e, kind, items, count, err);
}

/* What is carried is the reason, or may be; not the registry, nor that the run was stopped. */
static bool may_be_its_fault(const struct err *err)
{
	return err_is(err, ERR_TOO_LARGE) || err_is(err, ERR_INVALID) ||
		err_is(err, ERR_UNSUPPORTED) || err_is(err, ERR_NOT_FOUND) ||
		err_is(err, ERR_DIGEST);
}

/*
 * Ours, if there are any, and what staging carries of the kind in one push. What cannot be carried is left
 * behind if ours go without it.
 */
static bool attach(struct effort *e, enum attached_kind kind, const struct attach_item *items,
	size_t count, struct err **err)
{
	CLEANUP(err_freep) struct err *why = NULL;
	CLEANUP(mem_freep)
	struct attach_item *all = cargo_load(&e->cargo, kind, items, count);
	size_t carried = cargo_count(&e->cargo, kind);

	if (carried == 0)
		return count == 0 || push(e, kind, items, count, err);
	if (push(e, kind, all, count + carried, &why)) {
		cargo_arrived(&e->cargo, kind);
		return true;
	}
	cargo_stayed(&e->cargo, kind, why);
	if ((e->relied_on & kind) || (count > 0 && !may_be_its_fault(why))) {
		err_keep_first(err, &why);
		return false;
	}
	return count == 0 || push(e, kind, items, count, err);
}

static bool make_legacy_signature(struct effort *e, struct err **err)
{
	CLEANUP(str_release) struct str payload = STR_INIT(PAYLOAD_MAX_SIZE);
	const struct payload_annotation annotation = annotation_of(e);
	CLEANUP(bundle_freep) struct bundle *bundle = NULL;

	payload_write(e->promotion->destination, &e->promotion->digest, &annotation, 1, &payload);
	const struct sign_content content = {.bytes = payload.bytes, .len = payload.len};
	if (!sign(e, SIGN_LEGACY, "signature", &content, &bundle, err))
		return false;
	const struct attach_item item = {
		.bundle = bundle, .payload = payload.bytes, .payload_len = payload.len};
	return attach(e, ATTACHED_SIG, &item, 1, err);
}

/* The statement that cosign v3 signs instead of a payload. */
static void write_signature_statement(const struct effort *e, struct str *text)
{
	struct json_out out = {.text = text};
	char digits[DIGEST_TEXT_SIZE];

	digest_format(&e->promotion->digest, digits);
	json_out_open(&out, NULL, '{');
	json_out_text(&out, "_type", "https://in-toto.io/Statement/v1");
	json_out_open(&out, "subject", '[');
	json_out_open(&out, NULL, '{');
	json_out_open(&out, "digest", '{');
	json_out_text(&out, "sha256", strchr(digits, ':') + 1);
	json_out_close(&out, '}');
	json_out_open(&out, "annotations", '{');
	json_out_text(&out, SIGNING_ANNOTATION, e->signing->version);
	json_out_close(&out, '}');
	json_out_close(&out, '}');
	json_out_close(&out, ']');
	json_out_text(&out, "predicateType", ATTACHED_SIGNATURE_PREDICATE);
	json_out_open(&out, "predicate", '{');
	json_out_close(&out, '}');
	json_out_close(&out, '}');
}

static bool make_bundle_signature(struct effort *e, struct err **err)
{
	CLEANUP(str_release) struct str statement = STR_INIT(PROMOTION_STATEMENT_MAX);
	CLEANUP(bundle_freep) struct bundle *bundle = NULL;

	write_signature_statement(e, &statement);
	if (!sign_statement(e, SIGN_BUNDLE, "signature", &statement, &bundle, err))
		return false;
	const struct attach_item item = {
		.bundle = bundle, .predicate_type = ATTACHED_SIGNATURE_PREDICATE};
	return attach(e, ATTACHED_BUNDLE, &item, 1, err);
}

static bool make_signatures(struct effort *e, const struct signing_todo *todo, struct err **err)
{
	return (!todo->sign[SIGN_BUNDLE] || make_bundle_signature(e, err)) &&
		(!todo->sign[SIGN_LEGACY] || make_legacy_signature(e, err));
}

struct made_statements {
	struct bundle *bundles[PROMOTION_STATEMENTS];
	struct attach_item items[PROMOTION_STATEMENTS];
	size_t count;
};

static void made_statements_release(struct made_statements *made)
{
	for (size_t i = 0; i < made->count; i++)
		bundle_free(made->bundles[i]);
}

static bool make_statement(struct effort *e, enum sign_form form,
	enum promotion_statement statement, struct made_statements *made, struct err **err)
{
	CLEANUP(str_release) struct str text = STR_INIT(PROMOTION_STATEMENT_MAX);
	const char *type = promotion_type(statement);

	promotion_write(statement, e->promotion, &text);
	if (str_overflowed(&text))
		return err_set(err, ERR_TOO_LARGE,
			"the statement about the promotion of %s is too large",
			e->promotion->destination);
	if (!sign_statement(e, form, type, &text, &made->bundles[made->count], err))
		return false;
	made->items[made->count] =
		(struct attach_item){.bundle = made->bundles[made->count], .predicate_type = type};
	made->count++;
	return true;
}

/* All that one form lacks, in one push where the form has one place for them. */
static bool make_statements(
	struct effort *e, const struct signing_todo *todo, enum sign_form form, struct err **err)
{
	CLEANUP(made_statements_release) struct made_statements made = {0};

	for (int statement = 0; statement < PROMOTION_STATEMENTS; statement++)
		if (todo->state[form][statement] && !make_statement(e, form, statement, &made, err))
			return false;
	if (!made.count)
		return true;
	return attach(e, form == SIGN_BUNDLE ? ATTACHED_BUNDLE : ATTACHED_ATT, made.items,
		made.count, err);
}

/* ---- In order ---- */

static enum signed_state state_of(const struct err *err)
{
	return err_is(err, ERR_CANCELLED) ? SIGNED_NOT_DONE : SIGNED_FAILED;
}

static void carry_out(struct effort *e, const struct signing_todo *todo)
{
	struct signing_outcome *outcome = e->outcome;

	outcome->signature = SIGNED_BEFORE;
	outcome->attestation = SIGNED_BEFORE;
	if (signing_todo_signs(todo)) {
		announce(e->signing, PHASE_SIGN);
		outcome->signature = SIGNED_NOW;
	}
	/* Bundles of others come only where a bundle of ours is. */
	if (!make_signatures(e, todo, &outcome->err) ||
		!attach(e, ATTACHED_SIG, NULL, 0, &outcome->err) ||
		!attach(e, ATTACHED_BUNDLE, NULL, 0, &outcome->err)) {
		outcome->signature = outcome->attestation = state_of(outcome->err);
		return;
	}
	if (signing_todo_states(todo)) {
		announce(e->signing, PHASE_ATTEST);
		outcome->attestation = SIGNED_NOW;
	}
	if (!make_statements(e, todo, SIGN_BUNDLE, &outcome->err) ||
		!make_statements(e, todo, SIGN_LEGACY, &outcome->err) ||
		!attach(e, ATTACHED_ATT, NULL, 0, &outcome->err))
		outcome->attestation = state_of(outcome->err);
}

static void work_on(struct effort *e)
{
	const struct signing_wanted *wanted = &e->signing->options->wanted;
	const struct carry_image image = carry_image_of(e);
	struct signing_found found = {0};
	struct signing_todo todo;
	bool ok = read_attached(e, &e->outcome->err);

	if (ok)
		carry_read(e->signing->carry, &image, &e->cargo);
	if (!ok || !judge_attached(e, &found, &e->outcome->err)) {
		e->outcome->signature = e->outcome->attestation = state_of(e->outcome->err);
		return;
	}
	todo = signing_plan(wanted, &found);
	if (e->signing->options->signer)
		carry_out(e, &todo);
	else
		signing_reader_tell(e->signing->options->reader_identity, &e->attached, &found,
			&todo, e->outcome);
	if (e->signing->options->signer && !e->outcome->err)
		carry_rest(e->signing->carry, &image, &e->attached, &e->cargo);
	if (!wanted->statements[PROMOTION_RECORD] && !wanted->statements[PROMOTION_SLSA])
		e->outcome->attestation = SIGNED_NOT_ASKED;
}

void signing_carry_out(struct signing *signing, const struct repository *primary,
	const struct signing_listed *listed, const struct promotion *promotion,
	struct http_tally *tally, struct signing_outcome *ret_outcome)
{
	struct effort effort = {
		.signing = signing,
		.primary = primary,
		.listed = listed,
		.promotion = promotion,
		.tally = tally,
		.outcome = ret_outcome,
		.manifest = {0},
	};
	char digest[DIGEST_TEXT_SIZE];
	CLEANUP(mem_freep)
	char *image = mem_printf("%s/%s@%s", primary->host, primary->path,
		digest_format(&promotion->digest, digest));

	*ret_outcome = (struct signing_outcome){
		.signature = SIGNED_NOT_DONE, .attestation = SIGNED_NOT_DONE};
	if (once_begin(signing->images, image, signing->cancel) != ONCE_MINE)
		return;
	work_on(&effort);
	/* Nothing is remembered: somebody else may have another promotion of it to state. */
	once_finish(signing->images, image, false);
	cargo_finish(&effort.cargo, image, &ret_outcome->carried);
	attached_release(&effort.attached);
	document_release(&effort.manifest);
}
