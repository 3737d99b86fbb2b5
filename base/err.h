/*
 * Errors are part of the interface. A function that can fail returns bool and takes
 * `struct err **err` last; on failure it stores an owned error there (unless err is NULL) and
 * leaves its other outputs untouched. Callers decide on `kind`; people read `msg`. Context is
 * added on the way up, outermost first: "promote r/a:v1: copy sha256:..: HEAD blob: 503 ...".
 *
 *	if (!thing_read(path, &thing, err))
 *		return err_prefix(err, "read %s", path);
 *
 * Secrets never go into a message. Bytes from outside go in as they are: whoever prints an error
 * escapes it (base/escape.h). Errors are plain values: one owner, no thread contract.
 */
#ifndef CIP_BASE_ERR_H
#define CIP_BASE_ERR_H

#include <stdbool.h>

#include "base/cleanup.h"

enum err_kind {
	ERR_INVALID,   /* input that is not what it must be: bad YAML, JSON, reference, response */
	ERR_USAGE,     /* bad flags or configuration given by the person who started us */
	ERR_NOT_FOUND, /* a clean answer "there is no such thing" (404 from the registry itself) */
	ERR_AUTH,      /* 401 or 403, missing or refused credentials */
	ERR_CONFLICT,  /* state that contradicts what was asked, e.g. an immutable tag */
	ERR_THROTTLED, /* 429, quota used up */
	ERR_TRANSIENT, /* may pass by itself: 5xx, reset or refused connection, DNS */
	ERR_TIMEOUT,   /* one of our deadlines passed */
	ERR_DIGEST,    /* bytes do not hash to their digest */
	ERR_TOO_LARGE, /* over one of our stated maxima */
	ERR_TLS,       /* certificate or handshake: never retried, never worked around */
	ERR_UNSUPPORTED, /* the other side (or we) cannot do this */
	ERR_CANCELLED,	 /* the run is being stopped */
	ERR_IO,		 /* local files, pipes, processes */
	ERR_INTERNAL,	 /* a bug of ours */
};

struct err {
	enum err_kind kind;
	int http;  /* HTTP status the error came from, 0 if none */
	char *msg; /* owned, never NULL */
};

/* Stable lower-case name for JSON and logs: "invalid", "not-found", ... */
const char *err_kind_name(enum err_kind kind);

/* All three return false, so that `return err_set(err, ...)` reads well. err may be NULL. */
bool err_set(struct err **err, enum err_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
bool err_set_http(struct err **err, enum err_kind kind, int http, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* ERR_IO with the text of errno value `number` appended. */
bool err_set_errno(struct err **err, int number, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "context: " in front of the message. Returns false. Does nothing if err or *err is NULL. */
bool err_prefix(struct err **err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* True if an error is stored and has this kind. */
bool err_is(const struct err *err, enum err_kind kind);

struct err *err_copy(const struct err *err);
void err_free(struct err *err);
DEFINE_CLEANUP(struct err, err_freep, err_free)

/* Moves *from to *to if *to is still empty, else frees it: the first error wins. */
void err_keep_first(struct err **to, struct err **from);

#endif
