/*
 * Writers that share a tag: one at a time within the process; those elsewhere are noticed by reading
 * again.
 */
#include "base/alloc.h"
#include "registry/host.h"

static char *key_of(const struct repository *repository, const char *tag)
{
	return mem_printf("%s/%s:%s", repository->host, repository->path, tag);
}

/* The keys are never finished with success, so that the next one gets its turn. */
bool registry_tag_lock(struct registry *registry, const struct repository *repository,
	const char *tag, struct err **err)
{
	struct cancel *cancel = http_settings(registry->http)->cancel;
	CLEANUP(mem_freep) char *key = key_of(repository, tag);

	if (once_begin(registry->writer->tag_writers, key, cancel) == ONCE_MINE)
		return true;
	return cancel_check(cancel, CANCEL_NOW, err);
}

void registry_tag_unlock(
	struct registry *registry, const struct repository *repository, const char *tag)
{
	CLEANUP(mem_freep) char *key = key_of(repository, tag);

	once_finish(registry->writer->tag_writers, key, false);
}
