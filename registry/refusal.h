/*
 * What a response that is no success means: status and error body (distribution-spec "Error
 * Codes") become one of our errors. Internal to registry/. Pure.
 */
#ifndef CIP_REGISTRY_REFUSAL_H
#define CIP_REGISTRY_REFUSAL_H

#include <stddef.h>

#include "base/err.h"

/* Longer error bodies are not looked at. */
#define REFUSAL_BODY_MAX ((size_t)64 * 1024)

struct refusal {
	const char *what; /* "PUT gcr.io/a/b/manifests/v1" */
	const char *host; /* logical host */
	int status;
	const char *body; /* may be empty, JSON, HTML or anything */
	size_t body_len;
	const char *elsewhere;	/* NULL: the registry itself answered; else who a redirect led to */
	const char *credential; /* where the credentials came from; NULL: anonymous */
	bool is_withheld;	/* they were not shown */
};

/*
 * What a registry's answer says, for who judges it otherwise: the first error code ("" without one)
 * and "status 403: DENIED: ..." in fresh memory.
 */
void refusal_words(int status, const char *body, size_t body_len, char **ret_code, char **ret_text);

/* Always false. */
bool refusal_set(const struct refusal *refusal, struct err **err);

#endif
