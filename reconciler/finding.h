/*
 * What a run has to tell people besides success: one finding each, with the place in the manifests
 * it comes from. --fail-on chooses by these names which findings change the exit code.
 * Plain values; strings are interned in the declared state or owned by whoever says so.
 */
#ifndef CIP_RECONCILER_FINDING_H
#define CIP_RECONCILER_FINDING_H

#include <stdbool.h>
#include <stdint.h>

enum finding_kind {
	FINDING_MALFORMED,    /* an entry (digest, tag, image name): that entry is quarantined */
	FINDING_INVALID_FILE, /* a file that is not what it should be: its project is quarantined */
	FINDING_OVERLAP,  /* two digests claim one tag: the claims that overlap are quarantined */
	FINDING_TREE,	  /* the tree has the wrong shape: the run cannot be done */
	FINDING_TAG_MOVE, /* the registry has the tag on another digest */
	FINDING_LOST,	  /* neither source nor destination holds the digest */
	FINDING_CYCLE,	  /* projects promote in a circle */
	FINDING_ERROR,	  /* a registry could not be read or written */
	FINDING_UNSIGNED, /* what was promoted could not be signed or attested */
	FINDING_WARNING,  /* worth saying, never changes the exit code */
	FINDING_KINDS
};

/* "malformed", "invalid-file", "overlap", "tree", "tag-move", "lost", "cycle", "error", "unsigned", "warning". */
const char *finding_kind_name(enum finding_kind kind);
bool finding_kind_parse(const char *name, enum finding_kind *ret_kind);

/* Where something stands: line and column count from 1, 0 means the file as a whole. */
struct place {
	const char *file; /* path inside the source, interned */
	uint32_t line;
	uint32_t column;
};

struct finding {
	enum finding_kind kind;
	struct place place;
	const char *project; /* directory name of the project, interned; NULL: none */
	char *message;	     /* what is wrong, what was expected; without place and kind */
};

#endif
