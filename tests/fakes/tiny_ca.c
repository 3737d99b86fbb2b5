/*
 * Issues certificates for one hour. Just enough X.509 for a TLS client to be content.
 */
#include "tests/fakes/tiny_ca.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

struct tiny_ca {
	EVP_PKEY *key;
	X509 *certificate;
	long serial;
};

static void must(int success)
{
	if (success == 1)
		return;
	ERR_print_errors_fp(stderr);
	exit(1);
}

static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&ctx, issuer, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	must(extension && X509_add_ext(certificate, extension, -1));
	X509_EXTENSION_free(extension);
}

/* Not signed yet. */
static X509 *make_certificate(struct tiny_ca *ca, EVP_PKEY *key, const char *name)
{
	X509 *certificate = X509_new();
	X509_NAME *subject = X509_get_subject_name(certificate);

	must(X509_set_version(certificate, X509_VERSION_3));
	must(ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++ca->serial));
	must(X509_NAME_add_entry_by_txt(
		subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0));
	X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	must(X509_set_pubkey(certificate, key));
	return certificate;
}

struct tiny_ca *tiny_ca_new(void)
{
	static atomic_uint count;
	struct tiny_ca *ca = mem_new(1, sizeof(*ca));
	/* Issuers are looked up by name: two of one name would be taken for each other. */
	char *name = mem_printf("Test authority %u", ++count);

	ca->key = EVP_EC_gen("P-256");
	must(ca->key != NULL);
	ca->certificate = make_certificate(ca, ca->key, name);
	mem_free(name);
	must(X509_set_issuer_name(ca->certificate, X509_get_subject_name(ca->certificate)));
	add_extension(ca->certificate, ca->certificate, NID_basic_constraints, "critical,CA:TRUE");
	must(X509_sign(ca->certificate, ca->key, EVP_sha256()) > 0);
	return ca;
}

void tiny_ca_free(struct tiny_ca *ca)
{
	EVP_PKEY_free(ca->key);
	X509_free(ca->certificate);
	mem_free(ca);
}

void tiny_ca_write(const struct tiny_ca *ca, const char *path)
{
	FILE *file = fopen(path, "w");

	must(file && PEM_write_X509(file, ca->certificate) && fclose(file) == 0);
}

SSL_CTX *tiny_ca_server(struct tiny_ca *ca, const char *names, int max_version)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate;

	must(ctx && key);
	certificate = make_certificate(ca, key, "Test server");
	must(X509_set_issuer_name(certificate, X509_get_subject_name(ca->certificate)));
	add_extension(certificate, ca->certificate, NID_subject_alt_name, names);
	must(X509_sign(certificate, ca->key, EVP_sha256()) > 0);
	must(SSL_CTX_use_certificate(ctx, certificate));
	must(SSL_CTX_use_PrivateKey(ctx, key));
	must((int)SSL_CTX_set_min_proto_version(ctx, 0));
	must((int)SSL_CTX_set_max_proto_version(ctx, max_version));
	/* Old versions need weak digests. */
	SSL_CTX_set_security_level(ctx, 0);
	X509_free(certificate);
	EVP_PKEY_free(key);
	return ctx;
}
