/*
 * Images that hold cosign's older signatures: exactly what cosign writes, and nothing lost of what
 * others wrote.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "base/alloc.h"
#include "signer/legacy_image.h"
#include "tests/unit/signer/data.h"

#define DIGEST_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIGEST_B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define DIGEST_C "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define EMPTY "{\"created\":\"0001-01-01T00:00:00Z\"}"

static struct legacy_descriptor layer_of(const char *digest)
{
	struct legacy_descriptor layer = {
		.media_type = mem_strdup(LEGACY_TYPE_PAYLOAD),
		.size = 237,
		.annotations = {[LEGACY_SIGNATURE] = mem_strdup("c2ln"),
			[LEGACY_CERTIFICATE] = mem_strdup("<PEM>\n"),
			[LEGACY_CHAIN] = mem_strdup("")},
	};

	cr_assert(digest_parse(digest, &layer.digest, NULL));
	return layer;
}

#define LAYER_TEXT(digest)                                                                         \
	"{\"mediaType\":\"" LEGACY_TYPE_PAYLOAD "\",\"size\":237,\"digest\":\"" digest             \
	"\",\"annotations\":{\"dev.cosignproject.cosign/signature\":\"c2ln\","                     \
	"\"dev.sigstore.cosign/certificate\":\"\\u003cPEM\\u003e\\n\","                            \
	"\"dev.sigstore.cosign/chain\":\"\"}}"

static void read_image(const char *text, struct legacy_image *image)
{
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert(legacy_image_parse(text, strlen(text), image, &err), "%s", err ? err->msg : "");
}

/* Taking one of cosign's manifests apart and putting it together again gives its bytes. */
static void expect_same_bytes(const char *name, const char *config_name)
{
	CLEANUP(str_release) struct str wanted = STR_INIT(DATA_MAX_SIZE);
	CLEANUP(str_release) struct str wanted_config = STR_INIT(DATA_MAX_SIZE);
	CLEANUP(str_release) struct str config = STR_INIT(DATA_MAX_SIZE);
	CLEANUP(str_release) struct str one_config = STR_INIT(DATA_MAX_SIZE);
	CLEANUP(str_release) struct str first = STR_INIT(DATA_MAX_SIZE);
	CLEANUP(str_release) struct str all = STR_INIT(DATA_MAX_SIZE);
	CLEANUP(str_release) struct str grown = STR_INIT(DATA_MAX_SIZE);
	CLEANUP(legacy_image_release) struct legacy_image image = {0};

	data_read(name, &wanted);
	data_read(config_name, &wanted_config);
	read_image(str_text(&wanted), &image);
	size_t count = image.layers.len;
	cr_assert_gt(count, 1);
	legacy_image_config(image.layers.items, count, &config);
	cr_assert_str_eq(str_text(&config), str_text(&wanted_config));
	cr_assert(legacy_image_extend(NULL, image.layers.items, count, &config, &all, NULL));
	cr_assert_str_eq(str_text(&all), str_text(&wanted));

	/* The same one layer after another. */
	legacy_image_config(image.layers.items, 1, &one_config);
	cr_assert(legacy_image_extend(NULL, image.layers.items, 1, &one_config, &first, NULL));
	cr_assert(legacy_image_extend(
		str_text(&first), image.layers.items + 1, count - 1, &config, &grown, NULL));
	cr_assert_str_eq(str_text(&grown), str_text(&wanted));
	str_clear(&config);
	cr_assert(legacy_image_extend_config(
		str_text(&one_config), one_config.len, image.layers.items + 1, count - 1, &config));
	cr_assert_str_eq(str_text(&config), str_text(&wanted_config));
}

Test(legacy_image, is_what_cosign_writes)
{
	DATA_REQUIRE(MADE);
	expect_same_bytes(MADE "/legacy/sig.json",
		MADE "/legacy/blobs/"
		     "sha256-97d50c2768683aff0f1b41bf9415a2ba0a64b8ff4f547fe84bfdd591e5716bfa");
	expect_same_bytes(MADE "/legacy/att.json",
		MADE "/legacy/blobs/"
		     "sha256-018f5f71accbefdc366ca91934730b175c54d06be6a4de03a45be308aea82416");
}

Test(legacy_image, config_of_one_layer_has_the_size_of_the_specification)
{
	CLEANUP(str_release) struct str config = STR_INIT(1024);
	CLEANUP(legacy_descriptor_release) struct legacy_descriptor layer = layer_of(DIGEST_A);

	legacy_image_config(&layer, 1, &config);
	cr_assert_eq(config.len, 233);
}

#define FOREIGN                                                                                    \
	" {\"layers\" : [ {\"size\":1,  \"digest\":\"" DIGEST_B                                    \
	"\",\"x\":[1,{\"layers\":[]}],\"mediaType\":\"a/b\",\"annotations\":{\"z\":\"]\\\"}\","    \
	"\"a\":\"\\u0041\"}}%s ],\"annotations\":{\"config\":\"layers\"},\"config\":%s}\n"

Test(legacy_image, keeps_every_byte_of_others)
{
	CLEANUP(str_release) struct str out = STR_INIT(4096);
	CLEANUP(str_release) struct str config = STR_INIT(4096);
	CLEANUP(legacy_descriptor_release) struct legacy_descriptor layer = layer_of(DIGEST_A);
	struct digest digest = digest_of(DIGEST_SHA256, "{}", 2);
	char text[DIGEST_TEXT_SIZE];
	CLEANUP(mem_freep)
	char *before = mem_printf(FOREIGN, "",
		"{\"digest\":\"" DIGEST_C "\",\"mediaType\":\"docker/config\",\"size\":7}");
	CLEANUP(mem_freep)
	char *new_config =
		mem_printf("{\"mediaType\":\"docker/config\",\"size\":2,\"digest\":\"%s\"}",
			digest_format(&digest, text));
	CLEANUP(mem_freep)
	char *wanted = mem_printf(FOREIGN, " ," LAYER_TEXT(DIGEST_A), new_config);

	str_add_text(&config, "{}");
	cr_assert(legacy_image_extend(before, &layer, 1, &config, &out, NULL));
	/* Inserted before the bracket, behind the space that was there. */
	CLEANUP(mem_freep) char *moved = mem_strdup(wanted);
	char *at = strstr(moved, "}} ,{");
	cr_assert_not_null(at);
	char *end = strstr(moved, "}} ],\"annotations\"");
	cr_assert_not_null(end);
	memmove(end + 2, end + 3, strlen(end + 3) + 1);
	cr_assert_str_eq(str_text(&out), moved);
}

/* What may have to be written again has its bytes, whatever stands around it. */
Test(legacy_image, layers_have_their_text)
{
	CLEANUP(legacy_image_release) struct legacy_image image = {0};
#define FIRST "{\"size\" : 1, \"digest\":\"" DIGEST_A "\",\"x\":\"],{\\\"\"}"
#define SECOND "{\"size\":2,\"digest\":\"" DIGEST_B "\",\"annotations\":{\"k\":\"\"}}"
	static const char text[] = "{\"config\":{\"digest\":\"" DIGEST_C
				   "\"},\"layers\": [\n\t" FIRST " ,\r\n " SECOND "\n] }";

	read_image(text, &image);
	cr_assert_str_eq(image.layers.items[0].json, FIRST);
	cr_assert_str_eq(image.layers.items[1].json, SECOND);
}

Test(legacy_image, keeps_what_the_config_says)
{
	CLEANUP(str_release) struct str out = STR_INIT(4096);
	CLEANUP(legacy_descriptor_release) struct legacy_descriptor layer = layer_of(DIGEST_A);
	static const char before[] = "{\"rootfs\":{\"diff_ids\":[],\"type\":\"layers\"},\"x\":1,"
				     "\"history\":[{\"created\":\"2024-01-01T00:00:00Z\"}]}";

	cr_assert(legacy_image_extend_config(before, strlen(before), &layer, 1, &out));
	cr_assert_str_eq(str_text(&out),
		"{\"rootfs\":{\"diff_ids\":[\"" DIGEST_A "\"],\"type\":\"layers\"},\"x\":1,"
		"\"history\":[{\"created\":\"2024-01-01T00:00:00Z\"}," EMPTY "]}");
	str_clear(&out);
	cr_assert_not(legacy_image_extend_config("{\"history\":[]}", 14, &layer, 1, &out));
	cr_assert_not(legacy_image_extend_config("{}", 2, &layer, 1, &out));
	cr_assert_eq(out.len, 0);
	/* Nor half of one that grows too large. */
	CLEANUP(str_release) struct str small = STR_INIT(strlen(before) + 20);
	cr_assert_not(legacy_image_extend_config(before, strlen(before), &layer, 1, &small));
	cr_assert_eq(small.len, 0);
}

Test(legacy_image, the_same_layer_is_known)
{
	CLEANUP(legacy_image_release) struct legacy_image image = {0};
	CLEANUP(legacy_descriptor_release) struct legacy_descriptor same = layer_of(DIGEST_A);
	CLEANUP(legacy_descriptor_release) struct legacy_descriptor other = layer_of(DIGEST_B);
	static const char text[] = "{\"config\":{\"digest\":\"" DIGEST_C
				   "\",\"size\":1},\"layers\":[" LAYER_TEXT(DIGEST_A) "]}";

	read_image(text, &image);
	cr_assert(legacy_image_has(&image, &same));
	cr_assert_not(legacy_image_has(&image, &other));
	/* Another signature over the same payload is another layer. */
	same.annotations[LEGACY_SIGNATURE][0] = 'x';
	cr_assert_not(legacy_image_has(&image, &same));
}

static void expect_refusal(const char *text, enum err_kind kind)
{
	struct legacy_image image = {0};
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert_not(legacy_image_parse(text, strlen(text), &image, &err), "%.200s", text);
	cr_assert_eq(err->kind, kind, "%s", err->msg);
}

Test(legacy_image, refuses)
{
	static const char *const texts[] = {
		"",
		"[]",
		"{}",
		"{\"manifests\":[]}",
		"{\"config\":{\"digest\":\"" DIGEST_A "\"},\"layers\":[],\"manifests\":[]}",
		"{\"config\":{\"digest\":\"sha256:1\"},\"layers\":[]}",
		"{\"config\":{\"digest\":\"" DIGEST_A "\"},\"layers\":{}}",
		"{\"config\":{\"digest\":\"" DIGEST_A "\"},\"layers\":[1]}",
		"{\"config\":{\"digest\":\"" DIGEST_A "\"},\"layers\":[{\"digest\":\"" DIGEST_A
		"\",\"size\":-1}]}",
		"{\"config\":{\"digest\":\"" DIGEST_A "\"},\"layers\":[{\"size\":1}]}",
		"{\"config\":{\"digest\":\"" DIGEST_A "\"},\"layers\":[],\"layers\":[]}",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		expect_refusal(texts[i], ERR_INVALID);
}

/* Annotations that are no texts are none. */
Test(legacy_image, reads_odd_annotations)
{
	CLEANUP(legacy_image_release) struct legacy_image image = {0};
	static const char text[] =
		"{\"config\":{\"digest\":\"" DIGEST_C
		"\"},\"layers\":[{\"size\":1,\"digest\":\"" DIGEST_A
		"\",\"annotations\":{\"predicateType\":1,\"dev.sigstore.cosign/bundle\":null}},"
		"{\"size\":1,\"digest\":\"" DIGEST_A "\",\"annotations\":[]}]}";

	read_image(text, &image);
	cr_assert_eq(image.layers.len, 2);
	cr_assert_null(image.layers.items[0].annotations[LEGACY_PREDICATE_TYPE]);
	cr_assert_null(image.layers.items[0].annotations[LEGACY_LOG_ENTRY]);
	cr_assert_str_empty(image.layers.items[1].media_type);
}

Test(legacy_image, refuses_too_many_layers)
{
	CLEANUP(str_release) struct str text = STR_INIT(LEGACY_IMAGE_MAX_SIZE);
	CLEANUP(str_release) struct str out = STR_INIT(LEGACY_IMAGE_MAX_SIZE);
	CLEANUP(str_release) struct str config = STR_INIT(1024);
	CLEANUP(legacy_descriptor_release) struct legacy_descriptor layer = layer_of(DIGEST_A);
	CLEANUP(legacy_image_release) struct legacy_image image = {0};
	CLEANUP(err_freep) struct err *err = NULL;

	str_add_text(&text, "{\"config\":{\"digest\":\"" DIGEST_C "\"},\"layers\":[");
	for (size_t i = 0; i < LEGACY_IMAGE_MAX_LAYERS; i++)
		str_addf(&text, "%s{\"size\":1,\"digest\":\"" DIGEST_B "\"}", i ? "," : "");
	str_add_text(&text, "]}");
	read_image(str_text(&text), &image);
	cr_assert_eq(image.layers.len, LEGACY_IMAGE_MAX_LAYERS);
	str_add_text(&config, "{}");
	cr_assert_not(legacy_image_extend(str_text(&text), &layer, 1, &config, &out, &err));
	cr_assert_eq(err->kind, ERR_TOO_LARGE);
}

Test(legacy_image, leaves_escaped_names_alone)
{
	CLEANUP(str_release) struct str out = STR_INIT(4096);
	CLEANUP(str_release) struct str config = STR_INIT(1024);
	CLEANUP(legacy_descriptor_release) struct legacy_descriptor layer = layer_of(DIGEST_A);
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert_not(legacy_image_extend("{\"config\":{\"digest\":\"" DIGEST_C
					  "\"},\"l\\u0061yers\":[]}",
		&layer, 1, &config, &out, &err));
	cr_assert_eq(err->kind, ERR_UNSUPPORTED);
}
