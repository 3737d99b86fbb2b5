/*
 * May a mutable tag leave the digest that it points at (trust rule 5)? Runs at different commits of the
 * manifests may meet, a periodic job and a postsubmit that came late; the one at the older commit would move a
 * tag back. So what put the tag where it is is asked: the promotion records of that digest under
 * exactly our identity. A tag moves if none of those that name it names a commit, or all of these are
 * in the history of the run's own; docs/decisions/078.
 *
 * Any thread.
 */
#ifndef CIP_RECONCILER_TAG_MOVES_H
#define CIP_RECONCILER_TAG_MOVES_H

#include "reconciler/signing.h"
#include "reconciler/source.h"

struct tag_moves;

struct tag_moves_options {
	struct registry *registry;
	struct signing *signing; /* NULL: nothing can be verified, and every tag may move */
	const struct signing_options *signing_options;
	/* Asked by one thread at a time, and by nobody else meanwhile; NULL: of no commit. */
	struct source *source;
};

/* All borrowed. */
struct tag_moves *tag_moves_new(const struct tag_moves_options *options);
void tag_moves_free(struct tag_moves *moves);

/*
 * `primary` is where records of the tag's digests are, `from` the digest that it points at. *ret_why is
 * NULL if it may move, else why not, for people, in fresh memory. Fails with the error of the registry,
 * of who says who we are, or of the source, if that cannot be told. Requests are added to the tally.
 */
bool tag_moves_check(struct tag_moves *moves, const struct repository *primary,
	const struct digest *from, const char *tag, struct http_tally *tally, char **ret_why,
	struct err **err);

#endif
