/*
 * How the declared state is put together: for reconciler/declared*.c, overlap.c and their tests.
 * Loading is one thread's work.
 */
#ifndef CIP_RECONCILER_DECLARED_PRIVATE_H
#define CIP_RECONCILER_DECLARED_PRIVATE_H

#include "reconciler/declared.h"

struct declared *declared_new(const struct identities *identities);

/* Adds a finding; the message is formatted into fresh memory. */
void declared_find(struct declared *declared, enum finding_kind kind, struct place place,
	const char *project, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* Adds an empty project; its texts are interned here. */
void declared_add_project(struct declared *declared, const char *name, const char *manifest_file,
	const char *images_file);

/*
 * Adds the projects of a thin tree, sorted by name, and the findings about its shape.
 * ERR_TOO_LARGE, ERR_CANCELLED, or the source's error for its root; a wrong shape is no error yet.
 */
bool declared_walk(struct declared *declared, struct source *source, struct err **err);

/* ERR_INVALID that names the findings about the shape of the tree, if there are any. */
bool declared_check_tree(const struct declared *declared, struct err **err);

/* What to read from a file. */
enum declared_part {
	DECLARED_REGISTRIES = 1 << 0, /* the `registries:` of a thin manifest */
	DECLARED_IMAGES = 1 << 1,     /* the list of images of an images file */
	DECLARED_PLAIN = DECLARED_REGISTRIES | DECLARED_IMAGES,
};

/*
 * Parses a file of project number `project` into it. Everything wrong becomes findings; a file that
 * is not what it should be quarantines the project.
 */
void declared_parse(struct declared *declared, uint32_t project, enum declared_part part,
	const char *bytes, size_t len);

/* The source puts the path in front of its errors; a finding has it already. */
const char *declared_without_path(const char *message, const char *path);

/*
 * Reads the tag policy of project number `index`, if it has one. What is wrong with it becomes
 * findings. ERR_CANCELLED only.
 */
bool declared_load_policy(
	struct declared *declared, uint32_t index, struct source *source, struct err **err);

/*
 * Checks that need both files of project number `index`: lengths of names, number of repositories.
 * `repositories` counts through all projects.
 */
void declared_check_project(struct declared *declared, uint32_t index, size_t *repositories);

#endif
