/*
 * Names of files and nothing else: what is in them is judged by tuf_client.c each time.
 */
#include "signer/tuf_store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "base/fs.h"

char *tuf_quote(const char *name)
{
	static const char digits[] = "0123456789ABCDEF";
	struct str quoted = STR_INIT(STR_TEXT_MAX);

	for (const char *at = name; *at; at++) {
		unsigned char c = (unsigned char)*at;
		bool is_plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
			(c >= 'a' && c <= 'z') || strchr("-._~", c);

		if (is_plain) {
			str_add_char(&quoted, (char)c);
			continue;
		}
		str_add_char(&quoted, '%');
		str_add_char(&quoted, digits[c >> 4]);
		str_add_char(&quoted, digits[c & 15]);
	}
	return str_steal(&quoted, NULL);
}

static char *file_of(const char *directory, const char *role)
{
	CLEANUP(mem_freep) char *quoted = tuf_quote(role);
	CLEANUP(mem_freep) char *name = mem_printf("%s.json", quoted);

	return fs_join(directory, name);
}

bool tuf_store_open(const char *directory, struct err **err)
{
	return fs_make_directories(directory, err) &&
		(fs_check_private(directory, 0, err) || err_prefix(err, "trusted metadata"));
}

bool tuf_store_read(const char *directory, const char *role, struct str *bytes, struct err **err)
{
	CLEANUP(mem_freep) char *path = file_of(directory, role);

	return fs_read_file(path, bytes, err);
}

int tuf_store_lock(const char *directory, struct err **err)
{
	CLEANUP(mem_freep) char *path = fs_join(directory, ".lock");
	CLEANUP(fd_closep)
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int locked = -1;

	while (fd >= 0 && (locked = flock(fd, LOCK_EX)) != 0 && errno == EINTR)
		continue;
	if (locked == 0)
		return steal_fd(&fd);
	err_set_errno(err, errno, "lock %s", path);
	return -1;
}

bool tuf_store_write(
	const char *directory, const char *role, const void *bytes, size_t len, struct err **err)
{
	CLEANUP(mem_freep) char *path = file_of(directory, role);

	return fs_write_atomic(path, bytes, len, 0644, err);
}
