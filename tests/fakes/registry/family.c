/*
 * Fakes that mount from each other, as Google's hosts do: each writes its blobs to a directory they
 * share, DIRECTORY/NAME/REPOSITORY with % for /, and finds those of the others there.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fs.h"
#include "tests/fakes/registry/fake.h"
#include "tests/fakes/registry/store.h"

static char *directory_of(const char *host, const char *repository)
{
	CLEANUP(mem_freep) char *flat = mem_strdup(repository);
	for (char *at = flat; *at; at++)
		if (*at == '/')
			*at = '%';
	return mem_printf("%s/%s/%s", fake_options.family, host, flat);
}

void family_share(const char *repository, const char *bytes, size_t len, const char *digest)
{
	CLEANUP(err_freep) struct err *err = NULL;
	if (!fake_options.family)
		return;
	CLEANUP(mem_freep) char *directory = directory_of(fake_options.name, repository);
	CLEANUP(mem_freep) char *path = fs_join(directory, digest);
	if (!fs_make_directories(directory, &err) || !fs_write_atomic(path, bytes, len, 0600, &err))
		fprintf(stderr, "fake-registry: %s\n", err->msg);
}

bool family_mount(
	const char *repository, const char *host, const char *from, const char *digest_text)
{
	CLEANUP(mem_freep) char *directory = directory_of(host, from);
	CLEANUP(mem_freep) char *path = fs_join(directory, digest_text);
	CLEANUP(str_release) struct str bytes = STR_INIT((size_t)4 << 30);
	struct digest digest;
	if (strchr(host, '/') || !digest_parse(digest_text, &digest, NULL) ||
		!fs_read_file(path, &bytes, NULL))
		return false;
	family_share(repository, str_text(&bytes), bytes.len, digest_text);
	store_add_blob(repository, mem_dup(str_text(&bytes), bytes.len + 1), bytes.len, &digest);
	return true;
}
