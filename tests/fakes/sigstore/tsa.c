/* The timestamp authority (RFC 3161): OpenSSL's, which answers by our clock and with our faults. */
#include <openssl/err.h>
#include <openssl/ts.h>
#include <string.h>

#include "base/cleanup.h"
#include "tests/fakes/sigstore/fake.h"

#define TIMESTAMP_PATH "/api/v1/timestamp"
#define POLICY_OID "1.3.6.1.4.1.57264.2"

static ASN1_INTEGER *next_serial(TS_RESP_CTX *context, void *ctx)
{
	struct fake_sigstore *fake = ctx;
	ASN1_INTEGER *serial = ASN1_INTEGER_new();

	(void)context;
	fake_must(ASN1_INTEGER_set(serial, (long)fake->tsa_serial++ + 1));
	return serial;
}

static int tell_time(TS_RESP_CTX *context, void *ctx, long *seconds, long *microseconds)
{
	const struct fake_call *call = ctx;
	int64_t late = call->fault.action == FAKE_LATE ? fake_fault_number(&call->fault) : 0;

	(void)context;
	*seconds = (long)(fake_now_s(call->fake) + late);
	*microseconds = 0;
	return 1;
}

static TS_RESP_CTX *context_new(struct fake_call *call)
{
	struct fake_sigstore *fake = call->fake;
	bool is_strange = call->fault.action == FAKE_UNKNOWN_AUTHORITY;
	const struct fake_authority *signer = is_strange ? &fake->strange_tsa : &fake->tsa;
	const struct fake_authority *root = is_strange ? &fake->strange_tsa_root : &fake->tsa_root;
	TS_RESP_CTX *context = TS_RESP_CTX_new();
	ASN1_OBJECT *policy = OBJ_txt2obj(POLICY_OID, 1);
	STACK_OF(X509) *chain = sk_X509_new_null();

	fake_must(sk_X509_push(chain, root->certificate) > 0);
	fake_must(TS_RESP_CTX_set_signer_cert(context, signer->certificate));
	fake_must(TS_RESP_CTX_set_signer_key(context, signer->key));
	fake_must(TS_RESP_CTX_set_certs(context, chain));
	fake_must(TS_RESP_CTX_set_def_policy(context, policy));
	fake_must(TS_RESP_CTX_set_signer_digest(context, EVP_sha256()));
	fake_must(TS_RESP_CTX_set_ess_cert_id_digest(context, EVP_sha256()));
	fake_must(TS_RESP_CTX_add_md(context, EVP_sha256()));
	fake_must(TS_RESP_CTX_add_md(context, EVP_sha384()));
	fake_must(TS_RESP_CTX_add_md(context, EVP_sha512()));
	TS_RESP_CTX_set_serial_cb(context, next_serial, fake);
	TS_RESP_CTX_set_time_cb(context, tell_time, call);
	sk_X509_free(chain);
	ASN1_OBJECT_free(policy);
	return context;
}

/* The next number: as long as the right one, and nearly it. */
static void change_nonce(TS_REQ *question)
{
	const ASN1_INTEGER *asked = TS_REQ_get_nonce(question);
	BIGNUM *number = asked ? ASN1_INTEGER_to_BN(asked, NULL) : BN_new();

	fake_must(number && BN_add_word(number, 1));
	ASN1_INTEGER *nonce = BN_to_ASN1_INTEGER(number, NULL);
	fake_must(nonce && TS_REQ_set_nonce(question, nonce));
	ASN1_INTEGER_free(nonce);
	BN_free(number);
}

/* OpenSSL cannot take a nonce away. */
static TS_REQ *question_without_nonce(TS_REQ *question)
{
	TS_REQ *copy = TS_REQ_new();

	fake_must(TS_REQ_set_version(copy, 1));
	fake_must(TS_REQ_set_msg_imprint(copy, TS_REQ_get_msg_imprint(question)));
	fake_must(TS_REQ_set_cert_req(copy, TS_REQ_get_cert_req(question)));
	TS_REQ_free(question);
	return copy;
}

static void change_imprint(TS_REQ *question)
{
	ASN1_OCTET_STRING *text = TS_MSG_IMPRINT_get_msg(TS_REQ_get_msg_imprint(question));
	CLEANUP(mem_freep)
	uint8_t *bytes = mem_dup(ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text));

	bytes[3] ^= 1;
	fake_must(ASN1_OCTET_STRING_set(text, bytes, ASN1_STRING_length(text)));
}

/* Makes of the question the one that the fault has us answer. */
static TS_REQ *changed(TS_REQ *question, enum fake_action fault)
{
	if (fault == FAKE_WRONG_IMPRINT) {
		change_imprint(question);
	} else if (fault == FAKE_NO_NONCE) {
		return question_without_nonce(question);
	} else if (fault == FAKE_WRONG_NONCE) {
		change_nonce(question);
	} else if (fault == FAKE_REJECTED) {
		ASN1_OBJECT *policy = OBJ_txt2obj("1.2.3.4", 1);
		fake_must(TS_REQ_set_policy_id(question, policy));
		ASN1_OBJECT_free(policy);
	}
	return question;
}

/* OpenSSL reads its question from a BIO. */
static TS_RESP *answer_to(struct fake_call *call, TS_REQ *question)
{
	BIO *bio = BIO_new(BIO_s_mem());
	TS_RESP_CTX *context = context_new(call);

	fake_must(i2d_TS_REQ_bio(bio, question));
	TS_RESP *response = TS_RESP_create_response(context, bio);
	fake_must(response != NULL);
	TS_RESP_CTX_free(context);
	BIO_free(bio);
	ERR_clear_error();
	return response;
}

static void refuse(struct fake_call *call, int status, const char *message)
{
	fake_answer_json(call, status, json_pack("{s:i,s:s}", "code", status, "message", message));
}

static void answer_timestamp(struct fake_call *call, TS_REQ *question)
{
	unsigned char *der = NULL;
	TS_RESP *response = answer_to(call, question);
	int len = i2d_TS_RESP(response, &der);

	fake_must(len > 0);
	/* The signature is the last thing in the answer. */
	if (call->fault.action == FAKE_BAD_SIGNATURE)
		der[len - 1] ^= 1;
	fake_answer_text(call, 200, "application/timestamp-reply", "");
	str_add(&call->answer, der, (size_t)len);
	OPENSSL_free(der);
	TS_RESP_free(response);
}

static void timestamp(struct fake_call *call)
{
	const unsigned char *begin = (const unsigned char *)str_text(&call->body), *at = begin;
	const char *type = tiny_header(call->exchange, "Content-Type");
	TS_REQ *question = d2i_TS_REQ(NULL, &at, (long)call->body.len);

	if (!type || strcmp(type, "application/timestamp-query") != 0) {
		refuse(call, 415, "unsupported media type");
	} else if (!question || at != begin + call->body.len) {
		refuse(call, 400, "Error generating timestamp response");
	} else {
		question = changed(question, call->fault.action);
		answer_timestamp(call, question);
	}
	TS_REQ_free(question);
	ERR_clear_error();
}

static void answer_chain(struct fake_call *call)
{
	CLEANUP(mem_freep) char *leaf = fake_pem(call->fake->tsa.certificate);
	CLEANUP(mem_freep) char *root = fake_pem(call->fake->tsa_root.certificate);
	CLEANUP(mem_freep) char *both = mem_printf("%s%s", leaf, root);

	fake_answer_text(call, 200, "application/pem-certificate-chain", both);
}

void fake_tsa(struct fake_call *call)
{
	if (fake_call_is(call, "POST", TIMESTAMP_PATH))
		timestamp(call);
	else if (fake_call_is(call, "GET", TIMESTAMP_PATH "/certchain"))
		answer_chain(call);
	else if (fake_call_is(call, "GET", "/ping"))
		fake_answer_text(call, 200, "text/plain", "pong");
}
