/* The shapes of the outcome for images. Facts of a signature are verify_output.h's. */
#include "cli/verify_image_output.h"

#include <string.h>

#include "base/escape.h"
#include "cli/verify_output.h"
#include "reconciler/json_out.h"

#define TEXT_MAX 1024

/* "layer 0 of .sig", "bundle sha256:…" in fresh memory. */
static char *place_of(const struct attached_item *item)
{
	char text[DIGEST_TEXT_SIZE];

	digest_format(&item->manifest, text);
	if (item->kind == ATTACHED_BUNDLE)
		return mem_printf("bundle %s", text);
	return mem_printf(
		"layer %zu of %s", item->layer, item->kind == ATTACHED_SIG ? ".sig" : ".att");
}

/* ---- Text ---- */

static void add_line(struct str *out, const char *name, const char *text)
{
	str_addf(out, "%-9s", name);
	escape_terminal(out, text, strlen(text), TEXT_MAX);
	str_add_char(out, '\n');
}

static void add_counting(struct str *out, const struct image_verdict *verdict)
{
	CLEANUP(mem_freep) char *place = place_of(verdict->item);

	add_line(out, "by", place);
	if (verdict->docker_reference)
		add_line(out, "name", verdict->docker_reference);
	verify_output_facts(&verdict->result, out);
}

static void add_ignored(struct str *out, const struct image_verdict *verdict)
{
	CLEANUP(mem_freep) char *place = place_of(verdict->item);
	CLEANUP(mem_freep) char *text = mem_printf("%s: %s", place, verdict->why_not);

	add_line(out, "ignored", text);
}

void verify_image_text(const struct verified_image *image, struct str *out)
{
	char text[DIGEST_TEXT_SIZE];

	add_line(out, "verified", image->text);
	add_line(out, "digest", digest_format(&image->argument.digest, text));
	for (size_t i = 0; i < image->look_count; i++) {
		const struct image_verdicts *verdicts = &image->looks[i].verdicts;
		for (size_t n = 0; n < verdicts->items.len; n++) {
			const struct image_verdict *verdict = &verdicts->items.items[n];
			if (verdict->counts)
				add_counting(out, verdict);
			else
				add_ignored(out, verdict);
		}
	}
}

static size_t count_left_out(const struct verified_image *image)
{
	size_t count = 0;

	for (size_t i = 0; i < image->look_count; i++)
		count += image->looks[i].attached.left_out + image->looks[i].attached.foreign;
	return count;
}

static void add_why(struct str *out, const char *image, const char *what, const char *why)
{
	str_add_text(out, "cip: ");
	escape_terminal(out, image, strlen(image), TEXT_MAX);
	str_addf(out, ": %s%s", what, *what ? ": " : "");
	escape_terminal(out, why, strlen(why), TEXT_MAX);
	str_add_char(out, '\n');
}

void verify_image_why(const struct verified_image *image, const char *what, struct str *out)
{
	size_t found = 0, others = count_left_out(image);

	if (image->err) {
		add_why(out, image->text, "", image->err->msg);
		return;
	}
	for (size_t i = 0; i < image->look_count; i++) {
		const struct image_verdicts *verdicts = &image->looks[i].verdicts;
		for (size_t n = 0; n < verdicts->items.len; n++, found++) {
			const struct image_verdict *verdict = &verdicts->items.items[n];
			CLEANUP(mem_freep) char *place = place_of(verdict->item);
			add_why(out, image->text, place, verdict->why_not);
		}
	}
	CLEANUP(mem_freep)
	char *sum = others ? mem_printf("no %s that counts (%zu looked at, %zu of other kinds)",
				     what, found, others)
			   : mem_printf("no %s that counts (%zu looked at)", what, found);
	add_why(out, image->text, "not verified", sum);
}

/* ---- JSON ---- */

static const char *form_of(const struct attached_item *item)
{
	switch (item->kind) {
	case ATTACHED_SIG:
		return "sig";
	case ATTACHED_ATT:
		return "att";
	default:
		return "bundle";
	}
}

static void write_statement(struct json_out *out, const struct bytes *statement)
{
	CLEANUP(mem_freep) char *text = NULL;

	if (!statement->data)
		return;
	text = mem_strndup((const char *)statement->data, statement->len);
	json_out_text(out, "statement", text);
}

static void write_verdict(struct json_out *out, const struct image_verdict *verdict)
{
	const struct attached_item *item = verdict->item;
	char text[DIGEST_TEXT_SIZE];

	json_out_break(out);
	json_out_open(out, NULL, '{');
	json_out_text(out, "form", form_of(item));
	json_out_text(out, "manifest", digest_format(&item->manifest, text));
	json_out_number(out, "layer", item->layer);
	json_out_bool(out, "counts", verdict->counts);
	if (verdict->counts) {
		if (verdict->docker_reference)
			json_out_text(out, "docker_reference", verdict->docker_reference);
		verify_output_members(&verdict->result, true, out);
		write_statement(out, &verdict->predicate_statement);
	} else {
		json_out_text(out, "why_not", verdict->why_not);
		if (item->bundle && !verdict->result.passed)
			json_out_text(out, "failed", verify_step_name(verdict->result.failed));
		verify_output_members(&verdict->result, false, out);
	}
	json_out_close(out, '}');
}

static void write_verdicts(struct json_out *out, const struct verified_image *image)
{
	json_out_open(out, "found", '[');
	for (size_t i = 0; i < image->look_count; i++) {
		const struct image_verdicts *verdicts = &image->looks[i].verdicts;
		for (size_t n = 0; n < verdicts->items.len; n++)
			write_verdict(out, &verdicts->items.items[n]);
	}
	json_out_close(out, ']');
}

static void write_image(struct json_out *out, const struct verified_image *image)
{
	char text[DIGEST_TEXT_SIZE];

	json_out_break(out);
	json_out_open(out, NULL, '{');
	json_out_text(out, "image", image->text);
	json_out_bool(out, "verified", image->counting > 0);
	if (image->argument.has_digest)
		json_out_text(out, "digest", digest_format(&image->argument.digest, text));
	if (image->docker_reference)
		json_out_text(out, "docker_reference", image->docker_reference);
	if (image->err) {
		json_out_text(out, "error_kind", err_kind_name(image->err->kind));
		json_out_text(out, "error", image->err->msg);
	}
	write_verdicts(out, image);
	json_out_number(out, "left_out", count_left_out(image));
	json_out_close(out, '}');
}

bool verify_image_json(const struct verified_image *images, size_t count, FILE *stream)
{
	struct json_out out = {.stream = stream};
	bool verified = true;

	for (size_t i = 0; i < count; i++)
		verified &= images[i].counting > 0;
	json_out_open(&out, NULL, '{');
	json_out_bool(&out, "verified", verified);
	json_out_open(&out, "images", '[');
	for (size_t i = 0; i < count; i++)
		write_image(&out, &images[i]);
	json_out_close(&out, ']');
	json_out_close(&out, '}');
	fputc('\n', stream);
	return fflush(stream) == 0 && !ferror(stream);
}
