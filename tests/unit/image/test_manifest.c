#include "image/manifest.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/str.h"

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define DESCRIPTOR(hex, size)                                                                      \
	"{\"mediaType\":\"x/y\",\"digest\":\"sha256:" hex "\",\"size\":" size "}"
#define CONFIG_A "\"config\":" DESCRIPTOR(HEX_A, "1")

static bool parse(const char *text, const char *type, struct manifest *ret, struct err **err)
{
	return manifest_parse(text, strlen(text), type, ret, err);
}

static void expect_error(const char *text, const char *type, enum err_kind kind, const char *reason)
{
	CLEANUP(err_freep) struct err *err = NULL;
	struct manifest manifest = {0};
	cr_assert_not(parse(text, type, &manifest, &err), "accepted: %s", text);
	cr_assert_eq(err->kind, kind, "%s", err->msg);
	cr_assert(strstr(err->msg, reason), "'%s' does not say '%s'", err->msg, reason);
}

static void expect_type(const char *text, const char *type, const char *wanted)
{
	CLEANUP(err_freep) struct err *err = NULL;
	CLEANUP(manifest_release) struct manifest manifest = {0};
	cr_assert(parse(text, type, &manifest, &err), "%s", err ? err->msg : "");
	cr_assert_str_eq(manifest.media_type, wanted);
}

Test(manifest, image_config_first_and_each_digest_once)
{
	CLEANUP(manifest_release) struct manifest manifest = {0};
	cr_assert(parse("{\"schemaVersion\":2,\"layers\":[" DESCRIPTOR(HEX_B, "7") "," DESCRIPTOR(
				HEX_A, "1") "," DESCRIPTOR(HEX_B, "7") "]," CONFIG_A "}",
		NULL, &manifest, NULL));
	cr_assert_eq(manifest.shape, MANIFEST_IMAGE);
	cr_assert_eq(manifest.children.len, 0);
	cr_assert_eq(manifest.blobs.len, 2);
	cr_assert_eq(manifest.blobs.items[0].digest.bytes[0], 0xaa);
	cr_assert_eq(manifest.blobs.items[1].digest.bytes[0], 0xbb);
	cr_assert_eq(manifest.blobs.items[1].size, 7);
	cr_assert_str_eq(manifest.blobs.items[1].media_type, "x/y");
	cr_assert_str_eq(manifest.media_type, MEDIA_TYPE_OCI_MANIFEST);
}

Test(manifest, index_and_children)
{
	CLEANUP(manifest_release) struct manifest manifest = {0};
	cr_assert(parse("{\"manifests\":[" DESCRIPTOR(HEX_A, "5") "," DESCRIPTOR(HEX_B, "6") "]}",
		MEDIA_TYPE_DOCKER_LIST "; charset=utf-8", &manifest, NULL));
	cr_assert_eq(manifest.shape, MANIFEST_INDEX);
	cr_assert_eq(manifest.children.len, 2);
	cr_assert_eq(manifest.blobs.len, 0);
	cr_assert_str_eq(manifest.media_type, MEDIA_TYPE_DOCKER_LIST);
}

Test(manifest, empty_lists_and_artifacts_are_whole_documents)
{
	expect_type("{\"manifests\":[]}", NULL, MEDIA_TYPE_OCI_INDEX);
	expect_type("{\"manifests\":null}", NULL, MEDIA_TYPE_OCI_INDEX);
	expect_type("{" CONFIG_A ",\"layers\":null}", NULL, MEDIA_TYPE_OCI_MANIFEST);
	expect_type("{\"mediaType\":\"application/vnd.oci.artifact.manifest.v1+json\"}", NULL,
		"application/vnd.oci.artifact.manifest.v1+json");
	expect_type("{\"mediaType\":\"application/vnd.example.new+json\",\"blobs\":[]}", NULL,
		"application/vnd.example.new+json");
}

Test(manifest, nondistributable_by_media_type)
{
	static const char foreign[] = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
	CLEANUP(str_release) struct str text = STR_INIT(4096);
	CLEANUP(manifest_release) struct manifest manifest = {0};
	str_addf(&text,
		"{\"layers\":[{\"mediaType\":\"%s\",\"digest\":\"sha256:" HEX_A "\",\"size\":1},"
		"{\"mediaType\":\"%s\",\"digest\":\"sha256:" HEX_B "\",\"size\":1},%s]}",
		foreign, foreign, DESCRIPTOR(HEX_B, "1"));
	cr_assert(parse(str_text(&text), NULL, &manifest, NULL));
	cr_assert(manifest.blobs.items[0].nondistributable);
	cr_assert_not(manifest.blobs.items[1].nondistributable, "also named as an ordinary layer");
}

Test(manifest, media_type_of_server_and_document)
{
	static const char image[] = "{\"mediaType\":\"" MEDIA_TYPE_OCI_MANIFEST "\"," CONFIG_A "}";
	expect_type(image, NULL, MEDIA_TYPE_OCI_MANIFEST);
	expect_type(image, " " MEDIA_TYPE_OCI_MANIFEST " ; a=b", MEDIA_TYPE_OCI_MANIFEST);
	expect_type(image, "application/octet-stream", MEDIA_TYPE_OCI_MANIFEST);
	expect_type("{" CONFIG_A "}", MEDIA_TYPE_DOCKER_MANIFEST, MEDIA_TYPE_DOCKER_MANIFEST);
	expect_error(image, MEDIA_TYPE_DOCKER_MANIFEST, ERR_INVALID, "calls itself");
	expect_error(image, MEDIA_TYPE_OCI_INDEX, ERR_INVALID, "calls itself");
	expect_error("{" CONFIG_A "}", MEDIA_TYPE_OCI_INDEX, ERR_INVALID, "does not fit");
	expect_error("{\"manifests\":[]}", MEDIA_TYPE_OCI_MANIFEST, ERR_INVALID, "does not fit");
}

Test(manifest, what_is_no_manifest)
{
	expect_error("", NULL, ERR_INVALID, "no JSON");
	expect_error("{", NULL, ERR_INVALID, "no JSON");
	expect_error("{} {}", NULL, ERR_INVALID, "no JSON");
	expect_error("[]", NULL, ERR_INVALID, "no JSON object");
	expect_error("{}", NULL, ERR_INVALID, "neither");
	expect_error("{\"manifests\":{}}", NULL, ERR_INVALID, "no list");
	expect_error("{\"manifests\":[],\"layers\":[]}", NULL, ERR_INVALID, "both");
	expect_error("{\"manifests\":[],\"manifests\":[]}", NULL, ERR_INVALID, "no JSON");
	expect_error("{\"mediaType\":1," CONFIG_A "}", NULL, ERR_INVALID, "mediaType");
	expect_error("{\"config\":1}", NULL, ERR_INVALID, "without a digest");
	expect_error("{\"layers\":[{\"size\":1}]}", NULL, ERR_INVALID, "without a digest");
	expect_error("{\"layers\":[{\"digest\":\"sha256:x\",\"size\":1}]}", NULL, ERR_INVALID,
		"sha256:x");
	expect_error("{\"config\":" DESCRIPTOR(HEX_A, "-1") "}", NULL, ERR_INVALID, "size");
	expect_error("{\"config\":" DESCRIPTOR(HEX_A, "1.5") "}", NULL, ERR_INVALID, "size");
	expect_error("{" CONFIG_A ",\"layers\":[" DESCRIPTOR(HEX_A, "2") "]}", NULL, ERR_INVALID,
		"two sizes");
}

Test(manifest, schema_1_is_named)
{
	expect_error("{\"schemaVersion\":1,\"fsLayers\":[]}", NULL, ERR_UNSUPPORTED, "schema 1");
	expect_error("{\"fsLayers\":[]}",
		"application/vnd.docker.distribution.manifest.v1+prettyjws", ERR_UNSUPPORTED,
		"schema 1");
}

Test(manifest, bounds)
{
	CLEANUP(str_release) struct str text = STR_INIT(MANIFEST_MAX_SIZE);
	str_add_text(&text, "{\"layers\":[");
	for (int i = 0; i < 10001; i++)
		str_addf(&text, "%s{\"digest\":\"sha256:%064d\",\"size\":1}", i ? "," : "", i);
	str_add_text(&text, "]}");
	cr_assert_not(str_overflowed(&text));
	expect_error(str_text(&text), NULL, ERR_TOO_LARGE, "10000");

	CLEANUP(str_release) struct str deep = STR_INIT(MANIFEST_MAX_SIZE);
	for (int i = 0; i < 100000; i++)
		str_add_char(&deep, '[');
	expect_error(str_text(&deep), NULL, ERR_INVALID, "no JSON");
}
