#include "replicator/layers.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/alloc.h"

#define LAYER(signature)                                                                           \
	"{\"digest\":\"sha256:00\",\"size\":7,\"annotations\":{\"signature\":\"" signature "\"}}"

static struct document of(const char *text)
{
	return (struct document){.bytes = mem_strdup(text), .len = strlen(text)};
}

static struct layers_compared compare(const char *left, const char *right)
{
	CLEANUP(document_release) struct document a = of(left);
	CLEANUP(document_release) struct document b = of(right);
	struct layers_compared compared = {0};
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert(layers_compare(&a, &b, &compared, &err), "%s", err ? err->msg : "");
	return compared;
}

/* Two signatures over one payload have one blob. */
Test(layers, annotations_tell_layers_apart)
{
	struct layers_compared compared = compare("{\"layers\":[" LAYER("a") "," LAYER("b") "]}",
		"{\"layers\":[" LAYER("c") "," LAYER("b") "," LAYER("d") "]}");

	cr_assert_eq(compared.only_left, 1);
	cr_assert_eq(compared.bytes_left, 7);
	cr_assert_eq(compared.only_right, 2);
	cr_assert_eq(compared.bytes_right, 14);
}

Test(layers, order_and_spelling_do_not)
{
	struct layers_compared compared = compare("{\"layers\":[" LAYER("a") "," LAYER("b") "]}",
		"{\"layers\": [" LAYER(
			"b") ", {\"annotations\": {\"signature\": \"a\"}, \"size\": 7,"
			     " \"digest\": \"sha256:00\"}]}");

	cr_assert_eq(compared.only_left, 0);
	cr_assert_eq(compared.only_right, 0);
}

/* What is said of it beside its digest makes no other of a referrer. */
Test(layers, indexes_are_compared_by_digest)
{
	struct layers_compared compared =
		compare("{\"manifests\":[{\"digest\":\"sha256:00\"},{\"digest\":\"sha256:11\"}]}",
			"{\"manifests\":[{\"digest\":\"sha256:22\",\"size\":5},"
			"{\"digest\":\"sha256:00\",\"size\":7}]}");

	cr_assert_eq(compared.only_left, 1);
	cr_assert_eq(compared.only_right, 1);
	cr_assert_eq(compared.bytes_right, 5);
}

Test(layers, only_the_same_form_is_compared)
{
	static const char *const others[] = {"", "[]", "{}", "{\"manifests\":[]}",
		"{\"layers\":{}}", "{\"layers\":[],\"layers\":[]}", "{\"layers\":[]"};
	CLEANUP(document_release) struct document image = of("{\"layers\":[]}");

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		CLEANUP(err_freep) struct err *err = NULL;
		CLEANUP(document_release) struct document other = of(others[i]);
		struct layers_compared compared;

		cr_expect_not(layers_compare(&image, &other, &compared, &err), "%s", others[i]);
		cr_expect(err_is(err, ERR_INVALID));
	}
}
