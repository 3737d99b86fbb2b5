#include "tests/unit/reconciler/claims_held.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "signer/dsse.h"
#include "signer/legacy_image.h"

DEFINE_CLEANUP(json_t, json_freep, json_decref)

struct reading {
	struct registry *model;
	struct claims_held *held;
};

static void add(struct claims_held *held, char *text)
{
	for (size_t i = 0; i < held->lines.len; i++)
		if (strcmp(held->lines.items[i].text, text) == 0) {
			held->lines.items[i].count++;
			mem_free(text);
			return;
		}
	*vec_push(&held->lines) = (struct claim_held){text, 1};
}

/*
 * As whose, and under which tags. Not from which of several sources, of which the first that is met with is as
 * good as another, nor what a tag pointed to before: only who moved it knows that.
 */
static char *said_by(const struct bytes *payload)
{
	CLEANUP(json_freep)
	json_t *statement = json_loadb((const char *)payload->data, payload->len, 0, NULL);
	json_t *predicate = json_object_get(statement, "predicate");
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);
	size_t index;
	json_t *tag;

	if (!predicate)
		abort();
	str_addf(&text, "record of %s", json_string_value(json_object_get(predicate, "dstRef")));
	json_array_foreach(json_object_get(predicate, "tags"), index, tag)
		str_addf(&text, " %s", json_string_value(tag));
	return str_steal(&text, NULL);
}

/* Statements stand in envelopes. */
static char *say(const char *repository, const char *tag, const struct document *blob)
{
	CLEANUP(dsse_release) struct dsse_envelope envelope = {0};

	if (!dsse_parse(blob->bytes, blob->len, &envelope, NULL))
		return mem_printf("%s:%s %s", repository, tag, blob->bytes);
	CLEANUP(mem_freep) char *text = said_by(&envelope.payload);
	return mem_printf("%s:%s %s", repository, tag, text);
}

static void read_image(
	void *ctx, const char *repository, const char *tag, const struct document *document)
{
	const struct reading *reading = ctx;
	CLEANUP(legacy_image_release) struct legacy_image image = {0};

	if (!legacy_image_parse(document->bytes, document->len, &image, NULL))
		abort();
	for (size_t i = 0; i < image.layers.len; i++) {
		const struct document *blob =
			model_blob(reading->model, repository, &image.layers.items[i].digest);

		if (!blob)
			abort();
		add(reading->held, say(repository, tag, blob));
	}
}

static int compare(const void *left, const void *right)
{
	const struct claim_held *a = left, *b = right;

	return strcmp(a->text, b->text);
}

void claims_held_read(struct registry *model, struct claims_held *held)
{
	struct reading reading = {model, held};

	*held = (struct claims_held){0};
	model_each_document(model, read_image, &reading);
	if (held->lines.len)
		qsort(held->lines.items, held->lines.len, sizeof(*held->lines.items), compare);
}

void claims_held_release(struct claims_held *held)
{
	for (size_t i = 0; i < held->lines.len; i++)
		mem_free(held->lines.items[i].text);
	vec_release(&held->lines);
}

unsigned claims_held_count(const struct claims_held *held, const char *text)
{
	for (size_t i = 0; i < held->lines.len; i++)
		if (strcmp(held->lines.items[i].text, text) == 0)
			return held->lines.items[i].count;
	return 0;
}

unsigned claims_held_below(const struct claims_held *held, const char *prefix)
{
	unsigned count = 0;

	for (size_t i = 0; i < held->lines.len; i++)
		if (strncmp(held->lines.items[i].text, prefix, strlen(prefix)) == 0)
			count += held->lines.items[i].count;
	return count;
}

const char *claims_held_lost(
	const struct claims_held *a, const struct claims_held *b, const char *prefix)
{
	for (size_t i = 0; i < a->lines.len; i++)
		if (strncmp(a->lines.items[i].text, prefix, strlen(prefix)) == 0 &&
			!claims_held_count(b, a->lines.items[i].text))
			return a->lines.items[i].text;
	return NULL;
}
