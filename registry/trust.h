/*
 * The certificates that docker and podman keep for single registries, in directories named after
 * the host: docs.docker.com/engine/security/certificates and containers-certs.d(5). In such a
 * directory each *.crt is an authority to trust besides the system's, and each X.cert with its
 * X.key a client certificate to show. Internal to registry/.
 */
#ifndef CIP_REGISTRY_TRUST_H
#define CIP_REGISTRY_TRUST_H

#include "base/vec.h"
#include "net/http.h"

/* Where such directories are looked for, in this order. Read-only once made, then any thread. */
struct trust_places {
	VEC(char *) paths;
};

/*
 * `first` (NULL: none), $HOME/.config/containers/certs.d, /etc/containers/certs.d,
 * /etc/docker/certs.d. ERR_USAGE if `first` is no directory or holds certificates itself: other
 * tools have options that mean that.
 */
bool trust_places_init(struct trust_places *places, const char *first, struct err **err);
void trust_places_release(struct trust_places *places);

/* Paths of PEM files, owned. */
struct trust_files {
	VEC(const char *) cas;
	VEC(struct http_tls_identity) identities;
};
void trust_files_release(struct trust_files *files);

/* All are copied; NULL: none. */
void trust_files_add(
	struct trust_files *files, const char *ca, const char *certificate, const char *key);

/*
 * What the first directory for `host` ("name" or "name:port") holds; without a port "name:443" is
 * the same registry. Places and directories that may not be read are passed over. ERR_USAGE if half
 * of a client certificate is missing.
 */
bool trust_find(const struct trust_places *places, const char *host, struct trust_files *ret_files,
	struct err **err);

/* A trust configuration from the files; NULL if there are none and nothing is skipped. */
bool trust_make(const struct trust_files *files, bool skip_verify, struct http_tls **ret_tls,
	struct err **err);

#endif
