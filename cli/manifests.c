/*
 * Opening the three kinds of sources. Knows which flags belong to which; does not judge what is
 * found in them.
 */
#include "cli/manifests.h"

#include <string.h>

#include "base/fs.h"

void manifests_release(struct manifests *manifests)
{
	declared_free(manifests->declared);
	source_free(manifests->source);
	mem_free(manifests->directory);
	*manifests = (struct manifests){0};
}

static bool has_prefix(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool manifests_need_http(const struct options *options)
{
	const char *url = options->manifest_repo;

	return url && (has_prefix(url, "https://") || has_prefix(url, "http://"));
}

/* Where a file is, with a slash at the end; "" for the current directory. */
static char *directory_of(const char *file)
{
	const char *slash = strrchr(file, '/');

	return slash ? mem_strndup(file, (size_t)(slash - file) + 1) : mem_strdup("");
}

char *manifests_tree(const struct options *options)
{
	const char *url = options->manifest_repo;

	if (options->thin_manifest_dir)
		return mem_strdup(options->thin_manifest_dir);
	if (options->manifest) {
		char *directory = directory_of(options->manifest);

		if (*directory)
			return directory;
		mem_free(directory);
		return mem_strdup(".");
	}
	if (has_prefix(url, "file://"))
		return mem_strdup(url + strlen("file://"));
	/* "host:path" is ssh, unless a slash comes first. */
	return url[strcspn(url, ":/")] == ':' ? NULL : mem_strdup(url);
}

static bool load_directory(const struct options *options, const struct identities *identities,
	struct manifests *manifests, struct err **err)
{
	manifests->directory = fs_join(options->thin_manifest_dir, "");
	manifests->source = source_open_directory(options->thin_manifest_dir, err);
	return manifests->source &&
		declared_load_thin(manifests->source, identities, &manifests->declared, err);
}

static bool load_file(const struct options *options, const struct identities *identities,
	struct manifests *manifests, struct err **err)
{
	CLEANUP(mem_freep) char *tree = manifests_tree(options);
	const char *name;

	manifests->directory = directory_of(options->manifest);
	name = options->manifest + strlen(manifests->directory);
	manifests->source = source_open_directory(tree, err);
	if (manifests->source &&
		declared_load_plain(manifests->source, name, identities, &manifests->declared, err))
		return true;
	return err_prefix(err, "--manifest %s", options->manifest);
}

static bool load_git(const struct options *options, const struct config *config, struct http *http,
	struct cancel *cancel, struct manifests *manifests, struct err **err)
{
	const struct source_git_options git = {
		.url = options->manifest_repo,
		.ref = options->manifest_ref,
		.path = options->manifest_path,
		.cache_dir = options->cache_dir,
		.token_file = options->git_token_file,
		.username = options->git_username,
		.ssh_key_file = options->git_ssh_key,
		.ca_file = config->git_ca_file,
		.http = http,
		.cancel = cancel,
	};
	const char *path = options->manifest_path;

	manifests->directory = path && strcmp(path, ".") != 0 ? fs_join(path, "") : mem_strdup("");
	manifests->source = source_open_git(&git, err);
	if (!manifests->source)
		return false;
	log_info("manifests of %s", source_description(manifests->source));
	log_info("commit %s", source_commit(manifests->source));
	return declared_load_thin(
		manifests->source, &config->identities, &manifests->declared, err);
}

bool manifests_load(const struct options *options, const struct config *config, struct http *http,
	struct cancel *cancel, struct manifests *ret_manifests, struct err **err)
{
	*ret_manifests = (struct manifests){0};
	if (options->thin_manifest_dir)
		return load_directory(options, &config->identities, ret_manifests, err);
	if (options->manifest)
		return load_file(options, &config->identities, ret_manifests, err);
	return load_git(options, config, http, cancel, ret_manifests, err);
}
