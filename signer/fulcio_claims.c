/*
 * Which claims of a token matter to Fulcio, by the types of issuers that it knows. Types whose names
 * come from templates in Fulcio's own configuration (ci-provider) tell us nothing.
 */
#include <jansson.h>
#include <string.h>

#include "base/alloc.h"
#include "signer/bytes.h"
#include "signer/fulcio_private.h"
#include "signer/json_private.h"

/* ---- Proof of possession ---- */

static bool email_check(const struct id_token *token, struct err **err)
{
	if (!*token->email)
		return err_set(err, ERR_AUTH,
			"the identity token of %.200s has no claim \"email\", which Fulcio wants "
			"of this issuer: ask for a token that includes it",
			token->issuer);
	if (!token->email_verified)
		return err_set(err, ERR_AUTH,
			"the e-mail address \"%.200s\" in the identity token of %.200s is not "
			"verified (\"email_verified\"): Fulcio does not certify it",
			token->email, token->issuer);
	return true;
}

bool fulcio_challenge(const struct fulcio_issuer *issuer, const struct id_token *token,
	const char **ret_claim, struct err **err)
{
	bool is_email = *token->email != '\0';

	if (issuer && strcmp(issuer->claim, "email") == 0)
		is_email = true;
	else if (issuer && strcmp(issuer->claim, "sub") == 0)
		is_email = false;
	if (is_email && !email_check(token, err))
		return false;
	if (!is_email && !*token->subject)
		return err_set(err, ERR_AUTH, "the identity token of %.200s has no claim \"sub\"",
			token->issuer);
	*ret_claim = is_email ? token->email : token->subject;
	return true;
}

/* ---- What the certificate will say ---- */

void fulcio_expected_release(struct fulcio_expected *expected)
{
	mem_free(expected->identity);
	mem_free(expected->issuer);
	mem_free(expected->federated_issuer);
}

/* The second part of the token. NULL if it is not what id_token_parse would have accepted. */
static json_t *claims_of(const struct id_token *token)
{
	const char *begin = strchr(token->jwt, '.');
	const char *end = begin ? strchr(begin + 1, '.') : NULL;
	struct bytes bytes = {0};
	json_t *claims = NULL;

	if (!end)
		return NULL;
	char *text = mem_strndup(begin + 1, (size_t)(end - begin - 1));
	if (bytes_from_base64(text, &bytes))
		json_load_object(
			(const char *)bytes.data, bytes.len, ID_TOKEN_MAX_SIZE, &claims, NULL);
	mem_free_secret_string(text);
	mem_free_secret(bytes.data, bytes.len);
	return claims;
}

static const char *claim(const json_t *claims, const char *name)
{
	const char *text = json_string_value(json_object_get(claims, name));

	return text && *text ? text : NULL;
}

static char *joined(const char *before, const char *text)
{
	return text ? mem_printf("%s%s", before, text) : NULL;
}

static char *buildkite_identity(const json_t *claims)
{
	const char *organization = claim(claims, "organization_slug");
	const char *pipeline = claim(claims, "pipeline_slug");

	return organization && pipeline
		? mem_printf("https://buildkite.com/%s/%s", organization, pipeline)
		: NULL;
}

static char *kubernetes_identity(const json_t *claims)
{
	const json_t *object = json_object_get(claims, "kubernetes.io");
	const char *space = claim(object, "namespace");
	const char *account = claim(json_object_get(object, "serviceaccount"), "name");

	return space && account
		? mem_printf(
			  "https://kubernetes.io/namespaces/%s/serviceaccounts/%s", space, account)
		: NULL;
}

static char *identity_of(
	const struct fulcio_issuer *issuer, const struct id_token *token, const json_t *claims)
{
	const char *type = issuer ? issuer->type : "";

	if (strcmp(type, "email") == 0)
		return mem_strdup(token->email);
	if (strcmp(type, "spiffe") == 0 || strcmp(type, "uri") == 0)
		return mem_strdup(token->subject);
	if (strcmp(type, "username") == 0)
		return *issuer->subject_domain
			? mem_printf("%s!%s", token->subject, issuer->subject_domain)
			: NULL;
	if (strcmp(type, "github-workflow") == 0)
		return joined("https://github.com/", claim(claims, "job_workflow_ref"));
	if (strcmp(type, "gitlab-pipeline") == 0)
		return joined("https://", claim(claims, "ci_config_ref_uri"));
	if (strcmp(type, "buildkite-job") == 0)
		return buildkite_identity(claims);
	if (strcmp(type, "kubernetes") == 0)
		return kubernetes_identity(claims);
	return NULL;
}

void fulcio_expect(const struct fulcio_issuer *issuer, const struct id_token *token,
	struct fulcio_expected *ret_expected)
{
	CLEANUP(json_tree_freep) json_t *claims = claims_of(token);
	const char *connector = claim(json_object_get(claims, "federated_claims"), "connector_id");

	ret_expected->identity = identity_of(issuer, token, claims);
	ret_expected->issuer = mem_strdup(token->issuer);
	ret_expected->federated_issuer = connector ? mem_strdup(connector) : NULL;
}
