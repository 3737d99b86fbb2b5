/*
 * Finding files, by the rules of containers/image, so that what was set up for docker or podman
 * works here too. What is in the files is net/'s business, and to whom it is shown.
 */
#include "registry/trust.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/log.h"

/* More files than that are no directory of certificates. */
enum { FILES_MAX = 1000 };

void trust_files_release(struct trust_files *files)
{
	for (size_t i = 0; i < files->cas.len; i++)
		mem_free((char *)(uintptr_t)files->cas.items[i]);
	for (size_t i = 0; i < files->identities.len; i++) {
		mem_free((char *)(uintptr_t)files->identities.items[i].certificate);
		mem_free((char *)(uintptr_t)files->identities.items[i].key);
	}
	vec_release(&files->cas);
	vec_release(&files->identities);
}

/* Neither docker nor podman refuse it, and mounted secrets are often so: said, not refused. */
static void warn_of_readers(const char *key)
{
	struct stat info;
	if (stat(key, &info) == 0 && info.st_mode & S_IROTH)
		log_warning("%s: every user of this machine can read this key", key);
}

void trust_files_add(
	struct trust_files *files, const char *ca, const char *certificate, const char *key)
{
	if (ca)
		*vec_push(&files->cas) = mem_strdup(ca);
	if (!certificate || !key)
		return;
	warn_of_readers(key);
	*vec_push(&files->identities) = (struct http_tls_identity){
		.certificate = mem_strdup(certificate), .key = mem_strdup(key)};
}

/* ---- Directories ---- */

struct names {
	VEC(char *) names;
};

static void names_release(struct names *names)
{
	for (size_t i = 0; i < names->names.len; i++)
		mem_free(names->names.items[i]);
	vec_release(&names->names);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* False with errno if it cannot be read. Sorted. */
static bool list(const char *directory, struct names *ret)
{
	DIR *dir = opendir(directory);
	if (!dir)
		return false;
	for (struct dirent *entry; ret->names.len < FILES_MAX && (entry = readdir(dir));)
		*vec_push(&ret->names) = mem_strdup(entry->d_name);
	closedir(dir);
	if (ret->names.len > 0)
		qsort(ret->names.items, ret->names.len, sizeof(char *), compare_names);
	return true;
}

static bool ends_in(const char *name, const char *suffix)
{
	size_t len = strlen(name), suffix_len = strlen(suffix);
	return len > suffix_len && strcmp(name + len - suffix_len, suffix) == 0;
}

/* `name` with another suffix, in fresh memory. */
static char *other_half(const char *name, const char *suffix, const char *other)
{
	return mem_printf("%.*s%s", (int)(strlen(name) - strlen(suffix)), name, other);
}

static bool has(const struct names *names, const char *name)
{
	for (size_t i = 0; i < names->names.len; i++)
		if (strcmp(names->names.items[i], name) == 0)
			return true;
	return false;
}

static bool take_file(const char *directory, const struct names *names, const char *name,
	struct trust_files *files, struct err **err)
{
	CLEANUP(mem_freep) char *path = fs_join(directory, name);
	if (ends_in(name, ".crt")) {
		struct stat info;
		if (stat(path, &info) == 0 || errno != ENOENT) /* a link to nothing */
			trust_files_add(files, path, NULL, NULL);
	} else if (ends_in(name, ".cert")) {
		CLEANUP(mem_freep) char *key = other_half(name, ".cert", ".key");
		CLEANUP(mem_freep) char *key_path = fs_join(directory, key);
		if (!has(names, key))
			return err_set(err, ERR_USAGE,
				"%s: the client certificate lacks its key, %s, beside it (a file "
				"of an authority is called *.crt)",
				path, key);
		trust_files_add(files, NULL, path, key_path);
	} else if (ends_in(name, ".key")) {
		CLEANUP(mem_freep) char *certificate = other_half(name, ".key", ".cert");
		if (!has(names, certificate))
			return err_set(err, ERR_USAGE,
				"%s: the key lacks its client certificate, %s, beside it", path,
				certificate);
	}
	return true;
}

static bool take_directory(const char *directory, const struct names *names,
	struct trust_files *ret_files, struct err **err)
{
	CLEANUP(trust_files_release) struct trust_files files = {0};
	for (size_t i = 0; i < names->names.len; i++)
		if (!take_file(directory, names, names->names.items[i], &files, err))
			return false;
	*ret_files = files;
	files = (struct trust_files){0};
	log_debug("%s: %zu authorities, %zu client certificates", directory, ret_files->cas.len,
		ret_files->identities.len);
	return true;
}

/* ---- Places ---- */

static bool check_first(const char *path, struct err **err)
{
	CLEANUP(names_release) struct names names = {0};
	if (!list(path, &names))
		return err_set(err, ERR_USAGE, "%s: no directory that can be read", path);
	for (size_t i = 0; i < names.names.len; i++) {
		const char *name = names.names.items[i];
		if (ends_in(name, ".crt") || ends_in(name, ".cert") || ends_in(name, ".key"))
			return err_set(err, ERR_USAGE,
				"%s holds %s itself: expected a directory for each registry, such "
				"as %s/registry.example.com:5000/%s",
				path, name, path, name);
	}
	return true;
}

bool trust_places_init(struct trust_places *places, const char *first, struct err **err)
{
	const char *home = getenv("HOME");
	*places = (struct trust_places){0};
	if (first && !check_first(first, err))
		return err_prefix(err, "--cert-dir");
	if (first)
		*vec_push(&places->paths) = mem_strdup(first);
	if (home && *home)
		*vec_push(&places->paths) = fs_join(home, ".config/containers/certs.d");
	*vec_push(&places->paths) = mem_strdup("/etc/containers/certs.d");
	*vec_push(&places->paths) = mem_strdup("/etc/docker/certs.d");
	return true;
}

void trust_places_release(struct trust_places *places)
{
	for (size_t i = 0; i < places->paths.len; i++)
		mem_free(places->paths.items[i]);
	vec_release(&places->paths);
}

/* *ret_found: this is the directory, whatever is in it. */
static bool look(const char *place, const char *host, bool *ret_found,
	struct trust_files *ret_files, struct err **err)
{
	CLEANUP(mem_freep) char *directory = fs_join(place, host);
	CLEANUP(names_release) struct names names = {0};
	*ret_found = list(directory, &names);
	if (*ret_found)
		return take_directory(directory, &names, ret_files, err);
	if (errno == EACCES || errno == EPERM)
		log_info("%s may not be read and is passed over", directory);
	return true;
}

bool trust_find(const struct trust_places *places, const char *host, struct trust_files *ret_files,
	struct err **err)
{
	const char *end = strrchr(host, ']');
	CLEANUP(mem_freep)
	char *with_port = strchr(end ? end : host, ':') ? NULL : mem_printf("%s:443", host);
	for (size_t i = 0; i < places->paths.len; i++) {
		bool found = false;
		if (!look(places->paths.items[i], host, &found, ret_files, err))
			return false;
		if (!found && with_port &&
			!look(places->paths.items[i], with_port, &found, ret_files, err))
			return false;
		if (found)
			return true;
	}
	return true;
}

bool trust_make(const struct trust_files *files, bool skip_verify, struct http_tls **ret_tls,
	struct err **err)
{
	const struct http_tls_options options = {
		.ca_files = files->cas.items,
		.ca_count = files->cas.len,
		.identities = files->identities.items,
		.identity_count = files->identities.len,
		.skip_verify = skip_verify,
	};
	if (files->cas.len == 0 && files->identities.len == 0 && !skip_verify) {
		*ret_tls = NULL;
		return true;
	}
	struct http_tls *tls = http_tls_new(&options, err);
	if (tls)
		*ret_tls = tls;
	return tls != NULL;
}
