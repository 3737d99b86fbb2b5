/* Reads shared vectors for the tests of this room. */
#include "tests/unit/signer/data.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fs.h"

char *data_path(const char *name)
{
	const char *directory = getenv("CIP_SHARED_DATA");
	const char *source = getenv("CIP_SOURCE_DIR");

	return directory ? mem_printf("%s/%s", directory, name)
			 : mem_printf("%s/../shared/data/%s", source ? source : ".", name);
}

bool data_has(const char *name)
{
	CLEANUP(mem_freep) char *path = data_path(name);
	struct stat status;

	return stat(path, &status) == 0;
}

void data_read(const char *name, struct str *out)
{
	CLEANUP(mem_freep) char *path = data_path(name);
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert(fs_read_file(path, out, &err), "%s", err ? err->msg : "");
}

struct trust_root *data_root(const char *name)
{
	CLEANUP(mem_freep) char *path = data_path(name);
	CLEANUP(err_freep) struct err *err = NULL;
	struct trust_root *root = NULL;

	cr_assert(trust_root_read(path, &root, &err), "%s", err ? err->msg : "");
	return root;
}
