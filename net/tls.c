/*
 * Trust: which certificate authorities vouch for a server, and which certificates we show to it.
 * One X509_STORE for each configuration, shared by all its connections (a bundle given to every
 * connection would be parsed by every connection). Host names, protocol versions and the verdict
 * are libcurl's business; to whom a client certificate may be shown is net/transfer.c's.
 */
#include "net/tls.h"

#include <dirent.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

/* A client certificate with its key and what leads from it to its authority. */
struct identity {
	X509 *certificate;
	EVP_PKEY *key;
	STACK_OF(X509) * chain;
};

/* Read-only once made, but for the references. */
struct http_tls {
	atomic_uint references; /* the owner's, and one for each SSL_CTX that shows identities */
	X509_STORE *store;
	VEC(struct identity) identities;
	bool skip_verify;
	char *id, *id_without_identities;
};

/* Where distributions keep the bundle, for images that hold nothing but that file. */
static const char *const bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem",
	"/etc/ssl/cert.pem",
};

/* ERR_USAGE with OpenSSL's reason, or `otherwise`. */
static bool refuse_file(const char *what, const char *file, const char *otherwise, struct err **err)
{
	unsigned long code = ERR_peek_last_error();
	char reason[160];

	snprintf(reason, sizeof(reason), "%s", otherwise);
	if (code && ERR_GET_REASON(code) != PEM_R_NO_START_LINE &&
		ERR_GET_LIB(code) != ERR_LIB_OSSL_DECODER)
		ERR_error_string_n(code, reason, sizeof(reason));
	ERR_clear_error();
	return err_set(err, ERR_USAGE, "cannot read %s from %s: %s", what, file, reason);
}

static bool add_file(X509_STORE *store, const char *file, struct err **err)
{
	ERR_clear_error();
	return X509_STORE_load_file(store, file) == 1 ||
		refuse_file("certificates", file, "no certificate in it", err);
}

/* Does it hold files that OpenSSL can look up by hash ("5f618aec.0")? */
static bool is_hashed(const char *path)
{
	DIR *directory = opendir(path);
	bool found = false;

	if (!directory)
		return false;
	for (struct dirent *entry; !found && (entry = readdir(directory));) {
		const char *dot = strrchr(entry->d_name, '.');
		found = dot && dot - entry->d_name == 8 && strcmp(dot, ".0") == 0;
	}
	closedir(directory);
	return found;
}

/*
 * Every file that holds certificates, as Go programs do; files with something else are passed
 * over.
 */
static void add_all_files(X509_STORE *store, const char *path)
{
	DIR *directory = opendir(path);

	if (!directory)
		return;
	for (struct dirent *entry; (entry = readdir(directory));) {
		CLEANUP(mem_freep) char *file = NULL;
		if (entry->d_name[0] == '.')
			continue;
		file = mem_printf("%s/%s", path, entry->d_name);
		if (X509_STORE_load_file(store, file) != 1)
			ERR_clear_error();
	}
	closedir(directory);
}

/* A hashed directory is read certificate by certificate, when one is needed. */
static void add_directory(X509_STORE *store, const char *path)
{
	if (is_hashed(path))
		X509_STORE_load_path(store, path);
	else
		add_all_files(store, path);
}

static void add_directories(X509_STORE *store, const char *paths)
{
	CLEANUP(mem_freep) char *list = mem_strdup(paths);
	char *rest = NULL;

	for (char *path = strtok_r(list, ":", &rest); path; path = strtok_r(NULL, ":", &rest))
		add_directory(store, path);
}

static void add_first_bundle(X509_STORE *store)
{
	for (size_t i = 0; i < sizeof(bundles) / sizeof(bundles[0]); i++) {
		if (add_file(store, bundles[i], NULL))
			return;
	}
}

/*
 * As in Go and OpenSSL, each variable replaces its half of the default. A bundle is read at once
 * and whole, so the default one only if there is no hashed directory beside it.
 */
static bool add_system(X509_STORE *store, struct err **err)
{
	const char *file = getenv("SSL_CERT_FILE");
	const char *directories = getenv("SSL_CERT_DIR");
	const char *fallback = X509_get_default_cert_dir();

	if (file && *file && !add_file(store, file, err))
		return err_prefix(err, "SSL_CERT_FILE");
	if (directories && *directories)
		add_directories(store, directories);
	else
		X509_STORE_load_path(store, fallback);
	if ((!file || !*file) && ((directories && *directories) || !is_hashed(fallback)))
		add_first_bundle(store);
	return true;
}

/* ---- Client certificates ---- */

static void identity_release(struct identity *identity)
{
	X509_free(identity->certificate);
	EVP_PKEY_free(identity->key);
	sk_X509_pop_free(identity->chain, X509_free);
}

static void close_bio(BIO **bio)
{
	BIO_free(*bio);
}

static bool read_chain(struct identity *identity, const char *file, struct err **err)
{
	CLEANUP(close_bio) BIO *bio = BIO_new_file(file, "r");
	X509 *next;

	identity->chain = sk_X509_new_null();
	if (bio)
		identity->certificate = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL);
	if (!identity->certificate)
		return refuse_file("a client certificate", file, "no certificate in it", err);
	while ((next = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
		sk_X509_push(identity->chain, next);
	ERR_clear_error();
	return true;
}

/* There is nobody to ask. */
static int no_passphrase(char *bytes, int size, int writing, void *ctx)
{
	(void)bytes;
	(void)size;
	(void)writing;
	(void)ctx;
	return -1;
}

static bool read_key(struct identity *identity, const char *file, struct err **err)
{
	CLEANUP(close_bio) BIO *bio = BIO_new_file(file, "r");

	if (bio)
		identity->key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	return identity->key ||
		refuse_file("the key of a client certificate", file,
			"no key in it that needs no passphrase", err);
}

static bool add_identity(
	struct http_tls *tls, const struct http_tls_identity *files, struct err **err)
{
	struct identity *identity = vec_push(&tls->identities);

	ERR_clear_error();
	if (!read_chain(identity, files->certificate, err) || !read_key(identity, files->key, err))
		return false;
	if (X509_check_private_key(identity->certificate, identity->key) != 1) {
		ERR_clear_error();
		return err_set(err, ERR_USAGE, "%s is not the key of the certificate %s",
			files->key, files->certificate);
	}
	return true;
}

static bool is_listed(const STACK_OF(X509_NAME) * names, const X509 *certificate)
{
	for (int i = 0; i < sk_X509_NAME_num(names); i++) {
		if (X509_NAME_cmp(
			    sk_X509_NAME_value(names, i), X509_get_issuer_name(certificate)) == 0)
			return true;
	}
	return false;
}

/* Does the server say that it accepts certificates of this authority, or nothing at all? */
static bool is_wanted(const STACK_OF(X509_NAME) * names, const struct identity *identity)
{
	if (sk_X509_NAME_num(names) <= 0 || is_listed(names, identity->certificate))
		return true;
	for (int i = 0; i < sk_X509_num(identity->chain); i++) {
		if (is_listed(names, sk_X509_value(identity->chain, i)))
			return true;
	}
	return false;
}

/* A server has asked for a certificate: the first it can use, as Go programs choose; or none. */
static int show_identity(SSL *ssl, void *ctx)
{
	const struct http_tls *tls = ctx;
	const STACK_OF(X509_NAME) *names = SSL_get0_peer_CA_list(ssl);

	for (size_t i = 0; i < tls->identities.len; i++) {
		const struct identity *identity = &tls->identities.items[i];
		if (is_wanted(names, identity))
			return SSL_use_cert_and_key(
				ssl, identity->certificate, identity->key, identity->chain, 1);
	}
	return 1;
}

static void release(struct http_tls *tls)
{
	if (atomic_fetch_sub(&tls->references, 1) > 1)
		return;
	X509_STORE_free(tls->store);
	for (size_t i = 0; i < tls->identities.len; i++)
		identity_release(&tls->identities.items[i]);
	vec_release(&tls->identities);
	mem_free(tls->id);
	mem_free(tls->id_without_identities);
	mem_free(tls);
}

static void on_context_freed(
	void *parent, void *held, CRYPTO_EX_DATA *all, int index, long number, void *argument)
{
	(void)parent;
	(void)all;
	(void)index;
	(void)number;
	(void)argument;
	if (held)
		release(held);
}

static int context_index = -1;

static void make_context_index(void)
{
	context_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, on_context_freed);
}

/*
 * An idle connection may be asked for a certificate until it is closed, which is when the client
 * ends, maybe after the registry that this configuration belongs to.
 */
static void show_identities(struct http_tls *tls, SSL_CTX *ctx)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_context_index);
	if (SSL_CTX_set_ex_data(ctx, context_index, tls) != 1)
		return;
	atomic_fetch_add(&tls->references, 1);
	SSL_CTX_set_cert_cb(ctx, show_identity, tls);
}

/* ---- Configurations ---- */

static bool add_options(
	struct http_tls *tls, const struct http_tls_options *options, struct err **err)
{
	for (size_t i = 0; i < options->ca_count; i++) {
		if (!add_file(tls->store, options->ca_files[i], err))
			return false;
	}
	for (size_t i = 0; i < options->identity_count; i++) {
		if (!add_identity(tls, &options->identities[i], err))
			return false;
	}
	return true;
}

struct http_tls *http_tls_new(const struct http_tls_options *options, struct err **err)
{
	static atomic_uint count;
	CLEANUP(http_tls_freep) struct http_tls *tls = mem_new(1, sizeof(*tls));
	unsigned number = atomic_fetch_add(&count, 1);

	tls->references = 1;
	tls->skip_verify = options->skip_verify;
	tls->id = mem_printf("/trust/%u", number);
	tls->id_without_identities = mem_printf("/trust/%u/anonymous", number);
	tls->store = X509_STORE_new();
	if (!tls->store) {
		err_set(err, ERR_INTERNAL, "OpenSSL cannot make a certificate store");
		return NULL;
	}
	/*
	 * A CA file may name an intermediate or the server's own certificate: that is trust
	 * enough.
	 */
	X509_STORE_set_flags(tls->store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
	if (!add_system(tls->store, err) || !add_options(tls, options, err))
		return NULL;
	return steal_ptr(&tls);
}

void http_tls_free(struct http_tls *tls)
{
	if (tls)
		release(tls);
}

void tls_apply(const struct http_tls *tls, bool shows_identities, void *ssl_ctx)
{
	SSL_CTX_set1_cert_store(ssl_ctx, tls->store);
	/* Only its references change. */
	if (shows_identities && tls->identities.len)
		show_identities((struct http_tls *)(uintptr_t)tls, ssl_ctx);
}

bool tls_is_of_proxy(void *ssl_ctx)
{
	return SSL_CTX_get_max_proto_version(ssl_ctx) == TLS1_3_VERSION;
}

bool tls_skips_verify(const struct http_tls *tls)
{
	return tls->skip_verify;
}

const char *tls_id(const struct http_tls *tls, bool shows_identities)
{
	return shows_identities ? tls->id : tls->id_without_identities;
}
