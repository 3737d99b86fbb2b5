/*
 * Who this process is to Google: a file of credentials, or whatever this machine has: the file of
 * GOOGLE_APPLICATION_CREDENTIALS, gcloud's application_default_credentials.json, the metadata server
 * (application default credentials, as Google's own libraries read them).
 *
 * Types of files: service_account, authorized_user, external_account (subject tokens from a file or
 * a URL), impersonated_service_account. They are read whenever a token is fetched, so that a
 * rotated key is used without a restart and no key stays in memory.
 *
 * Secrets go to Google's own hosts only (*.googleapis.com, accounts.google.com; a file may name the
 * loopback instead). Nothing that these servers answer is in a message, except an error code. Any
 * thread. Access tokens for registries: registry/auth_google.h.
 */
#ifndef CIP_REGISTRY_GOOGLE_H
#define CIP_REGISTRY_GOOGLE_H

#include "net/http.h"

struct google;

struct google_options {
	struct http *http;	   /* borrowed */
	const struct clock *clock; /* borrowed */
	bool read_only;
	const char *file;	  /* NULL: whatever this machine has */
	const char *iam_endpoint; /* for service accounts that are named; NULL: Google's */
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
 * A new identity token (OpenID Connect, with the e-mail address) for an audience, as fresh secret
 * text: of the credentials' own service account (account ""), or of one that they may impersonate
 * (IAM Credentials, generateIdToken). ERR_USAGE: no name of a service account; ERR_AUTH: refused, or
 * the credentials have no identity to show (a person's, a federated one without a service account);
 * else as http_do.
 */
bool google_id_token(struct google *google, const char *account, const char *audience,
	char **ret_token, struct err **err);

#endif
