/* The model's registries list no referrers, by no API and under no tag. */
#include "registry/referrers.h"

struct registry *registry_for_signing(struct registry *registry)
{
	return registry;
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
