/*
 * What cip.yaml says about credentials, as plain values: for whoever fills registry_options. What
 * is done with it, and in which order, is in registry/credentials.h.
 */
#ifndef CIP_REGISTRY_CREDENTIAL_OPTIONS_H
#define CIP_REGISTRY_CREDENTIAL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

enum credential_side { CREDENTIAL_DESTINATION, CREDENTIAL_SOURCE };
#define CREDENTIAL_SIDES 2

enum credential_way {
	CREDENTIAL_WAY_NONE, /* nothing is said: other places are looked at */
	CREDENTIAL_WAY_PASSWORD_FILE,
	CREDENTIAL_WAY_TOKEN_FILE,	    /* a registry token, sent as Bearer as it is */
	CREDENTIAL_WAY_IDENTITY_TOKEN_FILE, /* exchanged at the token server by POST */
	CREDENTIAL_WAY_AUTHFILE,
	CREDENTIAL_WAY_HELPER,
	CREDENTIAL_WAY_GOOGLE,
	CREDENTIAL_WAY_ANONYMOUS,
};

/* One side of one registry. Strings are borrowed. */
struct credential_options {
	enum credential_way way;
	const char *username; /* with a password file only */
	const char *file;     /* absent with Google: whatever this machine has */
	const char *helper;   /* NAME of docker-credential-NAME */
};

/* A registry of a promoter manifest with its service-account. Strings are borrowed. */
struct credential_account {
	const char *registry; /* canonical "host" or "host/path" */
	enum credential_side side;
	const char *account;
};

struct google_account_options {
	/* Accounts that may be impersonated; those of manifests that are not here are ignored. */
	const char *const *impersonate;
	size_t impersonate_count;
	const char *iam_endpoint; /* "https://host"; NULL: Google's own */
};

#endif
