/*
 * Plain certificates, which are read and checked without OpenSSL's path validation: it must be of the same mind
 * about each of them, and about those that are nearly plain.
 */
#include <criterion/criterion.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/alloc.h"
#include "signer/chain.h"

enum { EXTENSIONS_MAX = 4 };

struct extension {
	int nid;
	const char *value;
};

struct making {
	const char *what;
	EVP_PKEY *(*issuer_key)(void);
	EVP_PKEY *(*leaf_key)(void);
	const EVP_MD *(*hash)(void);
	struct extension issuer[EXTENSIONS_MAX];
	struct extension leaf[EXTENSIONS_MAX];
	bool is_accepted;
};

static EVP_PKEY *p256(void)
{
	return EVP_EC_gen("P-256");
}

static EVP_PKEY *p256_written_out(void)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *pkey = NULL;

	cr_assert(EVP_PKEY_keygen_init(context) == 1);
	cr_assert(EVP_PKEY_CTX_set_group_name(context, "P-256") == 1);
	cr_assert(EVP_PKEY_CTX_set_ec_param_enc(context, OPENSSL_EC_EXPLICIT_CURVE) == 1);
	cr_assert(EVP_PKEY_generate(context, &pkey) == 1);
	EVP_PKEY_CTX_free(context);
	return pkey;
}

static EVP_PKEY *p384(void)
{
	return EVP_EC_gen("P-384");
}

static EVP_PKEY *rsa(void)
{
	return EVP_RSA_gen(2048);
}

#define AUTHORITY                                                                                  \
	{                                                                                          \
		NID_basic_constraints, "critical,CA:TRUE"                                          \
	}
#define SIGNS                                                                                      \
	{                                                                                          \
		NID_ext_key_usage, "codeSigning"                                                   \
	}
#define NAMED                                                                                      \
	{                                                                                          \
		NID_subject_alt_name, "URI:https://ci.example/run,email:a@b.example"               \
	}
/* An extension that OpenSSL knows and does not handle in a path. */
#define STRANGE                                                                                    \
	{                                                                                          \
		NID_netscape_comment, "critical,DER:16:01:61"                                      \
	}

static const struct making makings[] = {
	{"P-256", p256, p256, EVP_sha256, {AUTHORITY}, {SIGNS, NAMED}, true},
	{"P-256 with SHA-384", p256, p256, EVP_sha384, {AUTHORITY}, {SIGNS, NAMED}, true},
	{"P-384 above", p384, p256, EVP_sha384, {AUTHORITY}, {SIGNS, NAMED}, true},
	{"P-384 above with SHA-512", p384, p256, EVP_sha512, {AUTHORITY}, {SIGNS, NAMED}, true},
	{"RSA above", rsa, p256, EVP_sha256, {AUTHORITY}, {SIGNS, NAMED}, true},
	{"P-384 below", p256, p384, EVP_sha256, {AUTHORITY}, {SIGNS, NAMED}, true},
	{"SHA-1", p256, p256, EVP_sha1, {AUTHORITY}, {SIGNS, NAMED}, true},
	{"a curve written out above", p256_written_out, p256, EVP_sha256, {AUTHORITY},
		{SIGNS, NAMED}, false},
	{"a curve written out below", p256, p256_written_out, EVP_sha256, {AUTHORITY},
		{SIGNS, NAMED}, false},
	{"critical and strange", p256, p256, EVP_sha256, {AUTHORITY}, {SIGNS, STRANGE}, false},
	{"strange issuer", p256, p256, EVP_sha256, {AUTHORITY, STRANGE}, {SIGNS}, false},
	{"outside its names", p256, p256, EVP_sha256,
		{AUTHORITY, {NID_name_constraints, "critical,permitted;email:other.example"}},
		{SIGNS, NAMED}, false},
	{"inside its names", p256, p256, EVP_sha256,
		{AUTHORITY, {NID_name_constraints, "critical,permitted;email:b.example"}},
		{SIGNS, NAMED}, true},
	{"no path below", p256, p256, EVP_sha256,
		{{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"}}, {SIGNS}, true},
	{"addresses nobody gave", p256, p256, EVP_sha256, {AUTHORITY},
		{SIGNS, {NID_sbgp_ipAddrBlock, "critical,IPv4:10.0.0.0/8"}}, false},
	{"a proxy", p256, p256, EVP_sha256, {AUTHORITY},
		{SIGNS, {NID_proxyCertInfo, "critical,DER:300c300a06082b06010505071501"}}, false},
};

static X509 *x509_make(const char *name, EVP_PKEY *key, const struct extension *extensions,
	const char *issuer_name, EVP_PKEY *issuer_key, const EVP_MD *hash)
{
	X509 *x509 = X509_new();
	X509_NAME *subject = X509_NAME_new(), *issuer = X509_NAME_new();
	X509V3_CTX context;

	X509V3_set_ctx(&context, NULL, x509, NULL, NULL, 0);
	X509V3_set_ctx_nodb(&context);

	X509_NAME_add_entry_by_txt(
		subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_NAME_add_entry_by_txt(
		issuer, "CN", MBSTRING_ASC, (const unsigned char *)issuer_name, -1, -1, 0);
	X509_set_version(x509, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x509), 7);
	X509_gmtime_adj(X509_getm_notBefore(x509), 0);
	X509_gmtime_adj(X509_getm_notAfter(x509), 600);
	X509_set_subject_name(x509, subject);
	X509_set_issuer_name(x509, issuer);
	X509_set_pubkey(x509, key);
	for (size_t i = 0; i < EXTENSIONS_MAX && extensions[i].value; i++) {
		X509_EXTENSION *extension =
			X509V3_EXT_conf_nid(NULL, &context, extensions[i].nid, extensions[i].value);
		cr_assert(extension, "%s", extensions[i].value);
		X509_add_ext(x509, extension, -1);
		X509_EXTENSION_free(extension);
	}
	cr_assert(X509_sign(x509, issuer_key, hash) > 0);
	X509_NAME_free(subject);
	X509_NAME_free(issuer);
	return x509;
}

static struct bytes der_of(X509 *x509)
{
	unsigned char *der = NULL;
	int len = i2d_X509(x509, &der);
	struct bytes bytes = {mem_dup(der, (size_t)len), (size_t)len};

	OPENSSL_free(der);
	return bytes;
}

/* What OpenSSL thinks of these bytes as a whole. */
static bool openssl_accepts(X509 *issuer, const struct bytes *der)
{
	const unsigned char *end = der->data;
	X509 *leaf = d2i_X509(NULL, &end, (long)der->len);
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *context = X509_STORE_CTX_new();

	X509 *read = X509_dup(issuer); /* as it is read from its bytes */
	X509_STORE_add_cert(store, read);
	bool ok = leaf && X509_STORE_CTX_init(context, store, leaf, NULL) == 1;
	if (ok) {
		X509_STORE_CTX_set_flags(context,
			X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME |
				X509_V_FLAG_TRUSTED_FIRST);
		ok = X509_verify_cert(context) == 1;
	}
	X509_STORE_CTX_free(context);
	X509_STORE_free(store);
	X509_free(read);
	X509_free(leaf);
	return ok;
}

static bool we_accept(const struct chain *chain, const struct bytes *der, struct err **err)
{
	CLEANUP(certificate_freep) struct certificate *leaf = NULL;
	const struct certificate *issuer;

	return certificate_parse(der->data, der->len, &leaf, err) &&
		chain_issued(chain, leaf, &issuer, err);
}

static struct chain *chain_of(X509 *x509)
{
	CLEANUP(bytes_release) struct bytes der = der_of(x509);
	struct certificate *issuer = NULL;
	struct chain *chain = NULL;
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert(certificate_parse(der.data, der.len, &issuer, &err), "%s", err ? err->msg : "");
	cr_assert(chain_new(&issuer, 1, CERTIFICATE_CODE_SIGNING, &chain, &err), "%s",
		err ? err->msg : "");
	return chain;
}

static void compare(const struct making *making)
{
	EVP_PKEY *issuer_key = making->issuer_key(), *leaf_key = making->leaf_key();
	X509 *issuer =
		x509_make("above", issuer_key, making->issuer, "above", issuer_key, EVP_sha256());
	X509 *leaf =
		x509_make("below", leaf_key, making->leaf, "above", issuer_key, making->hash());
	CLEANUP(bytes_release) struct bytes der = der_of(leaf);
	CLEANUP(err_freep) struct err *err = NULL;
	struct chain *chain = chain_of(issuer);

	cr_expect_eq(openssl_accepts(issuer, &der), making->is_accepted, "%s", making->what);
	cr_expect_eq(we_accept(chain, &der, &err), making->is_accepted, "%s: %s", making->what,
		err ? err->msg : "accepted");
	chain_free(chain);
	X509_free(issuer);
	X509_free(leaf);
	EVP_PKEY_free(issuer_key);
	EVP_PKEY_free(leaf_key);
}

Test(plain, openssl_is_of_the_same_mind)
{
	for (size_t i = 0; i < sizeof(makings) / sizeof(makings[0]); i++)
		compare(&makings[i]);
}

/* Every byte, every way one bit of it may be wrong: what we accept, OpenSSL accepts. */
Test(plain, openssl_accepts_what_we_accept_of_a_damaged_one)
{
	EVP_PKEY *issuer_key = p256(), *leaf_key = p256();
	X509 *issuer = x509_make(
		"above", issuer_key, makings[0].issuer, "above", issuer_key, EVP_sha256());
	X509 *leaf =
		x509_make("below", leaf_key, makings[0].leaf, "above", issuer_key, EVP_sha256());
	CLEANUP(bytes_release) struct bytes der = der_of(leaf);
	struct chain *chain = chain_of(issuer);
	size_t accepted = 0;

	for (size_t bit = 0; bit < der.len * 8; bit++) {
		der.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (we_accept(chain, &der, NULL)) {
			accepted++;
			cr_expect(openssl_accepts(issuer, &der), "bit %zu", bit);
		}
		der.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	cr_expect_eq(accepted, 0);
	cr_expect(we_accept(chain, &der, NULL));
	chain_free(chain);
	X509_free(issuer);
	X509_free(leaf);
	EVP_PKEY_free(issuer_key);
	EVP_PKEY_free(leaf_key);
}

/* What is signed names the algorithm too, its parameters included. */
Test(plain, both_names_of_the_algorithm_must_agree)
{
	EVP_PKEY *issuer_key = p256(), *leaf_key = p256();
	X509 *issuer = x509_make(
		"above", issuer_key, makings[0].issuer, "above", issuer_key, EVP_sha256());
	X509 *leaf =
		x509_make("below", leaf_key, makings[0].leaf, "above", issuer_key, EVP_sha256());
	struct chain *chain = chain_of(issuer);
	CLEANUP(err_freep) struct err *err = NULL;
	const X509_ALGOR *outer;

	X509_get0_signature(NULL, &outer, leaf);
	X509_ALGOR_set0((X509_ALGOR *)(uintptr_t)outer, OBJ_nid2obj(NID_ecdsa_with_SHA256),
		V_ASN1_NULL, NULL);
	CLEANUP(bytes_release) struct bytes der = der_of(leaf);
	cr_expect_not(openssl_accepts(issuer, &der));
	cr_expect_not(we_accept(chain, &der, &err));
	cr_expect(err && strstr(err->msg, "signature"), "%s", err ? err->msg : "accepted");
	chain_free(chain);
	X509_free(issuer);
	X509_free(leaf);
	EVP_PKEY_free(issuer_key);
	EVP_PKEY_free(leaf_key);
}

Test(plain, a_point_must_be_on_the_curve)
{
	EVP_PKEY *pkey = p256();
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(pkey, &der);
	struct public_key *key = NULL;
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert_eq(len, 91);
	cr_assert(public_key_parse(der, (size_t)len, &key, NULL));
	cr_assert_eq(public_key_kind(key), PUBLIC_KEY_P256);
	cr_assert(bytes_equal(public_key_spki(key), der, (size_t)len));
	public_key_free(key);
	key = NULL;
	der[len - 1] ^= 1;
	cr_assert_not(public_key_parse(der, (size_t)len, &key, &err));
	cr_assert(err_is(err, ERR_INVALID));
	/* A coordinate that is no element of the field. */
	memset(der + len - 64, 0xff, 32);
	cr_assert_not(public_key_parse(der, (size_t)len, &key, NULL));
	cr_assert_null(key);
	OPENSSL_free(der);
	EVP_PKEY_free(pkey);
}
