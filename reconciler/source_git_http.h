/* A wire over Git's smart HTTP protocol (gitprotocol-http(5)), spoken by net/http. */
#ifndef CIP_RECONCILER_SOURCE_GIT_HTTP_H
#define CIP_RECONCILER_SOURCE_GIT_HTTP_H

#include "base/err.h"
#include "reconciler/source_git_deadline.h"
#include "reconciler/source_git_url.h"
#include "reconciler/source_git_wire.h"

struct http;

struct source_git_http_options {
	const struct source_git_url *url; /* scheme SOURCE_GIT_HTTP */
	const char *token_file; /* NULL: CIP_GIT_TOKEN of the environment, else no token */
	const char *username;	/* NULL: x-access-token */
	const char *ca_file;	/* NULL: system store only */
	struct http *http;
	const struct source_git_deadline *deadline;
};

/*
 * Reads the token; contacts nobody yet. Everything is borrowed for the life of the wire. ERR_USAGE:
 * token or CA file, or no HTTP client.
 */
struct source_git_wire *source_git_http_new(
	const struct source_git_http_options *options, struct err **err);

#endif
