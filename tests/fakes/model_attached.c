/*
 * What is attached to the images of the model registry: nothing, and nothing can be. So that runs over
 * the model need no client of a real registry (signer/attached.h).
 */
#include "signer/attached.h"

void attached_release(struct attached *attached)
{
	(void)attached;
}

bool attached_read(struct registry *registry, const struct repository *repository,
	const struct digest *image, const struct attached_query *query, struct http_tally *tally,
	struct attached *attached, struct err **err)
{
	(void)registry;
	(void)image;
	(void)query;
	(void)tally;
	(void)attached;
	return err_set(err, ERR_UNSUPPORTED, "nothing is attached in %s", repository->path);
}

bool attach_legacy(struct registry *registry, const struct repository *repository,
	const struct digest *image, enum attached_kind kind, bool is_absent,
	const struct attach_item *items, size_t count, struct http_tally *tally, struct err **err)
{
	(void)registry;
	(void)image;
	(void)kind;
	(void)is_absent;
	(void)items;
	(void)count;
	(void)tally;
	return err_set(err, ERR_UNSUPPORTED, "nothing can be attached in %s", repository->path);
}

bool attach_bundles(struct registry *registry, const struct repository *repository,
	const struct digest *image, const char *subject_media_type, int64_t subject_size,
	const struct attach_item *items, size_t count, struct http_tally *tally, struct err **err)
{
	(void)registry;
	(void)image;
	(void)subject_media_type;
	(void)subject_size;
	(void)items;
	(void)count;
	(void)tally;
	return err_set(err, ERR_UNSUPPORTED, "nothing can be attached in %s", repository->path);
}
