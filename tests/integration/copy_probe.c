/*
 * copy_probe HOST FROM TO [DIGEST TAG]...: copies each digest from one repository of the host to
 * another under its tag, one after the other with one client, as the run does with what it has to
 * bring. For tags that no manifest may declare.
 */
#include "tests/threads/registry_fixture.h"

static void copy(struct client *client, const struct repository *from, const struct repository *to,
	const char *text, const char *tag)
{
	struct digest digest;
	struct err *err = NULL;
	struct copy_tag tags = {.name = tag};
	struct copy_destination destination = {
		.repository = *to,
		.tags = &tags,
		.tag_count = 1,
		.observed_ms = now_ms(),
	};
	must(digest_parse(text, &digest, &err), &err);
	must(copy_group(client->copier, from, &digest, NULL, &destination, 1, &err), &err);
	must(!destination.err, &destination.err);
	CHECK(tags.state == COPY_TAG_WRITTEN);
}

int main(int argc, char **argv)
{
	struct client client;
	CHECK(argc > 4 && argc % 2 == 0);
	const struct repository from = {.host = argv[1], .path = argv[2]};
	const struct repository to = {.host = argv[1], .path = argv[3]};
	client_open_with(&client, 60000, NULL, 0, NULL);
	for (int i = 4; i < argc; i += 2)
		copy(&client, &from, &to, argv[i], argv[i + 1]);
	client_close(&client);
	return 0;
}
