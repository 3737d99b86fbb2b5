/*
 * URLs of Git repositories, as git(1) writes them:
 *
 *	https://host[:port]/path    http:// (loopback only)
 *	ssh://[user@]host[:port]/path    [user@]host:path
 *	file:///path    path
 *
 * Pure but for local paths, which are made absolute.
 */
#ifndef CIP_RECONCILER_SOURCE_GIT_URL_H
#define CIP_RECONCILER_SOURCE_GIT_URL_H

#include <stdbool.h>

#include "base/err.h"

enum source_git_scheme { SOURCE_GIT_LOCAL, SOURCE_GIT_HTTP, SOURCE_GIT_SSH };

struct source_git_url {
	enum source_git_scheme scheme;
	char *text; /* the URL without credentials and without slashes at its end: for people and as identity */
	char *user; /* ssh; NULL: none given */
	char *host; /* http, ssh; IPv6 addresses with brackets for http, without for ssh */
	char *port; /* digits; NULL: none given */
	char *path; /* ssh: for the other side's git-upload-pack; local: absolute, without links */
};

/*
 * ERR_USAGE for what cannot be a URL of ours, with credentials in it or with parts that another
 * program could take for an option; ERR_UNSUPPORTED for schemes without encryption; ERR_NOT_FOUND
 * and ERR_IO for local paths. Messages never repeat a URL that was refused: it may hold a secret.
 */
bool source_git_url_parse(const char *text, struct source_git_url *ret_url, struct err **err);

void source_git_url_release(struct source_git_url *url);

#endif
