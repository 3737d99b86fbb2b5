/*
 * Files and trees through the plain system calls. Reading never blocks on what is not a file, and
 * writing is all or nothing. It does not know what the files mean, and takes no locks: who shares
 * a directory between processes locks it.
 */
#include "base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

enum {
	CHUNK = 64 * 1024,
	DEPTH_MAX = 128, /* each level holds one descriptor while a tree is removed */
};

static void dir_closep(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static bool fail_open(const char *path, struct err **err)
{
	if (errno == ENOENT || errno == ENOTDIR)
		return err_set(err, ERR_NOT_FOUND, "%s: no such file", path);
	return err_set_errno(err, errno, "cannot open %s", path);
}

static bool read_all(int fd, const char *path, struct str *out, struct err **err)
{
	CLEANUP(mem_freep) char *chunk = mem_new(CHUNK, 1);

	for (;;) {
		ssize_t got = read(fd, chunk, CHUNK);

		if (got == 0)
			return true;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, errno, "cannot read %s", path);
		bool fits = str_add(out, chunk, (size_t)got);
		/* It may be a key or a token, which its reader wipes: no other copy stays. */
		explicit_bzero(chunk, (size_t)got);
		if (!fits)
			return err_set(
				err, ERR_TOO_LARGE, "%s: larger than %zu bytes", path, out->max);
	}
}

bool fs_read_file(const char *path, struct str *out, struct err **err)
{
	/* O_NONBLOCK: opening a FIFO returns at once. It means nothing for regular files. */
	CLEANUP(fd_closep)
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat info;
	bool overflowed = out->overflowed;
	size_t start = out->len;

	if (fd < 0)
		return fail_open(path, err);
	if (fstat(fd, &info) < 0)
		return err_set_errno(err, errno, "cannot read %s", path);
	if (!S_ISREG(info.st_mode))
		return err_set(err, ERR_IO, "%s: not a regular file", path);
	if (info.st_size > 0 && (uintmax_t)info.st_size > out->max - start)
		return err_set(err, ERR_TOO_LARGE, "%s: %jd bytes, larger than %zu", path,
			(intmax_t)info.st_size, out->max);
	if (read_all(fd, path, out, err))
		return true;
	out->len = start;
	out->overflowed = overflowed;
	if (out->bytes)
		out->bytes[start] = '\0';
	return false;
}

static bool write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t written = write(fd, bytes, len);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return false;
		bytes += written;
		len -= (size_t)written;
	}
	return true;
}

/* The directory part with its slash: "a/b" -> "a/", "b" -> "". */
static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return mem_strndup(path, slash ? (size_t)(slash - path) + 1 : 0);
}

/* Makes directory durable; file systems that cannot are none of our business. */
static void sync_directory(const char *directory)
{
	CLEANUP(fd_closep)
	int fd = open(*directory ? directory : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		fsync(fd);
}

/* Closes fd on every way out. */
static bool write_and_rename(int fd, const char *temporary, const char *path, const void *bytes,
	size_t len, struct err **err)
{
	bool good = write_all(fd, bytes, len) && fsync(fd) == 0;
	int number = errno;

	/* Network file systems report a full disk at close. */
	if (close(fd) < 0 && good) {
		good = false;
		number = errno;
	}
	if (good && rename(temporary, path) == 0)
		return true;
	if (good)
		number = errno;
	unlink(temporary);
	return err_set_errno(err, number, "cannot write %s", path);
}

static bool replace_file(
	const char *path, const void *bytes, size_t len, mode_t mode, struct err **err)
{
	CLEANUP(mem_freep) char *directory = directory_of(path);
	CLEANUP(mem_freep) char *temporary = NULL;
	int fd;

	temporary = mem_printf(
		"%s.%016jx.tmp", directory, (uintmax_t)clock_system.random(clock_system.ctx));
	/* Not mkstemp: it ignores the umask that `mode` is meant to go through. */
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return err_set_errno(err, errno, "cannot write %s", path);
	if (!write_and_rename(fd, temporary, path, bytes, len, err))
		return false;
	sync_directory(directory);
	return true;
}

static bool write_through(const char *path, const void *bytes, size_t len, struct err **err)
{
	/* O_NONBLOCK, for opening only: a FIFO that nobody reads is an error, not a hang. */
	CLEANUP(fd_closep)
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0 || fcntl(fd, F_SETFL, 0) < 0 || !write_all(fd, bytes, len))
		return err_set_errno(err, errno, "cannot write %s", path);
	return true;
}

bool fs_write_atomic(const char *path, const void *bytes, size_t len, mode_t mode, struct err **err)
{
	CLEANUP(mem_freep) char *resolved = NULL;
	struct stat info;

	if (lstat(path, &info) < 0)
		return replace_file(path, bytes, len, mode, err);
	if (S_ISLNK(info.st_mode)) {
		resolved = realpath(path, NULL);
		if (!resolved || stat(resolved, &info) < 0)
			return err_set_errno(err, errno, "cannot write %s", path);
	}
	/* /dev/null and /dev/stdout must never be renamed over, whatever our rights. */
	if (!S_ISREG(info.st_mode))
		return write_through(path, bytes, len, err);
	return replace_file(resolved ? resolved : path, bytes, len, mode, err);
}

bool fs_make_directories(const char *path, struct err **err)
{
	CLEANUP(mem_freep) char *partial = mem_strdup(path);
	struct stat info;

	for (char *end = partial; *end; *end = '/') {
		end += strspn(end, "/");
		end += strcspn(end, "/");
		if (!*end)
			break;
		*end = '\0';
		if (mkdir(partial, 0700) < 0 && errno != EEXIST)
			return err_set_errno(err, errno, "cannot create directory %s", partial);
	}
	if (mkdir(path, 0700) == 0)
		return true;
	if (errno != EEXIST)
		return err_set_errno(err, errno, "cannot create directory %s", path);
	if (stat(path, &info) < 0 || !S_ISDIR(info.st_mode))
		return err_set_errno(err, ENOTDIR, "cannot create directory %s", path);
	return true;
}

bool fs_check_private(const char *path, int flags, struct err **err)
{
	struct stat status;
	CLEANUP(fd_closep) int fd = open(path, flags | O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &status) != 0)
		return err_set_errno(err, errno, "cannot open the directory %s", path);
	if (status.st_uid != geteuid() && status.st_uid != 0)
		return err_set(err, ERR_USAGE,
			"directory %s belongs to another user (uid %u), who could change what is "
			"in it: name a directory of your own",
			path, (unsigned)status.st_uid);
	if (status.st_mode & (S_IWGRP | S_IWOTH))
		return err_set(err, ERR_USAGE,
			"directory %s can be written by others (mode %04o): chmod go-w it, or name "
			"a directory inside it, which will then be made private",
			path, (unsigned)status.st_mode & 07777);
	return true;
}

static bool remove_at(int parent, const char *name, const char *path, int depth, struct err **err);

static bool remove_entries(DIR *dir, const char *path, int depth, struct err **err)
{
	const struct dirent *entry;

	while ((errno = 0, entry = readdir(dir))) {
		CLEANUP(mem_freep) char *inner = NULL;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		inner = fs_join(path, entry->d_name);
		if (!remove_at(dirfd(dir), entry->d_name, inner, depth + 1, err))
			return false;
	}
	if (errno)
		return err_set_errno(err, errno, "cannot read directory %s", path);
	return true;
}

static bool remove_at(int parent, const char *name, const char *path, int depth, struct err **err)
{
	CLEANUP(dir_closep) DIR *dir = NULL;
	CLEANUP(fd_closep) int fd = -1;

	/* Linux says EISDIR where POSIX has EPERM. */
	if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
		return true;
	if (errno != EISDIR)
		return err_set_errno(err, errno, "cannot remove %s", path);
	if (depth >= DEPTH_MAX)
		return err_set(err, ERR_IO, "cannot remove %s: more than %d directories deep", path,
			DEPTH_MAX);
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return err_set_errno(err, errno, "cannot remove %s", path);
	(void)steal_fd(&fd);
	if (!remove_entries(dir, path, depth, err))
		return false;
	if (unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return err_set_errno(err, errno, "cannot remove %s", path);
	return true;
}

bool fs_remove_tree(const char *path, struct err **err)
{
	return remove_at(AT_FDCWD, path, path, 0, err);
}

char *fs_join(const char *directory, const char *name)
{
	size_t len = strlen(directory);

	if (!len)
		return mem_strdup(name);
	while (len && directory[len - 1] == '/')
		len--;
	name += strspn(name, "/");
	return mem_printf("%.*s/%s", (int)len, directory, name);
}
