/*
 * The conversation with Fulcio: its configuration once, then a request for each certificate, and what
 * must hold of a certificate before anything is signed with it. Texts of answers are
 * fulcio_answer.c's, claims of tokens fulcio_claims.c's.
 */
#include "signer/fulcio.h"

#include <inttypes.h>
#include <string.h>

#include "base/enc.h"
#include "base/log.h"
#include "base/once.h"
#include "signer/fulcio_private.h"
#include "signer/public_key_private.h"
#include "signer/sct.h"
#include "signer/service.h"

#define REQUEST_MAX_SIZE ((size_t)16 * 1024)
#define CONFIGURATION "configuration"

struct fulcio {
	struct service service;
	const struct clock *clock;
	const struct trust_root *root;
	size_t scts;
	char *identity, *issuer; /* NULL: the token's */
	struct cancel *cancel;

	struct once *once; /* CONFIGURATION */
	struct fulcio_configuration configuration;
};

struct fulcio *fulcio_new(const struct fulcio_options *options, struct err **err)
{
	struct service service;

	if (!service_init(&service, options->http, "Fulcio", options->url, err))
		return NULL;
	struct fulcio *fulcio = mem_new(1, sizeof(*fulcio));
	fulcio->service = service;
	fulcio->clock = options->clock ? options->clock : &clock_system;
	fulcio->root = options->root;
	fulcio->scts = options->scts;
	fulcio->identity = options->identity ? mem_strdup(options->identity) : NULL;
	fulcio->issuer = options->issuer ? mem_strdup(options->issuer) : NULL;
	fulcio->cancel = http_settings(options->http)->cancel;
	fulcio->once = once_new();
	return fulcio;
}

void fulcio_free(struct fulcio *fulcio)
{
	if (!fulcio)
		return;
	service_release(&fulcio->service);
	mem_free(fulcio->identity);
	mem_free(fulcio->issuer);
	once_free(fulcio->once);
	fulcio_configuration_release(&fulcio->configuration);
	mem_free(fulcio);
}

/* ---- Configuration ---- */

static const struct service_request configuration_request = {
	.method = "GET",
	.path = "/api/v2/configuration",
	.accept = "application/json",
	.response_max = FULCIO_ANSWER_MAX_SIZE,
};

/* A server without a usable one is used like one that lists no issuers: by the clients' rule. */
static bool configuration_fetch(struct fulcio *fulcio, struct err **err)
{
	CLEANUP(http_response_release) struct http_response response = {0};
	CLEANUP(err_freep) struct err *reason = NULL;

	if (!service_do(&fulcio->service, &configuration_request, &response, err))
		return false;
	bool ok = response.status == 200
		? fulcio_configuration_parse(str_text(&response.body), response.body.len,
			  &fulcio->configuration, &reason) ||
			service_failed(&fulcio->service, &configuration_request, &reason)
		: service_refused(&fulcio->service, &configuration_request, &response, &reason);
	if (!ok)
		log_debug("%s: going by the token's claims", reason->msg);
	return true;
}

static bool configuration_need(struct fulcio *fulcio, struct err **err)
{
	switch (once_begin(fulcio->once, CONFIGURATION, fulcio->cancel)) {
	case ONCE_MINE: {
		bool ok = configuration_fetch(fulcio, err);
		once_finish(fulcio->once, CONFIGURATION, ok);
		return ok;
	}
	case ONCE_DONE:
		return true;
	case ONCE_CANCELLED:
	case ONCE_BUSY:
		break;
	}
	return err_set(err, ERR_CANCELLED, "cancelled while waiting for Fulcio's configuration");
}

/* ---- The request ---- */

static bool body_build(
	const struct signing_key *key, const char *claim, struct str *out, struct err **err)
{
	CLEANUP(str_release) struct str pem = STR_INIT(REQUEST_MAX_SIZE);
	CLEANUP(bytes_release) struct bytes proof = {0};
	const struct message message = message_of_bytes(claim, strlen(claim));

	if (!signing_key_sign(key, &message, &proof, err))
		return false;
	CLEANUP(mem_freep) char *proof_text = base64_encode(proof.data, proof.len);
	pem_encode(public_key_spki(signing_key_public(key)), "PUBLIC KEY", &pem);
	str_add_text(out,
		"{\"publicKeyRequest\":{\"publicKey\":{\"algorithm\":\"ECDSA\",\"content\":\"");
	for (const char *c = str_text(&pem); *c; c++)
		*c == '\n' ? str_add_text(out, "\\n") : str_add_char(out, *c);
	str_addf(out, "\"},\"proofOfPossession\":\"%s\"}}", proof_text);
	return true;
}

/* All faults of a token are status 400 here. */
static bool refused(const struct fulcio *fulcio, const struct service_request *request,
	const struct http_response *response, const struct fulcio_issuer *issuer,
	const struct id_token *token, struct err **err)
{
	CLEANUP(err_freep) struct err *reason = NULL;
	char expires[CLOCK_RFC3339_SIZE];
	int status = response->status;

	if (status != 400 && status != 401 && status != 403)
		return service_refused(&fulcio->service, request, response, err);
	service_refused(&fulcio->service, request, response, &reason);
	clock_format_rfc3339(token->expires * 1000, expires);
	return err_set_http(err, ERR_AUTH, status,
		"%s. The identity token is of issuer %.200s, %s; it expires at %s. Is it fresh and "
		"for audience \"" ID_TOKEN_AUDIENCE "\"?",
		reason->msg, token->issuer,
		issuer ? "which this Fulcio knows"
		       : "which this Fulcio's configuration does not list",
		expires);
}

static bool request_send(const struct fulcio *fulcio, const struct fulcio_issuer *issuer,
	const struct id_token *token, const struct signing_key *key,
	struct fulcio_answer *ret_answer, struct err **err)
{
	CLEANUP(http_response_release) struct http_response response = {0};
	CLEANUP(str_release) struct str body = STR_INIT(REQUEST_MAX_SIZE);
	const char *claim;

	if (!fulcio_challenge(issuer, token, &claim, err) || !body_build(key, claim, &body, err))
		return err_prefix(err, "Fulcio %s", fulcio->service.url);
	const struct service_request request = {
		.method = "POST",
		.path = "/api/v2/signingCert",
		.content_type = "application/json",
		.accept = "application/json",
		.bearer = token->jwt,
		.body = str_text(&body),
		.len = body.len,
		.response_max = FULCIO_ANSWER_MAX_SIZE,
	};
	if (!service_do(&fulcio->service, &request, &response, err))
		return false;
	/* The older interface, and servers that are behind it, say 201. */
	if (response.status != 200 && response.status != 201)
		return refused(fulcio, &request, &response, issuer, token, err);
	return fulcio_answer_parse(str_text(&response.body), response.body.len, ret_answer, err) ||
		service_failed(&fulcio->service, &request, err);
}

/* ---- The certificate ---- */

/* The moment for which it has to be valid: ours, give or take a clock that is a little off. */
static bool moment_check(const struct fulcio *fulcio, const struct certificate *certificate,
	int64_t *ret_now, struct err **err)
{
	int64_t now = clock_unix_ms(fulcio->clock) / 1000;
	int64_t from = certificate_not_before(certificate), to = certificate_not_after(certificate);
	char ours[CLOCK_RFC3339_SIZE], begin[CLOCK_RFC3339_SIZE], end[CLOCK_RFC3339_SIZE];

	*ret_now = now < from ? from : now;
	if (now >= from - FULCIO_CLOCK_SKEW_S && now <= to)
		return true;
	clock_format_rfc3339(now * 1000, ours);
	clock_format_rfc3339(from * 1000, begin);
	clock_format_rfc3339(to * 1000, end);
	return err_set(err, ERR_INVALID,
		"the certificate is valid from %s to %s, but this machine's clock says %s: it is "
		"%s by at least %" PRId64 " s, or Fulcio's is wrong; set the clock",
		begin, end, ours, now < from ? "slow" : "fast", now < from ? from - now : now - to);
}

static bool scts_check(const struct fulcio *fulcio, const struct fulcio_answer *answer,
	const struct certificate *issuer, struct err **err)
{
	const struct trusted_log *logs[SCT_MAX];
	size_t count;

	if (fulcio->scts == 0)
		return true;
	if (!sct_verify(answer->certificate, issuer, fulcio->root, logs, &count, err))
		return err_prefix(err, "SCT");
	if (count >= fulcio->scts)
		return true;
	return err_set(err, ERR_INVALID,
		"the certificate has SCTs of %zu certificate transparency logs of the trusted "
		"root; %zu required%s",
		count, fulcio->scts,
		answer->is_detached
			? ". This Fulcio embeds none: if it works without such a log, say so in "
			  "the configuration (docs/signing.md)"
			: "");
}

static bool name_check(const char *what, const char *name, const char *wanted,
	const char *alternative, struct err **err)
{
	if (!name)
		return err_set(err, ERR_INVALID, "the certificate names no %s", what);
	if (!wanted || strcmp(name, wanted) == 0 || (alternative && strcmp(name, alternative) == 0))
		return true;
	return err_set(err, ERR_INVALID,
		"the certificate is for another %s: \"%.500s\" instead of \"%.500s\"", what, name,
		wanted);
}

static bool names_check(const struct fulcio *fulcio, const struct certificate *certificate,
	const struct fulcio_issuer *issuer, const struct id_token *token, struct err **err)
{
	CLEANUP(fulcio_expected_release) struct fulcio_expected expected = {0};

	fulcio_expect(issuer, token, &expected);
	return name_check("identity", certificate_identity(certificate),
		       fulcio->identity ? fulcio->identity : expected.identity, NULL, err) &&
		name_check("issuer", certificate_issuer(certificate),
			fulcio->issuer ? fulcio->issuer : expected.issuer,
			fulcio->issuer ? NULL : expected.federated_issuer, err);
}

static bool certificate_check(const struct fulcio *fulcio, const struct fulcio_answer *answer,
	const struct signing_key *key, const struct fulcio_issuer *issuer,
	const struct id_token *token, struct err **err)
{
	const struct certificate *certificate = answer->certificate, *authority_certificate;
	const struct bytes *ours = public_key_spki(signing_key_public(key));
	const struct trusted_authority *authority;
	int64_t now;

	if (!bytes_equal(public_key_spki(certificate_key(certificate)), ours->data, ours->len))
		return err_set(err, ERR_INVALID, "the certificate is for another key");
	return moment_check(fulcio, certificate, &now, err) &&
		trust_root_issued(fulcio->root, certificate, &now, 1, &authority,
			&authority_certificate, err) &&
		scts_check(fulcio, answer, authority_certificate, err) &&
		names_check(fulcio, certificate, issuer, token, err);
}

static bool token_check(const struct fulcio *fulcio, const struct id_token *token, struct err **err)
{
	char expired[CLOCK_RFC3339_SIZE];

	if (token->expires > clock_unix_ms(fulcio->clock) / 1000)
		return true;
	clock_format_rfc3339(token->expires * 1000, expired);
	return err_set(err, ERR_AUTH,
		"the identity token of issuer %.200s expired at %s: a fresh one is needed",
		token->issuer, expired);
}

bool fulcio_certify(struct fulcio *fulcio, const struct id_token *token,
	const struct signing_key *key, struct certificate **ret_certificate, char **ret_chain,
	struct err **err)
{
	CLEANUP(fulcio_answer_release) struct fulcio_answer answer = {0};

	if (!token_check(fulcio, token, err) || !configuration_need(fulcio, err))
		return false;
	const struct fulcio_issuer *issuer =
		fulcio_configuration_find(&fulcio->configuration, token->issuer);
	if (!request_send(fulcio, issuer, token, key, &answer, err))
		return false;
	if (!certificate_check(fulcio, &answer, key, issuer, token, err))
		return err_prefix(
			err, "Fulcio %s: a certificate that must not be used", fulcio->service.url);
	log_debug("Fulcio %s: certificate %s for %s", fulcio->service.url,
		certificate_serial(answer.certificate), certificate_identity(answer.certificate));
	*ret_certificate = steal_ptr(&answer.certificate);
	if (ret_chain)
		*ret_chain = steal_ptr(&answer.chain);
	return true;
}
