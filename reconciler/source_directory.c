/*
 * Manifests from a working tree. Every component is opened below the directory that holds it and
 * links are never followed, so nothing outside the tree can be read through it, whoever changes
 * the tree meanwhile. The root itself may be named through links: that name is the user's. Knows
 * nothing of Git: a ".git" in the tree is an entry like others.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "reconciler/source_backend.h"

#define READ_CHUNK ((size_t)64 * 1024)

struct directory {
	int fd;
};

static void dir_closep(DIR **stream)
{
	if (*stream)
		closedir(*stream);
}

static enum source_entry_kind kind_of_mode(mode_t mode)
{
	if (S_ISREG(mode))
		return SOURCE_FILE;
	if (S_ISDIR(mode))
		return SOURCE_DIRECTORY;
	return S_ISLNK(mode) ? SOURCE_LINK : SOURCE_OTHER;
}

static const char *kind_text(mode_t mode)
{
	switch (kind_of_mode(mode)) {
	case SOURCE_FILE:
		return "a regular file";
	case SOURCE_DIRECTORY:
		return "a directory";
	case SOURCE_LINK:
		return "a symbolic link (links are not followed)";
	default:
		return "neither file nor directory";
	}
}

/* Says why opening `name` failed with errno value `number`; looks again only to word the message. */
static bool open_failed(int parent, const char *name, int number, struct err **err)
{
	struct stat status;

	if (number == ENOENT)
		return err_set(err, ERR_NOT_FOUND, "no such file or directory");
	if ((number == ELOOP || number == ENOTDIR || number == ENXIO) &&
		fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0)
		return err_set(err, ERR_INVALID, "%s is %s", name, kind_text(status.st_mode));
	return err_set_errno(err, number, "cannot open %s", name);
}

static bool open_component(int parent, const char *name, int flags, int *ret_fd, struct err **err)
{
	int fd = openat(parent, name, flags | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return open_failed(parent, name, errno, err);
	*ret_fd = fd;
	return true;
}

/* `flags` are those of the last component; the others are directories. */
static bool open_below(int root, const char *path, int flags, int *ret_fd, struct err **err)
{
	CLEANUP(mem_freep) char *copy = mem_strdup(path);
	CLEANUP(fd_closep) int at = -1;
	char *name = copy;

	for (char *slash; (slash = strchr(name, '/')); name = slash + 1) {
		int next = -1;

		*slash = '\0';
		if (!open_component(at < 0 ? root : at, name, O_DIRECTORY, &next, err))
			return false;
		fd_closep(&at);
		at = next;
	}
	return open_component(at < 0 ? root : at, *name ? name : ".", flags, ret_fd, err);
}

static bool entry_kind(
	int fd, const struct dirent *entry, enum source_entry_kind *ret_kind, struct err **err)
{
	struct stat status;

	switch (entry->d_type) {
	case DT_REG:
		*ret_kind = SOURCE_FILE;
		return true;
	case DT_DIR:
		*ret_kind = SOURCE_DIRECTORY;
		return true;
	case DT_LNK:
		*ret_kind = SOURCE_LINK;
		return true;
	case DT_UNKNOWN:
		if (fstatat(fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
			return err_set_errno(err, errno, "cannot examine %s", entry->d_name);
		*ret_kind = kind_of_mode(status.st_mode);
		return true;
	default:
		*ret_kind = SOURCE_OTHER;
		return true;
	}
}

static bool directory_list(
	void *ctx, const char *path, struct source_entries *entries, struct err **err)
{
	struct directory *directory = ctx;
	CLEANUP(fd_closep) int fd = -1;

	if (!open_below(directory->fd, path, O_DIRECTORY, &fd, err))
		return false;

	CLEANUP(dir_closep) DIR *stream = fdopendir(fd);
	if (!stream)
		return err_set_errno(err, errno, "cannot list it");

	int listed = steal_fd(&fd);
	for (;;) {
		enum source_entry_kind kind = SOURCE_OTHER;

		errno = 0;
		const struct dirent *entry = readdir(stream);
		if (!entry)
			return errno ? err_set_errno(err, errno, "cannot list it") : true;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (!entry_kind(listed, entry, &kind, err) ||
			!source_entries_add(entries, entry->d_name, kind, err))
			return false;
	}
}

static bool read_all(int fd, struct str *out, struct err **err)
{
	CLEANUP(mem_freep) char *chunk = mem_new(1, READ_CHUNK);

	for (;;) {
		ssize_t got = read(fd, chunk, READ_CHUNK);

		if (got == 0)
			return true;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, errno, "cannot read it");
		if (!str_add(out, chunk, (size_t)got))
			return err_set(
				err, ERR_TOO_LARGE, "larger than the limit of %zu bytes", out->max);
	}
}

static bool directory_read(void *ctx, const char *path, struct str *out, struct err **err)
{
	struct directory *directory = ctx;
	struct stat status;
	CLEANUP(fd_closep) int fd = -1;

	/* O_NONBLOCK: a named pipe must not stop us before fstat tells what it is. */
	if (!open_below(directory->fd, path, O_NONBLOCK | O_NOCTTY, &fd, err))
		return false;
	if (fstat(fd, &status) != 0)
		return err_set_errno(err, errno, "cannot examine it");
	if (!S_ISREG(status.st_mode))
		return err_set(err, ERR_INVALID, "expected a regular file, this is %s",
			kind_text(status.st_mode));
	return read_all(fd, out, err);
}

static void directory_free(void *ctx)
{
	struct directory *directory = ctx;

	fd_closep(&directory->fd);
	mem_free(directory);
}

static const struct source_backend directory_backend = {
	.list = directory_list,
	.read = directory_read,
	.free = directory_free,
};

struct source *source_open_directory(const char *path, struct err **err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT) {
		err_set(err, ERR_NOT_FOUND, "%s: no such directory", path);
		return NULL;
	}
	if (fd < 0) {
		err_set_errno(err, errno, "cannot open the directory %s", path);
		return NULL;
	}

	struct directory *directory = mem_new(1, sizeof(*directory));
	directory->fd = fd;
	return source_new(&directory_backend, directory, NULL, path);
}
