#include "reconciler/replicate_merge.h"

#include <criterion/criterion.h>
#include <string.h>

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define LAYER(signature, more)                                                                     \
	"{\"mediaType\":\"application/vnd.dev.cosign.simplesigning.v1+json\",\"size\":7,"          \
	"\"digest\":\"sha256:" HEX "\",\"annotations\":{" more                                     \
	"\"dev.cosignproject.cosign/signature\":\"" signature "\"}}"
#define IMAGE(layers)                                                                              \
	"{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","       \
	"\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"size\":2,"       \
	"\"digest\":\"sha256:" HEX "\"},\"layers\":[" layers "]}"

static bool merge(const char *primary, const char *mirror, struct replica_merged *ret_merged,
	struct err **err)
{
	CLEANUP(document_release)
	struct document ours = {.bytes = mem_strdup(primary), .len = strlen(primary)};
	CLEANUP(document_release)
	struct document theirs = {.bytes = mem_strdup(mirror), .len = strlen(mirror)};

	return replicate_merge(NULL, &(struct replica_merging){.primary = &ours, .mirror = &theirs},
		ret_merged, err);
}

Test(replicate_merge, the_primary_is_first_and_nothing_twice)
{
	CLEANUP(replica_merged_release) struct replica_merged merged = {0};
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert(merge(IMAGE(LAYER("b", "") "," LAYER("c", "")),
			  IMAGE(LAYER("a", "\"x\": \"y\", ") "," LAYER("b", "")), &merged, &err),
		"%s", err ? err->msg : "");
	cr_assert(strstr(str_text(&merged.manifest),
			  LAYER("b", "") "," LAYER("c", "") "," LAYER("a", "\"x\": \"y\", ") "]"),
		"%s", str_text(&merged.manifest));
	cr_assert_not_null(strstr(str_text(&merged.config), "diff_ids"));
}

Test(replicate_merge, unknown_differences_are_no_reason_to_write)
{
	struct replica_merged merged = {0};
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert_not(
		merge(IMAGE(LAYER("a", "")), IMAGE(LAYER("a", "\"x\": \"y\", ")), &merged, &err));
	cr_assert(err_is(err, ERR_UNSUPPORTED));
}

Test(replicate_merge, only_images)
{
	struct replica_merged merged = {0};
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert_not(merge(IMAGE(LAYER("a", "")), "{\"manifests\":[]}", &merged, &err));
	cr_assert(err_is(err, ERR_INVALID));
}
