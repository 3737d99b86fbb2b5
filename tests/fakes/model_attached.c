/*
 * What is attached to the images of the model registry: nothing, and nothing can be. So that runs over
 * the model need no client of a real registry (signer/attached.h).
 */
#include "signer/attached.h"

#include "registry/referrers.h"

struct registry *registry_for_signing(struct registry *registry)
{
	return registry;
}

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

bool referrers_put(struct registry *registry, const struct repository *repository,
	const struct digest *subject, const struct document *documents, size_t count,
	struct http_tally *tally, struct err **err)
{
	(void)registry;
	(void)subject;
	(void)documents;
	(void)count;
	(void)tally;
	return err_set(
		err, ERR_UNSUPPORTED, "the model lists no referrers of %s", repository->path);
}

bool referrers_list_api(struct registry *registry, const struct repository *repository,
	const struct digest *subject, const char *artifact_type, struct http_tally *tally,
	bool *ret_supported, struct referrers *ret_referrers, struct err **err)
{
	(void)registry;
	(void)repository;
	(void)subject;
	(void)artifact_type;
	(void)tally;
	(void)ret_referrers;
	(void)err;
	*ret_supported = false;
	return true;
}

bool referrers_list(struct registry *registry, const struct repository *repository,
	const struct digest *subject, const char *artifact_type, struct http_tally *tally,
	struct referrers *ret_referrers, struct err **err)
{
	(void)registry;
	(void)repository;
	(void)subject;
	(void)artifact_type;
	(void)tally;
	(void)ret_referrers;
	(void)err;
	return true;
}

/* So that nothing is asked of it while nothing stands under the tag. */
bool referrers_are_by_tag(struct registry *registry, const struct repository *repository)
{
	(void)registry;
	(void)repository;
	return true;
}
