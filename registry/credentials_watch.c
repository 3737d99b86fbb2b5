/*
 * Files that are read again when they change. Every version of an authfile stays until the end,
 * since entries of it may be in use; rotations are few. It does not know what the secrets are for.
 */
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/log.h"
#include "registry/credentials_private.h"

#define AUTHFILE_MAX ((size_t)1 << 20)

/* What changes when the file does. */
struct mark {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec changed, modified;
};

struct credential_watch {
	char *path;
	bool is_authfile;
	pthread_mutex_t lock; /* guards what follows */
	struct mark mark;
	VEC(struct credential_file *) files; /* the last one counts */
	char *secret;			     /* NULL for an authfile */
};

static void file_free(struct credential_file *file)
{
	credential_file_release(file);
	mem_free(file);
}

void credential_watch_free(struct credential_watch *watch)
{
	if (!watch)
		return;
	for (size_t i = 0; i < watch->files.len; i++)
		file_free(watch->files.items[i]);
	vec_release(&watch->files);
	mem_free_secret_string(watch->secret);
	mem_free(watch->path);
	pthread_mutex_destroy(&watch->lock);
	mem_free(watch);
}
DEFINE_CLEANUP(struct credential_watch, credential_watch_freep, credential_watch_free)

/* All zero for what is not there. */
static struct mark mark_of(const char *path)
{
	struct stat info;
	if (stat(path, &info) != 0)
		return (struct mark){0};
	return (struct mark){info.st_dev, info.st_ino, info.st_size, info.st_ctim, info.st_mtim};
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_mark(const struct mark *a, const struct mark *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
		same_time(&a->changed, &b->changed) && same_time(&a->modified, &b->modified);
}

/* ---- With the lock held ---- */

static bool take_secret(struct credential_watch *watch, const struct str *text, struct err **err)
{
	size_t len = text->len;
	if (len > 0 && text->bytes[len - 1] == '\n')
		len--;
	if (len > 0 && text->bytes[len - 1] == '\r')
		len--;
	if (len == 0)
		return err_set(err, ERR_INVALID, "%s: there is nothing in it", watch->path);
	if (memchr(text->bytes, '\0', len) || memchr(text->bytes, '\n', len))
		return err_set(err, ERR_INVALID, "%s: expected one line of text", watch->path);
	mem_free_secret_string(watch->secret);
	watch->secret = mem_strndup(text->bytes, len);
	return true;
}

static bool take_authfile(struct credential_watch *watch, const struct str *text, struct err **err)
{
	struct credential_file file;
	if (!credential_file_parse(str_text(text), text->len, watch->path, &file, err))
		return false;
	*vec_push(&watch->files) = mem_dup(&file, sizeof(file));
	return true;
}

static bool read_again(struct credential_watch *watch, struct err **err)
{
	CLEANUP(str_release_secret)
	struct str text = STR_INIT(watch->is_authfile ? AUTHFILE_MAX : CREDENTIAL_SECRET_MAX);
	/* Before the reading: what changes meanwhile is seen at the next look. */
	watch->mark = mark_of(watch->path);
	if (!fs_read_file(watch->path, &text, err))
		return false;
	return watch->is_authfile ? take_authfile(watch, &text, err)
				  : take_secret(watch, &text, err);
}

static void look(struct credential_watch *watch)
{
	CLEANUP(err_freep) struct err *failure = NULL;
	const struct mark now = mark_of(watch->path);
	if (!same_mark(&now, &watch->mark) && !read_again(watch, &failure))
		log_warning("credentials: %s: going on with what it held before", failure->msg);
}

/* ---- Outside ---- */

struct credential_watch *credential_watch_new(const char *path, bool is_authfile, struct err **err)
{
	CLEANUP(credential_watch_freep)
	struct credential_watch *watch = mem_new(1, sizeof(*watch));
	pthread_mutex_init(&watch->lock, NULL);
	watch->path = mem_strdup(path);
	watch->is_authfile = is_authfile;
	if (read_again(watch, err))
		return steal_ptr(&watch);
	if (err && *err)
		(*err)->kind = ERR_USAGE;
	return NULL;
}

const struct credential_file *credential_watch_file(struct credential_watch *watch)
{
	pthread_mutex_lock(&watch->lock);
	look(watch);
	const struct credential_file *file = watch->files.items[watch->files.len - 1];
	pthread_mutex_unlock(&watch->lock);
	return file;
}

char *credential_watch_secret(struct credential_watch *watch)
{
	pthread_mutex_lock(&watch->lock);
	look(watch);
	char *secret = mem_strdup(watch->secret);
	pthread_mutex_unlock(&watch->lock);
	return secret;
}
