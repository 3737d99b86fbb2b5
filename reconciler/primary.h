/*
 * Which destinations of a digest are one image to the public, and which of them is the primary: the
 * one that is signed, and from which the others are filled. Destinations with one identity
 * (reconciler/identity.h) that declare the digest are a group; where no rule names them, those that
 * one entry of one file declares. The primary is the first of them in order of precedence.
 *
 * Decided once for all digests where destinations share what is wanted; pure, read-only once made, any
 * thread.
 */
#ifndef CIP_RECONCILER_PRIMARY_H
#define CIP_RECONCILER_PRIMARY_H

#include "reconciler/wanted.h"

/* Borrowed, and must outlive what is made of it. Those that want the same share one `wanted`. */
struct primary_site {
	const char *name; /* "host/path", each once */
	const struct wanted *wanted;
};

struct primaries;

/* Of the destinations of a unit; their numbers are their places in `sites`. */
struct primaries *primaries_new(
	const struct identities *identities, const struct primary_site *sites, uint32_t count);
void primaries_free(struct primaries *primaries);

/* NULL: no rule maps it, so a group is known by the name of its primary. */
const char *primary_identity(const struct primaries *primaries, uint32_t site);

/* For how many of its digests a site is primary: for none and for all without a look at them. */
enum primary_role { PRIMARY_OF_NONE, PRIMARY_OF_SOME, PRIMARY_OF_ALL };
enum primary_role primary_role(const struct primaries *primaries, uint32_t site);

/* A site, and the index of a digest in what is wanted there. */
struct primary_pair {
	uint32_t site, digest;
};

/* The primary of a site's digest: that pair itself, perhaps. `digest` is well-formed. */
struct primary_pair primary_of(const struct primaries *primaries, struct primary_pair pair);

/* True if the site has the pair's digest in the same group; *ret_digest is its index there. */
bool primary_has(const struct primaries *primaries, struct primary_pair pair, uint32_t site,
	uint32_t *ret_digest);

/* True if all sites in the group of the pair share what is wanted, so that they have one list of sources. */
bool primary_is_uniform(const struct primaries *primaries, struct primary_pair pair);

/* True if they are in one group for some digest at least. */
bool primary_are_related(const struct primaries *primaries, uint32_t a, uint32_t b);

#endif
