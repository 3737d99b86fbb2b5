/*
 * A registry for tests and benchmarks: distribution's 2.8 habits, Google's tags list on request,
 * everything in memory, faults by rule. Plain HTTP/1.1 with keep-alive, one thread a connection.
 *
 * This header holds what its files share. A request and its response belong to the connection's
 * thread; the store and the fault rules lock themselves.
 */
#ifndef CIP_TESTS_FAKES_REGISTRY_FAKE_H
#define CIP_TESTS_FAKES_REGISTRY_FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "image/digest.h"

struct fake_options {
	int port;		/* 0: a free one */
	bool google;		/* tags/list with Google's extension */
	bool answer_404;	/* no state, 404 to everything */
	bool single_post;	/* POST ?digest= stores the body */
	bool no_mount;		/* mounts open an upload instead */
	bool relative_location; /* else absolute, from the Host header */
	unsigned delay_ms;	/* before every response */
	size_t page_size;	/* tags a page, with Link; 0: all at once, n ignored */
	const char *access_log; /* one line a request: method target status bytes */
	const char *faults;	/* file of rules, see faults.c */
};
extern struct fake_options fake_options;

struct fake_request {
	char *method; /* all owned; "" where absent */
	char *target; /* path and query as sent */
	char *path;
	char *query;
	char *host;
	char *accept;
	char *content_type;
	char *body;
	size_t body_len;
	size_t content_length;
	bool expects_continue;
	bool closes;
};

struct fake_response {
	int status;
	struct str headers; /* "Name: value\r\n" each */
	struct str text;    /* body made for this response */
	const char *body;   /* else a body that lives as long as the store */
	size_t body_len;
	bool no_digest_header; /* fault: leave Docker-Content-Digest out */
	bool wrong_digest_header;
};

/* ---- connection.c ---- */
void *connection_run(void *fd); /* thread; fd as intptr_t */

/* ---- handlers.c ---- */
void handle(const struct fake_request *request, struct fake_response *response);
void respond_error(
	struct fake_response *response, int status, const char *code, const char *message);

/* ---- blobs.c, manifests.c, tags.c: `repository` and `name` are parts of the path ---- */
void handle_blob(const struct fake_request *request, const char *repository, const char *name,
	struct fake_response *response);
void handle_upload(const struct fake_request *request, const char *repository, const char *name,
	struct fake_response *response);
void handle_manifest(const struct fake_request *request, const char *repository, const char *name,
	struct fake_response *response);
void handle_tags(
	const struct fake_request *request, const char *repository, struct fake_response *response);

/* Value of a query parameter, %-decoded, in fresh memory; NULL if absent. */
char *query_value(const char *query, const char *name);
/* Status 201 with Location and Docker-Content-Digest. */
void respond_created(struct fake_response *response, const char *repository, const char *kind,
	const struct digest *digest);

/* ---- faults.c ---- */
enum fault_action {
	FAULT_NONE,
	FAULT_STATUS,
	FAULT_RESET_BEFORE,
	FAULT_RESET_MID,
	FAULT_TRUNCATE,
	FAULT_FLIP_BIT,
	FAULT_WRONG_DIGEST,
	FAULT_NO_DIGEST,
	FAULT_STALL,
	FAULT_STALL_MID,
	FAULT_GIGABYTE,
	FAULT_BAD_JSON,
	FAULT_REDIRECT,
	FAULT_HEADER,
	FAULT_ENDLESS_HEADERS,
	FAULT_FILE,
};
struct fault {
	enum fault_action action;
	const char *argument; /* borrowed for ever */
};
void faults_load(const char *path);
struct fault faults_match(const char *method, const char *target);

#endif
