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
	bool google;		/* tags/list with Google's extension */
	bool answer_404;	/* no state, 404 to everything */
	bool single_post;	/* POST ?digest= stores the body */
	bool no_mount;		/* mounts open an upload instead */
	bool anonymous_mount;	/* mounts without `from`, from any repository */
	const char *family;	/* directory shared with fakes to mount from; NULL: none */
	const char *name;	/* its name in the family; NULL: its address */
	bool chunked_only;	/* a blob in one PUT is refused with 413 */
	unsigned chunk_max;	/* a longer PATCH is refused with 413; 0: any */
	unsigned chunk_min;	/* OCI-Chunk-Min-Length: nothing may follow a shorter first PATCH */
	unsigned cut_patch;	/* the nth PATCH breaks off: half of it is kept, no answer */
	unsigned multi_tag;	/* ?tag= of a manifest PUT, at most so many, else 414; 0: ignored */
	bool no_missing_list;	/* a manifest PUT does not say which references are missing */
	const char *referrers;	/* NULL: no such API; else see referrers.c */
	bool no_page_size;	/* 400 to a list with `n` */
	const char *link;	/* form of Link, see tags.c; NULL: relative */
	bool relative_location; /* else absolute, from the Host header */
	unsigned delay_ms;	/* before every response */
	unsigned page_size;	/* tags or referrers a page, with Link; 0: all at once, n ignored */
	unsigned quota;		/* requests a second, 429 above; 0: any */
	unsigned retry_after;	/* seconds that such a 429 asks for; 0: it does not */
	const char *access_log; /* one line a request: method target status bytes */
	const char *faults;	/* file of rules, see faults.c */
	const char *issued;	/* file of the tokens that are taken, see bearer.c */
	const char *world;	/* tree of manifests that are all carried out, see world.h */
	const char *world_out;	/* where it is written anew */
};
extern struct fake_options fake_options;

struct fake_request {
	char *method; /* all owned; "" where absent */
	char *target; /* path and query as sent */
	char *path;
	char *query;
	char *host; /* as the client says */
	char *accept;
	char *content_type;
	char *authorization;
	char *content_range;
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
	bool is_dropped; /* the connection is reset without an answer */
};

/* ---- connection.c ---- */
struct connection_start {
	int fd;
	const char *host; /* for which it answers; NULL: the only one */
};
void *connection_run(void *start); /* thread; a struct connection_start, which it frees */

/* ---- handlers.c ---- */
void handle(const struct fake_request *request, struct fake_response *response);
void respond_not_found(struct fake_response *response); /* no such path, as Go's servers say it */
void respond_error(
	struct fake_response *response, int status, const char *code, const char *message);

/* ---- blobs.c, uploads.c, ...: `repository` and `name` are parts of the path ---- */
void handle_blob(const struct fake_request *request, const char *repository, const char *name,
	struct fake_response *response);
void handle_upload(const struct fake_request *request, const char *repository, const char *name,
	struct fake_response *response);
void handle_manifest(const struct fake_request *request, const char *repository, const char *name,
	struct fake_response *response);
void handle_referrers(const struct fake_request *request, const char *repository, const char *name,
	struct fake_response *response);
void handle_tags(
	const struct fake_request *request, const char *repository, struct fake_response *response);

/* nth value of a query parameter, %-decoded, in fresh memory; NULL if absent. */
char *query_nth(const char *query, const char *name, size_t n);
char *query_value(const char *query, const char *name); /* the first */
/* Status 201 with Location and Docker-Content-Digest. */
void respond_created(struct fake_response *response, const char *repository, const char *kind,
	const struct digest *digest);

/* ---- admin.c ---- */
/* /admin/contents: GET has everything as store_contents says it, DELETE empties the registry. */
void handle_admin(const struct fake_request *request, struct fake_response *response);

/* ---- family.c ---- */
/* Lets the others have the blob; nothing without a family. */
void family_share(const char *repository, const char *bytes, size_t len, const char *digest);
/* Takes a blob of `from` at another host; false if that does not have it. */
bool family_mount(
	const char *repository, const char *host, const char *from, const char *digest_text);

/* ---- referrers.c ---- */
/* What the manifest refers to: "" for none. */
char *subject_of(const char *bytes, size_t len);

/* ---- bearer.c ---- */
/* False with the refusal in the response unless the request shows a token that may do this. */
bool bearer_allows(const struct fake_request *request, struct fake_response *response);

/* ---- quota.c ---- */

/* True if it has answered in the registry's place: too many requests. */
bool quota_refuses(struct fake_response *response);

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
	FAULT_ENCODED,
	FAULT_REDIRECT,
	FAULT_HEADER,
	FAULT_ENDLESS_HEADERS,
	FAULT_FILE,
	FAULT_SLOW_READ,
};
struct fault {
	enum fault_action action;
	const char *argument; /* borrowed for ever */
};
void faults_load(const char *path);
struct fault faults_match(const char *method, const char *target);

#endif
