/*
 * The place of a mirror: names, permissions, lock, and the bare skeleton around its packs. Knows
 * the layout of a bare repository (gitrepository-layout(5)) but neither objects nor refs; does not
 * decide whether what the packs hold is any good.
 */
#include "reconciler/source_git_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/enc.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "image/digest.h"

#define READABLE_NAME_MAX ((size_t)80)
#define NAME_HASH_BYTES 8
/* Every fetch that brings something adds one; look-ups go through all of them. */
#define PACKS_MAX 100
#define LOCK_POLL_MS 20
#define LOCK_SILENCE_MS 1000

static const char config_text[] = "[core]\n"
				  "\trepositoryformatversion = 0\n"
				  "\tbare = true\n"
				  "\tlogallrefupdates = false\n";

/* Names no branch; bare repositories must have one of the form. */
static const char head_text[] = "ref: refs/heads/cip-keeps-no-head\n";

static void dir_closep(DIR **stream)
{
	if (*stream)
		closedir(*stream);
}

/* "github.com-kubernetes-k8s.io-<16 hex digits of the URL's hash>" */
static char *mirror_name(const struct source_git_url *url)
{
	struct digest digest = digest_of(DIGEST_SHA256, url->text, strlen(url->text));
	char hash[2 * NAME_HASH_BYTES + 1];
	const char *start = strstr(url->text, "://");
	CLEANUP(str_release) struct str name = STR_INIT(STR_TEXT_MAX);

	hex_encode(digest.bytes, NAME_HASH_BYTES, hash);
	start = start ? start + 3 : url->text;
	if (strlen(start) > READABLE_NAME_MAX)
		start += strlen(start) - READABLE_NAME_MAX;
	for (start += strspn(start, "/.-"); *start; start++) {
		bool plain = (*start >= 'a' && *start <= 'z') || (*start >= 'A' && *start <= 'Z') ||
			(*start >= '0' && *start <= '9') || *start == '.' || *start == '_';

		str_add_char(&name, plain ? *start : '-');
	}
	str_addf(&name, "-%s", hash);
	return str_steal(&name, NULL);
}

static bool make_temporary(char **ret_directory, struct err **err)
{
	const char *parent = getenv("TMPDIR");
	CLEANUP(mem_freep)
	char *path = fs_join(parent && *parent ? parent : "/tmp", "cip-git-XXXXXX");

	if (!mkdtemp(path))
		return err_set_errno(err, errno, "cannot make a temporary directory %s", path);
	*ret_directory = steal_ptr(&path);
	return true;
}

bool source_git_cache_open(const char *directory, const struct source_git_url *url,
	struct source_git_cache *ret_cache, struct err **err)
{
	CLEANUP(source_git_cache_release) struct source_git_cache cache = SOURCE_GIT_CACHE_INIT;
	CLEANUP(mem_freep) char *name = mirror_name(url);

	if (directory) {
		if (!fs_make_directories(directory, err))
			return err_prefix(err, "cache directory");
		if (!fs_check_private(directory, 0, err))
			return err_prefix(err, "cache");
	} else if (!make_temporary(&cache.temporary, err)) {
		return false;
	}

	const char *place = directory ? directory : cache.temporary;
	CLEANUP(mem_freep) char *base = fs_join(place, name);
	cache.mirror = mem_printf("%s.git", base);
	cache.lock_path = mem_printf("%s.lock", base);
	*ret_cache = cache;
	cache = (struct source_git_cache)SOURCE_GIT_CACHE_INIT;
	return true;
}

bool source_git_cache_lock(struct source_git_cache *cache,
	const struct source_git_deadline *deadline, struct err **err)
{
	CLEANUP(fd_closep)
	int fd = open(cache->lock_path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	int64_t waited_ms = 0;

	if (fd < 0)
		return err_set_errno(err, errno, "cannot open %s", cache->lock_path);
	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_set_errno(err, errno, "cannot lock %s", cache->lock_path);
		if (waited_ms == LOCK_SILENCE_MS)
			log_info("waiting for another process that uses the mirror %s",
				cache->mirror);
		if (!source_git_deadline_check(deadline, err))
			return err_prefix(err,
				"waiting for another process that uses the mirror %s",
				cache->mirror);
		cancel_sleep_ms(deadline->cancel, CANCEL_DRAIN, LOCK_POLL_MS);
		waited_ms += LOCK_POLL_MS;
	}
	cache->lock = steal_fd(&fd);
	return true;
}

void source_git_cache_unlock(struct source_git_cache *cache)
{
	fd_closep(&cache->lock);
	cache->lock = -1;
}

enum piece { PIECE_KEPT, PIECE_OURS, PIECE_FOREIGN };

/* `where` is a directory inside the mirror: "" or "objects" or "objects/pack". */
static enum piece judge(const char *where, const char *name, const struct stat *status)
{
	size_t len = strlen(name);
	bool directory = S_ISDIR(status->st_mode);

	if (!*where) {
		if (strcmp(name, "objects") == 0)
			return directory ? PIECE_KEPT : PIECE_FOREIGN;
		if (strcmp(name, "packed-refs") == 0)
			return S_ISREG(status->st_mode) ? PIECE_KEPT : PIECE_FOREIGN;
		return strcmp(name, "refs") == 0 || strcmp(name, "HEAD") == 0 ||
				strcmp(name, "config") == 0
			? PIECE_OURS
			: PIECE_FOREIGN;
	}
	if (strcmp(where, "objects") == 0)
		return strcmp(name, "pack") == 0 && directory ? PIECE_KEPT : PIECE_FOREIGN;
	if (S_ISREG(status->st_mode) && strncmp(name, "pack-", 5) == 0 && len > 10 &&
		(strcmp(name + len - 5, ".pack") == 0 || strcmp(name + len - 4, ".idx") == 0))
		return PIECE_KEPT;
	/* A fetch that was killed leaves one of these. */
	return strncmp(name, "pack_git2_", 10) == 0 || strncmp(name, "tmp_", 4) == 0 ||
			strncmp(name, ".", 1) == 0
		? PIECE_OURS
		: PIECE_FOREIGN;
}

/* Removes what does not belong into one directory of the mirror; counts what stays. */
static bool clean(const char *mirror, const char *where, size_t *ret_kept, struct err **err)
{
	CLEANUP(mem_freep) char *path = *where ? fs_join(mirror, where) : mem_strdup(mirror);
	CLEANUP(dir_closep) DIR *stream = opendir(path);
	size_t kept = 0;

	if (!stream)
		return err_set_errno(err, errno, "cannot list %s", path);
	for (const struct dirent *entry; (entry = readdir(stream));) {
		CLEANUP(mem_freep) char *piece = fs_join(path, entry->d_name);
		struct stat status;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (lstat(piece, &status) != 0)
			return err_set_errno(err, errno, "cannot examine %s", piece);

		enum piece verdict = judge(where, entry->d_name, &status);
		if (verdict == PIECE_FOREIGN)
			log_warning("%s does not belong into a mirror and was removed", piece);
		if (verdict == PIECE_KEPT)
			kept++;
		else if (!fs_remove_tree(piece, err))
			return false;
	}
	*ret_kept = kept;
	return true;
}

static bool make_directory(const char *mirror, const char *name, struct err **err)
{
	CLEANUP(mem_freep) char *path = *name ? fs_join(mirror, name) : mem_strdup(mirror);

	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return true;
	return err_set_errno(err, errno, "cannot make %s", path);
}

static bool write_file(const char *mirror, const char *name, const char *text, struct err **err)
{
	CLEANUP(mem_freep) char *path = fs_join(mirror, name);

	return fs_write_atomic(path, text, strlen(text), 0600, err);
}

static bool make_skeleton(const char *mirror, struct err **err)
{
	return make_directory(mirror, "", err) && make_directory(mirror, "objects", err) &&
		make_directory(mirror, "objects/pack", err) &&
		make_directory(mirror, "refs", err) &&
		write_file(mirror, "config", config_text, err) &&
		write_file(mirror, "HEAD", head_text, err);
}

bool source_git_cache_reset(struct source_git_cache *cache, struct err **err)
{
	cache->reused = false;
	return fs_remove_tree(cache->mirror, err) && make_skeleton(cache->mirror, err);
}

bool source_git_cache_prepare(struct source_git_cache *cache, struct err **err)
{
	struct stat status;
	size_t pieces;

	cache->reused = false;
	if (lstat(cache->mirror, &status) != 0) {
		if (errno != ENOENT)
			return err_set_errno(err, errno, "cannot examine %s", cache->mirror);
		return make_skeleton(cache->mirror, err);
	}
	if (!S_ISDIR(status.st_mode)) {
		log_warning("%s is no mirror: it is replaced", cache->mirror);
		return source_git_cache_reset(cache, err);
	}
	if (!fs_check_private(cache->mirror, O_NOFOLLOW, err))
		return false;
	if (!clean(cache->mirror, "", &pieces, err) ||
		!make_directory(cache->mirror, "objects", err) ||
		!clean(cache->mirror, "objects", &pieces, err) ||
		!make_directory(cache->mirror, "objects/pack", err) ||
		!clean(cache->mirror, "objects/pack", &pieces, err) ||
		!make_skeleton(cache->mirror, err))
		return false;
	if (pieces > 2 * (size_t)PACKS_MAX) {
		log_info("the mirror %s is in too many pieces: fetching it anew", cache->mirror);
		return source_git_cache_reset(cache, err);
	}
	cache->reused = pieces > 0;
	return true;
}

void source_git_cache_release(struct source_git_cache *cache)
{
	CLEANUP(err_freep) struct err *err = NULL;

	source_git_cache_unlock(cache);
	if (cache->temporary && !fs_remove_tree(cache->temporary, &err))
		log_warning("temporary directory left behind: %s", err->msg);
	mem_free(cache->temporary);
	mem_free(cache->mirror);
	mem_free(cache->lock_path);
	*cache = (struct source_git_cache)SOURCE_GIT_CACHE_INIT;
}
