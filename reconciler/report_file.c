/*
 * base/fs.h writes files atomically from memory; a report may be larger than memory should be.
 * Knows files, not reports.
 */
#include "reconciler/report_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

/* Where a rename has to go: a symbolic link stays one. */
static char *resolve(const char *path)
{
	char *resolved = realpath(path, NULL);

	return resolved ? resolved : mem_strdup(path);
}

static bool is_special(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 && !S_ISREG(info.st_mode);
}

static char *name_beside(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	return mem_printf("%.*s.%s.%016jx.tmp", (int)(name - path), path, name,
		(uintmax_t)clock_system.random(clock_system.ctx));
}

bool report_file_open(struct report_file *file, const char *path, struct err **err)
{
	int flags = O_WRONLY | O_CLOEXEC | O_NOCTTY;
	int fd, number;

	*file = (struct report_file){.target = resolve(path)};
	if (!is_special(file->target)) {
		file->temporary = name_beside(file->target);
		fd = open(file->temporary, flags | O_CREAT | O_EXCL, 0644);
	} else {
		fd = open(file->target, flags);
	}
	if (fd >= 0)
		file->stream = fdopen(fd, "w");
	if (file->stream)
		return true;
	number = errno;
	if (fd >= 0)
		close(fd);
	report_file_release(file);
	return err_set_errno(err, number, "cannot write %s", path);
}

/* The first errno of everything that can go wrong at the end; 0 if nothing did. */
static int finish_stream(struct report_file *file, int error)
{
	FILE *stream = steal_ptr(&file->stream);

	if (fflush(stream) != 0 && !error)
		error = errno;
	if (file->temporary && !error && fsync(fileno(stream)) != 0)
		error = errno;
	/* Network file systems report a full disk at close. */
	if (fclose(stream) != 0 && !error)
		error = errno;
	return error;
}

bool report_file_commit(struct report_file *file, int error, struct err **err)
{
	error = finish_stream(file, error);
	if (!error && file->temporary && rename(file->temporary, file->target) != 0)
		error = errno;
	if (!error) {
		mem_free(file->temporary);
		file->temporary = NULL;
		return true;
	}
	err_set_errno(err, error, "cannot write %s", file->target);
	report_file_release(file);
	return false;
}

void report_file_release(struct report_file *file)
{
	if (file->stream)
		fclose(steal_ptr(&file->stream));
	if (file->temporary)
		unlink(file->temporary);
	mem_free(file->temporary);
	mem_free(file->target);
	*file = (struct report_file){0};
}
