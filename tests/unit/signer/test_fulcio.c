/* What Fulcio's answers and a token's claims say. Certificates are tests/threads/fulcio.c's. */
#include <criterion/criterion.h>

#include "signer/fulcio_private.h"
#include "tests/fakes/jwt_text.h"

#define ISS "https://issuer.example.com"

/* ---- Configuration ---- */

static struct fulcio_configuration configuration(const char *text)
{
	struct fulcio_configuration read = {0};
	struct err *err = NULL;

	cr_assert(fulcio_configuration_parse(text, strlen(text), &read, &err), "%s", err->msg);
	return read;
}

Test(fulcio, configuration_is_read)
{
	struct fulcio_configuration read = configuration(
		"{\"issuers\":[{\"issuerUrl\":\"" ISS "\",\"audience\":\"sigstore\","
		"\"challengeClaim\":\"email\",\"issuerType\":\"email\",\"new\":[1]},"
		"{\"wildcard_issuer_url\":\"https://*.example.com\",\"challenge_claim\":\"sub\","
		"\"issuer_type\":\"username\",\"subject_domain\":\"example.com\"}],\"more\":{}}");
	const struct fulcio_issuer *first = fulcio_configuration_find(&read, ISS);

	cr_assert(first);
	cr_expect_str_eq(first->claim, "email");
	cr_expect_str_eq(first->type, "email");
	cr_expect_str_eq(first->subject_domain, "");
	const struct fulcio_issuer *second =
		fulcio_configuration_find(&read, "https://other.example.com");
	cr_assert(second && second->is_pattern);
	cr_expect_str_eq(second->subject_domain, "example.com");
	fulcio_configuration_release(&read);
}

/* The exact one counts wherever it stands. */
Test(fulcio, patterns_go_last)
{
	struct fulcio_configuration read =
		configuration("{\"issuers\":[{\"wildcardIssuerUrl\":\"https://*.example.com\","
			      "\"challengeClaim\":\"sub\"},{\"issuerUrl\":\"" ISS
			      "\",\"challengeClaim\":\"email\"}]}");

	cr_expect_str_eq(fulcio_configuration_find(&read, ISS)->claim, "email");
	fulcio_configuration_release(&read);
}

Test(fulcio, patterns)
{
	static const struct {
		const char *pattern, *issuer;
		bool fits;
	} cases[] = {
		{"https://oidc.eks.*.amazonaws.com/id/*",
			"https://oidc.eks.eu-west-1.amazonaws.com/id/B02C93B6A2D3", true},
		{"https://oidc.eks.*.amazonaws.com/id/*",
			"https://oidc.eks.eu-west-1.amazonaws.com/id/B02/C9", false},
		{"https://oidc.eks.*.amazonaws.com/id/*",
			"https://oidc.eks.eu.evil.amazonaws.com/id/B02", false},
		{"https://oidc.eks.*.amazonaws.com/id/*", "https://oidc.eks.eu.amazonaws.com/id/",
			false},
		{"https://oidc.eks.*.amazonaws.com/id/*", "https://oidc.eks..amazonaws.com/id/1",
			false},
		{"https://*.example.com", "https://evil.com/a.example.com", false},
		{"https://*.example.com", "https://a.example.com/", false},
		{"https://*.example.com", "https://a.example.co", false},
		{"https://a*c", "https://abcbc", true},
		{"https://a*bc", "https://abbcbbc", true},
		{"https://a*bc", "https://abc", false},
		{"*", "x", true},
		{"*", "", false},
		{"**", "x", false},
		{"**", "xy", true},
		{"*a*a*", "bacab", true},
		{"*a*a*", "bacad.", false},
		{"", "", true},
		{"", "x", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP(mem_freep)
		char *text = mem_printf(
			"{\"issuers\":[{\"wildcardIssuerUrl\":\"%s\"}]}", cases[i].pattern);
		struct fulcio_configuration read = configuration(text);
		cr_expect_eq(fulcio_configuration_find(&read, cases[i].issuer) != NULL,
			cases[i].fits, "%s %s", cases[i].pattern, cases[i].issuer);
		fulcio_configuration_release(&read);
	}
}

Test(fulcio, malformed_configurations)
{
	static const char *const texts[] = {"", "[]", "{\"issuers\":{}}", "{\"issuers\":[1]}",
		"{\"issuers\":[{\"issuerUrl\":1}]}", "{\"issuers\":[{\"challengeClaim\":{}}]}",
		"{\"issuers\":[],\"issuers\":[]}"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct fulcio_configuration read = {0};
		struct err *err = NULL;
		cr_expect_not(fulcio_configuration_parse(texts[i], strlen(texts[i]), &read, &err),
			"%s", texts[i]);
		cr_expect(err_is(err, ERR_INVALID));
		err_free(err);
	}
}

/* ---- Certificates ---- */

Test(fulcio, malformed_answers)
{
	static const char *const texts[] = {"", "{}", "null",
		"{\"signedCertificateEmbeddedSct\":{}}",
		"{\"signedCertificateEmbeddedSct\":{\"chain\":{}}}",
		"{\"signedCertificateEmbeddedSct\":{\"chain\":{\"certificates\":[]}}}",
		"{\"signedCertificateEmbeddedSct\":{\"chain\":{\"certificates\":[1]}}}",
		"{\"signedCertificateEmbeddedSct\":{\"chain\":{\"certificates\":[\"x\"]}}}",
		"{\"signedCertificateEmbeddedSct\":{\"chain\":[]}}",
		"{\"signedCertificateEmbeddedSct\":{},\"signedCertificateDetachedSct\":{}}"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct fulcio_answer read = {0};
		struct err *err = NULL;
		cr_expect_not(fulcio_answer_parse(texts[i], strlen(texts[i]), &read, &err), "%s",
			texts[i]);
		cr_expect(err_is(err, ERR_INVALID) && !read.certificate);
		err_free(err);
	}
}

/* ---- Claims ---- */

static struct id_token *token_of(const char *claims, const char *email, bool verified)
{
	struct id_token *token = mem_new(1, sizeof(*token));

	token->jwt = jwt_text(JWT_TEXT_HEADER, claims);
	token->issuer = mem_strdup(ISS);
	token->subject = mem_strdup("me");
	token->email = mem_strdup(email);
	token->email_verified = verified;
	return token;
}

/* As a configuration with one issuer. */
static struct fulcio_configuration issuer_of(
	const char *claim, const char *type, const char *domain)
{
	CLEANUP(mem_freep)
	char *text = mem_printf("{\"issuers\":[{\"issuerUrl\":\"" ISS
				"\",\"challengeClaim\":\"%s\",\"issuerType\":\"%s\","
				"\"subjectDomain\":\"%s\"}]}",
		claim, type, domain);

	return configuration(text);
}

static void expect_challenge(const char *wanted_by, const char *email, bool verified,
	const char *claim, const char *words)
{
	struct fulcio_configuration known = issuer_of(wanted_by ? wanted_by : "", "", "");
	const struct fulcio_issuer *issuer = wanted_by ? &known.issuers.items[0] : NULL;
	struct id_token *token = token_of("{}", email, verified);
	const char *found = NULL;
	struct err *err = NULL;

	if (claim) {
		cr_expect(fulcio_challenge(issuer, token, &found, &err));
		cr_expect_str_eq(found, claim);
	} else {
		cr_expect_not(fulcio_challenge(issuer, token, &found, &err));
		cr_expect(err_is(err, ERR_AUTH) && strstr(err->msg, words));
	}
	err_free(err);
	id_token_free(token);
	fulcio_configuration_release(&known);
}

Test(fulcio, what_is_signed_as_proof)
{
	expect_challenge("email", "a@b", true, "a@b", NULL);
	expect_challenge("email", "a@b", false, NULL, "not verified");
	expect_challenge("email", "", false, NULL, "has no claim \"email\"");
	expect_challenge("sub", "a@b", true, "me", NULL);
	expect_challenge("sub", "a@b", false, "me", NULL);
	/* What Fulcio does not say: the clients' rule. */
	expect_challenge(NULL, "a@b", true, "a@b", NULL);
	expect_challenge(NULL, "a@b", false, NULL, "not verified");
	expect_challenge(NULL, "", false, "me", NULL);
	expect_challenge("other", "", false, "me", NULL);
}

static void expect_text(const char *found, const char *wanted)
{
	if (wanted)
		cr_expect_str_eq(found, wanted);
	else
		cr_expect_null(found);
}

static void expect_identity(const char *type, const char *domain, const char *claims,
	const char *identity, const char *federated)
{
	struct fulcio_configuration known = issuer_of("sub", type ? type : "", domain);
	struct id_token *token = token_of(claims, "a@b", true);
	struct fulcio_expected expected = {0};

	fulcio_expect(type ? &known.issuers.items[0] : NULL, token, &expected);
	expect_text(expected.identity, identity);
	expect_text(expected.issuer, ISS);
	expect_text(expected.federated_issuer, federated);
	fulcio_expected_release(&expected);
	id_token_free(token);
	fulcio_configuration_release(&known);
}

Test(fulcio, what_the_certificate_will_say)
{
	expect_identity("email", "", "{}", "a@b", NULL);
	expect_identity("spiffe", "", "{}", "me", NULL);
	expect_identity("uri", "", "{}", "me", NULL);
	expect_identity("username", "example.com", "{}", "me!example.com", NULL);
	expect_identity("username", "", "{}", NULL, NULL);
	expect_identity("github-workflow", "", "{\"job_workflow_ref\":\"o/r/w.yml@refs/heads/m\"}",
		"https://github.com/o/r/w.yml@refs/heads/m", NULL);
	expect_identity("github-workflow", "", "{}", NULL, NULL);
	expect_identity("gitlab-pipeline", "", "{\"ci_config_ref_uri\":\"gitlab.com/o/r//c@m\"}",
		"https://gitlab.com/o/r//c@m", NULL);
	expect_identity("buildkite-job", "",
		"{\"organization_slug\":\"o\",\"pipeline_slug\":\"p\"}",
		"https://buildkite.com/o/p", NULL);
	expect_identity("buildkite-job", "", "{\"organization_slug\":\"o\"}", NULL, NULL);
	expect_identity("kubernetes", "",
		"{\"kubernetes.io\":{\"namespace\":\"n\",\"serviceaccount\":{\"name\":\"s\"}}}",
		"https://kubernetes.io/namespaces/n/serviceaccounts/s", NULL);
	expect_identity("kubernetes", "", "{\"kubernetes.io\":[]}", NULL, NULL);
	/* Templates of Fulcio's own, and issuers that it does not list. */
	expect_identity("ci-provider", "", "{\"job_workflow_ref\":\"x\"}", NULL, NULL);
	expect_identity(NULL, "", "{}", NULL, NULL);
	/* Dex may be configured to stand for another issuer. */
	expect_identity("email", "",
		"{\"federated_claims\":{\"connector_id\":\"https://github.com/login/oauth\"}}",
		"a@b", "https://github.com/login/oauth");
	expect_identity("email", "", "not JSON", "a@b", NULL);
}
