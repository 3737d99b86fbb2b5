#include "tests/fakes/model_signer.h"

#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "base/enc.h"
#include "signer/bundle_write.h"
#include "signer/statement.h"

#define OURS "ours"

struct signer {
	const char *name;
	atomic_uint made;
};

struct signer *model_signer_new(const char *name)
{
	struct signer *signer = mem_new(1, sizeof(*signer));

	signer->name = name;
	return signer;
}

void model_signer_free(struct signer *signer)
{
	mem_free(signer);
}

bool signer_identity(
	struct signer *signer, const char **ret_identity, const char **ret_issuer, struct err **err)
{
	(void)signer;
	(void)err;
	*ret_identity = OURS;
	*ret_issuer = "model";
	return true;
}

static struct bytes bytes_of(const void *data, size_t len)
{
	return (struct bytes){mem_dup(data, len), len};
}

bool signer_sign(struct signer *signer, enum sign_form form, const struct sign_content *content,
	struct bundle **ret_bundle, struct err **err)
{
	CLEANUP(mem_freep)
	char *text = mem_printf(OURS " %s %u", signer->name, atomic_fetch_add(&signer->made, 1));
	struct bytes signature = bytes_of(text, strlen(text));
	struct bundle *bundle = mem_new(1, sizeof(*bundle));

	(void)form;
	(void)err;
	bundle->form = BUNDLE_LEGACY;
	bundle->is_envelope = content->payload_type != NULL;
	if (bundle->is_envelope)
		bundle->envelope = (struct dsse_envelope){mem_strdup(content->payload_type),
			bytes_of(content->bytes, content->len), signature};
	else
		bundle->signature = signature;
	*ret_bundle = bundle;
	return true;
}

bool verify_bundle(const struct trust_root *root, const struct bundle *bundle,
	const struct message *artifact, const struct policy *policy,
	struct verify_result *ret_result, struct err **err)
{
	const struct bytes *signature =
		bundle->is_envelope ? &bundle->envelope.signature : &bundle->signature;
	CLEANUP(statement_release) struct statement statement = {0};

	(void)root;
	(void)artifact;
	(void)policy;
	if (signature->len < strlen(OURS) || memcmp(signature->data, OURS, strlen(OURS)) != 0)
		return err_set(err, ERR_INVALID, "not ours");
	if (bundle->is_envelope) {
		if (!statement_parse(bundle->envelope.payload.data, bundle->envelope.payload.len,
			    &statement, err))
			return false;
		ret_result->predicate_type = steal_ptr(&statement.predicate_type);
	}
	ret_result->passed = true;
	return true;
}

void verify_result_release(struct verify_result *result)
{
	mem_free(result->predicate_type);
	result->predicate_type = NULL;
}

const char *verify_step_name(enum verify_step step)
{
	(void)step;
	return "signature";
}

/* As the real ones, without what the model's signatures have not. */
bool bundle_write_legacy(
	const struct bundle *bundle, struct legacy_text *ret_text, struct err **err)
{
	struct str blob = STR_INIT(STR_TEXT_MAX);

	(void)err;
	*ret_text = (struct legacy_text){.signature = mem_strdup("")};
	if (!bundle->is_envelope) {
		mem_free(ret_text->signature);
		ret_text->signature = base64_encode(bundle->signature.data, bundle->signature.len);
		return true;
	}
	dsse_write(&bundle->envelope, &blob);
	ret_text->blob = str_steal(&blob, &ret_text->len);
	return true;
}

void bundle_write(const struct bundle *bundle, struct str *out)
{
	(void)bundle;
	str_add_text(out, "{}");
}

void legacy_text_release(struct legacy_text *text)
{
	mem_free(text->blob);
	mem_free(text->signature);
}
