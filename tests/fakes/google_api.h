/*
 * Google's token endpoints as far as cip asks them: access and identity tokens for signed assertions,
 * refresh tokens and subject tokens, generateAccessToken, generateIdToken, the metadata server, and a
 * server of subject tokens. One
 * handler for tiny_server.h answers for all of them, by path. What is wrong with a request makes
 * it answer 400 and is kept.
 */
#ifndef CIP_TESTS_FAKES_GOOGLE_API_H
#define CIP_TESTS_FAKES_GOOGLE_API_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "tests/fakes/tiny_server.h"

struct evp_pkey_st;

#define GOOGLE_API_REFRESH_TOKEN "refresh-secret"
#define GOOGLE_API_CLIENT_SECRET "client-secret"
#define GOOGLE_API_SUBJECT_TOKEN "subject-secret"
#define GOOGLE_API_HEADER_SECRET "header-secret"

struct google_api {
	struct evp_pkey_st *key; /* of the service account: made by google_api_init */
	char *pem;		 /* the same, each line break as \n of JSON */
	const char *issued_file; /* a line for each token: "TOKEN r" or "TOKEN w"; NULL: none */
	const char *access_log;	 /* METHOD path status 0; NULL: none */
	atomic_uint assertions, refreshes, exchanges, impersonations, metadata, subjects;
	atomic_uint identities; /* identity tokens, by whatever way; their subject is the owner */
	atomic_uint expires_in;
	atomic_int status;	     /* of every answer, 0: as it should be */
	atomic_bool without_flavor;  /* the metadata server does not name itself */
	atomic_bool without_account; /* and has none */
	/*
	 * Makes the identity token of an account for Sigstore, in fresh text; NULL: one
	 * that nobody has signed.
	 */
	char *(*identity)(const char *account, void *ctx);
	void *identity_ctx;
	atomic_uint tokens; /* handed out; they are called ya29.OWNER-NUMBER */
	pthread_mutex_t lock;
	char complaint[200]; /* what was wrong first; under the lock */
};

void google_api_init(struct google_api *api);
void google_api_release(struct google_api *api);

/* The handler; ctx is the struct google_api. */
void google_api_handle(struct tiny_exchange *exchange, void *ctx);

/*
 * Files of credentials in fresh text; `server` is "http://127.0.0.1:PORT". For an external account
 * `subject` is a member of credential_source such as "\"file\":\"/x\"".
 */
char *google_api_service_account(const struct google_api *api, const char *server);
char *google_api_authorized_user(const char *server);
char *google_api_external_account(
	const char *server, const char *subject, const char *impersonated);
char *google_api_impersonated(const char *server, const char *source, const char *account);

#endif
