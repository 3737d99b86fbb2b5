/*
 * Prints what a source holds: its commit, its description, and kind, size and path of every entry
 * in order. For tests of the source over real servers.
 *
 *	source_dump git URL [ref=R] [path=P] [cache=D] [token-file=F] [username=U] [key=F] [ca=F]
 *			[timeout=MS] [patience=MS]
 *	source_dump directory PATH
 *
 * Exit status: 0, or 1 with "kind: message" on standard error.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/enc.h"
#include "base/fs.h"
#include "net/http.h"
#include "reconciler/source.h"

#define FILE_MAX_BYTES ((size_t)64 << 20)

static const char *setting(int count, char **texts, const char *name)
{
	size_t len = strlen(name);

	for (int i = 0; i < count; i++)
		if (strncmp(texts[i], name, len) == 0 && texts[i][len] == '=')
			return texts[i] + len + 1;
	return NULL;
}

static bool dump(struct source *source, const char *directory, struct err **err)
{
	static const char letters[] = {
		[SOURCE_FILE] = 'f',
		[SOURCE_DIRECTORY] = 'd',
		[SOURCE_LINK] = 'l',
		[SOURCE_OTHER] = 'o',
	};
	CLEANUP(source_entries_release) struct source_entries entries = {0};

	if (!source_list(source, directory, &entries, err))
		return false;
	for (size_t i = 0; i < entries.list.len; i++) {
		const struct source_entry *entry = &entries.list.items[i];
		CLEANUP(mem_freep)
		char *path = *directory ? fs_join(directory, entry->name) : mem_strdup(entry->name);
		CLEANUP(str_release) struct str bytes = STR_INIT(FILE_MAX_BYTES);

		if (entry->kind == SOURCE_FILE && !source_read(source, path, &bytes, err))
			return false;
		printf("%c %zu %s\n", letters[entry->kind], bytes.len, path);
		if (entry->kind == SOURCE_DIRECTORY && !dump(source, path, err))
			return false;
	}
	return true;
}

/* `fallback` if it is not there or no number. */
static int64_t duration(int count, char **texts, const char *name, int64_t fallback)
{
	const char *text = setting(count, texts, name);
	uint64_t ms;

	return text && number_parse(text, 1000000, &ms) ? (int64_t)ms : fallback;
}

static struct source *open_source(int count, char **arguments, struct http *http, struct err **err)
{
	char **rest = arguments + 2;
	if (strcmp(arguments[0], "directory") == 0)
		return source_open_directory(arguments[1], err);

	const struct source_git_options options = {
		.url = arguments[1],
		.ref = setting(count - 2, rest, "ref"),
		.path = setting(count - 2, rest, "path"),
		.cache_dir = setting(count - 2, rest, "cache"),
		.token_file = setting(count - 2, rest, "token-file"),
		.username = setting(count - 2, rest, "username"),
		.ssh_key_file = setting(count - 2, rest, "key"),
		.ca_file = setting(count - 2, rest, "ca"),
		.http = http,
		.timeout_ms = duration(count - 2, rest, "timeout", 0),
	};
	return source_open_git(&options, err);
}

static bool run(int count, char **arguments, struct err **err)
{
	/* A server that never answers must not hold a test up. */
	int64_t patience = duration(count, arguments, "patience", 5000);
	const struct http_options options = {
		.user_agent = "source_dump",
		.first_byte_timeout_ms = patience,
		.stall_timeout_ms = patience,
		.attempts = 2,
		.retry_base_ms = 10,
	};
	CLEANUP(http_freep) struct http *http = http_new(&options, err);
	CLEANUP(source_freep) struct source *source = NULL;

	if (!http)
		return false;
	source = open_source(count, arguments, http, err);
	if (!source)
		return false;
	printf("%s\n%s\n", source_commit(source) ? source_commit(source) : "-",
		source_description(source));
	return dump(source, "", err);
}

int main(int argc, char **argv)
{
	CLEANUP(err_freep) struct err *err = NULL;
	const struct sigaction ignore = {.sa_handler = SIG_IGN};

	sigaction(SIGPIPE, &ignore, NULL);
	if (argc < 3) {
		fprintf(stderr, "usage: source_dump git URL [name=value ...] | directory PATH\n");
		return 2;
	}
	if (run(argc - 1, argv + 1, &err))
		return 0;
	fflush(stdout);
	fprintf(stderr, "%s: %s\n", err_kind_name(err->kind), err->msg);
	return 1;
}
