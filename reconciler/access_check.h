/*
 * Whether a job over the declared state would get in everywhere: for each registry that is declared as
 * a source or a destination, which credential would be shown, and whether reading and, for
 * destinations, writing would be granted. Nothing is written (registry/access.h). One repository
 * answers for all images of a registry that are shown the same credential.
 */
#ifndef CIP_RECONCILER_ACCESS_CHECK_H
#define CIP_RECONCILER_ACCESS_CHECK_H

#include "reconciler/declared.h"
#include "registry/access.h"

struct access_row {
	const char *registry; /* as declared, canonical; borrowed from the declared state */
	bool is_destination;
	bool is_part;	  /* other images of the registry are shown another credential */
	char *repository; /* "host/path" that was asked for; owned */
	uint32_t images;  /* for which it stands */
	struct access access;
};

struct access_check {
	VEC(struct access_row) rows; /* by registry, sources first */
	uint32_t left_out;	     /* projects whose files cannot be read */
	bool interrupted;	     /* the token was raised; some registries were not asked */
};
void access_check_release(struct access_check *check);

struct access_check_options {
	const struct declared *declared; /* borrowed by the rows too */
	struct registry *registry;	 /* one that is not read_only */
	struct cancel *cancel;		 /* NULL: cannot be stopped */
	unsigned threads;
};

/*
 * Asks all registries, several at once; one that is down holds up no other. Blocks. Never fails:
 * what went wrong is in the rows.
 */
void access_check_run(const struct access_check_options *options, struct access_check *ret_check);

/* True if a job needs no more rights than the row says are granted. */
bool access_row_suffices(const struct access_row *row);

#endif
