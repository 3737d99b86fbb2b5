/*
 * For the threaded programs over identity tokens: a service that hands them out to jobs, well or badly,
 * one that must never see a secret, Google's endpoints, and sources that ask them. What is logged
 * meanwhile, at any level, is looked through for secrets. One for the program.
 */
#ifndef CIP_TESTS_THREADS_ID_TOKEN_FIXTURE_H
#define CIP_TESTS_THREADS_ID_TOKEN_FIXTURE_H

#include <pthread.h>

#include "base/cancel.h"
#include "signer/id_token.h"
#include "tests/fakes/google_api.h"
#include "tests/threads/check.h"

#define THREADS 8
#define JOB_SECRET "job-secret"

extern struct google_api api;
extern struct tiny_server *google, *service, *stranger;

/* What the service answers: a token, or what the test wants instead. */
struct world {
	pthread_mutex_t lock;
	int status;	     /* 0: 200 */
	const char *headers; /* "": none */
	const char *body;    /* NULL: a token */
	int64_t life_s;
	atomic_uint requests, strangers, wrong;
	atomic_uint asking; /* threads that are about to */
	atomic_bool waits;  /* the answer comes when all threads have asked */
	atomic_bool stalls; /* it does not come */
};
extern struct world world;

/* Starts everything and clears the environment of what the machine may have. */
void fixture_open(void);
void fixture_close(void);

void forget_world(void);
void answer(int status, const char *headers, const char *body);
void answer_life(int64_t seconds);
void move_clock(int64_t seconds); /* forwards */

/* Fresh text. */
char *token_for(const char *subject, int64_t life_s);
/* Writes a file; its path in fresh text. */
char *save(const char *name, const char *text);

/* Variables of jobs of the service. */
void use_github(void);
void leave_github(void);
void use_buildkite(void);
void leave_buildkite(void);

/* With the fixture's client, unless the options have one. */
struct id_token_source *source_of(struct id_token_options options);
void expect_subject(struct id_token_source *source, const char *provider, const char *subject);
void expect_error(struct id_token_source *source, enum err_kind kind, const char *says);
/* By a source of its own. */
void expect_once(struct id_token_options options, enum err_kind kind, const char *says);

struct worker {
	pthread_t thread;
	struct id_token_source *source;
	struct id_token *token;
	struct err *err;
};
void workers_start(struct worker *workers, struct id_token_source *source);
/* How many failed; all others must have got the subject. */
unsigned work_together(struct id_token_source *source, const char *subject);

#endif
