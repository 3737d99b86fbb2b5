/*
 * What counts for an image, item by item. How a signature is verified is verify.h's; here is what it
 * must say: a signature by somebody who is trusted may be about something else, or be no signature of an
 * image at all but a record.
 */
#include "signer/image_verify.h"

#include <string.h>

#include "base/alloc.h"
#include "image/reference.h"
#include "signer/payload.h"

void image_verdicts_release(struct image_verdicts *verdicts)
{
	for (size_t i = 0; i < verdicts->items.len; i++) {
		struct image_verdict *verdict = &verdicts->items.items[i];
		verify_result_release(&verdict->result);
		mem_free(verdict->docker_reference);
		bytes_release(&verdict->predicate_statement);
		mem_free(verdict->why_not);
	}
	vec_release(&verdicts->items);
	*verdicts = (struct image_verdicts){0};
}

static struct message message_of_digest(const struct digest *digest)
{
	struct message message = {0};

	if (digest->algorithm == DIGEST_SHA256)
		return message_of_sha256(digest->bytes);
	message.known = 1u << HASH_SHA512;
	memcpy(message.digests[HASH_SHA512], digest->bytes, hash_size(HASH_SHA512));
	return message;
}

/* ---- Payloads ---- */

/* Docker Hub's aliases are one name. */
static bool names_agree(const char *a, const char *b)
{
	CLEANUP(mem_freep) char *left = NULL;
	CLEANUP(mem_freep) char *right = NULL;

	return strcmp(a, b) == 0 ||
		(registry_name_canonical(a, &left, NULL) &&
			registry_name_canonical(b, &right, NULL) && strcmp(left, right) == 0);
}

static bool payload_check(const struct image_policy *policy, const struct digest *image,
	struct image_verdict *verdict, struct err **err)
{
	CLEANUP(payload_release) struct payload payload = {0};
	const struct bytes *bytes = &verdict->item->payload;
	char text[DIGEST_TEXT_SIZE];

	if (policy->predicate_type)
		return err_set(err, ERR_INVALID, "a signature, no attestation");
	if (!payload_parse(bytes->data, bytes->len, &payload, err))
		return false;
	if (!digest_equal(&payload.digest, image))
		return err_set(err, ERR_INVALID, "it is about another image: %s",
			digest_format(&payload.digest, text));
	if (policy->docker_reference &&
		!names_agree(policy->docker_reference, payload.docker_reference))
		return err_set(err, ERR_INVALID,
			"it names the image %s (docker-reference), where %s is wanted",
			payload.docker_reference, policy->docker_reference);
	verdict->docker_reference = steal_ptr(&payload.docker_reference);
	return true;
}

/* ---- Statements ---- */

static bool type_check(
	const struct image_policy *policy, const struct verify_result *result, struct err **err)
{
	const char *type = result->predicate_type;

	if (policy->any_statement)
		return true;
	if (!policy->predicate_type && strcmp(type, ATTACHED_SIGNATURE_PREDICATE) != 0)
		return err_set(err, ERR_INVALID,
			"a statement of type %s, which is no signature of the image", type);
	if (policy->predicate_type && strcmp(type, policy->predicate_type) != 0)
		return err_set(err, ERR_INVALID, "a statement of type %s", type);
	return true;
}

/* After it was verified. */
static bool content_check(
	const struct image_policy *policy, struct image_verdict *verdict, struct err **err)
{
	const struct bundle *bundle = verdict->item->bundle;

	if (verdict->item->kind == ATTACHED_SIG)
		return true;
	if (!bundle->is_envelope)
		return !policy->predicate_type ||
			err_set(err, ERR_INVALID, "a signature, no attestation");
	if (!type_check(policy, &verdict->result, err))
		return false;
	verdict->predicate_statement.data =
		mem_dup(bundle->envelope.payload.data, bundle->envelope.payload.len);
	verdict->predicate_statement.len = bundle->envelope.payload.len;
	return true;
}

/* ---- All ---- */

static bool judge(const struct image_policy *policy, const struct digest *image,
	struct image_verdict *verdict, struct err **err)
{
	const struct attached_item *item = verdict->item;
	bool is_payload = item->kind == ATTACHED_SIG;
	const struct message artifact = is_payload
		? message_of_bytes(item->payload.data, item->payload.len)
		: message_of_digest(image);

	if (!item->bundle)
		return err_set(err, ERR_INVALID, "%s", item->error);
	if (is_payload && !payload_check(policy, image, verdict, err))
		return false;
	if (!verify_bundle(
		    policy->root, item->bundle, &artifact, policy->policy, &verdict->result, err))
		return err_prefix(
			err, "not verified, at %s", verify_step_name(verdict->result.failed));
	return content_check(policy, verdict, err);
}

void image_verify(const struct image_policy *policy, const struct digest *image,
	const struct attached *attached, struct image_verdicts *ret_verdicts)
{
	*ret_verdicts = (struct image_verdicts){0};
	for (size_t i = 0; i < attached->items.len; i++) {
		CLEANUP(err_freep) struct err *err = NULL;
		struct image_verdict *verdict = vec_push(&ret_verdicts->items);
		verdict->item = &attached->items.items[i];
		verdict->counts = judge(policy, image, verdict, &err);
		if (verdict->counts)
			ret_verdicts->counting++;
		else
			verdict->why_not = mem_strdup(err->msg);
	}
}
