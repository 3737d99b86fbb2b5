/*
 * The fake Sigstore refuses what the real one would: what gets past it in other tests is right.
 * Requests are written by hand here; those of our clients are good.
 */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/enc.h"
#include "tests/threads/signer_fixture.h"

enum { HASH_SIZE = 32 };

static const char statement[] = "what is signed\n";

struct keys {
	EVP_PKEY *key, *other;
	char *pem, *der; /* of the public key in base64; the PEM with \n of JSON */
	char *pem_base64;
	char *signature, *other_signature; /* over the statement */
	char *proof, *wrong_proof;	   /* of FAKE_EMAIL, of something else */
	char *digest, *digest_hex;
};

/* ---- Requests ---- */

/* NULL headers: none but those of JSON. */
struct question {
	const char *method, *path;
	enum fake_service service;
	const char *header, *value;
	const char *body;
	size_t len; /* 0: of a text */
};

static int ask_for(const struct bench *bench, const struct question *question, struct str *ret_body)
{
	CLEANUP(http_response_release) struct http_response response = {0};
	CLEANUP(err_freep) struct err *err = NULL;
	const char *base = fake_sigstore_url(bench->fake, question->service);
	CLEANUP(mem_freep) char *url = mem_printf("%s%s", base, question->path);
	const struct http_header header = {.name = question->header, .value = question->value};
	const struct http_request request = {
		.method = question->method,
		.url = url,
		.headers = &header,
		.header_count = question->header ? 1 : 0,
		.body = question->body,
		.body_len = question->len ? question->len
			: question->body  ? strlen(question->body)
					  : 0,
		.response_max = 1 << 20,
	};

	if (!http_do(bench->http, &request, &response, &err))
		fprintf(stderr, "%s\n", err->msg);
	CHECK(!err);
	if (ret_body)
		str_add(ret_body, str_text(&response.body), response.body.len);
	return response.status;
}

static int ask(const struct bench *bench, const struct question *question)
{
	return ask_for(bench, question, NULL);
}

/* ---- Keys ---- */

static char *signed_by(EVP_PKEY *key, const char *text)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t signature[256];
	size_t len = sizeof(signature);

	CHECK(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1);
	CHECK(EVP_DigestSign(context, signature, &len, (const uint8_t *)text, strlen(text)) == 1);
	EVP_MD_CTX_free(context);
	return base64_encode(signature, len);
}

static char *text_of(BIO *bio)
{
	char *bytes;
	long len = BIO_get_mem_data(bio, &bytes);
	char *text = mem_strndup(bytes, (size_t)len);

	BIO_free(bio);
	return text;
}

static char *json_lines(const char *text)
{
	CLEANUP(str_release) struct str out = STR_INIT(4096);

	for (; *text; text++)
		*text == '\n' ? str_add_text(&out, "\\n") : str_add_char(&out, *text);
	return str_steal(&out, NULL);
}

static void keys_init(struct keys *keys)
{
	uint8_t digest[HASH_SIZE];
	unsigned char *der = NULL;
	BIO *bio = BIO_new(BIO_s_mem());

	keys->key = EVP_EC_gen("P-256");
	keys->other = EVP_EC_gen("P-256");
	CHECK(PEM_write_bio_PUBKEY(bio, keys->key) == 1);
	CLEANUP(mem_freep) char *pem = text_of(bio);
	keys->pem = json_lines(pem);
	keys->pem_base64 = base64_encode(pem, strlen(pem));
	int len = i2d_PUBKEY(keys->key, &der);
	keys->der = base64_encode(der, (size_t)len);
	OPENSSL_free(der);
	keys->signature = signed_by(keys->key, statement);
	keys->other_signature = signed_by(keys->other, statement);
	keys->proof = signed_by(keys->key, FAKE_EMAIL);
	keys->wrong_proof = signed_by(keys->key, "somebody-else@example.com");
	EVP_Digest(statement, strlen(statement), digest, NULL, EVP_sha256(), NULL);
	keys->digest = base64_encode(digest, sizeof(digest));
	keys->digest_hex = mem_new(2 * HASH_SIZE + 1, 1);
	hex_encode(digest, sizeof(digest), keys->digest_hex);
}

static void keys_release(struct keys *keys)
{
	char *texts[] = {keys->pem, keys->der, keys->pem_base64, keys->signature,
		keys->other_signature, keys->proof, keys->wrong_proof, keys->digest,
		keys->digest_hex};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		mem_free(texts[i]);
	EVP_PKEY_free(keys->key);
	EVP_PKEY_free(keys->other);
}

/* ---- Fulcio ---- */

static char *certificate_request(const struct keys *keys, const char *proof)
{
	return mem_printf("{\"publicKeyRequest\":{\"publicKey\":{\"algorithm\":\"ECDSA\","
			  "\"content\":\"%s\"},\"proofOfPossession\":\"%s\"}}",
		keys->pem, proof);
}

static int certify(const struct bench *bench, const char *token, const char *body)
{
	CLEANUP(mem_freep) char *bearer = token ? mem_printf("Bearer %s", token) : NULL;

	return ask(bench,
		&(struct question){"POST", "/api/v2/signingCert", FAKE_FULCIO,
			bearer ? "Authorization" : NULL, bearer, body, 0});
}

static int certify_with(
	const struct bench *bench, const struct keys *keys, const struct fake_claims *claims)
{
	CLEANUP(mem_freep) char *token = fake_sigstore_token(bench->fake, claims);
	CLEANUP(mem_freep) char *body = certificate_request(keys, keys->proof);

	return certify(bench, token, body);
}

static void test_tokens(const struct bench *bench, const struct keys *keys)
{
	CLEANUP(mem_freep) char *body = certificate_request(keys, keys->proof);
	CLEANUP(mem_freep) char *token = fake_sigstore_token(bench->fake, NULL);
	struct fake_sigstore *foreign = fake_sigstore_start(NULL);
	CLEANUP(mem_freep) char *foreign_token = fake_sigstore_token(foreign, NULL);

	fake_sigstore_stop(foreign);
	CHECK(certify_with(bench, keys, NULL) == 200);
	CHECK(certify(bench, NULL, body) == 400);
	CHECK(certify(bench, "a.b.c", body) == 400);
	CHECK(certify(bench, foreign_token, body) == 400);
	/* Something signed is another. */
	token[strcspn(token, ".") + 5] ^= 1;
	CHECK(certify(bench, token, body) == 400);
	CHECK(certify_with(bench, keys, &(struct fake_claims){.audience = "other"}) == 400);
	CHECK(certify_with(bench, keys, &(struct fake_claims){.lifetime_s = -1}) == 400);
	CHECK(certify_with(bench, keys, &(struct fake_claims){.is_unverified = true}) == 400);
	CHECK(certify_with(bench, keys, &(struct fake_claims){.email = ""}) == 400);
	/* These prove with their subject, not with an address. */
	const struct fake_claims actions = {.issuer = FAKE_ISSUER_ACTIONS, .email = FAKE_EMAIL};
	CHECK(certify_with(bench, keys, &actions) == 400);
}

static char *csr_of(EVP_PKEY *key, EVP_PKEY *signer)
{
	X509_REQ *csr = X509_REQ_new();
	BIO *bio = BIO_new(BIO_s_mem());

	CHECK(X509_REQ_set_pubkey(csr, key) == 1);
	CHECK(X509_REQ_sign(csr, signer, EVP_sha256()) > 0);
	CHECK(PEM_write_bio_X509_REQ(bio, csr) == 1);
	X509_REQ_free(csr);
	CLEANUP(mem_freep) char *pem = text_of(bio);
	CLEANUP(mem_freep) char *text = base64_encode(pem, strlen(pem));
	return mem_printf("{\"certificateSigningRequest\":\"%s\"}", text);
}

static void test_proofs(const struct bench *bench, const struct keys *keys)
{
	CLEANUP(mem_freep) char *token = fake_sigstore_token(bench->fake, NULL);
	CLEANUP(mem_freep) char *wrong = certificate_request(keys, keys->wrong_proof);
	CLEANUP(mem_freep) char *none = certificate_request(keys, "");
	CLEANUP(mem_freep) char *csr = csr_of(keys->key, keys->key);
	CLEANUP(mem_freep) char *foreign_csr = csr_of(keys->key, keys->other);
	CLEANUP(mem_freep)
	char *in_body =
		mem_printf("{\"credentials\":{\"oidcIdentityToken\":\"%s\"},%s", token, csr + 1);

	CHECK(certify(bench, token, wrong) == 400);
	CHECK(certify(bench, token, none) == 400);
	CHECK(certify(bench, token, "{}") == 400);
	CHECK(certify(bench, token, "{") == 400);
	CHECK(certify(bench, token, csr) == 200);
	CHECK(certify(bench, NULL, in_body) == 200);
	CHECK(certify(bench, token, foreign_csr) == 400);
}

/* ---- Rekor ---- */

static int log_v1(const struct bench *bench, const struct keys *keys, const char *digest,
	const char *signature, const char *more)
{
	CLEANUP(mem_freep)
	char *body = mem_printf(
		"{\"apiVersion\":\"0.0.1\",\"kind\":\"hashedrekord\",\"spec\":{\"data\":{\"hash\":{"
		"\"algorithm\":\"sha256\",\"value\":\"%s\"}},\"signature\":{\"content\":\"%s\","
		"\"publicKey\":{\"content\":\"%s\"}}%s}}",
		digest, signature, keys->pem_base64, more);

	return ask(bench,
		&(struct question){
			"POST", "/api/v1/log/entries", FAKE_REKOR1, NULL, NULL, body, 0});
}

static void test_rekor1(const struct bench *bench, const struct keys *keys)
{
	static const char zeros[] =
		"0000000000000000000000000000000000000000000000000000000000000000";
	CLEANUP(mem_freep)
	char *unsigned_envelope = mem_printf(
		"{\"apiVersion\":\"0.0.1\",\"kind\":\"dsse\",\"spec\":{\"proposedContent\":{"
		"\"envelope\":\"{\\\"payload\\\":\\\"e30=\\\",\\\"payloadType\\\":\\\"t\\\","
		"\\\"signatures\\\":[{\\\"sig\\\":\\\"%s\\\"}]}\",\"verifiers\":[\"%s\"]}}}",
		keys->signature, keys->pem_base64);
	CLEANUP(mem_freep) char *path = mem_printf("/api/v1/log/entries/%s", zeros);

	CHECK(log_v1(bench, keys, zeros, keys->signature, "") == 400);
	CHECK(log_v1(bench, keys, keys->digest_hex, keys->other_signature, "") == 400);
	CHECK(log_v1(bench, keys, keys->digest_hex + 2, keys->signature, "") == 400);
	CHECK(log_v1(bench, keys, keys->digest_hex, keys->signature, "") == 201);
	/* What is more in it is not kept, so it is the same. */
	CHECK(log_v1(bench, keys, keys->digest_hex, keys->signature, ",\"more\":1") == 409);
	CHECK(log_v1(bench, keys, keys->digest_hex, keys->signature, "") == 409);
	CHECK(ask(bench,
		      &(struct question){"POST", "/api/v1/log/entries", FAKE_REKOR1, NULL, NULL,
			      unsigned_envelope, 0}) == 400);
	CHECK(ask(bench, &(struct question){"GET", path, FAKE_REKOR1, NULL, NULL, NULL, 0}) == 404);
}

/* What is there can be read in each way. */
static void test_reading(const struct bench *bench)
{
	CLEANUP(str_release) struct str one = STR_INIT(1 << 20);
	CLEANUP(str_release) struct str by_id = STR_INIT(1 << 20);
	CLEANUP(str_release) struct str several = STR_INIT(1 << 20);
	const struct question by_index = {
		"GET", "/api/v1/log/entries?logIndex=41003", FAKE_REKOR1, NULL, NULL, NULL, 0};

	CHECK(ask_for(bench, &by_index, &one) == 200);
	CLEANUP(mem_freep) char *id = mem_strndup(str_text(&one) + 2, 80);
	CLEANUP(mem_freep) char *path = mem_printf("/api/v1/log/entries/%s", id);
	CLEANUP(mem_freep)
	char *body = mem_printf("{\"entryUUIDs\":[\"%s\",\"00\"],\"logIndexes\":[41000,7]}", id);
	const struct question named = {"GET", path, FAKE_REKOR1, NULL, NULL, NULL, 0};
	const struct question retrieval = {
		"POST", "/api/v1/log/entries/retrieve", FAKE_REKOR1, NULL, NULL, body, 0};
	CHECK(ask_for(bench, &named, &by_id) == 200);
	CHECK(strstr(str_text(&by_id), "\"logIndex\":41003"));
	CHECK(ask_for(bench, &retrieval, &several) == 200);
	CHECK(strstr(str_text(&several), "\"logIndex\":41003") &&
		strstr(str_text(&several), "\"logIndex\":41000"));
}

static int log_v2(const struct bench *bench, const struct keys *keys, const char *signature,
	const char *details, const char *more)
{
	CLEANUP(mem_freep)
	char *body = mem_printf(
		"{\"hashedRekordRequestV002\":{\"digest\":\"%s\",\"signature\":{\"content\":\"%s\","
		"\"verifier\":{\"publicKey\":{\"rawBytes\":\"%s\"},\"keyDetails\":\"%s\"}}%s}}",
		keys->digest, signature, keys->der, details, more);

	return ask(bench,
		&(struct question){
			"POST", "/api/v2/log/entries", FAKE_REKOR2, NULL, NULL, body, 0});
}

static void test_rekor2(const struct bench *bench, const struct keys *keys)
{
	static const char p256[] = "PKIX_ECDSA_P256_SHA_256", p384[] = "PKIX_ECDSA_P384_SHA_384";
	CLEANUP(str_release) struct str answer = STR_INIT(4096);
	const struct question envelope = {"POST", "/api/v2/log/entries", FAKE_REKOR2, NULL, NULL,
		"{\"dsseRequestV002\":{\"envelope\":{}}}", 0};

	CHECK(log_v2(bench, keys, keys->other_signature, p256, "") == 400);
	CHECK(log_v2(bench, keys, keys->signature, p384, "") == 400);
	CHECK(log_v2(bench, keys, keys->signature, "PKIX_OTHER", "") == 400);
	CHECK(log_v2(bench, keys, keys->signature, p256, ",\"more\":1") == 400);
	CHECK(log_v2(bench, keys, keys->signature, p256, "") == 201);
	CHECK(log_v2(bench, keys, keys->signature, p256, "") == 409);
	CHECK(ask_for(bench, &envelope, &answer) == 400);
	CHECK(strstr(str_text(&answer), "invalid type, must be hashedrekord"));
}

/* ---- Timestamps and tokens ---- */

static void test_timestamps(const struct bench *bench)
{
	struct question question = {
		"POST", "", FAKE_TSA, "Content-Type", "application/timestamp-query", "no DER", 0};

	CHECK(ask(bench, &question) == 400);
	question.value = "text/plain";
	CHECK(ask(bench, &question) == 415);
}

static void test_token_endpoints(const struct bench *bench)
{
	static const char actions[] = "/actions/token?api-version=2.0&audience=sigstore";
	static const char buildkite[] = "/v3/jobs/1/oidc/tokens";
	static const char body[] = "{\"audience\":\"sigstore\"}";
	static const char metadata[] = "/computeMetadata/v1/instance/service-accounts/default/"
				       "identity?audience=sigstore&format=full";
	static const char impersonated[] =
		"/v1/projects/-/serviceAccounts/signer@p:generateIdToken";
	const struct {
		struct question question;
		int status;
	} cases[] = {
		{{"GET", actions, FAKE_OIDC, NULL, NULL, NULL, 0}, 401},
		{{"GET", actions, FAKE_OIDC, "Authorization", "bearer " FAKE_ACTIONS_SECRET, NULL,
			 0},
			200},
		{{"POST", buildkite, FAKE_OIDC, NULL, NULL, body, 0}, 401},
		{{"POST", buildkite, FAKE_OIDC, "Authorization", "Token " FAKE_BUILDKITE_SECRET,
			 body, 0},
			200},
		{{"GET", metadata, FAKE_OIDC, NULL, NULL, NULL, 0}, 400},
		{{"GET", metadata, FAKE_OIDC, "Metadata-Flavor", "Google", NULL, 0}, 200},
		{{"POST", impersonated, FAKE_OIDC, "Authorization", "Bearer ya29.machine-1",
			 "{\"audience\":\"sigstore\",\"includeEmail\":true,\"delegates\":[]}", 0},
			200},
		{{"GET", "/keys", FAKE_OIDC, NULL, NULL, NULL, 0}, 200},
		{{"GET", "/spiffe/.well-known/openid-configuration", FAKE_OIDC, NULL, NULL, NULL,
			 0},
			200},
		{{"GET", "/token?issuer=nobody", FAKE_OIDC, NULL, NULL, NULL, 0}, 400},
		{{"GET", "/other", FAKE_OIDC, NULL, NULL, NULL, 0}, 404},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CHECK(ask(bench, &cases[i].question) == cases[i].status);
}

int main(void)
{
	struct bench bench;
	struct keys keys;

	bench_open(&bench, (struct fake_sigstore_options){0});
	keys_init(&keys);
	test_tokens(&bench, &keys);
	test_proofs(&bench, &keys);
	test_rekor1(&bench, &keys);
	test_reading(&bench);
	test_rekor2(&bench, &keys);
	test_timestamps(&bench);
	test_token_endpoints(&bench);
	keys_release(&keys);
	bench_close(&bench);
	return 0;
}
