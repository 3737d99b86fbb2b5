/*
 * What the promoter manifests declare, as one read-only state: projects (one promoter manifest and
 * its images file), their registries, images, digests, tags. Edges (digest × tag × destination) are
 * counted, never stored. Strings are interned; a digest is 32 bytes; everything is in a few flat
 * arrays, in file order, and refers to other things by index.
 *
 * How far an error reaches: a malformed entry quarantines itself, an unreadable file its project,
 * an overlap the claims that overlap; all of them are findings and all of all files are reported.
 * Only a tree of the wrong shape makes loading fail.
 *
 * Read-only after loading, then shared by all threads.
 */
#ifndef CIP_RECONCILER_DECLARED_H
#define CIP_RECONCILER_DECLARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/intern.h"
#include "base/strmap.h"
#include "base/vec.h"
#include "image/digest.h"
#include "reconciler/finding.h"
#include "reconciler/source.h"

struct declared_registry {
	const char *name;	     /* canonical "host" or "host/path" */
	const char *written;	     /* as the manifest has it */
	const char *service_account; /* NULL: none */
	uint32_t line;
	bool is_source;
};

struct declared_tag {
	const char *name;
	uint32_t line;
	uint16_t column;
	bool malformed; /* quarantined: never written */
};

struct declared_digest {
	uint8_t sha256[DIGEST_SHA256_SIZE];
	uint32_t first_tag, tag_count; /* no tag: present by digest is enough */
	uint32_t line;
	uint16_t column;
	bool malformed; /* sha256 is meaningless; its readable tags still claim their names */
};

struct declared_image {
	const char *name; /* repository path below each registry */
	uint32_t project;
	uint32_t first_digest, digest_count;
	uint32_t line;
	bool malformed; /* name unusable: whole image quarantined */
};

struct declared_project {
	const char *name;	   /* directory below manifests/; "" for a plain manifest */
	const char *manifest_file; /* path in the source */
	const char *images_file;   /* the same file for a plain manifest */
	uint32_t first_registry, registry_count;
	uint32_t source_registry;  /* index of the source registry; meaningless when quarantined without registries */
	uint32_t first_image, image_count;
	/*
	 * A file of it cannot be read as what it should be. Nothing of it is promoted; while its
	 * registries are known, nobody else gets a new tag below them (declared_frozen_by).
	 */
	bool quarantined;
};

/* Several digests claim one tag of one destination repository (or of one public identity). */
struct declared_dispute {
	const char *repository; /* canonical "host/path" of the claim */
	const char *tag;
	const char *reason; /* names the other claim with file:line */
};

struct declared {
	struct intern *strings;
	VEC(struct declared_registry) registries;
	VEC(struct declared_project) projects; /* sorted by name */
	VEC(struct declared_image) images;
	VEC(struct declared_digest) digests;
	VEC(struct declared_tag) tags;
	VEC(struct finding) findings;	   /* in order of file, line, column */
	VEC(struct declared_dispute) disputes;
	struct strmap dispute_index; /* "repository:tag" -> struct declared_dispute * */
};

struct declared_counts {
	uint64_t projects, images, digests, tags;
	uint64_t edges;	       /* (digest, tag or none) × destination, quarantined entries left out */
	uint64_t destinations; /* (destination repository, digest) pairs */
	uint64_t repositories; /* distinct destination repositories */
	uint64_t source_repositories;
};

/* Bounds, so that no manifest can exhaust us. */
#define DECLARED_FILE_MAX ((size_t)32 << 20)
#define DECLARED_DEPTH_MAX 16
#define DECLARED_ENTRIES_MAX ((size_t)5 * 1000 * 1000)

/*
 * `images/` + `manifests/` below the source's root. Fails only with ERR_INVALID for a tree of the
 * wrong shape (all such faults in one message and as FINDING_TREE) or when the source cannot be read; *ret_declared
 * is then still filled with the findings (never NULL after return), free it in any case.
 */
bool declared_load_thin(struct source *source, struct declared **ret_declared, struct err **err);

/* One plain manifest at `path` in the source. Same contract. */
bool declared_load_plain(struct source *source, const char *path, struct declared **ret_declared, struct err **err);

void declared_free(struct declared *declared);
DEFINE_CLEANUP(struct declared, declared_freep, declared_free)

void declared_count(const struct declared *declared, struct declared_counts *ret_counts);

/* Number of findings of a kind. */
size_t declared_findings(const struct declared *declared, enum finding_kind kind);

/* True if one of the project's registries is a destination that may be written. */
bool declared_is_destination(const struct declared *declared, const struct declared_project *project,
			     const struct declared_registry *registry);

/* Canonical "host/path" of an image in a registry, appended to `out`. */
void declared_repository(const struct declared_registry *registry, const struct declared_image *image, struct str *out);

/* NULL, or the dispute about this tag of a canonical "host/path". */
const struct declared_dispute *declared_dispute(const struct declared *declared, const char *repository, const char *tag);

/*
 * NULL, or the quarantined project (other than `project`) that has declared a prefix of
 * `repository` as a destination: until its files can be read, no new tag may be made there.
 */
const struct declared_project *declared_frozen_by(const struct declared *declared, const char *repository, uint32_t project);

#endif
