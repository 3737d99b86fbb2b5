/*
 * Fulcio's client against a server that issues rightly, wrongly, or not at all: what is accepted, what
 * a refusal says, where the token goes.
 */
#include "signer/fulcio.h"
#include "tests/fakes/jwt_text.h"
#include "tests/fakes/tiny_server.h"
#include "tests/threads/signer_fixture.h"

static struct fulcio *open_fulcio_over(struct bench *bench, struct http *http, size_t scts)
{
	const struct fulcio_options options = {
		.http = http,
		.clock = &bench->our_clock,
		.url = fake_sigstore_url(bench->fake, FAKE_FULCIO),
		.root = bench->root,
		.scts = scts,
	};
	struct err *err = NULL;
	struct fulcio *fulcio = fulcio_new(&options, &err);

	must(fulcio, err);
	return fulcio;
}

static struct fulcio *open_fulcio(struct bench *bench, size_t scts)
{
	return open_fulcio_over(bench, bench->http, scts);
}

static struct id_token *parse_token(struct bench *bench, const char *jwt)
{
	struct id_token *token = NULL;
	struct err *err = NULL;

	must(id_token_parse(
		     jwt, strlen(jwt), clock_unix_ms(&bench->our_clock) / 1000, &token, &err),
		err);
	return token;
}

/* A certificate or an error; ret_certificate may be NULL. */
static bool certify(struct fulcio *fulcio, const struct id_token *token,
	struct certificate **ret_certificate, struct err **err)
{
	CLEANUP(signing_key_freep) struct signing_key *key = signing_key_new(err);
	CLEANUP(certificate_freep) struct certificate *certificate = NULL;
	CLEANUP(mem_freep) char *chain = NULL;

	CHECK(key);
	if (!fulcio_certify(fulcio, token, key, &certificate, &chain, err))
		return false;
	CHECK(certificate && strstr(chain, "-----BEGIN CERTIFICATE-----\n"));
	if (ret_certificate)
		*ret_certificate = steal_ptr(&certificate);
	return true;
}

/* ---- What is accepted ---- */

static void test_issuers(struct bench *bench)
{
	static const char *const identities[FAKE_ISSUERS] = {FAKE_EMAIL, FAKE_ACTIONS_IDENTITY,
		FAKE_BUILDKITE_IDENTITY, FAKE_KUBERNETES_IDENTITY, FAKE_SPIFFE_IDENTITY};
	CLEANUP(fulcio_freep) struct fulcio *fulcio = open_fulcio(bench, 1);
	unsigned before = fake_sigstore_requests(bench->fake, FAKE_FULCIO, "GET");

	for (unsigned i = 0; i < FAKE_ISSUERS; i++) {
		const struct fake_claims claims = {.issuer = (enum fake_issuer)i};
		CLEANUP(mem_freep) char *jwt = fake_sigstore_token(bench->fake, &claims);
		CLEANUP(id_token_freep) struct id_token *token = parse_token(bench, jwt);
		CLEANUP(certificate_freep) struct certificate *certificate = NULL;
		struct err *err = NULL;

		must(certify(fulcio, token, &certificate, &err), err);
		CHECK(strcmp(certificate_identity(certificate), identities[i]) == 0);
		CHECK(strcmp(certificate_issuer(certificate),
			      fake_sigstore_issuer(bench->fake, (enum fake_issuer)i)) == 0);
	}
	/* Asked for once. */
	CHECK(fake_sigstore_requests(bench->fake, FAKE_FULCIO, "GET") == before + 1);
}

/* An issuer that is not of the type "email" has its subject signed, even if there is an address. */
static void test_challenge_of_issuer(struct bench *bench)
{
	const struct fake_claims claims = {
		.issuer = FAKE_ISSUER_ACTIONS, .email = "robot@example.com"};
	CLEANUP(mem_freep) char *jwt = fake_sigstore_token(bench->fake, &claims);
	CLEANUP(id_token_freep) struct id_token *token = parse_token(bench, jwt);
	CLEANUP(fulcio_freep) struct fulcio *fulcio = open_fulcio(bench, 1);
	struct err *err = NULL;

	CHECK(strcmp(token->email, "robot@example.com") == 0);
	must(certify(fulcio, token, NULL, &err), err);
}

/* Without a configuration that can be used, the clients' rule. */
static void test_without_configuration(struct bench *bench, const char *fault)
{
	CLEANUP(id_token_freep) struct id_token *token = parse_token(bench, bench->jwt);
	CLEANUP(fulcio_freep) struct fulcio *fulcio = open_fulcio(bench, 1);
	struct err *err = NULL;

	bench_fault(bench, fault);
	must(certify(fulcio, token, NULL, &err), err);
	fake_sigstore_forget_faults(bench->fake);
}

/* It says so, and is accepted only where the policy asks for no log. */
static void test_detached(struct bench *bench)
{
	CLEANUP(id_token_freep) struct id_token *token = parse_token(bench, bench->jwt);
	CLEANUP(fulcio_freep) struct fulcio *strict = open_fulcio(bench, 1);
	CLEANUP(fulcio_freep) struct fulcio *lenient = open_fulcio(bench, 0);
	struct err *err = NULL;

	bench_fault(bench, "fulcio POST 1+ detached");
	must_fail(certify(strict, token, NULL, &err), err, ERR_INVALID, "embeds none");
	err = NULL;
	must(certify(lenient, token, NULL, &err), err);
	fake_sigstore_forget_faults(bench->fake);
}

/* ---- What is not ---- */

static const struct {
	const char *rule;
	enum err_kind kind;
	const char *words;
} faults[] = {
	{"fulcio POST 1 wrong-identity", ERR_INVALID,
		"for another identity: \"somebody-else@example.com\" instead of \"" FAKE_EMAIL
		"\""},
	{"fulcio POST 1 wrong-issuer", ERR_INVALID, "for another issuer"},
	{"fulcio POST 1 wrong-key", ERR_INVALID, "for another key"},
	{"fulcio POST 1 expired", ERR_INVALID, "clock"},
	{"fulcio POST 1 not-yet-valid", ERR_INVALID, "clock"},
	{"fulcio POST 1 wrong-authority", ERR_INVALID, "must not be used"},
	{"fulcio POST 1 no-sct", ERR_INVALID, "SCTs of 0"},
	{"fulcio POST 1 bad-sct", ERR_INVALID, "wrong signature"},
	{"fulcio POST 1 unknown-sct", ERR_INVALID, "SCTs of 0"},
	{"fulcio POST 1 status 400", ERR_AUTH, "the server answered 400"},
	{"fulcio POST 1 status 401", ERR_AUTH, "which this Fulcio knows"},
	{"fulcio POST 1 status 404", ERR_NOT_FOUND, "/api/v2/signingCert"},
	{"fulcio POST 1+ status 429", ERR_THROTTLED, "Fulcio"},
	{"fulcio POST 1+ status 500", ERR_TRANSIENT, "the server answered 500"},
	{"fulcio POST 1+ reset", ERR_TRANSIENT, "Fulcio"},
	{"fulcio POST 1+ truncate", ERR_TRANSIENT, "Fulcio"},
	{"fulcio POST 1+ stall", ERR_TIMEOUT, "Fulcio"},
	{"fulcio POST 1 garbage", ERR_INVALID, "Fulcio"},
	{"fulcio POST 1 huge", ERR_TOO_LARGE, "Fulcio"},
	{"fulcio GET 1+ reset", ERR_TRANSIENT, "/api/v2/configuration"},
};

static void test_faults(struct bench *bench)
{
	CLEANUP(id_token_freep) struct id_token *token = parse_token(bench, bench->jwt);

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		bool stalls = strstr(faults[i].rule, "stall");
		CLEANUP(fulcio_freep)
		struct fulcio *fulcio =
			open_fulcio_over(bench, stalls ? bench->hasty : bench->http, 1);
		struct err *err = NULL;
		fprintf(stderr, "%s\n", faults[i].rule);
		bench_fault(bench, faults[i].rule);
		must_fail(certify(fulcio, token, NULL, &err), err, faults[i].kind, faults[i].words);
		fake_sigstore_forget_faults(bench->fake);
	}
}

/* Passes by itself: asked again, and nobody notices. */
static void test_passing_faults(struct bench *bench)
{
	static const char *const rules[] = {"fulcio POST 1 status 503", "fulcio POST 1 status 429",
		"fulcio POST 1 reset", "fulcio POST 1 reset-after", "fulcio POST 1 static-sct"};
	CLEANUP(id_token_freep) struct id_token *token = parse_token(bench, bench->jwt);
	CLEANUP(fulcio_freep) struct fulcio *fulcio = open_fulcio(bench, 1);

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct err *err = NULL;
		bench_fault(bench, rules[i]);
		must(certify(fulcio, token, NULL, &err), err);
		fake_sigstore_forget_faults(bench->fake);
	}
}

static void test_clock(struct bench *bench)
{
	CLEANUP(id_token_freep) struct id_token *token = parse_token(bench, bench->jwt);
	CLEANUP(fulcio_freep) struct fulcio *fulcio = open_fulcio(bench, 1);
	struct err *err = NULL;

	bench->skew_ms = -20 * 1000;
	must(certify(fulcio, token, NULL, &err), err);
	bench->skew_ms = -100 * 1000;
	must_fail(certify(fulcio, token, NULL, &err), err, ERR_INVALID, "it is slow by at least");
	err = NULL;
	bench->skew_ms = 700 * 1000;
	must_fail(certify(fulcio, token, NULL, &err), err, ERR_INVALID, "it is fast by at least");
	bench->skew_ms = 0;
}

/* ---- Tokens ---- */

static void test_tokens(struct bench *bench)
{
	static const struct {
		struct fake_claims claims;
		const char *words;
	} cases[] = {
		{{.is_unverified = true}, "is not verified"},
		{{.email = ""}, "has no claim \"email\""},
	};
	CLEANUP(fulcio_freep) struct fulcio *fulcio = open_fulcio(bench, 1);
	unsigned before;
	struct err *err = NULL;

	CLEANUP(id_token_freep) struct id_token *good = parse_token(bench, bench->jwt);
	must(certify(fulcio, good, NULL, &err), err);
	before = fake_sigstore_requests(bench->fake, FAKE_FULCIO, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP(mem_freep) char *jwt = fake_sigstore_token(bench->fake, &cases[i].claims);
		CLEANUP(id_token_freep) struct id_token *token = parse_token(bench, jwt);
		err = NULL;
		must_fail(certify(fulcio, token, NULL, &err), err, ERR_AUTH, cases[i].words);
	}
	good->expires = 1;
	err = NULL;
	must_fail(certify(fulcio, good, NULL, &err), err, ERR_AUTH, "expired at 1970-01-01");
	CHECK(fake_sigstore_requests(bench->fake, FAKE_FULCIO, NULL) == before);
}

/* Fulcio's own words reach the person who has to do something. */
static void test_refused_token(struct bench *bench)
{
	CLEANUP(mem_freep)
	char *jwt = jwt_text(JWT_TEXT_HEADER,
		"{\"iss\":\"https://unknown.example.com\",\"aud\":\"sigstore\",\"sub\":\"x\","
		"\"exp\":99999999999}");
	CLEANUP(id_token_freep) struct id_token *token = parse_token(bench, jwt);
	CLEANUP(fulcio_freep) struct fulcio *fulcio = open_fulcio(bench, 1);
	struct err *err = NULL;

	must_fail(certify(fulcio, token, NULL, &err), err, ERR_AUTH,
		"issuer https://unknown.example.com, which this Fulcio's configuration does not "
		"list");
}

static void count_request(struct tiny_exchange *exchange, void *ctx)
{
	++*(_Atomic unsigned *)ctx;
	tiny_reply(exchange, 200, "", "{}");
}

/* Whoever answers for Fulcio cannot send the token somewhere else. */
static void test_redirect(struct bench *bench)
{
	static const char *const statuses[] = {"301", "302", "303", "307", "308"};
	_Atomic unsigned requests = 0;
	struct tiny_server *other = tiny_server_new(count_request, &requests);
	CLEANUP(id_token_freep) struct id_token *token = parse_token(bench, bench->jwt);
	CLEANUP(fulcio_freep) struct fulcio *fulcio = open_fulcio(bench, 1);

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		CLEANUP(mem_freep)
		char *rule = mem_printf("fulcio POST 1+ status %s Location: %s/", statuses[i],
			tiny_server_url(other));
		struct err *err = NULL;
		bench_fault(bench, rule);
		CHECK(!certify(fulcio, token, NULL, &err) && err);
		err_free(err);
		fake_sigstore_forget_faults(bench->fake);
	}
	CHECK(requests == 0);
	tiny_server_free(other);
}

/* A server that is careless with what it was given does not make us so. */
static void repeat_token(struct tiny_exchange *exchange, void *ctx)
{
	const char *bearer = tiny_header(exchange, "Authorization");
	CLEANUP(mem_freep)
	char *text = mem_printf(
		*(const bool *)ctx ? "{\"message\":\"no: %s\"}" : "no: %s", bearer ? bearer : "");

	tiny_reply(exchange, 400, "", text);
}

static void test_repeated_token(struct bench *bench)
{
	bool as_json = false;
	struct tiny_server *server = tiny_server_new(repeat_token, &as_json);
	const struct fulcio_options options = {
		.http = bench->http, .url = tiny_server_url(server), .root = bench->root};
	CLEANUP(id_token_freep) struct id_token *token = parse_token(bench, bench->jwt);
	struct err *err = NULL;
	CLEANUP(fulcio_freep) struct fulcio *fulcio = fulcio_new(&options, &err);

	must(fulcio, err);
	for (unsigned i = 0; i < 2; i++) {
		err = NULL;
		must_fail(certify(fulcio, token, NULL, &err), err, ERR_AUTH,
			"the server answered 400: (words that repeat the token)");
		as_json = true;
	}
	tiny_server_free(server);
}

/* ---- Options ---- */

static void test_options(struct bench *bench)
{
	static const char *const urls[] = {"http://fulcio.example.com", "ftp://127.0.0.1", "",
		"https://fulcio.example.com/?a=b", "https://fulcio.example.com/#a",
		"http://localhost.example.com"};
	CLEANUP(id_token_freep) struct id_token *token = parse_token(bench, bench->jwt);
	struct fulcio_options options = {.http = bench->http, .root = bench->root};
	struct err *err = NULL;

	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		options.url = urls[i];
		err = NULL;
		must_fail(fulcio_new(&options, &err), err, ERR_USAGE, "Fulcio");
	}
	options.url = "https://fulcio.example.com/";
	err = NULL;
	CLEANUP(fulcio_freep) struct fulcio *unused = fulcio_new(&options, &err);
	must(unused, err);

	options.url = fake_sigstore_url(bench->fake, FAKE_FULCIO);
	options.identity = "release@example.com";
	CLEANUP(fulcio_freep) struct fulcio *fulcio = fulcio_new(&options, &err);
	must_fail(certify(fulcio, token, NULL, &err), err, ERR_INVALID,
		"instead of \"release@example.com\"");
	err = NULL;
	options.identity = NULL;
	options.issuer = "https://issuer.example.com";
	CLEANUP(fulcio_freep) struct fulcio *other = fulcio_new(&options, &err);
	must_fail(certify(other, token, NULL, &err), err, ERR_INVALID,
		"instead of \"https://issuer.example.com\"");
}

int main(void)
{
	struct bench bench;

	bench_open(&bench, (struct fake_sigstore_options){0});
	test_issuers(&bench);
	test_challenge_of_issuer(&bench);
	test_without_configuration(&bench, "fulcio GET 1+ status 404");
	test_without_configuration(&bench, "fulcio GET 1+ garbage");
	test_detached(&bench);
	test_faults(&bench);
	test_passing_faults(&bench);
	test_clock(&bench);
	test_tokens(&bench);
	test_refused_token(&bench);
	test_redirect(&bench);
	test_repeated_token(&bench);
	test_options(&bench);
	bench_close(&bench);
	return 0;
}
