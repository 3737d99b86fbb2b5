/*
 * The OpenID Connect issuer: discovery, keys and tokens, and what jobs ask for tokens: GitHub
 * Actions, Buildkite, and the endpoints of Google that are google_api.h's matter; the identity
 * tokens that those give are made here. One key for all issuers.
 *
 *	GET /token?issuer=&audience=&email=&sub=&verified=false&lifetime=SECONDS
 *	    a token as the test wants it, in plain text; issuer is "", actions, buildkite,
 *	    kubernetes or spiffe
 *	GET /actions/token?api-version=2.0&audience=	Authorization: bearer FAKE_ACTIONS_SECRET
 *	POST /v3/jobs/JOB/oidc/tokens			Authorization: Token FAKE_BUILDKITE_SECRET
 */
#include <inttypes.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "tests/fakes/sigstore/fake.h"

const char *const fake_issuer_types[FAKE_ISSUERS] = {
	[FAKE_ISSUER_EMAIL] = "email",
	[FAKE_ISSUER_ACTIONS] = "github-workflow",
	[FAKE_ISSUER_BUILDKITE] = "buildkite-job",
	[FAKE_ISSUER_KUBERNETES] = "kubernetes",
	[FAKE_ISSUER_SPIFFE] = "spiffe",
};

static const char *const subjects[FAKE_ISSUERS] = {
	[FAKE_ISSUER_EMAIL] = "1234567890",
	[FAKE_ISSUER_ACTIONS] = "repo:example/images:ref:refs/heads/main",
	[FAKE_ISSUER_BUILDKITE] = "organization:example:pipeline:promote:ref:refs/heads/main",
	[FAKE_ISSUER_KUBERNETES] = "system:serviceaccount:promoter:promoter",
	[FAKE_ISSUER_SPIFFE] = FAKE_SPIFFE_IDENTITY,
};

/* ---- Tokens ---- */

static char *google_identity(const char *account, void *ctx)
{
	return fake_sigstore_token(ctx, &(struct fake_claims){.email = account});
}

void fake_oidc_init(struct fake_sigstore *fake)
{
	CLEANUP(str_release) struct str spki = STR_INIT(4096);
	uint8_t hash[FAKE_HASH_SIZE];

	fake->token_key = EVP_RSA_gen(2048);
	fake_must(fake->token_key != NULL);
	fake_spki(fake->token_key, &spki);
	fake_sha256(spki.bytes, spki.len, hash);
	fake->token_key_id = fake_hex(hash, 8);
	google_api_init(&fake->google);
	fake->google.identity = google_identity;
	fake->google.identity_ctx = fake;
}

static void set_text(json_t *object, const char *key, const char *text)
{
	fake_must(json_object_set_new(object, key, json_string(text)) == 0);
}

static void add_actions_claims(json_t *claims)
{
	static const char *const texts[][2] = {
		{"event_name", "push"},
		{"sha", "0123456789abcdef0123456789abcdef01234567"},
		{"workflow", "promote"},
		{"repository", "example/images"},
		{"ref", "refs/heads/main"},
		{"job_workflow_ref",
			"example/images/.github/workflows/promote.yml@refs/heads/main"},
		{"job_workflow_sha", "0123456789abcdef0123456789abcdef01234567"},
		{"workflow_ref", "example/images/.github/workflows/promote.yml@refs/heads/main"},
		{"workflow_sha", "0123456789abcdef0123456789abcdef01234567"},
		{"runner_environment", "github-hosted"},
		{"repository_id", "1001"},
		{"repository_owner", "example"},
		{"repository_owner_id", "1002"},
		{"repository_visibility", "public"},
		{"run_id", "42"},
		{"run_attempt", "1"},
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		set_text(claims, texts[i][0], texts[i][1]);
}

static void add_issuer_claims(json_t *claims, enum fake_issuer issuer)
{
	if (issuer == FAKE_ISSUER_ACTIONS) {
		add_actions_claims(claims);
	} else if (issuer == FAKE_ISSUER_BUILDKITE) {
		set_text(claims, "organization_slug", "example");
		set_text(claims, "pipeline_slug", "promote");
	} else if (issuer == FAKE_ISSUER_KUBERNETES) {
		json_t *pod = json_pack("{s:s,s:{s:s,s:s}}", "namespace", "promoter",
			"serviceaccount", "name", "promoter", "uid", "1003");
		fake_must(json_object_set_new(claims, "kubernetes.io", pod) == 0);
	}
}

static json_t *make_claims(const struct fake_sigstore *fake, const struct fake_claims *wanted)
{
	int64_t now = fake_now_s(fake), lifetime = wanted->lifetime_s ? wanted->lifetime_s : 600;
	const char *email = wanted->email;
	json_t *claims = json_pack("{s:s,s:s,s:s,s:I,s:I,s:I}", "iss",
		fake->issuers[wanted->issuer], "sub",
		wanted->subject ? wanted->subject : subjects[wanted->issuer], "aud",
		wanted->audience ? wanted->audience : "sigstore", "iat",
		(json_int_t)(now - (lifetime < 0 ? 600 : 0)), "nbf",
		(json_int_t)(now - (lifetime < 0 ? 600 : 0)), "exp", (json_int_t)(now + lifetime));

	fake_must(claims != NULL);
	if (!email && wanted->issuer == FAKE_ISSUER_EMAIL)
		email = FAKE_EMAIL;
	if (email && *email) {
		set_text(claims, "email", email);
		json_object_set_new(claims, "email_verified", json_boolean(!wanted->is_unverified));
	}
	add_issuer_claims(claims, wanted->issuer);
	return claims;
}

char *fake_sigstore_token(const struct fake_sigstore *fake, const struct fake_claims *claims)
{
	static const struct fake_claims usual;
	CLEANUP(str_release) struct str signature = STR_INIT(4096);
	CLEANUP(mem_freep)
	char *header = mem_printf(
		"{\"alg\":\"RS256\",\"kid\":\"%s\",\"typ\":\"JWT\"}", fake->token_key_id);
	json_t *tree = make_claims(fake, claims ? claims : &usual);
	CLEANUP(mem_freep) char *payload = fake_canonical(tree);
	CLEANUP(mem_freep) char *header_text = fake_base64url(header, strlen(header));
	CLEANUP(mem_freep) char *payload_text = fake_base64url(payload, strlen(payload));
	CLEANUP(mem_freep) char *text = mem_printf("%s.%s", header_text, payload_text);

	json_decref(tree);
	fake_sign(fake->token_key, text, strlen(text), &signature);
	CLEANUP(mem_freep) char *signature_text = fake_base64url(signature.bytes, signature.len);
	return mem_printf("%s.%s", text, signature_text);
}

/* ---- Reading one ---- */

/* The claims of something that we have signed. */
static json_t *token_open(const struct fake_sigstore *fake, const char *token)
{
	CLEANUP(str_release) struct str header = STR_INIT(FAKE_BYTES_MAX);
	CLEANUP(str_release) struct str payload = STR_INIT(FAKE_BYTES_MAX);
	CLEANUP(str_release) struct str signature = STR_INIT(FAKE_BYTES_MAX);
	const char *first = strchr(token, '.'), *last = strrchr(token, '.');

	if (!first || first == last || !fake_unbase64url(token, (size_t)(first - token), &header) ||
		!fake_unbase64url(first + 1, (size_t)(last - first - 1), &payload) ||
		!fake_unbase64url(last + 1, strlen(last + 1), &signature) ||
		!strstr(str_text(&header), "\"RS256\"") ||
		!fake_verify(fake->token_key, token, (size_t)(last - token), &signature))
		return NULL;
	return json_loadb(payload.bytes, payload.len, JSON_REJECT_DUPLICATES, NULL);
}

/* For Sigstore, now, by one of our issuers, with what its type needs. */
static bool token_is_good(
	const struct fake_sigstore *fake, json_t *claims, enum fake_issuer *ret_issuer)
{
	const char *issuer = "", *audience = "", *email = NULL;
	json_int_t expires = 0, begins = 0;
	int is_verified = 0, index = -1;

	json_unpack(claims, "{s?s,s?s,s?I,s?I,s?s,s?b}", "iss", &issuer, "aud", &audience, "exp",
		&expires, "nbf", &begins, "email", &email, "email_verified", &is_verified);
	for (int i = 0; i < FAKE_ISSUERS; i++)
		index = strcmp(issuer, fake->issuers[i]) == 0 ? i : index;
	if (index < 0 || strcmp(audience, "sigstore") != 0 || expires <= fake_now_s(fake) ||
		begins > fake_now_s(fake))
		return false;
	*ret_issuer = (enum fake_issuer)index;
	return *ret_issuer != FAKE_ISSUER_EMAIL || (email && is_verified);
}

json_t *fake_token_read(
	const struct fake_sigstore *fake, const char *token, enum fake_issuer *ret_issuer)
{
	json_t *claims = token_open(fake, token);

	if (claims && token_is_good(fake, claims, ret_issuer))
		return claims;
	json_decref(claims);
	return NULL;
}

/* ---- Endpoints ---- */

static void answer_discovery(struct fake_call *call, const char *issuer)
{
	CLEANUP(mem_freep)
	char *keys = mem_printf("%s/keys", fake_sigstore_url(call->fake, FAKE_OIDC));
	CLEANUP(mem_freep)
	char *token = mem_printf("%s/token", fake_sigstore_url(call->fake, FAKE_OIDC));

	fake_answer_json(call, 200,
		json_pack("{s:s,s:s,s:s,s:s,s:[s],s:[s],s:[s]}", "issuer", issuer,
			"authorization_endpoint", token, "token_endpoint", token, "jwks_uri", keys,
			"response_types_supported", "id_token", "subject_types_supported", "public",
			"id_token_signing_alg_values_supported", "RS256"));
}

static char *number_of_key(const EVP_PKEY *key, const char *name)
{
	BIGNUM *number = NULL;
	uint8_t bytes[512];
	int len;

	fake_must(EVP_PKEY_get_bn_param(key, name, &number));
	len = BN_bn2bin(number, bytes);
	BN_free(number);
	return fake_base64url(bytes, (size_t)len);
}

static void answer_keys(struct fake_call *call)
{
	CLEANUP(mem_freep) char *modulus = number_of_key(call->fake->token_key, "n");
	CLEANUP(mem_freep) char *exponent = number_of_key(call->fake->token_key, "e");

	fake_answer_json(call, 200,
		json_pack("{s:[{s:s,s:s,s:s,s:s,s:s,s:s}]}", "keys", "kty", "RSA", "alg", "RS256",
			"use", "sig", "kid", call->fake->token_key_id, "n", modulus, "e",
			exponent));
}

static char *usual_if_absent(char *text)
{
	if (*text)
		return text;
	mem_free(text);
	return NULL;
}

static bool issuer_read(const struct fake_sigstore *fake, const char *name, enum fake_issuer *ret)
{
	for (unsigned i = 0; i < FAKE_ISSUERS; i++) {
		const char *path = fake->issuers[i] + strlen(fake->issuers[FAKE_ISSUER_EMAIL]);
		if (strcmp(name, path + (*path == '/')) == 0) {
			*ret = (enum fake_issuer)i;
			return true;
		}
	}
	return false;
}

static void answer_token(struct fake_call *call)
{
	CLEANUP(mem_freep) char *issuer = tiny_parameter(call->query, "issuer");
	CLEANUP(mem_freep)
	char *audience = usual_if_absent(tiny_parameter(call->query, "audience"));
	CLEANUP(mem_freep) char *email = usual_if_absent(tiny_parameter(call->query, "email"));
	CLEANUP(mem_freep) char *subject = usual_if_absent(tiny_parameter(call->query, "sub"));
	CLEANUP(mem_freep) char *verified = tiny_parameter(call->query, "verified");
	CLEANUP(mem_freep) char *lifetime = tiny_parameter(call->query, "lifetime");
	struct fake_claims claims = {
		.audience = audience,
		.email = email,
		.subject = subject,
		.is_unverified = strcmp(verified, "false") == 0,
		.lifetime_s = strtoll(lifetime, NULL, 10),
	};

	if (!issuer_read(call->fake, issuer, &claims.issuer)) {
		fake_refuse_grpc(call, 400, "no such issuer");
		return;
	}
	CLEANUP(mem_freep) char *token = fake_sigstore_token(call->fake, &claims);
	fake_answer_text(call, 200, "text/plain", token);
}

static bool has_header(const struct fake_call *call, const char *name, const char *value)
{
	const char *found = tiny_header(call->exchange, name);

	return found && strcmp(found, value) == 0;
}

static void answer_named_token(
	struct fake_call *call, const char *member, const struct fake_claims *claims)
{
	CLEANUP(mem_freep) char *token = fake_sigstore_token(call->fake, claims);

	fake_answer_json(call, 200, json_pack("{s:s}", member, token));
}

static void answer_actions(struct fake_call *call)
{
	CLEANUP(mem_freep) char *version = tiny_parameter(call->query, "api-version");
	CLEANUP(mem_freep) char *audience = tiny_parameter(call->query, "audience");

	if (!has_header(call, "Authorization", "bearer " FAKE_ACTIONS_SECRET))
		fake_refuse_grpc(call, 401, "no such job");
	else if (strcmp(version, "2.0") != 0 || !*audience)
		fake_refuse_grpc(call, 400, "api-version or audience");
	else
		answer_named_token(call, "value",
			&(struct fake_claims){.issuer = FAKE_ISSUER_ACTIONS, .audience = audience});
}

static void answer_buildkite(struct fake_call *call)
{
	json_t *request = fake_call_json(call);
	const char *audience = NULL;

	if (!has_header(call, "Authorization", "Token " FAKE_BUILDKITE_SECRET))
		fake_refuse_grpc(call, 401, "no such job");
	else if (!request || json_unpack(request, "{s:s}", "audience", &audience) != 0)
		fake_refuse_grpc(call, 400, "audience");
	else
		answer_named_token(call, "token",
			&(struct fake_claims){
				.issuer = FAKE_ISSUER_BUILDKITE, .audience = audience});
	json_decref(request);
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

bool fake_oidc_is_googles(const struct tiny_exchange *exchange)
{
	const char *target = exchange->target;

	return strncmp(target, "/computeMetadata/", 17) == 0 || strcmp(target, "/sts") == 0 ||
		strncmp(target, "/v1/projects/", 13) == 0 || strcmp(target, "/subject") == 0 ||
		(strcmp(target, "/token") == 0 && strcmp(exchange->method, "POST") == 0);
}

static bool answer_issuer(struct fake_call *call)
{
	for (unsigned i = 0; i < FAKE_ISSUERS; i++) {
		const char *path =
			call->fake->issuers[i] + strlen(call->fake->issuers[FAKE_ISSUER_EMAIL]);
		CLEANUP(mem_freep)
		char *discovery = mem_printf("%s/.well-known/openid-configuration", path);
		if (fake_call_is(call, "GET", discovery)) {
			answer_discovery(call, call->fake->issuers[i]);
			return true;
		}
	}
	return false;
}

void fake_oidc(struct fake_call *call)
{
	bool posts = strcmp(call->exchange->method, "POST") == 0;

	if (answer_issuer(call))
		return;
	if (fake_call_is(call, "GET", "/keys"))
		answer_keys(call);
	else if (fake_call_is(call, "GET", "/token"))
		answer_token(call);
	else if (fake_call_is(call, "GET", "/actions/token"))
		answer_actions(call);
	else if (posts && strncmp(call->path, "/v3/jobs/", 9) == 0 &&
		ends_with(call->path, "/oidc/tokens"))
		answer_buildkite(call);
}
