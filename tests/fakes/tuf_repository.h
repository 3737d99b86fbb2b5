/*
 * A TUF repository in memory with keys of its own, for tests of the client. Documents are written
 * as canonical JSON by hand, so what is signed does not depend on the code under test. Publishing
 * replaces nothing by itself: every version stays, as in a consistent snapshot.
 */
#ifndef CIP_TESTS_FAKES_TUF_REPOSITORY_H
#define CIP_TESTS_FAKES_TUF_REPOSITORY_H

#include <pthread.h>
#include <stdbool.h>

#include "base/str.h"
#include "base/strmap.h"
#include "tests/fakes/tiny_server.h"

struct evp_pkey_st;

/* Keys have numbers; each is made when it is first named. */
#define TUF_REPOSITORY_KEYS 8

struct tuf_repository {
	struct evp_pkey_st *keys[TUF_REPOSITORY_KEYS];
	struct tiny_server *server;
	char *metadata_url, *targets_url;
	pthread_mutex_t lock;
	struct strmap files; /* "/metadata/1.root.json" -> text; both owned */
	struct str requests; /* targets asked for, a line each */
	const char *expires; /* of what is published next */
	int signer[4];	     /* number of the key of root, timestamp, snapshot, targets */
	int signs_root_too;  /* another key that signs the root; -1: none */
};

void tuf_repository_open(struct tuf_repository *repository);
void tuf_repository_close(struct tuf_repository *repository);

void tuf_publish_root(struct tuf_repository *repository, unsigned version);
/* The same, signed by a key that it need not name. */
void tuf_publish_root_signed(struct tuf_repository *repository, unsigned version, int key);
void tuf_publish_timestamp(struct tuf_repository *repository, unsigned version, unsigned snapshot);
/* `meta` is all of the object. */
void tuf_publish_snapshot(struct tuf_repository *repository, unsigned version, const char *meta);
/* `targets` is all of the object; `delegations` the member with its comma in front of "expires". */
void tuf_publish_targets(struct tuf_repository *repository, const char *role, int key,
	unsigned version, const char *targets, const char *delegations);

/* Any file: "/targets/x". NULL text: gone. */
void tuf_publish_file(struct tuf_repository *repository, const char *path, const char *text);
/* Fresh text; NULL if there is none. */
char *tuf_published(struct tuf_repository *repository, const char *path);

/* "{\"keytype\":...}" of a key, and its id; fresh text. */
char *tuf_repository_key(struct tuf_repository *repository, int number);
char *tuf_repository_key_id(int number);

/* How many requests there were for a path. */
unsigned tuf_repository_asked(struct tuf_repository *repository, const char *path);
void tuf_repository_forget_requests(struct tuf_repository *repository);

#endif
