/*
 * Signing with everything that belongs to it, against services that work, fail and lie: what comes out
 * verifies, and what does not verify never comes out.
 */
#include "signer/signer.h"

#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "tests/threads/signer_fixture.h"

#define DIGEST "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" /* hello */
#define STATEMENT                                                                                  \
	"{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{\"name\":\"a\",\"digest\":{" \
	"\"sha256\":\"" DIGEST "\"}}],\"predicateType\":\"https://example.com/p\","                \
	"\"predicate\":{}}"

enum services { V1 = 1, V2 = 2, TSA = 4 };

/* Texts belong to the caller, who frees them with the services. */
static struct signing_services services_of(struct bench *bench, unsigned which)
{
	struct signing_services services = {
		.fulcio_url = mem_strdup(fake_sigstore_url(bench->fake, FAKE_FULCIO))};

	if (which & V1)
		*vec_push(&services.rekor1_urls) =
			mem_strdup(fake_sigstore_url(bench->fake, FAKE_REKOR1));
	if (which & V2)
		*vec_push(&services.rekor2_urls) =
			mem_strdup(fake_sigstore_url(bench->fake, FAKE_REKOR2));
	if (which & TSA)
		*vec_push(&services.timestamp_urls) =
			mem_strdup(fake_sigstore_url(bench->fake, FAKE_TSA));
	return services;
}

static struct signer *try_signer_over(
	struct bench *bench, struct http *http, unsigned which, struct err **err)
{
	CLEANUP(signing_services_release)
	struct signing_services services = services_of(bench, which);
	const struct signer_options options = {
		.http = http,
		.clock = &bench->our_clock,
		.root = bench->root,
		.services = &services,
		.tokens = bench->tokens,
		.scts = 1,
	};

	return signer_new(&options, err);
}

static struct signer *try_signer(struct bench *bench, unsigned which, struct err **err)
{
	return try_signer_over(bench, bench->http, which, err);
}

static struct signer *open_signer(struct bench *bench, unsigned which)
{
	struct err *err = NULL;
	struct signer *signer = try_signer(bench, which, &err);

	must(signer, err);
	return signer;
}

static bool sign(struct signer *signer, enum sign_form form, bool is_envelope,
	struct bundle **ret_bundle, struct err **err)
{
	const struct message hello = message_of_bytes("hello", 5);
	const struct sign_content bytes = {.bytes = "hello", .len = 5};
	const struct sign_content envelope = {.bytes = STATEMENT,
		.len = strlen(STATEMENT),
		.artifact = &hello,
		.payload_type = DSSE_PAYLOAD_INTOTO};

	return signer_sign(signer, form, is_envelope ? &envelope : &bytes, ret_bundle, err);
}

/* ---- What comes out ---- */

static void expect(
	const struct bundle *bundle, enum sign_form form, bool is_envelope, unsigned which)
{
	bool is_v2 = form == SIGN_BUNDLE && which & V2;

	CHECK(bundle->form == (form == SIGN_BUNDLE ? BUNDLE_0_3 : BUNDLE_LEGACY));
	CHECK(bundle->is_envelope == is_envelope && bundle->entries.len == 1);
	CHECK(log_entry_is_v2(&bundle->entries.items[0]) == is_v2);
	CHECK(bundle->timestamps.len == (which & TSA ? 1 : 0));
	CHECK(strcmp(certificate_identity(bundle->certificate), FAKE_EMAIL) == 0);
	CHECK(strstr(bundle->chain, "BEGIN CERTIFICATE"));
	CHECK((bundle->envelope_text.len > 0) == (is_envelope && form == SIGN_LEGACY));
	CHECK((bundle->stated_digest.len > 0) == (!is_envelope && form == SIGN_BUNDLE));
}

static void test_forms(struct bench *bench)
{
	static const unsigned sets[] = {V1, V1 | TSA, V2 | TSA, V1 | V2 | TSA};

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		CLEANUP(signer_freep) struct signer *signer = open_signer(bench, sets[i]);
		CHECK(signer_has_form(signer, SIGN_BUNDLE));
		CHECK(signer_has_form(signer, SIGN_LEGACY) == !!(sets[i] & V1));
		for (unsigned j = 0; j < 4; j++) {
			enum sign_form form = j & 1 ? SIGN_LEGACY : SIGN_BUNDLE;
			CLEANUP(bundle_freep) struct bundle *bundle = NULL;
			struct err *err = NULL;
			if (!signer_has_form(signer, form)) {
				must_fail(sign(signer, form, j & 2, &bundle, &err), err,
					ERR_UNSUPPORTED, "Rekor v1");
				continue;
			}
			must(sign(signer, form, j & 2, &bundle, &err), err);
			expect(bundle, form, j & 2, sets[i]);
		}
	}
}

/* A file that is not in memory: a bundle needs no more than its digest. */
static void test_digest(struct bench *bench)
{
	CLEANUP(signer_freep) struct signer *signer = open_signer(bench, V2 | TSA);
	CLEANUP(bundle_freep) struct bundle *bundle = NULL;
	struct message hello = message_of_bytes("hello", 5);
	uint8_t digest[HASH_SHA256_SIZE];
	struct err *err = NULL;

	hash_of(HASH_SHA256, "hello", 5, digest);
	const struct message known = message_of_sha256(digest);
	const struct sign_content content = {.artifact = &known};
	must(signer_sign(signer, SIGN_BUNDLE, &content, &bundle, &err), err);
	CHECK(public_key_verify(certificate_key(bundle->certificate), HASH_SHA256, &hello,
		bundle->signature.data, bundle->signature.len));
}

static void test_services(struct bench *bench)
{
	struct err *err = NULL;

	must_fail(try_signer(bench, 0, &err), err, ERR_USAGE, "--rekor-url");
	err = NULL;
	must_fail(try_signer(bench, V2, &err), err, ERR_USAGE, "--timestamp-server-url");
	err = NULL;
	CLEANUP(signing_services_release)
	struct signing_services services = services_of(bench, V1 | TSA);
	const struct signer_options options = {.http = bench->http,
		.root = bench->root,
		.services = &services,
		.tokens = bench->tokens};
	mem_free(services.timestamp_urls.items[0]);
	services.timestamp_urls.items[0] = mem_strdup("http://tsa.example.com/api");
	must_fail(signer_new(&options, &err), err, ERR_USAGE, "timestamp authority");
	err = NULL;
	mem_free(services.fulcio_url);
	services.fulcio_url = NULL;
	must_fail(signer_new(&options, &err), err, ERR_USAGE, "--fulcio-url");
}

/* ---- Services that fail or lie ---- */

static const struct {
	const char *rule;
	enum sign_form form;
	unsigned services;
	enum err_kind kind;
	const char *words;
} faults[] = {
	{"fulcio POST 1+ status 400", SIGN_BUNDLE, V1, ERR_AUTH, "Fulcio"},
	{"fulcio POST 1+ wrong-identity", SIGN_BUNDLE, V1, ERR_INVALID, "another identity"},

	{"rekor1 POST 1+ status 400", SIGN_LEGACY, V1, ERR_INVALID, "Rekor"},
	{"rekor1 POST 1+ status 500", SIGN_LEGACY, V1, ERR_TRANSIENT, "Rekor"},
	{"rekor1 POST 1+ stall", SIGN_LEGACY, V1, ERR_TIMEOUT, ""},
	{"rekor1 POST 1+ garbage", SIGN_LEGACY, V1, ERR_INVALID, "Rekor"},
	{"rekor1 POST 1+ huge", SIGN_LEGACY, V1, ERR_TOO_LARGE, "Rekor"},
	{"rekor1 POST 1+ wrong-entry", SIGN_LEGACY, V1, ERR_INVALID, "\"log-entry\""},
	{"rekor1 POST 1+ bad-set", SIGN_LEGACY, V1, ERR_INVALID, "\"log-promise\""},
	{"rekor1 POST 1+ bad-set", SIGN_BUNDLE, V1, ERR_INVALID, "\"log-promise\""},
	{"rekor1 POST 1+ bad-proof", SIGN_BUNDLE, V1, ERR_INVALID, "\"log-inclusion\""},
	{"rekor1 POST 1+ bad-checkpoint", SIGN_BUNDLE, V1, ERR_INVALID, "\"log-checkpoint\""},
	{"rekor1 POST 1+ wrong-hint", SIGN_BUNDLE, V1, ERR_INVALID, "\"log-checkpoint\""},
	{"rekor1 POST 1+ wrong-root", SIGN_BUNDLE, V1, ERR_INVALID, "\"log-"},
	{"rekor1 POST 1+ unknown-log", SIGN_LEGACY, V1, ERR_INVALID, "\"log\""},
	{"rekor1 POST 1+ late 900", SIGN_LEGACY, V1, ERR_INVALID, "\"certificate\""},

	{"rekor2 POST 1+ status 500", SIGN_BUNDLE, V2 | TSA, ERR_TRANSIENT, "Rekor"},
	{"rekor2 POST 1+ wrong-entry", SIGN_BUNDLE, V2 | TSA, ERR_INVALID, "\"log-entry\""},
	{"rekor2 POST 1+ bad-proof", SIGN_BUNDLE, V2 | TSA, ERR_INVALID, "\"log-inclusion\""},
	{"rekor2 POST 1+ bad-checkpoint", SIGN_BUNDLE, V2 | TSA, ERR_INVALID, "\"log-checkpoint\""},
	{"rekor2 POST 1+ wrong-hint", SIGN_BUNDLE, V2 | TSA, ERR_INVALID, "\"log-checkpoint\""},
	{"rekor2 POST 1+ wrong-origin", SIGN_BUNDLE, V2 | TSA, ERR_INVALID, "\"log-checkpoint\""},
	{"rekor2 POST 1+ unknown-log", SIGN_BUNDLE, V2 | TSA, ERR_INVALID, "\"log\""},
	{"rekor2 POST 1+ status 409", SIGN_BUNDLE, V2 | TSA, ERR_CONFLICT, "Rekor"},

	{"tsa POST 1+ status 400", SIGN_BUNDLE, V2 | TSA, ERR_INVALID, "imestamp"},
	{"tsa POST 1+ garbage", SIGN_BUNDLE, V2 | TSA, ERR_INVALID, "imestamp"},
	{"tsa POST 1+ rejected", SIGN_BUNDLE, V2 | TSA, ERR_INVALID, "imestamp"},
	{"tsa POST 1+ wrong-imprint", SIGN_BUNDLE, V2 | TSA, ERR_INVALID, "imestamp"},
	{"tsa POST 1+ wrong-nonce", SIGN_BUNDLE, V2 | TSA, ERR_INVALID, "imestamp"},
	{"tsa POST 1+ bad-signature", SIGN_BUNDLE, V2 | TSA, ERR_INVALID, "\"timestamp\""},
	{"tsa POST 1+ unknown-authority", SIGN_BUNDLE, V2 | TSA, ERR_INVALID, "\"time\""},
	{"tsa POST 1+ unknown-authority", SIGN_LEGACY, V1 | TSA, ERR_INVALID, "\"time\""},
	{"tsa POST 1+ late 900", SIGN_BUNDLE, V2 | TSA, ERR_INVALID, "\"certificate\""},
	{"tsa POST 1+ late -900", SIGN_BUNDLE, V2 | TSA, ERR_INVALID, "\"certificate\""},
};

static void test_faults(struct bench *bench)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		bool stalls = strstr(faults[i].rule, "stall");
		CLEANUP(bundle_freep) struct bundle *bundle = NULL;
		struct err *err = NULL;
		CLEANUP(signer_freep)
		struct signer *signer = try_signer_over(
			bench, stalls ? bench->hasty : bench->http, faults[i].services, &err);
		must(signer, err);
		fprintf(stderr, "%s\n", faults[i].rule);
		bench_fault(bench, faults[i].rule);
		must_fail(sign(signer, faults[i].form, false, &bundle, &err), err, faults[i].kind,
			faults[i].words);
		CHECK(!bundle);
		fake_sigstore_forget_faults(bench->fake);
	}
}

/* The log has the signature but gives no proof: another signature is made, with the same certificate. */
static void test_conflict(struct bench *bench)
{
	CLEANUP(signer_freep) struct signer *signer = open_signer(bench, V2 | TSA);
	CLEANUP(bundle_freep) struct bundle *bundle = NULL;
	unsigned certificates = fake_sigstore_requests(bench->fake, FAKE_FULCIO, "POST");
	unsigned entries = fake_sigstore_requests(bench->fake, FAKE_REKOR2, "POST");
	struct err *err = NULL;

	bench_fault(bench, "rekor2 POST 1 reset-after");
	must(sign(signer, SIGN_BUNDLE, true, &bundle, &err), err);
	CHECK(fake_sigstore_requests(bench->fake, FAKE_REKOR2, "POST") == entries + 3);
	CHECK(fake_sigstore_requests(bench->fake, FAKE_FULCIO, "POST") == certificates + 1);
	fake_sigstore_forget_faults(bench->fake);
}

/* One run signs in one name. */
static void test_identity(struct bench *bench)
{
	CLEANUP(signer_freep) struct signer *signer = open_signer(bench, V1);
	CLEANUP(bundle_freep) struct bundle *bundle = NULL;
	const char *identity, *issuer;
	struct err *err = NULL;

	must(signer_identity(signer, &identity, &issuer, &err), err);
	CHECK(strcmp(identity, FAKE_EMAIL) == 0);
	CHECK(strcmp(issuer, fake_sigstore_issuer(bench->fake, FAKE_ISSUER_EMAIL)) == 0);
	unsigned before = fake_sigstore_requests(bench->fake, FAKE_FULCIO, "POST");
	must(sign(signer, SIGN_LEGACY, false, &bundle, &err), err);
	CHECK(fake_sigstore_requests(bench->fake, FAKE_FULCIO, "POST") == before);
}

/* The token of a file may change; the name in which a run signs may not. */
static void test_other_identity(struct bench *bench)
{
	const struct fake_claims claims = {.email = "other@example.com", .lifetime_s = 7200};
	CLEANUP(mem_freep) char *other = fake_sigstore_token(bench->fake, &claims);
	struct id_token_source *usual = bench->tokens;
	CLEANUP(bundle_freep) struct bundle *bundle = NULL, *second = NULL;
	char path[] = "/tmp/cip-signer-XXXXXX";
	int fd = mkstemp(path);
	struct err *err = NULL;

	CHECK(fd >= 0);
	close(fd);
	must(fs_write_atomic(path, bench->jwt, strlen(bench->jwt), 0600, &err), err);
	bench->tokens = bench_token_source(bench, path);
	struct signer *signer = open_signer(bench, V1);
	must(sign(signer, SIGN_LEGACY, false, &bundle, &err), err);
	must(fs_write_atomic(path, other, strlen(other), 0600, &err), err);
	bench->shift_ms += 520 * 1000;
	must_fail(sign(signer, SIGN_LEGACY, false, &second, &err), err, ERR_AUTH,
		"\"other@example.com\"");
	signer_free(signer);
	id_token_source_free(bench->tokens);
	bench->tokens = usual;
	unlink(path);
}

struct passing {
	struct bench *bench;
	unsigned entries; /* the log's, before */
};

static void *let_time_pass(void *ctx)
{
	struct passing *passing = ctx;
	struct bench *bench = passing->bench;

	while (fake_sigstore_requests(bench->fake, FAKE_REKOR1, "POST") == passing->entries)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	bench->shift_ms += 700 * 1000;
	return NULL;
}

/* A log that answers when the certificate has ended: signed once more, with the next one. */
static void test_slow_log(struct bench *bench)
{
	CLEANUP(signer_freep) struct signer *signer = open_signer(bench, V1);
	CLEANUP(bundle_freep) struct bundle *bundle = NULL;
	unsigned before = fake_sigstore_requests(bench->fake, FAKE_FULCIO, "POST");
	struct passing passing = {bench, fake_sigstore_requests(bench->fake, FAKE_REKOR1, "POST")};
	pthread_t thread;
	struct err *err = NULL;

	bench_fault(bench, "rekor1 POST 1 delay 2000");
	CHECK(pthread_create(&thread, NULL, let_time_pass, &passing) == 0);
	must(sign(signer, SIGN_LEGACY, false, &bundle, &err), err);
	pthread_join(thread, NULL);
	CHECK(fake_sigstore_requests(bench->fake, FAKE_FULCIO, "POST") == before + 2);
	fake_sigstore_forget_faults(bench->fake);
}

/* ---- Several logs and authorities ---- */

/* Everything that either trusts. */
static struct trust_root *both_roots(const struct bench *a, const struct bench *b)
{
	CLEANUP(mem_freep) char *text_a = fake_sigstore_trusted_root(a->fake);
	CLEANUP(mem_freep) char *text_b = fake_sigstore_trusted_root(b->fake);
	json_t *all = json_loads(text_a, 0, NULL), *more = json_loads(text_b, 0, NULL);
	struct trust_root *root = NULL;
	const char *key;
	json_t *value;
	struct err *err = NULL;

	json_object_foreach(more, key, value)
	{
		if (json_is_array(value))
			json_array_extend(json_object_get(all, key), value);
	}
	char *text = json_dumps(all, 0);
	must(trust_root_parse(text, strlen(text), &root, &err), err);
	mem_free(text);
	json_decref(all);
	json_decref(more);
	return root;
}

/* A bundle has all that is configured, the older form has room for one of each. */
static void test_several(struct bench *bench)
{
	struct bench more;
	struct err *err = NULL;

	bench_open(&more, (struct fake_sigstore_options){.without_ct = true});
	CLEANUP(trust_root_freep) struct trust_root *root = both_roots(bench, &more);
	CLEANUP(signing_services_release)
	struct signing_services services = services_of(bench, V2 | TSA);
	CLEANUP(signing_services_release)
	struct signing_services others = services_of(&more, V2 | TSA);
	*vec_push(&services.rekor2_urls) = mem_strdup(others.rekor2_urls.items[0]);
	*vec_push(&services.timestamp_urls) = mem_strdup(others.timestamp_urls.items[0]);
	*vec_push(&services.rekor1_urls) = mem_strdup(fake_sigstore_url(bench->fake, FAKE_REKOR1));
	more.shift_ms += bench->shift_ms;
	const struct signer_options options = {.http = bench->http,
		.clock = &bench->our_clock,
		.root = root,
		.services = &services,
		.tokens = bench->tokens,
		.scts = 1};
	CLEANUP(signer_freep) struct signer *signer = signer_new(&options, &err);
	must(signer, err);
	for (unsigned i = 0; i < 4; i++) {
		CLEANUP(bundle_freep) struct bundle *bundle = NULL;
		size_t wanted = i & 1 ? 1 : 2;
		must(sign(signer, i & 1 ? SIGN_LEGACY : SIGN_BUNDLE, i & 2, &bundle, &err), err);
		CHECK(bundle->entries.len == wanted && bundle->timestamps.len == wanted);
	}
	/* One that fails is not left out. */
	CLEANUP(bundle_freep) struct bundle *none = NULL;
	bench_fault(&more, "rekor2 POST 1+ status 400");
	must_fail(sign(signer, SIGN_BUNDLE, false, &none, &err), err, ERR_INVALID,
		others.rekor2_urls.items[0]);
	bench_close(&more);
}

/* ---- Many at once ---- */

enum { THREADS = 16, EACH = 4 };

static void *sign_some(void *ctx)
{
	struct signer *signer = ctx;

	for (unsigned i = 0; i < EACH; i++) {
		CLEANUP(bundle_freep) struct bundle *bundle = NULL;
		struct err *err = NULL;
		must(sign(signer, i & 1 ? SIGN_LEGACY : SIGN_BUNDLE, i & 2, &bundle, &err), err);
	}
	return NULL;
}

static void test_threads(struct bench *bench)
{
	CLEANUP(signer_freep) struct signer *signer = open_signer(bench, V1 | V2 | TSA);
	unsigned before = fake_sigstore_requests(bench->fake, FAKE_FULCIO, "POST");
	pthread_t threads[THREADS];

	for (unsigned i = 0; i < THREADS; i++)
		CHECK(pthread_create(&threads[i], NULL, sign_some, signer) == 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CHECK(fake_sigstore_requests(bench->fake, FAKE_FULCIO, "POST") == before + 1);
}

int main(void)
{
	struct bench bench;

	bench_open(&bench, (struct fake_sigstore_options){0});
	test_forms(&bench);
	test_digest(&bench);
	test_services(&bench);
	test_faults(&bench);
	test_conflict(&bench);
	test_identity(&bench);
	test_other_identity(&bench);
	test_slow_log(&bench);
	test_several(&bench);
	test_threads(&bench);
	bench_close(&bench);
	return 0;
}
