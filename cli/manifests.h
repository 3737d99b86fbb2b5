/* From the flags to the declared state: opens what they name and loads it. */
#ifndef CIP_CLI_MANIFESTS_H
#define CIP_CLI_MANIFESTS_H

#include "cli/options.h"
#include "reconciler/config.h"
#include "reconciler/declared.h"
#include "reconciler/source.h"

struct manifests {
	struct source *source;
	struct declared *declared;
	char *directory; /* stands before the files of findings: "tree/", "" */
};
void manifests_release(struct manifests *manifests);

/* True if only a Git repository reached through `http` can tell. */
bool manifests_need_http(const struct options *options);

/*
 * The tree on disk that the flags name, in fresh memory; NULL for a repository elsewhere. For the
 * check that cip.yaml is not part of it.
 */
char *manifests_tree(const struct options *options);

/*
 * `http` and `cancel` may be NULL for a working tree. Whatever was found until a failure is in
 * *ret_manifests: release it in any case. Errors of source.h and declared.h.
 */
bool manifests_load(const struct options *options, const struct config *config, struct http *http,
	struct cancel *cancel, struct manifests *ret_manifests, struct err **err);

#endif
