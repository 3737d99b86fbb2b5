/*
 * Access tokens of Google (OAuth 2.0; application default credentials as google-auth libraries read
 * them; RFC 7523, RFC 8693). One source of tokens is a file of credentials, or whatever this
 * machine has: the file of GOOGLE_APPLICATION_CREDENTIALS, gcloud's
 * application_default_credentials.json, the metadata server.
 *
 * Types of files: service_account, authorized_user, external_account (subject tokens from a file or
 * a URL), impersonated_service_account. They are read whenever a token is fetched, so that a
 * rotated key is used without a restart and no key stays in memory.
 *
 * Secrets go to Google's own hosts only (*.googleapis.com, accounts.google.com; a file may name the
 * loopback instead) and tokens only to registries that registry/quirks.h knows to be Google's.
 * Without writing, as far as Google lets us choose, tokens are for reading only. Nothing that these servers answer is in
 * a message, except an error code. Any thread. Internal to registry/.
 */
#ifndef CIP_REGISTRY_AUTH_GOOGLE_H
#define CIP_REGISTRY_AUTH_GOOGLE_H

#include "net/http.h"
#include "registry/lease.h"

struct google;

struct google_options {
	struct http *http;	   /* borrowed */
	const struct clock *clock; /* borrowed */
	bool read_only;
	const char *file;	  /* NULL: whatever this machine has */
	const char *iam_endpoint; /* for service accounts of manifests; NULL: Google's */
	/* Where to look whether this is one of Google's machines; NULL: their link-local address. */
	const char *metadata_probe;
	int64_t probe_timeout_ms; /* for connecting and for answering; 0: 1 s */
};

/*
 * Texts are copied. ERR_USAGE: the file named here cannot be read or used, or the IAM endpoint is
 * no https URL of one of Google's hosts.
 */
struct google *google_new(const struct google_options *options, struct err **err);
void google_free(struct google *google);

/*
 * Where tokens would come from, as fresh text for messages; NULL if there is nothing. May ask once
 * a run whether this is one of Google's machines. ERR_AUTH: GOOGLE_APPLICATION_CREDENTIALS names a
 * file that is not there. ERR_CANCELLED.
 */
bool google_find(struct google *google, char **ret_origin, struct err **err);

/*
 * A token of the source itself (account ""), or of a service account that it impersonates: never
 * in a run that only reads (ERR_INTERNAL). ERR_AUTH: refused, or the file cannot be used; else as
 * http_do.
 */
bool google_token(struct google *google, const char *account, struct http_tally *tally,
	struct lease *ret_lease, struct err **err);

/* The registry did not take it. */
void google_refuse(struct google *google, const char *account, uint64_t serial);

#endif
