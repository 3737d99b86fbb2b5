/*
 * How far what registries hold has drifted from what is declared, project by project: fed with the
 * events of a run without `confirm`, with records_for_all and extra_tags. Keeps a few numbers a
 * project and repository, and an item for each thing that is not as declared, so memory follows
 * damage. One thread at a time. Pure.
 */
#ifndef CIP_RECONCILER_DRIFT_H
#define CIP_RECONCILER_DRIFT_H

#include "base/intern.h"
#include "base/strmap.h"
#include "reconciler/event.h"

enum drift_kind {
	DRIFT_TAG_ELSEWHERE, /* a tag points at another digest */
	DRIFT_MISSING_TAG,
	DRIFT_MISSING_IMAGE, /* the destination does not hold the digest */
	DRIFT_LOST,	     /* neither does any source */
	DRIFT_UNSIGNED, /* at its primary; nothing shows a signature, or it was read and is not ours */
	DRIFT_FOREIGN_BUNDLE, /* likewise: a bundle of somebody else hides what is ours */
	DRIFT_UNRECORDED,     /* at its primary; nothing shows a promotion record */
	DRIFT_MIRROR,	  /* what stands beside an image is not at its mirror, or not the same */
	DRIFT_EXTRA_TAG,  /* no manifest declares it */
	DRIFT_UNREADABLE, /* a repository, or what is attached to an image: nothing is known */
	DRIFT_INVALID,	  /* an entry or file of the manifests that cannot be followed */
	DRIFT_KINDS
};
/* "tag-elsewhere", "missing-tag", "missing-image", "lost", "unsigned", "foreign-bundle", "unrecorded", "mirror", "extra-tag", "unreadable", "invalid". */
const char *drift_kind_name(enum drift_kind kind);

/* Strings are interned in the drift, but for what is owned; NULL where there is nothing to say. */
struct drift_item {
	enum drift_kind kind;
	const char *project;
	const char *repository; /* "host/path" */
	const char *tag;
	uint64_t count; /* 1; more for extra tags that are not named one by one */
	bool has_digest, has_found;
	struct digest digest; /* as declared */
	struct digest found;
	struct place place; /* of the claim; of the finding */
	char *message;	    /* for people; may hold bytes from outside; owned */
};

/* Images are pairs of a destination repository and a digest. */
struct drift_project {
	const char *name; /* "" for a plain manifest */
	uint64_t images, images_in_place;
	uint64_t images_unknown; /* could not be looked at */
	uint64_t tags, tags_in_place;
	uint64_t signed_assumed;  /* at their primaries: a list shows a signature */
	uint64_t signed_verified; /* it was read and verified in this run */
	uint64_t drift[DRIFT_KINDS];
};

struct drift {
	struct intern *strings;
	struct strmap index;		    /* name of a project -> index + 1 */
	VEC(struct drift_project) projects; /* sorted by name after drift_finish */
	VEC(struct drift_item) items;	    /* sorted after drift_finish */
	uint64_t repositories;		    /* destinations that were looked at */
};

void drift_init(struct drift *drift);
void drift_release(struct drift *drift);

/* Nothing is kept of the event. */
void drift_event(struct drift *drift, const struct event *event);

/* Puts everything in an order that does not depend on time. No events after it. */
void drift_finish(struct drift *drift);

struct drift_project drift_total(const struct drift *drift);

/* Nothing drifted, and all of it is known. */
bool drift_is_none(const struct drift_project *project);

#endif
