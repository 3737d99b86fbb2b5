/*
 * attach_probe HOST PATH DIGEST sig|att read|absent MANIFEST BLOBS LAYER...: attaches layers that cosign
 * wrote (of a manifest, its blobs in a directory) to an image, each with a call of its own, as the job
 * does with what it has signed; "absent" if the tag was seen not to be there.
 * attach_probe HOST PATH DIGEST bundle TYPE FILE...: attaches bundles in one call.
 */
#include "signer/attached.h"
#include "signer/legacy_image.h"
#include "tests/threads/registry_fixture.h"

struct place {
	struct registry *registry;
	struct repository repository;
	struct digest image;
};

static void read_file(const char *path, struct str *text)
{
	struct err *err = NULL;

	must(fs_read_file(path, text, &err), &err);
}

static void attach_layer(const struct place *place, enum attached_kind kind, bool is_absent,
	const char *blobs, const struct legacy_descriptor *layer)
{
	CLEANUP(str_release) struct str blob = STR_INIT(1 << 20);
	CLEANUP(bundle_freep) struct bundle *bundle = NULL;
	struct err *err = NULL;
	char text[DIGEST_TEXT_SIZE];

	digest_format(&layer->digest, text);
	CLEANUP(mem_freep) char *path = mem_printf("%s/sha256-%s", blobs, text + 7);
	read_file(path, &blob);
	const struct legacy_layer legacy = {
		.blob = str_text(&blob),
		.len = blob.len,
		.is_envelope = kind == ATTACHED_ATT,
		.signature = layer->annotations[LEGACY_SIGNATURE],
		.log_entry = layer->annotations[LEGACY_LOG_ENTRY],
		.certificate = layer->annotations[LEGACY_CERTIFICATE],
	};
	must(bundle_of_legacy(&legacy, &bundle, &err), &err);
	const struct attach_item item = {
		.bundle = bundle,
		.payload = kind == ATTACHED_SIG ? str_text(&blob) : NULL,
		.payload_len = blob.len,
		.predicate_type = layer->annotations[LEGACY_PREDICATE_TYPE],
	};
	must(attach_legacy(place->registry, &place->repository, &place->image, kind, is_absent,
		     &item, 1, NULL, &err),
		&err);
}

/* arguments: sig|att read|absent MANIFEST BLOBS LAYER... */
static void attach_layers(const struct place *place, char **arguments)
{
	CLEANUP(str_release) struct str manifest = STR_INIT(1 << 20);
	CLEANUP(legacy_image_release) struct legacy_image image = {0};
	enum attached_kind kind = strcmp(arguments[0], "sig") == 0 ? ATTACHED_SIG : ATTACHED_ATT;
	struct err *err = NULL;

	read_file(arguments[2], &manifest);
	must(legacy_image_parse(str_text(&manifest), manifest.len, &image, &err), &err);
	for (char **layer = arguments + 4; *layer; layer++)
		attach_layer(place, kind, strcmp(arguments[1], "absent") == 0, arguments[3],
			&image.layers.items[strtoul(*layer, NULL, 10)]);
}

/* arguments: TYPE FILE... */
static void attach_files(const struct place *place, char **arguments)
{
	struct attach_item items[8] = {0};
	struct bundle *bundles[8] = {0};
	struct err *err = NULL;
	size_t count = 0;

	for (char **file = arguments + 1; *file; file++, count++) {
		CLEANUP(str_release) struct str text = STR_INIT(1 << 20);
		CHECK(count < 8);
		read_file(*file, &text);
		must(bundle_parse(str_text(&text), text.len, &bundles[count], &err), &err);
		items[count].bundle = bundles[count];
		items[count].predicate_type = arguments[0];
	}
	must(attach_bundles(place->registry, &place->repository, &place->image,
		     MEDIA_TYPE_OCI_MANIFEST, 1, items, count, NULL, &err),
		&err);
	for (size_t i = 0; i < count; i++)
		bundle_free(bundles[i]);
}

int main(int argc, char **argv)
{
	struct client client;
	struct err *err = NULL;

	CHECK(argc > 6);
	client_open_with(&client, 60000, NULL, 0, NULL);
	struct place place = {.registry = registry_for_signing(client.registry),
		.repository = {.host = argv[1], .path = argv[2]}};
	must(digest_parse(argv[3], &place.image, &err), &err);
	if (strcmp(argv[4], "bundle") == 0)
		attach_files(&place, argv + 5);
	else
		attach_layers(&place, argv + 4);
	client_close(&client);
	return 0;
}
