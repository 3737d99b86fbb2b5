/*
 * Clients of transparency logs and timestamp authorities alone: what they bring back holds, a lost answer makes no
 * second entry, and what a service says about its refusal is told.
 */
#include "signer/dsse.h"
#include "signer/rekor1.h"
#include "signer/rekor2.h"
#include "signer/signing_key.h"
#include "signer/timestamp.h"
#include "signer/timestamping.h"
#include "tests/threads/signer_fixture.h"

/* A signature with a bare key, by itself or in an envelope. */
struct signature {
	struct signing_key *key;
	struct bytes bytes;
	struct dsse_envelope envelope;
	struct str pae;
	struct message message;
	struct logged logged;
};

static void signature_make(struct signature *s, const char *text, bool is_envelope)
{
	*s = (struct signature){.key = signing_key_new(NULL)};
	str_init(&s->pae, STR_TEXT_MAX);
	if (is_envelope) {
		s->envelope.payload_type = mem_strdup("text/plain");
		s->envelope.payload = (struct bytes){mem_dup(text, strlen(text)), strlen(text)};
		dsse_pae(&s->envelope, &s->pae);
	} else {
		str_add_text(&s->pae, text);
	}
	s->message = message_of_bytes(str_text(&s->pae), s->pae.len);
	CHECK(signing_key_sign(s->key, &s->message, &s->bytes, NULL));
	if (is_envelope)
		s->envelope.signature =
			(struct bytes){mem_dup(s->bytes.data, s->bytes.len), s->bytes.len};
	s->logged = (struct logged){.signature = &s->bytes,
		.key = signing_key_public(s->key),
		.message = &s->message,
		.envelope = is_envelope ? &s->envelope : NULL};
}

static void signature_release(struct signature *s)
{
	signing_key_free(s->key);
	bytes_release(&s->bytes);
	dsse_release(&s->envelope);
	str_release(&s->pae);
}

/* Everything that the verifier will want to see. */
static void expect_proven(
	struct bench *bench, const struct log_entry *entry, const struct logged *logged)
{
	const struct trusted_log *log = trust_root_log(bench->root, entry->log_id);
	uint8_t leaf[MERKLE_HASH_SIZE];
	struct err *err = NULL;

	CHECK(log);
	must(log_entry_bind(entry, logged, leaf, &err), err);
	if (!log_entry_is_v2(entry))
		must(log_entry_verify_promise(entry, log, &err), err);
	must(log_entry_verify_inclusion(entry, leaf, &err), err);
	must(log_entry_verify_checkpoint(entry, log, &err), err);
}

static unsigned asked(struct bench *bench, enum fake_service service, const char *method)
{
	return fake_sigstore_requests(bench->fake, service, method);
}

/* ---- Rekor v1 ---- */

static struct rekor1 *open1(struct bench *bench)
{
	struct err *err = NULL;
	struct rekor1 *log =
		rekor1_new(bench->http, fake_sigstore_url(bench->fake, FAKE_REKOR1), &err);

	must(log, err);
	return log;
}

static void test_v1_kinds(struct bench *bench)
{
	CLEANUP(rekor1_freep) struct rekor1 *log = open1(bench);

	for (unsigned i = 0; i < 3; i++) {
		CLEANUP(signature_release) struct signature s;
		CLEANUP(log_entry_release) struct log_entry entry = {0};
		CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);
		struct err *err = NULL;

		signature_make(&s, "some \"text\"\n", i > 0);
		/* As it is stored, not as we would write it. */
		struct bytes stored;
		if (i == 2) {
			dsse_write(&s.envelope, &text);
			str_add_text(&text, " ");
			stored = (struct bytes){(uint8_t *)text.bytes, text.len};
			s.logged.envelope_text = &stored;
		}
		must(rekor1_add(log, &s.logged, &entry, &err), err);
		CHECK(strcmp(entry.kind, i ? "dsse" : "hashedrekord") == 0);
		CHECK(entry.index != entry.proof_index);
		CHECK(entry.integrated_time > 0);
		expect_proven(bench, &entry, &s.logged);
	}
}

/* The log took it, the answer was lost: the entry is read, not made again. */
static void test_v1_lost_answer(struct bench *bench)
{
	CLEANUP(rekor1_freep) struct rekor1 *log = open1(bench);
	CLEANUP(signature_release) struct signature s;
	CLEANUP(log_entry_release) struct log_entry entry = {0};
	CLEANUP(log_entry_release) struct log_entry again = {0};
	unsigned posts = asked(bench, FAKE_REKOR1, "POST"), gets = asked(bench, FAKE_REKOR1, "GET");
	struct err *err = NULL;

	signature_make(&s, "lost", true);
	bench_fault(bench, "rekor1 POST 1 reset-after");
	must(rekor1_add(log, &s.logged, &entry, &err), err);
	CHECK(asked(bench, FAKE_REKOR1, "POST") == posts + 2);
	CHECK(asked(bench, FAKE_REKOR1, "GET") == gets + 1);
	expect_proven(bench, &entry, &s.logged);
	/* And whoever adds it once more gets the same. */
	must(rekor1_add(log, &s.logged, &again, &err), err);
	CHECK(again.index == entry.index && again.integrated_time == entry.integrated_time);
	fake_sigstore_forget_faults(bench->fake);
}

static const struct {
	const char *first, *second; /* faults */
	enum err_kind kind;
	const char *words;
} v1_faults[] = {
	{"rekor1 POST 1+ status 409", NULL, ERR_CONFLICT, "answered 409"},
	{"rekor1 POST 1+ status 409 Location: /api/v1/log/entries/../../../x", NULL, ERR_CONFLICT,
		"answered 409"},
	{"rekor1 POST 1+ status 409 Location: "
	 "/api/v1/log/entries/"
	 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		NULL, ERR_NOT_FOUND, "the log has this entry already: Rekor: GET"},
	{"rekor1 POST 1 reset-after", "rekor1 GET 1+ status 500", ERR_TRANSIENT,
		"the log has this entry already"},
	{"rekor1 POST 1 reset-after", "rekor1 GET 1+ garbage", ERR_INVALID, "its answer"},
	{"rekor1 POST 1+ status 400", NULL, ERR_INVALID, "answered 400"},
	{"rekor1 POST 1+ status 503", NULL, ERR_TRANSIENT, "503"},
	{"rekor1 POST 1+ status 200", NULL, ERR_INVALID, "answered 200"},
	{"rekor1 POST 1+ reset", NULL, ERR_TRANSIENT, "Rekor"},
	{"rekor1 POST 1+ truncate", NULL, ERR_TRANSIENT, "Rekor"},
	{"rekor1 POST 1+ garbage", NULL, ERR_INVALID, "its answer"},
	{"rekor1 POST 1+ huge", NULL, ERR_TOO_LARGE, "Rekor"},
	{"rekor1 POST 1+ no-set", NULL, ERR_INVALID, "signedEntryTimestamp"},
};

static void test_v1_faults(struct bench *bench)
{
	CLEANUP(rekor1_freep) struct rekor1 *log = open1(bench);

	for (size_t i = 0; i < sizeof(v1_faults) / sizeof(v1_faults[0]); i++) {
		CLEANUP(signature_release) struct signature s;
		CLEANUP(log_entry_release) struct log_entry entry = {0};
		struct err *err = NULL;

		fprintf(stderr, "%s\n", v1_faults[i].first);
		signature_make(&s, "fault", false);
		bench_fault(bench, v1_faults[i].first);
		if (v1_faults[i].second)
			bench_fault(bench, v1_faults[i].second);
		must_fail(rekor1_add(log, &s.logged, &entry, &err), err, v1_faults[i].kind,
			v1_faults[i].words);
		CHECK(!entry.kind && !entry.body.data);
		fake_sigstore_forget_faults(bench->fake);
	}
}

/* What passes is tried again, with the same bytes. */
static void test_v1_repeats(struct bench *bench)
{
	static const char *const rules[] = {"rekor1 POST 1 status 429", "rekor1 POST 1 status 503",
		"rekor1 POST 1 reset", "rekor1 POST 1 truncate"};
	CLEANUP(rekor1_freep) struct rekor1 *log = open1(bench);

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		CLEANUP(signature_release) struct signature s;
		CLEANUP(log_entry_release) struct log_entry entry = {0};
		struct err *err = NULL;

		fprintf(stderr, "%s\n", rules[i]);
		signature_make(&s, "again", false);
		bench_fault(bench, rules[i]);
		must(rekor1_add(log, &s.logged, &entry, &err), err);
		expect_proven(bench, &entry, &s.logged);
		fake_sigstore_forget_faults(bench->fake);
	}
}

/* Another entry, well formed: for the verifier to find. */
static void test_v1_other_entry(struct bench *bench)
{
	CLEANUP(rekor1_freep) struct rekor1 *log = open1(bench);
	CLEANUP(signature_release) struct signature s;
	CLEANUP(log_entry_release) struct log_entry entry = {0};
	uint8_t leaf[MERKLE_HASH_SIZE];
	struct err *err = NULL;

	signature_make(&s, "mine", false);
	bench_fault(bench, "rekor1 POST 1 wrong-entry");
	must(rekor1_add(log, &s.logged, &entry, &err), err);
	must_fail(log_entry_bind(&entry, &s.logged, leaf, &err), err, ERR_INVALID, "another");
	fake_sigstore_forget_faults(bench->fake);
}

/* ---- Rekor v2 ---- */

static void test_v2(struct bench *bench)
{
	struct err *err = NULL;
	CLEANUP(rekor2_freep)
	struct rekor2 *log =
		rekor2_new(bench->http, fake_sigstore_url(bench->fake, FAKE_REKOR2), &err);

	must(log, err);
	for (unsigned i = 0; i < 2; i++) {
		CLEANUP(signature_release) struct signature s;
		CLEANUP(log_entry_release) struct log_entry entry = {0};
		CLEANUP(log_entry_release) struct log_entry again = {0};

		signature_make(&s, "some text", i > 0);
		must(rekor2_add(log, &s.logged, &entry, &err), err);
		CHECK(log_entry_is_v2(&entry) && !entry.promise.len && !entry.integrated_time);
		expect_proven(bench, &entry, &s.logged);
		must_fail(rekor2_add(log, &s.logged, &again, &err), err, ERR_CONFLICT, "409");
		err = NULL;
	}
}

static void test_v2_faults(struct bench *bench)
{
	static const struct {
		const char *rule;
		enum err_kind kind;
		const char *words;
	} faults[] = {
		{"rekor2 POST 1+ status 400", ERR_INVALID, "Rekor v2"},
		{"rekor2 POST 1+ status 405", ERR_INVALID, "405"},
		{"rekor2 POST 1+ status 503", ERR_TRANSIENT, "503"},
		{"rekor2 POST 1+ status 200", ERR_INVALID, "answered 200"},
		{"rekor2 POST 1+ garbage", ERR_INVALID, "its answer"},
		{"rekor2 POST 1+ huge", ERR_TOO_LARGE, "Rekor v2"},
	};
	CLEANUP(rekor2_freep)
	struct rekor2 *log =
		rekor2_new(bench->http, fake_sigstore_url(bench->fake, FAKE_REKOR2), NULL);

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		CLEANUP(signature_release) struct signature s;
		CLEANUP(log_entry_release) struct log_entry entry = {0};
		struct err *err = NULL;

		fprintf(stderr, "%s\n", faults[i].rule);
		signature_make(&s, "fault", false);
		bench_fault(bench, faults[i].rule);
		must_fail(rekor2_add(log, &s.logged, &entry, &err), err, faults[i].kind,
			faults[i].words);
		CHECK(!entry.kind);
		fake_sigstore_forget_faults(bench->fake);
	}
}

/* ---- Timestamps ---- */

static bool stamp(struct bench *bench, struct bytes *ret_response, struct err **err)
{
	return timestamping_request(bench->http, fake_sigstore_url(bench->fake, FAKE_TSA),
		"signature", 9, ret_response, err);
}

static void test_timestamp(struct bench *bench)
{
	const struct message message = message_of_bytes("signature", 9);
	const struct trusted_authority *authority;
	CLEANUP(bytes_release) struct bytes response = {0};
	CLEANUP(timestamp_freep) struct timestamp *timestamp = NULL;
	struct err *err = NULL;
	int64_t seconds;

	must(stamp(bench, &response, &err), err);
	must(timestamp_parse(response.data, response.len, &timestamp, &err), err);
	must(timestamp_verify(timestamp, bench->root, &message, &authority, &seconds, &err), err);
	/* No certificate was asked for: the answer has none. */
	CHECK(response.len < 900);
}

static void test_timestamp_faults(struct bench *bench)
{
	static const struct {
		const char *rule;
		enum err_kind kind;
		const char *words;
	} faults[] = {
		{"tsa POST 1+ wrong-imprint", ERR_INVALID, "for other bytes"},
		{"tsa POST 1+ wrong-nonce", ERR_INVALID, "another nonce"},
		{"tsa POST 1+ no-nonce", ERR_INVALID, "another nonce"},
		{"tsa POST 1+ rejected", ERR_INVALID, "did not grant"},
		{"tsa POST 1+ garbage", ERR_INVALID, "timestamp"},
		{"tsa POST 1+ status 200 Content-Type: text/html", ERR_INVALID,
			"something else than application/timestamp-reply"},
		{"tsa POST 1+ status 200 Content-Type: application/timestamp-reply; x=y",
			ERR_INVALID, "no TimeStampResp"},
		{"tsa POST 1+ huge", ERR_TOO_LARGE, "timestamp authority"},
		{"tsa POST 1+ status 400", ERR_INVALID, "answered 400"},
		{"tsa POST 1+ status 503", ERR_TRANSIENT, "503"},
		{"tsa POST 1+ reset", ERR_TRANSIENT, "timestamp authority"},
	};

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		CLEANUP(bytes_release) struct bytes response = {0};
		struct err *err = NULL;

		fprintf(stderr, "%s\n", faults[i].rule);
		bench_fault(bench, faults[i].rule);
		must_fail(stamp(bench, &response, &err), err, faults[i].kind, faults[i].words);
		CHECK(!response.data);
		fake_sigstore_forget_faults(bench->fake);
	}
}

static void test_urls(struct bench *bench)
{
	CLEANUP(bytes_release) struct bytes response = {0};
	struct err *err = NULL;

	must_fail(rekor1_new(bench->http, "http://rekor.example.com", &err), err, ERR_USAGE,
		"only https");
	err = NULL;
	must_fail(rekor2_new(bench->http, "rekor.example.com", &err), err, ERR_USAGE, "Rekor v2");
	err = NULL;
	must_fail(timestamping_request(
			  bench->http, "http://tsa.example.com/api", "x", 1, &response, &err),
		err, ERR_USAGE, "only https");
}

int main(void)
{
	struct bench bench;

	bench_open(&bench, (struct fake_sigstore_options){0});
	test_v1_kinds(&bench);
	test_v1_lost_answer(&bench);
	test_v1_faults(&bench);
	test_v1_repeats(&bench);
	test_v1_other_entry(&bench);
	test_v2(&bench);
	test_v2_faults(&bench);
	test_timestamp(&bench);
	test_timestamp_faults(&bench);
	test_urls(&bench);
	bench_close(&bench);
	return 0;
}
