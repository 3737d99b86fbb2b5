/*
 * Is this image signed, or attested, as a policy wants it? Where signatures are looked for, in which
 * order, and when there are enough of them; what counts as one is signer/image_verify.h's.
 *
 * What registries list of referrers comes first, then the image under .sig or .att, then the index of
 * referrers under a tag where registries list none. Where it is known that they list none, the index
 * comes first; and where the image before had one that counts under .sig or .att, that. So a signature in either form
 * is found with few requests (docs/decisions/064). The first place that has one that counts is the last that is looked at.
 */
#ifndef CIP_CLI_VERIFY_IMAGE_H
#define CIP_CLI_VERIFY_IMAGE_H

#include "base/strmap.h"
#include "cli/image_argument.h"
#include "signer/image_verify.h"

enum verify_forms { VERIFY_LEGACY = 1, VERIFY_BUNDLES = 2 };

/* What the images before this one have shown. */
struct verify_seen {
	struct strmap legacy_hosts;  /* where the last one that counts was under .sig or .att */
	struct payload_forms *forms; /* owned */
};
void verify_seen_init(struct verify_seen *seen);
void verify_seen_release(struct verify_seen *seen);

/* Borrowed. One thread. */
struct verify_wanted {
	struct registry *registry;
	struct image_policy
		policy;	    /* docker_reference: what all must name; NULL: see any_reference */
	bool any_reference; /* else, without one, the name that `identities` give the image */
	const struct identities *identities;	     /* may be NULL */
	const struct payload_annotation *annotation; /* that our own payloads have */
	unsigned forms;				     /* enum verify_forms */
	struct verify_seen *seen;
};

/* One place and what was found there. */
struct verify_look {
	struct attached attached;
	struct image_verdicts verdicts; /* refer to attached */
};
#define VERIFY_LOOKS 3

struct verified_image {
	const char *text;		/* as it was given; borrowed */
	struct image_argument argument; /* its digest is the one that was judged */
	char *docker_reference;		/* owned; NULL: any */
	struct verify_look looks[VERIFY_LOOKS];
	size_t look_count;
	size_t counting; /* signatures or attestations that count */
	struct err *err; /* owned; it could not be judged */
};
void verified_image_release(struct verified_image *image);

/* `image` has its text and argument. */
void verify_image(const struct verify_wanted *wanted, struct verified_image *image);

#endif
