/*
 * Fulcio's answers, in protobuf's JSON. Fields that are not needed are ignored: newer servers add some.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "signer/fulcio_private.h"
#include "signer/json_private.h"
#include "signer/public_key_private.h"

#include <jansson.h>

/* ---- Configuration ---- */

void fulcio_configuration_release(struct fulcio_configuration *configuration)
{
	for (size_t i = 0; i < configuration->issuers.len; i++) {
		struct fulcio_issuer *issuer = &configuration->issuers.items[i];
		mem_free(issuer->url);
		mem_free(issuer->claim);
		mem_free(issuer->type);
		mem_free(issuer->subject_domain);
	}
	vec_release(&configuration->issuers);
}

static bool issuer_read(const json_t *object, struct fulcio_issuer *issuer, struct err **err)
{
	const char *url, *pattern, *claim, *type, *domain;

	if (!proto_text(object, "issuerUrl", &url, err) ||
		!proto_text(object, "wildcardIssuerUrl", &pattern, err) ||
		!proto_text(object, "challengeClaim", &claim, err) ||
		!proto_text(object, "issuerType", &type, err) ||
		!proto_text(object, "subjectDomain", &domain, err))
		return false;
	issuer->is_pattern = !*url;
	issuer->url = mem_strdup(*url ? url : pattern);
	issuer->claim = mem_strdup(claim);
	issuer->type = mem_strdup(type);
	issuer->subject_domain = mem_strdup(domain);
	return true;
}

bool fulcio_configuration_parse(const char *text, size_t len,
	struct fulcio_configuration *ret_configuration, struct err **err)
{
	CLEANUP(json_tree_freep) json_t *document = NULL;
	CLEANUP(fulcio_configuration_release) struct fulcio_configuration read = {0};
	const json_t *array;
	size_t count;

	if (!proto_load(text, len, FULCIO_ANSWER_MAX_SIZE, &document, err) ||
		!proto_objects(document, "issuers", FULCIO_MAX_ISSUERS, &array, &count, err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!issuer_read(proto_element(array, i), vec_push(&read.issuers), err))
			return err_prefix(err, "issuers[%zu]", i);
	*ret_configuration = read;
	read = (struct fulcio_configuration){0};
	return true;
}

static bool is_wild(char c)
{
	return c == '-' || c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
		(c >= 'a' && c <= 'z');
}

/* Goes back to the last "*" only: what it stands for may always grow instead. */
static bool pattern_fits(const char *pattern, const char *text)
{
	const char *star = NULL, *resume = NULL;

	while (*text) {
		if (*pattern == '*' && is_wild(*text)) {
			star = ++pattern;
			resume = ++text;
		} else if (*pattern != '*' && *pattern == *text) {
			pattern++;
			text++;
		} else if (star && is_wild(*resume)) {
			pattern = star;
			text = ++resume;
		} else {
			return false;
		}
	}
	return !*pattern;
}

const struct fulcio_issuer *fulcio_configuration_find(
	const struct fulcio_configuration *configuration, const char *issuer)
{
	const struct fulcio_issuer *fitting = NULL;

	for (size_t i = 0; i < configuration->issuers.len; i++) {
		const struct fulcio_issuer *item = &configuration->issuers.items[i];
		if (!item->is_pattern && strcmp(item->url, issuer) == 0)
			return item;
		if (!fitting && item->is_pattern && pattern_fits(item->url, issuer))
			fitting = item;
	}
	return fitting;
}

/* ---- Certificates ---- */

void fulcio_answer_release(struct fulcio_answer *answer)
{
	certificate_free(answer->certificate);
	mem_free(answer->chain);
}

/* Issuers are passed on as they are, so they have to be certificates. */
static bool chain_add(const char *text, struct str *chain, struct err **err)
{
	CLEANUP(certificate_freep) struct certificate *certificate = NULL;

	if (!certificate_parse_pem(text, strlen(text), &certificate, err))
		return false;
	pem_encode(certificate_der(certificate), "CERTIFICATE", chain);
	return true;
}

static bool certificates_read(const json_t *object, struct fulcio_answer *answer, struct err **err)
{
	CLEANUP(str_release) struct str chain = STR_INIT(FULCIO_ANSWER_MAX_SIZE);
	const json_t *holder, *array;

	if (!proto_object(object, "chain", &holder, err))
		return false;
	array = json_object_get(holder, "certificates");
	if (!json_is_array(array) || json_array_size(array) == 0)
		return err_set(err, ERR_INVALID, "the answer holds no certificate");
	if (json_array_size(array) > FULCIO_MAX_CERTIFICATES)
		return err_set(
			err, ERR_TOO_LARGE, "more than %d certificates", FULCIO_MAX_CERTIFICATES);
	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *text = json_string_value(json_array_get(array, i));
		bool ok = text ? i > 0 ? chain_add(text, &chain, err)
				       : certificate_parse_pem(
						 text, strlen(text), &answer->certificate, err)
			       : err_set(err, ERR_INVALID, "no string");
		if (!ok)
			return err_prefix(err, "certificates[%zu]", i);
	}
	answer->chain = str_steal(&chain, NULL);
	return true;
}

bool fulcio_answer_parse(
	const char *text, size_t len, struct fulcio_answer *ret_answer, struct err **err)
{
	CLEANUP(json_tree_freep) json_t *document = NULL;
	CLEANUP(fulcio_answer_release) struct fulcio_answer read = {0};
	const json_t *embedded, *detached;

	if (!proto_load(text, len, FULCIO_ANSWER_MAX_SIZE, &document, err) ||
		!proto_object(document, "signedCertificateEmbeddedSct", &embedded, err) ||
		!proto_object(document, "signedCertificateDetachedSct", &detached, err))
		return false;
	if (!embedded == !detached)
		return err_set(err, ERR_INVALID,
			"not exactly one of signedCertificateEmbeddedSct and "
			"signedCertificateDetachedSct");
	read.is_detached = detached != NULL;
	if (!certificates_read(embedded ? embedded : detached, &read, err))
		return false;
	*ret_answer = read;
	read = (struct fulcio_answer){0};
	return true;
}
