/* What we write is read back as the same, and is what cosign wrote, byte for byte. */
#include "signer/bundle_write.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

#include "tests/unit/signer/data.h"

static struct bundle *parse(const char *text, size_t len)
{
	CLEANUP(err_freep) struct err *err = NULL;
	struct bundle *bundle = NULL;

	cr_assert(bundle_parse(text, len, &bundle, &err), "%s\n%.*s", err ? err->msg : "", (int)len,
		text);
	return bundle;
}

/* Go's writer of protobuf puts a space behind commas, or does not: it says that nobody may rely on it. */
static char *without_spaces(const char *text)
{
	struct str out = STR_INIT(STR_TEXT_MAX);
	bool in_string = false;

	for (; *text; text++) {
		if (*text == '"' && !(in_string && text[-1] == '\\'))
			in_string = !in_string;
		if (in_string || *text != ' ')
			str_add_char(&out, *text);
	}
	return str_steal(&out, NULL);
}

static const char *const made[] = {
	"sha256-2cf367df595efc179c21aee3b39c22d0b247c9c909ef0e012fa15f1dc6586eef",
	"sha256-fab4fa70853e72ef62c28d293225d4cb2e982e4bc214cc6288d763e3f4a9561e",
	"sha256-0f7cf64625c4ba939cdb159e4a0806212c979a81cfcce800f86925840caf55bc",
	"sha256-e0a1927d2cc6bde9da432e8ceb2f8bf0749c77177d2531dca905a8c332b4007c",
	"sha256-e4a4b26d4f90495b2797ebb5cecafcc26193eb270b98f7c6f72c26bee9be2ff7",
};

Test(bundle_write, bundles_of_cosign_byte_for_byte)
{
	DATA_REQUIRE(MADE "/bundle");
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		CLEANUP(mem_freep) char *name = mem_printf(MADE "/bundle/blobs/%s", made[i]);
		CLEANUP(str_release) struct str text = STR_INIT(DATA_MAX_SIZE);
		CLEANUP(str_release) struct str written = STR_INIT(DATA_MAX_SIZE);
		data_read(name, &text);
		CLEANUP(bundle_freep) struct bundle *bundle = parse(str_text(&text), text.len);
		CLEANUP(mem_freep) char *expected = without_spaces(str_text(&text));

		bundle_write(bundle, &written);
		cr_assert_str_eq(str_text(&written), expected);
	}
}

/* ---- A bundle of our own ---- */

/* Any certificate will do: that of a vector. NULL without the data. */
static struct bundle *any_bundle(void)
{
	CLEANUP(str_release) struct str text = STR_INIT(DATA_MAX_SIZE);
	CLEANUP(mem_freep) char *name = mem_printf(MADE "/bundle/blobs/%s", made[0]);

	data_read(name, &text);
	return parse(str_text(&text), text.len);
}

static void set_bytes(struct bytes *bytes, const char *text)
{
	bytes_release(bytes);
	*bytes = (struct bytes){mem_dup(text, strlen(text)), strlen(text)};
}

static void expect_same_entry(const struct log_entry *a, const struct log_entry *b)
{
	cr_assert_eq(a->index, b->index);
	cr_assert_eq(a->integrated_time, b->integrated_time);
	cr_assert_arr_eq(a->log_id, b->log_id, sizeof(a->log_id));
	cr_assert_str_eq(a->kind, b->kind);
	cr_assert_str_eq(a->version, b->version);
	cr_assert(bytes_equal(&a->promise, b->promise.data, b->promise.len));
	cr_assert(bytes_equal(&a->body, b->body.data, b->body.len));
	cr_assert_eq(a->has_proof, b->has_proof);
	cr_assert_eq(a->proof_index, b->proof_index);
	cr_assert_eq(a->proof_size, b->proof_size);
	cr_assert(bytes_equal(&a->proof_root, b->proof_root.data, b->proof_root.len));
	cr_assert(bytes_equal(&a->proof_path, b->proof_path.data, b->proof_path.len));
	cr_assert_str_eq(a->checkpoint, b->checkpoint);
}

Test(bundle_write, a_signature_of_bytes_is_read_back)
{
	DATA_REQUIRE(MADE "/bundle");
	CLEANUP(bundle_freep) struct bundle *bundle = any_bundle();
	CLEANUP(str_release) struct str text = STR_INIT(DATA_MAX_SIZE);

	bundle->is_envelope = false;
	set_bytes(&bundle->signature, "not a signature");
	bundle->stated_hash = HASH_SHA256;
	set_bytes(&bundle->stated_digest, "0123456789abcdef0123456789abcdef");
	for (size_t i = 0; i < 2; i++)
		set_bytes(vec_push(&bundle->timestamps), i ? "second" : "first");
	mem_free(bundle->entries.items[0].checkpoint);
	bundle->entries.items[0].checkpoint =
		mem_strdup("host\n1\n\n\xe2\x80\x94 \"quoted\\\"\tand \x01<>&\n");
	bundle->entries.items[0].index = INT64_MAX;

	bundle_write(bundle, &text);
	CLEANUP(bundle_freep) struct bundle *again = parse(str_text(&text), text.len);
	cr_assert_not(again->is_envelope);
	cr_assert_eq(again->form, BUNDLE_0_3);
	cr_assert(bytes_equal(&again->signature, bundle->signature.data, bundle->signature.len));
	cr_assert(bytes_equal(&again->stated_digest, bundle->stated_digest.data, 32));
	cr_assert_eq(again->timestamps.len, 2);
	cr_assert(bytes_equal(&again->timestamps.items[1], "second", 6));
	cr_assert_eq(again->entries.len, 1);
	expect_same_entry(&again->entries.items[0], &bundle->entries.items[0]);
	cr_assert(strstr(str_text(&text),
		"\"host\\n1\\n\\n\xe2\x80\x94 \\\"quoted\\\\\\\"\\tand \\u0001<>&\\n\""));
}

/* ---- The older form ---- */

static const char *annotation(const json_t *layer, const char *name)
{
	return json_string_value(json_object_get(json_object_get(layer, "annotations"), name));
}

static void expect_layer(const json_t *layer, bool is_envelope)
{
	const char *digest = json_string_value(json_object_get(layer, "digest"));
	CLEANUP(mem_freep) char *name = mem_printf(MADE "/legacy/blobs/sha256-%s", digest + 7);
	CLEANUP(str_release) struct str blob = STR_INIT(DATA_MAX_SIZE);
	CLEANUP(legacy_text_release) struct legacy_text text = {0};
	CLEANUP(bundle_freep) struct bundle *bundle = NULL;
	CLEANUP(err_freep) struct err *err = NULL;

	data_read(name, &blob);
	const struct legacy_layer legacy = {
		.blob = str_text(&blob),
		.len = blob.len,
		.is_envelope = is_envelope,
		.signature = annotation(layer, "dev.cosignproject.cosign/signature"),
		.log_entry = annotation(layer, "dev.sigstore.cosign/bundle"),
		.certificate = annotation(layer, "dev.sigstore.cosign/certificate"),
	};
	cr_assert(bundle_of_legacy(&legacy, &bundle, &err), "%s", err ? err->msg : "");
	/* Made anew from what it says. */
	bytes_release(&bundle->envelope_text);
	bundle->envelope_text = (struct bytes){0};

	cr_assert(bundle_write_legacy(bundle, &text, &err));
	cr_assert_str_eq(text.signature, legacy.signature);
	cr_assert_str_eq(text.log_entry, legacy.log_entry);
	cr_assert_str_eq(text.certificate, legacy.certificate);
	cr_assert_str_eq(text.chain, annotation(layer, "dev.sigstore.cosign/chain"));
	cr_assert_null(text.timestamp);
	if (!is_envelope) {
		cr_assert_null(text.blob);
		return;
	}
	cr_assert_eq(text.len, blob.len);
	cr_assert_str_eq(text.blob, str_text(&blob));
}

static void expect_layers(const char *manifest, bool is_envelope)
{
	CLEANUP(str_release) struct str text = STR_INIT(DATA_MAX_SIZE);
	const json_t *layer;
	size_t i;

	data_read(manifest, &text);
	json_t *document = json_loads(str_text(&text), 0, NULL);
	cr_assert_gt(json_array_size(json_object_get(document, "layers")), 1);
	json_array_foreach(json_object_get(document, "layers"), i, layer)
	{
		expect_layer(layer, is_envelope);
	}
	json_decref(document);
}

Test(bundle_write, annotations_of_cosign_byte_for_byte)
{
	DATA_REQUIRE(MADE "/legacy");
	expect_layers(MADE "/legacy/sig.json", false);
	expect_layers(MADE "/legacy/att.json", true);
}

Test(bundle_write, older_form_with_all_there_is)
{
	DATA_REQUIRE(MADE "/bundle");
	CLEANUP(bundle_freep) struct bundle *bundle = any_bundle();
	CLEANUP(bundle_freep) struct bundle *again = NULL;
	CLEANUP(legacy_text_release) struct legacy_text text = {0};
	CLEANUP(err_freep) struct err *err = NULL;

	bundle->chain = mem_strdup("issuers\n");
	set_bytes(vec_push(&bundle->timestamps), "\x30\x01");
	set_bytes(&bundle->envelope_text, "{\"stored\":\"as it was\"}");
	cr_assert(bundle_write_legacy(bundle, &text, &err));
	cr_assert_str_eq(text.chain, "issuers\n");
	cr_assert_str_eq(text.timestamp, "{\"SignedRFC3161Timestamp\":\"MAE=\"}");
	cr_assert_str_eq(text.blob, "{\"stored\":\"as it was\"}");

	const struct legacy_layer layer = {.blob = "",
		.signature = "AAAA",
		.log_entry = text.log_entry,
		.certificate = text.certificate,
		.timestamp = text.timestamp};
	cr_assert(bundle_of_legacy(&layer, &again, &err), "%s", err ? err->msg : "");
	cr_assert(bytes_equal(&again->timestamps.items[0], "\x30\x01", 2));
	cr_assert_eq(again->entries.items[0].index, bundle->entries.items[0].index);
}

Test(bundle_write, older_form_needs_a_promise)
{
	DATA_REQUIRE(MADE "/bundle");
	CLEANUP(bundle_freep) struct bundle *bundle = any_bundle();
	CLEANUP(legacy_text_release) struct legacy_text text = {0};
	CLEANUP(err_freep) struct err *err = NULL;

	bytes_release(&bundle->entries.items[0].promise);
	bundle->entries.items[0].promise = (struct bytes){0};
	cr_assert_not(bundle_write_legacy(bundle, &text, &err));
	cr_assert_eq(err->kind, ERR_UNSUPPORTED);
}
