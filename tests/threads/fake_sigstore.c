/*
 * The fake Sigstore against the verifier: what it issues is accepted, in every form, and each of
 * its faults is found at the step where it belongs. Certificates are asked for here by hand, since
 * our client of Fulcio keeps bad ones away from the verifier; the other services' clients leave
 * judging to it.
 */
#include <jansson.h>
#include <pthread.h>

#include "base/enc.h"
#include "signer/bundle_write.h"
#include "signer/fulcio.h"
#include "signer/rekor1.h"
#include "signer/rekor2.h"
#include "signer/timestamping.h"
#include "signer/verify.h"
#include "tests/fakes/sigstore/fake.h"
#include "tests/threads/signer_fixture.h"

static const char artifact[] = "what is signed\n";
static const char statement[] =
	"{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{\"name\":\"a\",\"digest\":{"
	"\"sha256\":\"%s\"}}],\"predicateType\":\"https://example.com/test/v1\",\"predicate\":{}}";

enum form {
	FORM_1 = 1,	   /* bundle v0.3 with Rekor v1 */
	FORM_1_STAMP = 2,  /* and a timestamp */
	FORM_2 = 4,	   /* bundle v0.3 with Rekor v2 and a timestamp */
	FORM_LEGACY = 8,   /* cosign's .sig */
	FORM_ENVELOPE = 16 /* with one of these: of a statement */
};

/* ---- Making a signature ---- */

static char *text_of_base64(const struct bytes *bytes)
{
	return base64_encode(bytes->data, bytes->len);
}

static char *pem_of(const struct bytes *der, const char *label)
{
	CLEANUP(mem_freep) char *text = text_of_base64(der);

	return mem_printf("-----BEGIN %s-----\n%s\n-----END %s-----\n", label, text, label);
}

static char *request_of(const struct signing_key *key)
{
	const struct message challenge = message_of_bytes(FAKE_EMAIL, strlen(FAKE_EMAIL));
	CLEANUP(bytes_release) struct bytes proof = {0};

	CHECK(signing_key_sign(key, &challenge, &proof, NULL));
	CLEANUP(mem_freep)
	char *pem = pem_of(public_key_spki(signing_key_public(key)), "PUBLIC KEY");
	CLEANUP(mem_freep) char *proof_text = text_of_base64(&proof);
	json_t *tree = json_pack("{s:{s:{s:s,s:s},s:s}}", "publicKeyRequest", "publicKey",
		"algorithm", "ECDSA", "content", pem, "proofOfPossession", proof_text);
	char *text = json_dumps(tree, JSON_COMPACT);
	json_decref(tree);
	return text;
}

static struct certificate *certificate_of(const char *text, size_t len)
{
	struct certificate *certificate = NULL;
	json_t *tree = json_loadb(text, len, 0, NULL);
	const char *pem = NULL;

	CHECK(tree);
	if (json_unpack(tree, "{s:{s:{s:[s]}}}", "signedCertificateEmbeddedSct", "chain",
		    "certificates", &pem) != 0)
		CHECK(json_unpack(tree, "{s:{s:{s:[s]}}}", "signedCertificateDetachedSct", "chain",
			      "certificates", &pem) == 0);
	CHECK(certificate_parse_pem(pem, strlen(pem), &certificate, NULL));
	json_decref(tree);
	return certificate;
}

static struct certificate *certify(const struct bench *bench, const struct signing_key *key)
{
	CLEANUP(http_response_release) struct http_response response = {0};
	CLEANUP(mem_freep) char *token = fake_sigstore_token(bench->fake, NULL);
	CLEANUP(mem_freep) char *bearer = mem_printf("Bearer %s", token);
	CLEANUP(mem_freep) char *body = request_of(key);
	CLEANUP(mem_freep)
	char *url =
		mem_printf("%s/api/v2/signingCert", fake_sigstore_url(bench->fake, FAKE_FULCIO));
	const struct http_header header = {.name = "Authorization", .value = bearer};
	const struct http_request request = {
		.method = "POST",
		.url = url,
		.headers = &header,
		.header_count = 1,
		.body = body,
		.body_len = strlen(body),
		.response_max = 1 << 20,
	};

	CHECK(http_do(bench->http, &request, &response, NULL));
	CHECK(response.status == 200);
	return certificate_of(str_text(&response.body), response.body.len);
}

static struct bytes bytes_of(const char *text)
{
	return (struct bytes){mem_dup(text, strlen(text)), strlen(text)};
}

static void make_envelope(struct bundle *bundle)
{
	uint8_t digest[HASH_SHA256_SIZE];
	char hex[2 * HASH_SHA256_SIZE + 1];

	hash_of(HASH_SHA256, artifact, strlen(artifact), digest);
	hex_encode(digest, sizeof(digest), hex);
	CLEANUP(mem_freep) char *text = mem_printf(statement, hex);
	bundle->is_envelope = true;
	bundle->envelope.payload_type = mem_strdup(DSSE_PAYLOAD_INTOTO);
	bundle->envelope.payload = bytes_of(text);
}

/* The signature over the content, whatever that is. `pae` holds the bytes. */
static void sign(struct bundle *bundle, const struct signing_key *key, struct str *pae)
{
	if (bundle->is_envelope)
		dsse_pae(&bundle->envelope, pae);
	else
		str_add_text(pae, artifact);
	const struct message message = message_of_bytes(str_text(pae), pae->len);
	CHECK(signing_key_sign(key, &message,
		bundle->is_envelope ? &bundle->envelope.signature : &bundle->signature, NULL));
}

static bool add_entry(const struct bench *bench, enum form form, const struct logged *logged,
	struct log_entry *entry, struct err **err)
{
	bool is_v2 = form & FORM_2;
	const char *url = fake_sigstore_url(bench->fake, is_v2 ? FAKE_REKOR2 : FAKE_REKOR1);
	CLEANUP(rekor1_freep) struct rekor1 *rekor1 = rekor1_new(bench->http, url, NULL);
	CLEANUP(rekor2_freep) struct rekor2 *rekor2 = rekor2_new(bench->http, url, NULL);

	return is_v2 ? rekor2_add(rekor2, logged, entry, err)
		     : rekor1_add(rekor1, logged, entry, err);
}

/* A bundle that was made in memory; false if a service or its client refused. */
static bool make(const struct bench *bench, enum form form, struct bundle *bundle, struct err **err)
{
	CLEANUP(signing_key_freep) struct signing_key *key = signing_key_new(NULL);
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);

	CHECK(key);
	bundle->form = BUNDLE_0_3;
	bundle->certificate = certify(bench, key);
	if (form & FORM_ENVELOPE)
		make_envelope(bundle);
	sign(bundle, key, &text);
	const struct message message = message_of_bytes(str_text(&text), text.len);
	const struct bytes *signature = bundle_signature(bundle);
	const struct logged logged = {
		.signature = signature,
		.certificate = bundle->certificate,
		.key = certificate_key(bundle->certificate),
		.message = &message,
		.envelope = bundle->is_envelope ? &bundle->envelope : NULL,
	};
	if (!add_entry(bench, form, &logged, vec_push(&bundle->entries), err))
		return false;
	return !(form & (FORM_2 | FORM_1_STAMP)) ||
		timestamping_request(bench->http, fake_sigstore_url(bench->fake, FAKE_TSA),
			signature->data, signature->len, vec_push(&bundle->timestamps), err);
}

/* ---- Written, read and verified ---- */

static struct bundle *read_back(const struct bundle *made)
{
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);
	struct bundle *bundle = NULL;

	bundle_write(made, &text);
	CHECK(bundle_parse(str_text(&text), text.len, &bundle, NULL));
	return bundle;
}

static struct bundle *read_back_legacy(const struct bundle *made)
{
	CLEANUP(legacy_text_release) struct legacy_text text = {0};
	struct bundle *bundle = NULL;

	CHECK(bundle_write_legacy(made, &text, NULL));
	const struct legacy_layer layer = {
		.blob = text.blob ? text.blob : artifact,
		.len = text.blob ? text.len : strlen(artifact),
		.is_envelope = made->is_envelope,
		.signature = text.signature,
		.log_entry = text.log_entry,
		.certificate = text.certificate,
		.timestamp = text.timestamp,
	};
	CHECK(bundle_of_legacy(&layer, &bundle, NULL));
	return bundle;
}

enum { NOT_MADE = -1, ACCEPTED = VERIFY_STEP_COUNT };

static const char *outcome_name(int outcome)
{
	return outcome == NOT_MADE    ? "not made"
		: outcome == ACCEPTED ? "accepted"
				      : verify_step_name((enum verify_step)outcome);
}

/* NOT_MADE, ACCEPTED or the step that failed. */
static int outcome(const struct bench *bench, enum form form, struct err **err)
{
	CLEANUP(bundle_freep) struct bundle *made = mem_new(1, sizeof(*made));
	CLEANUP(verify_result_release) struct verify_result result = {0};
	const struct message message = message_of_bytes(artifact, strlen(artifact));

	if (!make(bench, form, made, err))
		return NOT_MADE;
	CLEANUP(bundle_freep)
	struct bundle *bundle = form & FORM_LEGACY ? read_back_legacy(made) : read_back(made);
	const struct policy_signer signer = {
		{.exact = FAKE_EMAIL},
		{.exact = fake_sigstore_issuer(bench->fake, FAKE_ISSUER_EMAIL)},
	};
	struct policy policy = POLICY_INIT;
	policy.signers = &signer;
	policy.signer_count = 1;
	return verify_bundle(bench->root, bundle, &message, &policy, &result, err)
		? ACCEPTED
		: (int)result.failed;
}

static const struct {
	const char *fault; /* NULL: none */
	unsigned forms;
	int outcome;
} cases[] = {
	{NULL, FORM_1 | FORM_1_STAMP | FORM_2 | FORM_LEGACY, ACCEPTED},
	{"fulcio POST 1 wrong-identity", FORM_1 | FORM_LEGACY, VERIFY_IDENTITY},
	{"fulcio POST 1 wrong-issuer", FORM_1 | FORM_2, VERIFY_IDENTITY},
	{"fulcio POST 1 wrong-key", FORM_1 | FORM_2, NOT_MADE},
	{"fulcio POST 1 expired", FORM_1 | FORM_2 | FORM_LEGACY, VERIFY_CERTIFICATE},
	{"fulcio POST 1 not-yet-valid", FORM_1 | FORM_2 | FORM_LEGACY, VERIFY_CERTIFICATE},
	{"fulcio POST 1 wrong-authority", FORM_1 | FORM_2, VERIFY_CERTIFICATE},
	{"fulcio POST 1 no-sct", FORM_1 | FORM_2, VERIFY_SCT},
	{"fulcio POST 1 bad-sct", FORM_1 | FORM_2, VERIFY_SCT},
	{"fulcio POST 1 unknown-sct", FORM_1 | FORM_2, VERIFY_SCT},
	{"fulcio POST 1 detached", FORM_1 | FORM_2, VERIFY_SCT},
	{"fulcio POST 1 static-sct", FORM_1 | FORM_2 | FORM_LEGACY, ACCEPTED},
	{"rekor1 POST 1 wrong-entry", FORM_1 | FORM_1_STAMP | FORM_LEGACY, VERIFY_ENTRY},
	{"rekor1 POST 1 bad-proof", FORM_1 | FORM_1_STAMP, VERIFY_INCLUSION},
	{"rekor1 POST 1 bad-set", FORM_1 | FORM_LEGACY, VERIFY_PROMISE},
	{"rekor1 POST 1 bad-checkpoint", FORM_1, VERIFY_CHECKPOINT},
	{"rekor1 POST 1 wrong-hint", FORM_1, VERIFY_CHECKPOINT},
	{"rekor1 POST 1 wrong-root", FORM_1, VERIFY_CHECKPOINT},
	{"rekor1 POST 1 no-set", FORM_1, NOT_MADE},
	{"rekor1 POST 1 unknown-log", FORM_1 | FORM_LEGACY, VERIFY_LOG},
	{"rekor1 POST 1 late 3600", FORM_1 | FORM_1_STAMP | FORM_LEGACY, VERIFY_CERTIFICATE},
	{"rekor2 POST 1 wrong-entry", FORM_2, VERIFY_ENTRY},
	{"rekor2 POST 1 bad-proof", FORM_2, VERIFY_INCLUSION},
	{"rekor2 POST 1 bad-checkpoint", FORM_2, VERIFY_CHECKPOINT},
	{"rekor2 POST 1 wrong-hint", FORM_2, VERIFY_CHECKPOINT},
	{"rekor2 POST 1 wrong-root", FORM_2, VERIFY_CHECKPOINT},
	{"rekor2 POST 1 wrong-origin", FORM_2, VERIFY_CHECKPOINT},
	{"rekor2 POST 1 unknown-log", FORM_2, VERIFY_LOG},
	{"rekor2 POST 1 witnesses", FORM_2, ACCEPTED},
	{"tsa POST 1 bad-signature", FORM_2 | FORM_1_STAMP, VERIFY_TIMESTAMP},
	{"tsa POST 1 unknown-authority", FORM_2, VERIFY_TIME},
	{"tsa POST 1 late 3600", FORM_2 | FORM_1_STAMP, VERIFY_CERTIFICATE},
	{"tsa POST 1 late -3600", FORM_2 | FORM_1_STAMP, VERIFY_CERTIFICATE},
	{"tsa POST 1 wrong-imprint", FORM_2, NOT_MADE},
	{"tsa POST 1 wrong-nonce", FORM_2, NOT_MADE},
	{"tsa POST 1 no-nonce", FORM_2, NOT_MADE},
	{"tsa POST 1 rejected", FORM_2, NOT_MADE},
};

static int run_case(const struct bench *bench, size_t i, enum form form)
{
	CLEANUP(err_freep) struct err *err = NULL;

	fake_sigstore_forget_faults(bench->fake);
	CHECK(!cases[i].fault || fake_sigstore_fault(bench->fake, cases[i].fault));
	int found = outcome(bench, form, &err);
	if (found == cases[i].outcome)
		return 0;
	fprintf(stderr, "%s, form %d: %s, not %s: %s\n",
		cases[i].fault ? cases[i].fault : "no fault", form, outcome_name(found),
		outcome_name(cases[i].outcome), err ? err->msg : "");
	return 1;
}

static void test_verifier(const struct bench *bench)
{
	int wrong = 0;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (unsigned form = 1; form < FORM_ENVELOPE; form *= 2) {
			if (!(cases[i].forms & form))
				continue;
			wrong += run_case(bench, i, (enum form)form);
			wrong += run_case(bench, i, (enum form)(form | FORM_ENVELOPE));
		}
	fake_sigstore_forget_faults(bench->fake);
	CHECK(wrong == 0);
}

/* ---- Trees of all shapes ---- */

static void test_trees(void)
{
	enum { LEAVES = 70 };
	struct fake_tree tree = {0};
	struct fake_hash leaves[LEAVES], root, path[FAKE_TREE_LEVELS];

	for (size_t size = 1; size <= LEAVES; size++) {
		fake_leaf_hash(&size, sizeof(size), &leaves[size - 1]);
		fake_tree_add(&tree, &leaves[size - 1]);
		fake_tree_root(&tree, size, &root);
		for (size_t i = 0; i < size; i++) {
			size_t len = fake_tree_path(&tree, i, size, path);
			CHECK(merkle_includes(
				leaves[i].bytes, i, size, path[0].bytes, len, root.bytes));
		}
	}
	/* And as they were. */
	fake_tree_root(&tree, LEAVES / 2, &root);
	size_t len = fake_tree_path(&tree, 7, LEAVES / 2, path);
	CHECK(merkle_includes(leaves[7].bytes, 7, LEAVES / 2, path[0].bytes, len, root.bytes));
	fake_tree_release(&tree);
}

/* ---- On the wire ---- */

/* What a question to Fulcio comes to under the fault; -1: it is answered. */
static int failure(const struct bench *bench, const char *fault, int *ret_status)
{
	const struct http_options options = {
		/* Of a stall only, the one fault that nothing but a deadline ends. */
		.first_byte_timeout_ms = strstr(fault, "stall") ? 100 : 0,
		.attempts = 2,
		.retry_base_ms = 1,
	};
	CLEANUP(http_freep) struct http *http = http_new(&options, NULL);
	CLEANUP(http_response_release) struct http_response response = {0};
	CLEANUP(err_freep) struct err *err = NULL;
	CLEANUP(mem_freep)
	char *url =
		mem_printf("%s/api/v2/configuration", fake_sigstore_url(bench->fake, FAKE_FULCIO));
	const struct http_request request = {.method = "GET", .url = url, .response_max = 1 << 20};

	fake_sigstore_forget_faults(bench->fake);
	CHECK(http && fake_sigstore_fault(bench->fake, fault));
	if (!http_do(http, &request, &response, &err))
		return (int)err->kind;
	*ret_status = response.status;
	return -1;
}

/* The answer to the first attempt is lost: the entry is there all the same, and only once. */
static void test_lost_answer(const struct bench *bench)
{
	unsigned posts = fake_sigstore_requests(bench->fake, FAKE_REKOR1, "POST");
	unsigned gets = fake_sigstore_requests(bench->fake, FAKE_REKOR1, "GET");

	CHECK(fake_sigstore_fault(bench->fake, "rekor1 POST 1 reset-after"));
	CHECK(outcome(bench, FORM_1, NULL) == ACCEPTED);
	CHECK(fake_sigstore_requests(bench->fake, FAKE_REKOR1, "POST") == posts + 2);
	CHECK(fake_sigstore_requests(bench->fake, FAKE_REKOR1, "GET") == gets + 1);
}

static void test_wire(const struct bench *bench)
{
	int status = 0;

	CHECK(failure(bench, "fulcio GET 1 status 418", &status) == -1 && status == 418);
	CHECK(failure(bench, "fulcio GET 1 delay 10", &status) == -1 && status == 200);
	CHECK(failure(bench, "fulcio GET 1 garbage", &status) == -1 && status == 200);
	CHECK(failure(bench, "fulcio GET 1+ reset", &status) == ERR_TRANSIENT);
	CHECK(failure(bench, "fulcio GET 1+ reset-after", &status) == ERR_TRANSIENT);
	CHECK(failure(bench, "fulcio GET 1+ truncate", &status) == ERR_TRANSIENT);
	CHECK(failure(bench, "fulcio GET 1+ stall", &status) == ERR_TIMEOUT);
	CHECK(failure(bench, "fulcio GET 1 huge", &status) == ERR_TOO_LARGE);
	fake_sigstore_forget_faults(bench->fake);
	CHECK(!fake_sigstore_fault(bench->fake, "tsa POST 1 wrong-identity"));
	CHECK(!fake_sigstore_fault(bench->fake, "tsa POST 0 reset"));
	CHECK(!fake_sigstore_fault(bench->fake, "tsa POST 1 status"));
	CHECK(!fake_sigstore_fault(bench->fake, "nobody POST 1 reset"));
}

/* ---- Issuers, by our own client ---- */

static void test_issuer(const struct bench *bench, enum fake_issuer issuer, const char *identity)
{
	const struct fulcio_options options = {
		.http = bench->http,
		.url = fake_sigstore_url(bench->fake, FAKE_FULCIO),
		.root = bench->root,
		.scts = 1,
	};
	const struct fake_claims claims = {.issuer = issuer};
	CLEANUP(fulcio_freep) struct fulcio *fulcio = fulcio_new(&options, NULL);
	CLEANUP(signing_key_freep) struct signing_key *key = signing_key_new(NULL);
	CLEANUP(certificate_freep) struct certificate *certificate = NULL;
	CLEANUP(id_token_freep) struct id_token *token = NULL;
	CLEANUP(err_freep) struct err *err = NULL;
	CLEANUP(mem_freep) char *text = fake_sigstore_token(bench->fake, &claims);
	int64_t now = clock_unix_ms(&clock_system) / 1000;

	CHECK(fulcio && key);
	if (!id_token_parse(text, strlen(text), now, &token, &err) ||
		!fulcio_certify(fulcio, token, key, &certificate, NULL, &err))
		fprintf(stderr, "%s: %s\n", identity, err->msg);
	CHECK(certificate);
	CHECK(strcmp(certificate_identity(certificate), identity) == 0);
	CHECK(strcmp(certificate_issuer(certificate), fake_sigstore_issuer(bench->fake, issuer)) ==
		0);
}

static void test_issuers(const struct bench *bench)
{
	test_issuer(bench, FAKE_ISSUER_EMAIL, FAKE_EMAIL);
	test_issuer(bench, FAKE_ISSUER_ACTIONS, FAKE_ACTIONS_IDENTITY);
	test_issuer(bench, FAKE_ISSUER_BUILDKITE, FAKE_BUILDKITE_IDENTITY);
	test_issuer(bench, FAKE_ISSUER_KUBERNETES, FAKE_KUBERNETES_IDENTITY);
	test_issuer(bench, FAKE_ISSUER_SPIFFE, FAKE_SPIFFE_IDENTITY);
}

/* ---- Many at once ---- */

enum { THREADS = 4, ROUNDS = 6 };

static void *sign_all(void *argument)
{
	const struct bench *bench = argument;

	for (int i = 0; i < ROUNDS; i++) {
		CHECK(outcome(bench, FORM_1, NULL) == ACCEPTED);
		CHECK(outcome(bench, FORM_2 | FORM_ENVELOPE, NULL) == ACCEPTED);
	}
	return NULL;
}

static void test_threads(struct bench *bench)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_create(&threads[i], NULL, sign_all, bench) == 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

int main(void)
{
	const struct fake_sigstore_options options = {.rekor2_wait_ms = 20};
	struct bench bench;

	bench_open(&bench, (struct fake_sigstore_options){0});
	test_trees();
	test_verifier(&bench);
	test_wire(&bench);
	test_lost_answer(&bench);
	test_issuers(&bench);
	bench_close(&bench);
	bench_open(&bench, options);
	test_threads(&bench);
	CHECK(fake_sigstore_requests(bench.fake, FAKE_TSA, "POST") == THREADS * ROUNDS);
	bench_close(&bench);
	return 0;
}
