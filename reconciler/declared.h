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
	bool skipped; /* the source once more, or an earlier destination: nothing is promoted to it */
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

struct tag_policy; /* reconciler/tag_policy.h */

struct declared_project {
	const char *name;	   /* directory below manifests/; "" for a plain manifest */
	const char *manifest_file; /* path in the source */
	const char *images_file;   /* the same file for a plain manifest */
	struct tag_policy *policy; /* NULL: none of its tags is mutable; owned by the state */
	uint32_t first_registry, registry_count;
	uint32_t
		source_registry; /* index of the source registry; meaningless when quarantined without registries */
	uint32_t first_image, image_count;
	/*
	 * A file of it cannot be read as what it should be. Nothing of it is promoted; while its
	 * registries are known, nobody else gets a new tag below them (declared_frozen_by).
	 */
	bool quarantined;
};

/* Several digests claim one tag of one destination repository (or of one public identity). */
struct declared_dispute {
	const char *tag;
	const char *reason; /* names two of the claims with file:line */
};

struct declared_counts {
	uint64_t projects, images, digests, tags; /* as the files have them, quarantined ones too */
	/*
	 * Without quarantined projects and malformed entries. Claims in dispute count: one of them
	 * may be in place and stays in force. What is declared twice counts once.
	 */
	uint64_t edges;		      /* (digest, tag or none) × destination repository */
	uint64_t destinations;	      /* (destination repository, digest) pairs */
	uint64_t repositories;	      /* distinct destination repositories */
	uint64_t source_repositories; /* distinct */
};

/* A repository that shares the disputed tags of a set (reconciler/overlap.c). */
struct declared_dispute_link {
	uint32_t set;
	uint32_t next; /* index + 1 of another link of the same repository; 0: none */
};

struct identities; /* reconciler/identity.h */

struct declared {
	const struct identities *identities; /* borrowed; NULL: what is built in */
	struct intern *strings;
	VEC(struct declared_registry) registries;
	VEC(struct declared_project) projects; /* sorted by name */
	VEC(struct declared_image) images;
	VEC(struct declared_digest) digests;
	VEC(struct declared_tag) tags;
	VEC(struct finding) findings; /* in order of file, line, column */
	struct declared_counts counts;

	/* Read through declared_dispute only. */
	VEC(struct declared_dispute) disputes;
	VEC(struct declared_dispute_link) dispute_links;
	struct strmap disputed_repositories; /* repository or identity -> first link's index + 1 */
	struct strmap disputed_tags;	     /* "set:tag" -> dispute's index + 1 */
};

/* Of a project's tags, in a thin tree; formatted with its name. */
#define DECLARED_POLICY_FILE "policies/%s/tag-policy.yaml"

/* Bounds, so that no manifest can exhaust us. */
#define DECLARED_FILE_MAX ((size_t)32 << 20)
#define DECLARED_DEPTH_MAX 16 /* directories below manifests/; YAML has YML_DEPTH_MAX */
#define DECLARED_DIRECTORIES_MAX 20000
#define DECLARED_REGISTRIES_MAX 1000			/* of one project */
#define DECLARED_ENTRIES_MAX ((size_t)5 * 1000 * 1000)	/* digests + tags */
#define DECLARED_REPOSITORIES_MAX ((size_t)1000 * 1000) /* images × registries */
#define DECLARED_FILE_FINDINGS_MAX ((size_t)1000)	/* then the rest of the file is not read */

/*
 * `images/` + `manifests/` below the source's root. Fails with ERR_INVALID for a tree of the wrong
 * shape (all such faults in one message, and each as FINDING_TREE), with ERR_TOO_LARGE for one over
 * the bounds, or with the source's error when its root cannot be read. *ret_declared is filled with
 * what was found in any case (never NULL after return): free it in any case.
 */
bool declared_load_thin(struct source *source, const struct identities *identities,
	struct declared **ret_declared, struct err **err);

/* One plain manifest at `path` in the source; its own errors if that cannot be read. Same contract. */
bool declared_load_plain(struct source *source, const char *path,
	const struct identities *identities, struct declared **ret_declared, struct err **err);

void declared_free(struct declared *declared);
DEFINE_CLEANUP(struct declared, declared_freep, declared_free)

/* Counted while loading. */
void declared_count(const struct declared *declared, struct declared_counts *ret_counts);

/* Number of findings of a kind. */
size_t declared_findings(const struct declared *declared, enum finding_kind kind);

/*
 * True if the project's registry is a destination that may be written: not its source, not a
 * repetition, and the project is not quarantined.
 */
bool declared_is_destination(const struct declared *declared,
	const struct declared_project *project, const struct declared_registry *registry);

/*
 * Canonical "host/path" of an image in a registry, appended to `out`; at most REPOSITORY_TEXT_MAX
 * bytes for an image that is not malformed.
 */
#define REPOSITORY_TEXT_MAX 255
void declared_repository(const struct declared_registry *registry,
	const struct declared_image *image, struct str *out);

/* True if the project's tag policy lets this tag of its image move to another digest. */
bool declared_is_mutable(
	const struct declared *declared, const struct declared_image *image, const char *tag);

/*
 * NULL, or the dispute about this tag of a canonical "host/path" (of the repository itself or of
 * its public identity): nobody may set the tag, but where it is in place it stays.
 */
const struct declared_dispute *declared_dispute(
	const struct declared *declared, const char *repository, const char *tag);

/*
 * NULL, or the quarantined project (other than number `project`) that has declared a prefix of
 * `repository`, or of its public identity, as a destination: until its files can be read, no new
 * tag may be made there.
 */
const struct declared_project *declared_frozen_by(
	const struct declared *declared, const char *repository, uint32_t project);

#endif
