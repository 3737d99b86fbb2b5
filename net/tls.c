/*
 * Trust: which certificate authorities vouch for a server. One X509_STORE for each configuration,
 * shared by all its connections (a bundle given to every connection would be parsed by every
 * connection). Host names, protocol versions and the verdict are libcurl's business.
 */
#include "net/tls.h"

#include <dirent.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct http_tls {
	X509_STORE *store;
	bool skip_verify;
	char *id;
};

/* Where distributions keep the bundle, for images that hold nothing but that file. */
static const char *const bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem",
	"/etc/ssl/cert.pem",
};

static bool add_file(X509_STORE *store, const char *file, struct err **err)
{
	unsigned long code;
	char reason[160] = "no certificate in it";

	ERR_clear_error();
	if (X509_STORE_load_file(store, file) == 1)
		return true;
	code = ERR_peek_last_error();
	if (code)
		ERR_error_string_n(code, reason, sizeof(reason));
	ERR_clear_error();
	return err_set(err, ERR_USAGE, "cannot read certificates from %s: %s", file, reason);
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

struct http_tls *http_tls_new(const struct http_tls_options *options, struct err **err)
{
	static atomic_uint count;
	CLEANUP(http_tls_freep) struct http_tls *tls = mem_new(1, sizeof(*tls));

	tls->skip_verify = options->skip_verify;
	tls->id = mem_printf("/trust/%u", atomic_fetch_add(&count, 1));
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
	if (!add_system(tls->store, err))
		return NULL;
	if (options->ca_file && !add_file(tls->store, options->ca_file, err))
		return NULL;
	return steal_ptr(&tls);
}

void http_tls_free(struct http_tls *tls)
{
	if (!tls)
		return;
	X509_STORE_free(tls->store);
	mem_free(tls->id);
	mem_free(tls);
}

void tls_apply(const struct http_tls *tls, void *ssl_ctx)
{
	SSL_CTX_set1_cert_store(ssl_ctx, tls->store);
}

bool tls_skips_verify(const struct http_tls *tls)
{
	return tls->skip_verify;
}

const char *tls_id(const struct http_tls *tls)
{
	return tls->id;
}
