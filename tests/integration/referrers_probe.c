/*
 * referrers_probe HOST: pushes an image and three manifests that refer to it, one of them with the
 * client that has already learned what the host can do, lists them with another client, and prints
 * where they are listed ("api" or "tag") and how many of all and of one type.
 */
#include "registry/referrers.h"
#include "tests/threads/registry_fixture.h"

#define TYPE "application/vnd.example.%s+json"

static void put(struct client *client, const struct repository *repository,
	const struct digest *subject, const char *type, const char *name)
{
	CLEANUP(str_release) struct str text = STR_INIT(1 << 20);
	CLEANUP(str_release) struct str empty = STR_INIT(10);
	char digest[DIGEST_TEXT_SIZE], media_type[] = MEDIA_TYPE_OCI_MANIFEST;
	struct err *err = NULL;
	str_add_text(&empty, "{}");
	struct digest config = push_blob(client, repository, &empty);
	str_addf(&text,
		"{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_TYPE_OCI_MANIFEST
		"\",\"artifactType\":\"" TYPE "\",\"config\":",
		type);
	add_descriptor(&text, "application/vnd.oci.empty.v1+json", &config, 2);
	str_add_text(&text, ",\"layers\":[");
	add_descriptor(&text, "application/vnd.oci.empty.v1+json", &config, 2);
	str_addf(&text,
		"],\"subject\":{\"mediaType\":\"" MEDIA_TYPE_OCI_MANIFEST
		"\",\"digest\":\"%s\",\"size\":1},\"annotations\":{\"name\":\"%s\"}}",
		digest_format(subject, digest), name);
	const struct document document = {
		.bytes = text.bytes,
		.len = text.len,
		.media_type = media_type,
		.digest = digest_of(DIGEST_SHA256, text.bytes, text.len),
	};
	must(referrers_put(client->registry, repository, subject, &document, 1, NULL, &err), &err);
}

static size_t count(struct client *client, const struct repository *repository,
	const struct digest *subject, const char *type, bool *ret_from_tag)
{
	struct referrers list = {0};
	struct err *err = NULL;
	must(referrers_list(client->registry, repository, subject, type, NULL, &list, &err), &err);
	size_t len = list.items.len;
	*ret_from_tag = list.from_tag;
	referrers_release(&list);
	return len;
}

int main(int argc, char **argv)
{
	struct client writer, reader;
	bool from_tag = false;
	CHECK(argc == 2);
	const struct repository repository = {.host = argv[1], .path = "prod/app"};
	client_open(&writer);
	struct digest subject = push_image(&writer, &repository, "v1", "a", 1, 100);
	put(&writer, &repository, &subject, "a", "one");
	put(&writer, &repository, &subject, "a", "two");
	put(&writer, &repository, &subject, "b", "three");
	client_close(&writer);
	client_open(&reader);
	size_t all = count(&reader, &repository, &subject, NULL, &from_tag);
	size_t some =
		count(&reader, &repository, &subject, "application/vnd.example.a+json", &from_tag);
	client_close(&reader);
	printf("%s %zu %zu\n", from_tag ? "tag" : "api", all, some);
	return 0;
}
