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

void tiny_ca_write_client(
	struct tiny_ca *ca, const char *name, const char *certificate_path, const char *key_path)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	FILE *certificate_file = fopen(certificate_path, "w"), *key_file = fopen(key_path, "w");
	X509 *certificate;

	must(key && certificate_file && key_file);
	certificate = make_certificate(ca, key, name);
	must(X509_set_issuer_name(certificate, X509_get_subject_name(ca->certificate)));
	must(X509_sign(certificate, ca->key, EVP_sha256()) > 0);
	must(PEM_write_X509(certificate_file, certificate) && fclose(certificate_file) == 0);
	must(PEM_write_PrivateKey(key_file, key, NULL, NULL, 0, NULL, NULL) &&
		fclose(key_file) == 0);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

void tiny_ca_ask(const struct tiny_ca *ca, SSL_CTX *server, bool is_needed)
{
	must(X509_STORE_add_cert(SSL_CTX_get_cert_store(server), ca->certificate));
	must(SSL_CTX_add_client_CA(server, ca->certificate));
	must(SSL_CTX_set_session_id_context(server, (const unsigned char *)"tiny", 4));
	SSL_CTX_set_verify(
		server, SSL_VERIFY_PEER | (is_needed ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), NULL);
}

void tiny_ca_shown(SSL *tls, char *name, int size)
{
	X509 *certificate = SSL_get1_peer_certificate(tls);

	name[0] = '\0';
	if (certificate)
		X509_NAME_get_text_by_NID(
			X509_get_subject_name(certificate), NID_commonName, name, size);
	X509_free(certificate);
}
