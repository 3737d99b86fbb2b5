/*
 * For the whole process, since jansson knows no other way; it costs less than can be measured
 * (docs/decisions/025-json-is-wiped.md).
 */
#include "registry/json_wipe.h"

#include <jansson.h>
#include <pthread.h>

#include "base/alloc.h"

static void *allocate(size_t size)
{
	return mem_resize(NULL, size, 1);
}

static void install(void)
{
	json_set_alloc_funcs(allocate, mem_free_secret_unsized);
}

void json_wipe_install(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, install);
}
