/*
 * Fulcio's v2 interface: a certificate for ten minutes to whoever shows a token of one of our
 * issuers and proves to have the key. What a token says becomes names and extensions here; how
 * tokens look is oidc.c's matter, SCTs are ct.c's.
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/cleanup.h"
#include "tests/fakes/sigstore/fake.h"

#define FULCIO_OID "1.3.6.1.4.1.57264.1."
#define BAD_TOKEN "There was an error processing the identity token"
#define BAD_KEY "The public key supplied in the request could not be parsed"

enum { LIFETIME_S = 600, UTF8_EXTENSION_FIRST = 8 };

/* ---- What is asked for ---- */

struct asked {
	EVP_PKEY *key;
	json_t *claims;
	enum fake_issuer issuer;
};

static const char *claim(const struct asked *asked, const char *name)
{
	const char *text = json_string_value(json_object_get(asked->claims, name));

	return text ? text : "";
}

static const char *challenge_of(const struct asked *asked)
{
	return claim(asked, asked->issuer == FAKE_ISSUER_EMAIL ? "email" : "sub");
}

static bool key_is_taken(EVP_PKEY *key)
{
	int kind = key ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE;

	return kind == EVP_PKEY_EC || kind == EVP_PKEY_ED25519 ||
		(kind == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) >= 2048);
}

static const char *read_key(json_t *request, struct asked *asked)
{
	CLEANUP(str_release) struct str pem = STR_INIT(64 * 1024);
	CLEANUP(str_release) struct str proof = STR_INIT(64 * 1024);
	const char *content, *proof_text = "", *challenge = challenge_of(asked);

	/* What is said of the key's algorithm counts for nothing: the key says it. */
	if (json_unpack(request, "{s:{s:s},s?s}", "publicKey", "content", &content,
		    "proofOfPossession", &proof_text) != 0)
		return BAD_KEY;
	str_add_text(&pem, content);
	asked->key = strstr(content, "BEGIN PUBLIC KEY") ? fake_key_of_pem(&pem) : NULL;
	if (!key_is_taken(asked->key))
		return BAD_KEY;
	if (!fake_unbase64(proof_text, strlen(proof_text), &proof) ||
		!fake_verify(asked->key, challenge, strlen(challenge), &proof))
		return "The signature supplied in the request could not be verified";
	return NULL;
}

static const char *read_csr(const char *text, struct asked *asked)
{
	CLEANUP(str_release) struct str pem = STR_INIT(64 * 1024);

	if (!fake_unbase64(text, strlen(text), &pem))
		return "The certificate signing request could not be parsed";
	BIO *bio = BIO_new_mem_buf(pem.bytes, (int)pem.len);
	X509_REQ *csr = PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL);
	bool ok = csr && X509_REQ_verify(csr, X509_REQ_get0_pubkey(csr)) == 1;

	asked->key = ok ? X509_REQ_get_pubkey(csr) : NULL;
	X509_REQ_free(csr);
	BIO_free(bio);
	ERR_clear_error();
	return key_is_taken(asked->key) ? NULL
					: "The certificate signing request could not be parsed";
}

static const char *read_token(struct fake_call *call, json_t *request, struct asked *asked)
{
	const char *header = tiny_header(call->exchange, "Authorization"), *token = NULL;

	json_unpack(request, "{s?{s?s}}", "credentials", "oidcIdentityToken", &token);
	if (!token && header && strncasecmp(header, "Bearer ", 7) == 0)
		token = header + 7;
	asked->claims = token ? fake_token_read(call->fake, token, &asked->issuer) : NULL;
	return asked->claims ? NULL : BAD_TOKEN;
}

/* ---- The certificate ---- */

/* The subject alternative name, as OpenSSL's configuration writes it. */
static char *identity(const struct asked *asked, enum fake_action fault)
{
	const char *name = "", *namespace = "";

	if (fault == FAKE_WRONG_IDENTITY)
		return mem_strdup("critical,email:somebody-else@example.com");
	switch (asked->issuer) {
	case FAKE_ISSUER_EMAIL:
		return mem_printf("critical,email:%s", claim(asked, "email"));
	case FAKE_ISSUER_ACTIONS:
		return mem_printf(
			"critical,URI:https://github.com/%s", claim(asked, "job_workflow_ref"));
	case FAKE_ISSUER_BUILDKITE:
		return mem_printf("critical,URI:https://buildkite.com/%s/%s",
			claim(asked, "organization_slug"), claim(asked, "pipeline_slug"));
	case FAKE_ISSUER_KUBERNETES:
		json_unpack(asked->claims, "{s:{s:s,s:{s:s}}}", "kubernetes.io", "namespace",
			&namespace, "serviceaccount", "name", &name);
		return mem_printf(
			"critical,URI:https://kubernetes.io/namespaces/%s/serviceaccounts/%s",
			namespace, name);
	default:
		return mem_printf("critical,URI:%s", claim(asked, "sub"));
	}
}

/* N up to 6 is the text itself, above that a UTF8String. */
static void add_claim(X509 *certificate, unsigned number, const char *text)
{
	CLEANUP(mem_freep) char *oid = mem_printf(FULCIO_OID "%u", number);
	unsigned char *der = NULL;

	if (number < UTF8_EXTENSION_FIRST) {
		fake_add_raw_extension(certificate, oid, false, text, strlen(text));
		return;
	}
	ASN1_UTF8STRING *value = ASN1_UTF8STRING_new();
	fake_must(ASN1_STRING_set(value, text, -1));
	int len = i2d_ASN1_UTF8STRING(value, &der);
	fake_must(len > 0);
	fake_add_raw_extension(certificate, oid, false, der, (size_t)len);
	OPENSSL_free(der);
	ASN1_UTF8STRING_free(value);
}

/* What a workflow's token says; a prefix makes a URI of it. */
static void add_workflow(X509 *certificate, const struct asked *asked)
{
	static const struct {
		unsigned number;
		const char *prefix, *claim;
	} values[] = {
		{2, "", "event_name"},
		{3, "", "sha"},
		{4, "", "workflow"},
		{5, "", "repository"},
		{6, "", "ref"},
		{9, "https://github.com/", "job_workflow_ref"},
		{10, "", "job_workflow_sha"},
		{11, "", "runner_environment"},
		{12, "https://github.com/", "repository"},
		{13, "", "sha"},
		{14, "", "ref"},
		{15, "", "repository_id"},
		{16, "https://github.com/", "repository_owner"},
		{17, "", "repository_owner_id"},
		{18, "https://github.com/", "workflow_ref"},
		{19, "", "workflow_sha"},
		{20, "", "event_name"},
		{22, "", "repository_visibility"},
	};
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		CLEANUP(mem_freep)
		char *text = mem_printf("%s%s", values[i].prefix, claim(asked, values[i].claim));
		add_claim(certificate, values[i].number, text);
	}
	CLEANUP(mem_freep)
	char *run = mem_printf("https://github.com/%s/actions/runs/%s/attempts/%s",
		claim(asked, "repository"), claim(asked, "run_id"), claim(asked, "run_attempt"));
	add_claim(certificate, 21, run);
}

static int64_t begin_of(const struct fake_sigstore *fake, enum fake_action fault)
{
	int64_t now = fake_now_s(fake);

	return fault == FAKE_EXPIRED	      ? now - 12 * LIFETIME_S
		: fault == FAKE_NOT_YET_VALID ? now + 6 * LIFETIME_S
					      : now;
}

static X509 *issue(struct fake_sigstore *fake, const struct asked *asked, enum fake_action fault)
{
	const struct fake_authority *issuer =
		fault == FAKE_WRONG_AUTHORITY ? &fake->strange : &fake->fulcio;
	int64_t begin = begin_of(fake, fault);
	EVP_PKEY *other = fault == FAKE_WRONG_KEY ? EVP_EC_gen("P-256") : NULL;
	X509 *leaf =
		fake_certificate_new(issuer, other ? other : asked->key, begin, begin + LIFETIME_S);
	CLEANUP(mem_freep) char *name = identity(asked, fault);
	const char *said_issuer =
		fault == FAKE_WRONG_ISSUER ? "https://issuer.example" : claim(asked, "iss");

	EVP_PKEY_free(other);
	fake_add_extension(leaf, issuer->certificate, NID_key_usage, "critical,digitalSignature");
	fake_add_extension(leaf, issuer->certificate, NID_ext_key_usage, "codeSigning");
	fake_add_extension(leaf, issuer->certificate, NID_subject_key_identifier, "hash");
	fake_add_extension(leaf, issuer->certificate, NID_authority_key_identifier, "keyid");
	fake_add_extension(leaf, issuer->certificate, NID_subject_alt_name, name);
	add_claim(leaf, 1, said_issuer);
	if (asked->issuer == FAKE_ISSUER_ACTIONS)
		add_workflow(leaf, asked);
	add_claim(leaf, 8, said_issuer);
	add_claim(leaf, 24, claim(asked, "sub"));
	fake_must(X509_sign(leaf, issuer->key, EVP_sha256()) > 0);
	if (!fake->options.without_ct && fault != FAKE_NO_SCT && fault != FAKE_DETACHED)
		fake_ct_embed(fake, leaf, issuer, fault);
	return leaf;
}

/* ---- Endpoints ---- */

static json_t *chain_of(X509 *leaf, X509 *intermediate, X509 *root)
{
	X509 *certificates[] = {leaf, intermediate, root};
	json_t *array = json_array();

	for (size_t i = 0; i < sizeof(certificates) / sizeof(certificates[0]); i++) {
		if (!certificates[i])
			continue;
		CLEANUP(mem_freep) char *pem = fake_pem(certificates[i]);
		json_array_append_new(array, json_string(pem));
	}
	return json_pack("{s:o}", "certificates", array);
}

static void answer_certificate(struct fake_call *call, const struct asked *asked)
{
	struct fake_sigstore *fake = call->fake;
	bool is_strange = call->fault.action == FAKE_WRONG_AUTHORITY;
	X509 *leaf = issue(fake, asked, call->fault.action);
	json_t *chain = is_strange
		? chain_of(leaf, fake->strange.certificate, fake->strange_root.certificate)
		: chain_of(leaf, fake->fulcio.certificate, fake->fulcio_root.certificate);

	X509_free(leaf);
	if (fake->options.without_ct || call->fault.action == FAKE_DETACHED)
		fake_answer_json(call, 200,
			json_pack("{s:{s:o,s:s}}", "signedCertificateDetachedSct", "chain", chain,
				"signedCertificateTimestamp", ""));
	else
		fake_answer_json(call, 200,
			json_pack("{s:{s:o}}", "signedCertificateEmbeddedSct", "chain", chain));
}

static void sign_certificate(struct fake_call *call)
{
	struct asked asked = {0};
	json_t *request = fake_call_json(call), *key = NULL;
	const char *csr = NULL, *why = "unexpected EOF";

	if (request &&
		json_unpack(request, "{s?o,s?s}", "publicKeyRequest", &key,
			"certificateSigningRequest", &csr) == 0 &&
		!(key && csr))
		why = read_token(call, request, &asked);
	if (!why)
		why = csr ? read_csr(csr, &asked) : read_key(key, &asked);
	if (why)
		fake_refuse_grpc(call, 400, "%s", why);
	else
		answer_certificate(call, &asked);
	EVP_PKEY_free(asked.key);
	json_decref(asked.claims);
	json_decref(request);
}

static void answer_configuration(struct fake_call *call)
{
	json_t *issuers = json_array();

	for (unsigned i = 0; i < FAKE_ISSUERS; i++) {
		json_t *issuer = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:b}", "issuerUrl",
			call->fake->issuers[i], "audience", "sigstore", "challengeClaim",
			i == FAKE_ISSUER_EMAIL ? "email" : "sub", "spiffeTrustDomain",
			i == FAKE_ISSUER_SPIFFE ? "example.com" : "", "issuerType",
			fake_issuer_types[i], "subjectDomain", "", "skipEmailVerification", 0);
		json_array_append_new(issuers, issuer);
	}
	fake_answer_json(call, 200, json_pack("{s:o}", "issuers", issuers));
}

static void answer_root(struct fake_call *call)
{
	CLEANUP(mem_freep) char *intermediate = fake_pem(call->fake->fulcio.certificate);
	CLEANUP(mem_freep) char *root = fake_pem(call->fake->fulcio_root.certificate);
	CLEANUP(mem_freep) char *both = mem_printf("%s%s", intermediate, root);

	fake_answer_text(call, 200, "application/pem-certificate-chain", both);
}

void fake_fulcio(struct fake_call *call)
{
	if (fake_call_is(call, "POST", "/api/v2/signingCert"))
		sign_certificate(call);
	else if (strcmp(call->path, "/api/v2/signingCert") == 0)
		fake_refuse_grpc(call, 501, "Method Not Allowed");
	else if (fake_call_is(call, "GET", "/api/v2/configuration"))
		answer_configuration(call);
	else if (fake_call_is(call, "GET", "/api/v2/trustBundle"))
		fake_answer_json(call, 200,
			json_pack("{s:[o]}", "chains",
				chain_of(NULL, call->fake->fulcio.certificate,
					call->fake->fulcio_root.certificate)));
	else if (fake_call_is(call, "GET", "/api/v1/rootCert"))
		answer_root(call);
	else if (fake_call_is(call, "GET", "/healthz"))
		fake_answer_text(call, 200, "application/json", "{\"status\":\"SERVING\"}");
}
