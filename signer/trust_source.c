/*
 * Decides between the sources and puts their parts together. How metadata is verified is tuf_client.c's
 * matter, what is in a trust root trust_root.c's. No source stands in for another that failed.
 */
#include "signer/trust_source.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/log.h"
#include "signer/built_in.h"
#include "signer/services.h"
#include "signer/tuf_client.h"
#include "signer/tuf_store.h"

#define TRUSTED_ROOT "trusted_root.json"
#define SIGNING_CONFIG "signing_config.v0.2.json"

void trust_source_release(struct trust_source *source)
{
	trust_root_free(source->root);
	mem_free(source->signing_config);
	mem_free(source->origin);
}

static void set_config(struct trust_source *source, const char *text, size_t len)
{
	source->signing_config = mem_new(len + 1, 1);
	memcpy(source->signing_config, text, len);
	source->signing_config_len = len;
}

static bool read_config(const char *path, struct trust_source *source, struct err **err)
{
	CLEANUP(str_release) struct str text = STR_INIT(SIGNING_CONFIG_MAX_SIZE);

	if (!fs_read_file(path, &text, err))
		return err_prefix(err, "signing config");
	set_config(source, str_text(&text), text.len);
	return true;
}

/* ---- Files, and what is built in ---- */

static bool load_file(const char *path, struct trust_source *source, struct err **err)
{
	source->origin = mem_strdup(path);
	return trust_root_read(path, &source->root, err);
}

static bool load_built_in(bool wants_config, struct trust_source *source, struct err **err)
{
	struct built_in_file root = built_in_file(BUILT_IN_TRUSTED_ROOT);
	struct built_in_file config = built_in_file(BUILT_IN_SIGNING_CONFIG);

	source->origin = mem_strdup("the trust root that is built in, of " TRUST_SOURCE_PUBLIC);
	if (wants_config)
		set_config(source, config.text, config.len);
	return trust_root_parse(root.text, root.len, &source->root, err);
}

/* ---- TUF ---- */

/* An empty variable counts as none. */
static const char *choose(const char *given, const char *variable)
{
	const char *value = given ? given : getenv(variable);

	return value && *value ? value : NULL;
}

static char *mirror_of(const struct trust_source_options *options)
{
	const char *url = choose(options->tuf_mirror, "TUF_MIRROR");
	size_t len;

	if (!url)
		url = TRUST_SOURCE_PUBLIC;
	len = strlen(url);
	while (len > 0 && url[len - 1] == '/')
		len--;
	return mem_strndup(url, len);
}

/* Appends the root.json at which trust begins. */
static bool read_initial_root(const struct trust_source_options *options, const char *mirror,
	struct str *out, struct err **err)
{
	const char *path = choose(options->tuf_root, "TUF_ROOT_JSON");
	struct built_in_file file;

	if (path)
		return fs_read_file(path, out, err) || err_prefix(err, "initial root");
	if (strcmp(mirror, TRUST_SOURCE_PUBLIC) == 0)
		file = built_in_file(BUILT_IN_ROOT);
	else if (strcmp(mirror, TRUST_SOURCE_STAGING) == 0)
		file = built_in_file(BUILT_IN_STAGING_ROOT);
	else
		return err_set(err, ERR_USAGE,
			"the TUF repository %s needs its initial root.json given: none is built in "
			"for it",
			mirror);
	return str_add(out, file.text, file.len);
}

/* "https://tuf.example.com:8080/x" -> "tuf.example.com-8080-x", as other clients name it. */
static char *directory_name(const char *mirror)
{
	const char *scheme = strstr(mirror, "://");
	CLEANUP(mem_freep) char *name = mem_strdup(scheme ? scheme + 3 : mirror);

	for (char *at = name; *at; at++) {
		*at = (char)tolower((unsigned char)*at);
		if (*at == '/' || *at == ':')
			*at = '-';
	}
	return tuf_quote(name);
}

/*
 * Where the mirror's metadata is kept; NULL: nowhere. A place that somebody named must do. The usual one may be
 * missing, on a read-only file system say, but not be open to others.
 */
static bool find_cache(const struct trust_source_options *options, const char *mirror,
	char **ret_directory, struct err **err)
{
	const char *given = choose(options->cache_dir, "TUF_ROOT"), *home = getenv("HOME");
	CLEANUP(mem_freep) char *name = directory_name(mirror);
	CLEANUP(mem_freep) char *base = NULL;
	CLEANUP(err_freep) struct err *reason = NULL;

	if (given)
		base = mem_strdup(given);
	else if (home && *home == '/')
		base = fs_join(home, ".sigstore/root");
	if (!base) {
		log_warning("no directory for TUF metadata ($TUF_ROOT, $HOME): rollbacks between "
			    "runs cannot be noticed");
		*ret_directory = NULL;
		return true;
	}
	CLEANUP(mem_freep) char *directory = fs_join(base, name);
	/* Whoever can write the upper one can put another in the place of the lower. */
	if (tuf_store_open(base, &reason) && tuf_store_open(directory, &reason)) {
		*ret_directory = steal_ptr(&directory);
		return true;
	}
	if (given || !err_is(reason, ERR_IO)) {
		err_keep_first(err, &reason);
		return false;
	}
	log_warning("no directory for TUF metadata: %s; rollbacks between runs cannot be noticed",
		reason->msg);
	*ret_directory = NULL;
	return true;
}

struct repository {
	struct tuf_client *client;
	char *mirror, *targets_url;
	char *directory; /* NULL: nothing is kept */
};

static void repository_release(struct repository *repository)
{
	tuf_client_free(repository->client);
	mem_free(repository->mirror);
	mem_free(repository->targets_url);
	mem_free(repository->directory);
}

static bool repository_open(
	const struct trust_source_options *options, struct repository *repository, struct err **err)
{
	CLEANUP(str_release) struct str root = STR_INIT(TUF_ROOT_MAX_BYTES);

	repository->mirror = mirror_of(options);
	repository->targets_url = mem_printf("%s/targets", repository->mirror);
	if (!read_initial_root(options, repository->mirror, &root, err) ||
		!find_cache(options, repository->mirror, &repository->directory, err))
		return false;
	const struct tuf_client_options client = {.http = options->http,
		.clock = options->clock,
		.directory = repository->directory,
		.root = str_text(&root),
		.root_len = root.len,
		.metadata_url = repository->mirror};
	repository->client = tuf_client_new(&client, err);
	return repository->client && tuf_client_refresh(repository->client, err);
}

/* The target, from the cache where that still has the right bytes. */
static bool fetch_target(
	struct repository *repository, const char *name, struct str *out, struct err **err)
{
	CLEANUP(mem_freep)
	char *directory = repository->directory ? fs_join(repository->directory, "targets") : NULL;
	CLEANUP(mem_freep) char *path = directory ? fs_join(directory, name) : NULL;
	CLEANUP(err_freep) struct err *reason = NULL;
	bool from_cache;

	if (!tuf_client_fetch(
		    repository->client, name, repository->targets_url, path, out, &from_cache, err))
		return false;
	/* Only a request saved: what cannot be kept is fetched again. */
	if (path && !from_cache &&
		!(fs_make_directories(directory, &reason) &&
			fs_write_atomic(path, str_text(out), out->len, 0644, &reason)))
		log_warning("%s is not kept: %s", name, reason->msg);
	return true;
}

static bool fetch_config(
	struct repository *repository, struct trust_source *source, struct err **err)
{
	CLEANUP(str_release) struct str text = STR_INIT(SIGNING_CONFIG_MAX_SIZE);
	CLEANUP(err_freep) struct err *reason = NULL;

	if (fetch_target(repository, SIGNING_CONFIG, &text, &reason)) {
		set_config(source, str_text(&text), text.len);
		return true;
	}
	if (err_is(reason, ERR_NOT_FOUND))
		return true;
	err_keep_first(err, &reason);
	return false;
}

static bool load_tuf(const struct trust_source_options *options, bool wants_config,
	struct trust_source *source, struct err **err)
{
	CLEANUP(repository_release) struct repository repository = {0};
	CLEANUP(str_release) struct str text = STR_INIT(TRUST_ROOT_MAX_SIZE);

	if (!options->http)
		return err_set(err, ERR_USAGE, "no trust root was given and there is no network");
	if (!repository_open(options, &repository, err) ||
		!fetch_target(&repository, TRUSTED_ROOT, &text, err) ||
		!trust_root_parse(str_text(&text), text.len, &source->root, err) ||
		(wants_config && !fetch_config(&repository, source, err)))
		return err_prefix(err, "trust root of %s", repository.mirror);
	source->origin = mem_printf(TRUSTED_ROOT " of %s (version %llu)", repository.mirror,
		(unsigned long long)tuf_client_targets_version(repository.client));
	return true;
}

bool trust_source_load(const struct trust_source_options *options, struct trust_source *ret_source,
	struct err **err)
{
	CLEANUP(trust_source_release) struct trust_source source = {0};
	bool wants_config = options->wants_signing_config && !options->signing_config;
	bool ok;

	if (options->trusted_root && options->built_in)
		return err_set(err, ERR_USAGE,
			"a file with the trust root, and the built-in one: it can only be one");
	if (options->trusted_root)
		ok = load_file(options->trusted_root, &source, err);
	else if (options->built_in)
		ok = load_built_in(wants_config, &source, err);
	else
		ok = load_tuf(options, wants_config, &source, err);
	if (!ok ||
		(options->signing_config && options->wants_signing_config &&
			!read_config(options->signing_config, &source, err)))
		return false;
	*ret_source = source;
	source = (struct trust_source){0};
	return true;
}
