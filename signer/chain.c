/*
 * Path validation in two halves, so that a run pays for issuers once (docs/decisions/040). Each half
 * is OpenSSL's X509_verify_cert with one certificate as the whole trust store and without its clock;
 * time is compared here, with both ends of each window included.
 */
#include "signer/chain.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "signer/certificate_private.h"

struct chain {
	uint64_t asker; /* as which it remembers what it issued */
	struct certificate *certificates[CHAIN_MAX];
	X509_STORE *stores[CHAIN_MAX]; /* each trusts only the certificate of the same index */
	size_t count;
	enum certificate_use use;
	bool is_constrained; /* a link above the first limits names below it */
};

static bool path_verify(X509_STORE *store, X509 *leaf, STACK_OF(X509) * untrusted, struct err **err)
{
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	bool ok = context && X509_STORE_CTX_init(context, store, leaf, untrusted) == 1;

	if (!ok) {
		err_set(err, ERR_INTERNAL, "OpenSSL cannot verify certificates");
	} else {
		X509_STORE_CTX_set_flags(context,
			X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME |
				X509_V_FLAG_TRUSTED_FIRST);
		ok = X509_verify_cert(context) == 1;
		if (!ok)
			err_set(err, ERR_INVALID, "%s",
				X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)));
	}
	X509_STORE_CTX_free(context);
	ERR_clear_error();
	return ok;
}

static X509_STORE *store_of(const struct certificate *certificate)
{
	X509_STORE *store = X509_STORE_new();

	if (store && X509_STORE_add_cert(store, certificate_x509_complete(certificate)) != 1) {
		X509_STORE_free(store);
		store = NULL;
	}
	return store;
}

/* The whole way from `leaf` to the anchor. */
static bool whole_path_verify(
	const struct chain *chain, const struct certificate *leaf, struct err **err)
{
	STACK_OF(X509) *between = sk_X509_new_null();
	bool ok = between != NULL;

	for (size_t i = 0; ok && i + 1 < chain->count; i++)
		ok = sk_X509_push(between, certificate_x509_complete(chain->certificates[i])) > 0;
	ok = ok ? path_verify(chain->stores[chain->count - 1], certificate_x509_complete(leaf),
			  between, err)
		: err_set(err, ERR_INTERNAL, "OpenSSL cannot make a list of certificates");
	sk_X509_free(between);
	return ok;
}

/* That each link is issued by the next, up to the anchor. */
static bool links_verify(const struct chain *chain, struct err **err)
{
	for (size_t i = 0; i + 1 < chain->count; i++)
		if (X509_check_issued(certificate_x509(chain->certificates[i + 1]),
			    certificate_x509(chain->certificates[i])) != X509_V_OK)
			return err_set(err, ERR_INVALID,
				"certificate %zu is not issued by the next", i + 1);
	return whole_path_verify(chain, chain->certificates[0], err);
}

static bool chain_check(struct chain *chain, struct err **err)
{
	for (size_t i = 0; i < chain->count; i++) {
		X509 *x509 = certificate_x509(chain->certificates[i]);
		long below = X509_get_pathlen(x509);

		chain->is_constrained = chain->is_constrained ||
			(i > 0 && X509_get_ext_by_NID(x509, NID_name_constraints, -1) >= 0);
		/* OpenSSL sees the first link as a leaf, which no path length limits. */
		if (below >= 0 && (size_t)below < i)
			return err_set(err, ERR_INVALID,
				"certificate %zu allows fewer authorities below it", i + 1);
		if (!chain->stores[i])
			return err_set(err, ERR_INTERNAL, "OpenSSL cannot make a trust store");
		if (!certificate_is_ca(chain->certificates[i]))
			return err_set(err, ERR_INVALID, "certificate %zu is no authority", i + 1);
		if (!certificate_may_issue_for(chain->certificates[i], chain->use))
			return err_set(err, ERR_INVALID,
				"certificate %zu may not issue for this use", i + 1);
	}
	return chain->count == 1 || links_verify(chain, err);
}

/* Everything but the certificates. */
static void chain_drop(struct chain *chain)
{
	for (size_t i = 0; i < chain->count; i++)
		X509_STORE_free(chain->stores[i]);
	mem_free(chain);
}

bool chain_new(struct certificate **certificates, size_t count, enum certificate_use use,
	struct chain **ret_chain, struct err **err)
{
	if (count == 0 || count > CHAIN_MAX)
		return err_set(err, ERR_INVALID, "a chain of %zu certificates (1 to %d)", count,
			CHAIN_MAX);
	struct chain *chain = mem_new(1, sizeof(*chain));
	chain->asker = certificate_asker_new();
	chain->count = count;
	chain->use = use;
	for (size_t i = 0; i < count; i++) {
		chain->certificates[i] = certificates[i];
		chain->stores[i] = store_of(certificates[i]);
	}
	if (!chain_check(chain, err)) {
		chain_drop(chain);
		return false;
	}
	*ret_chain = chain;
	return true;
}

void chain_free(struct chain *chain)
{
	if (!chain)
		return;
	for (size_t i = 0; i < chain->count; i++)
		certificate_free(chain->certificates[i]);
	chain_drop(chain);
}

/* All that OpenSSL may have noticed about the issuer of a plain certificate. */
#define PLAIN_ISSUER                                                                               \
	(EXFLAG_SET | EXFLAG_BCONS | EXFLAG_BCONS_CRITICAL | EXFLAG_CA | EXFLAG_KUSAGE |           \
		EXFLAG_XKUSAGE | EXFLAG_SI | EXFLAG_SS)

/*
 * What X509_verify_cert would find out about the leaf and its issuer, where all that is left of that is
 * the signature (docs/decisions/043). False says nothing.
 */
static bool is_plainly_issued(
	const struct chain *chain, const struct certificate *issuer, const struct certificate *leaf)
{
	X509 *x509 = certificate_x509_complete(issuer);
	EVP_PKEY *pkey = X509_get0_pubkey(x509);
	int is_explicit = 1; /* a curve written out, which may be another one */

	return !chain->is_constrained &&
		!(X509_get_extension_flags(x509) & ~(uint32_t)PLAIN_ISSUER) &&
		X509_get_ext_by_NID(x509, NID_name_constraints, -1) < 0 && pkey &&
		EVP_PKEY_get_int_param(
			pkey, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &is_explicit) == 1 &&
		!is_explicit && certificate_is_signed_plainly(leaf, certificate_key(issuer));
}

static bool leaf_verify(const struct chain *chain, const struct certificate *leaf,
	const struct certificate **ret_issuer, struct err **err)
{
	size_t i = 0;

	while (i < chain->count &&
		X509_check_issued(certificate_x509(chain->certificates[i]),
			certificate_x509(leaf)) != X509_V_OK)
		i++;
	ERR_clear_error();
	if (i == chain->count)
		return err_set(err, ERR_NOT_FOUND, "not issued by this authority");
	if (certificate_is_ca(leaf))
		return err_set(err, ERR_INVALID, "the certificate is an authority's");
	if (!certificate_is_for(leaf, chain->use))
		return err_set(err, ERR_INVALID, "the certificate is not for %s",
			chain->use == CERTIFICATE_CODE_SIGNING ? "code signing" : "time stamping");
	if (!is_plainly_issued(chain, chain->certificates[i], leaf) &&
		!(chain->is_constrained ? whole_path_verify(chain, leaf, err)
					: path_verify(chain->stores[i],
						  certificate_x509_complete(leaf), NULL, err)))
		return false;
	*ret_issuer = chain->certificates[i];
	return true;
}

bool chain_issued(const struct chain *chain, const struct certificate *leaf,
	const struct certificate **ret_issuer, struct err **err)
{
	struct certificate_finding finding = {.asker = chain->asker};

	if (!certificate_recall(leaf, chain->asker, &finding)) {
		if (!leaf_verify(chain, leaf, &finding.issuer, err))
			return false;
		certificate_remember(leaf, &finding);
	}
	*ret_issuer = finding.issuer;
	return true;
}

static bool validity_check(
	const struct certificate *certificate, int64_t unix_seconds, struct err **err)
{
	char at[CLOCK_RFC3339_SIZE], from[CLOCK_RFC3339_SIZE], to[CLOCK_RFC3339_SIZE];

	if (certificate_is_valid_at(certificate, unix_seconds))
		return true;
	clock_format_rfc3339(unix_seconds * 1000, at);
	clock_format_rfc3339(certificate_not_before(certificate) * 1000, from);
	clock_format_rfc3339(certificate_not_after(certificate) * 1000, to);
	return err_set(err, ERR_INVALID, "certificate %s is valid from %s to %s, not at %s",
		certificate_serial(certificate), from, to, at);
}

bool chain_is_valid_at(const struct chain *chain, const struct certificate *issuer,
	const struct certificate *leaf, int64_t unix_seconds, struct err **err)
{
	bool above = false;

	if (!validity_check(leaf, unix_seconds, err))
		return false;
	for (size_t i = 0; i < chain->count; i++) {
		above = above || chain->certificates[i] == issuer;
		if (above && !validity_check(chain->certificates[i], unix_seconds, err))
			return false;
	}
	return true;
}
