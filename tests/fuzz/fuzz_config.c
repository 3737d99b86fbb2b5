/* cip.yaml: it is loaded or refused with a reason, and nothing of a refused one is left. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "reconciler/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(config_release) struct config config = {0};
	CLEANUP(err_freep) struct err *err = NULL;
	CLEANUP(str_release) struct str warnings = STR_INIT(STR_TEXT_MAX);
	CLEANUP(fd_closep) int fd = memfd_create("cip.yaml", MFD_CLOEXEC);
	char path[64];
	check(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!config_load(path, NULL, &config, &err))
		check(err_is(err, ERR_USAGE) && config.hosts.len == 0);
	config_warnings(&config, &warnings);
	return 0;
}
