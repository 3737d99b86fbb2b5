/*
 * What refers to a manifest, written and listed through registry/referrers.h. For tests over real
 * registries.
 *
 *	referrers_tool list HOST REPOSITORY SUBJECT
 *	referrers_tool put HOST REPOSITORY SUBJECT FILE...
 *
 * The files are image manifests that name the subject. Exit status: 0, or 1 with the message on
 * standard error.
 */
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "net/http.h"
#include "registry/referrers.h"

enum { FILE_MAX_BYTES = 4 << 20 };

static bool list(struct registry *registry, const struct repository *repository,
	const struct digest *subject, struct err **err)
{
	CLEANUP(referrers_release) struct referrers referrers = {0};
	char text[DIGEST_TEXT_SIZE];
	if (!referrers_list(registry, repository, subject, NULL, NULL, &referrers, err))
		return false;
	printf("by %s\n", referrers.from_tag ? "tag" : "api");
	for (size_t i = 0; i < referrers.items.len; i++)
		printf("%s %s\n", digest_format(&referrers.items.items[i].digest, text),
			referrers.items.items[i].artifact_type);
	return true;
}

static bool put(struct registry *registry, const struct repository *repository,
	const struct digest *subject, char **files, size_t count, struct err **err)
{
	struct document *documents = mem_new(count, sizeof(*documents));
	bool ok = true;
	for (size_t i = 0; i < count && ok; i++) {
		CLEANUP(str_release) struct str bytes = STR_INIT(FILE_MAX_BYTES);
		ok = fs_read_file(files[i], &bytes, err);
		documents[i].digest = digest_of(DIGEST_SHA256, str_text(&bytes), bytes.len);
		documents[i].bytes = str_steal(&bytes, &documents[i].len);
		documents[i].media_type = mem_strdup("application/vnd.oci.image.manifest.v1+json");
	}
	ok = ok && referrers_put(registry, repository, subject, documents, count, NULL, err);
	for (size_t i = 0; i < count; i++)
		document_release(&documents[i]);
	mem_free(documents);
	return ok;
}

static bool run(int argc, char **argv, struct err **err)
{
	const struct http_options network = {0};
	const struct repository repository = {.host = argv[2], .path = argv[3]};
	struct digest subject;
	CLEANUP(http_freep) struct http *http = http_new(&network, err);
	const struct registry_options options = {.http = http};
	CLEANUP(registry_freep)
	struct registry *registry = http ? registry_new(&options, err) : NULL;
	if (!registry || !digest_parse(argv[4], &subject, err))
		return false;
	if (strcmp(argv[1], "put") == 0)
		return put(registry, &repository, &subject, argv + 5, (size_t)argc - 5, err);
	return list(registry, &repository, &subject, err);
}

int main(int argc, char **argv)
{
	CLEANUP(err_freep) struct err *err = NULL;
	if (argc < 5) {
		fputs("usage: referrers_tool list|put HOST REPOSITORY SUBJECT [FILE...]\n", stderr);
		return 2;
	}
	if (run(argc, argv, &err))
		return 0;
	fprintf(stderr, "%s\n", err->msg);
	return 1;
}
