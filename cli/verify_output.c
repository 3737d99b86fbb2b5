/*
 * The two shapes of a verification's outcome. Which fields there are is verify.h's matter.
 */
#include "cli/verify_output.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/escape.h"
#include "reconciler/json_out.h"

#define CLAIM_COUNT (CERTIFICATE_CLAIM_LAST - CERTIFICATE_CLAIM_FIRST + 1)
#define TEXT_MAX 1024

/* ---- Text ---- */

static void add_row(struct str *out, const char *name, const char *text)
{
	str_addf(out, "%-9s", name);
	escape_terminal(out, text, strlen(text), TEXT_MAX);
	str_add_char(out, '\n');
}

static void add_entry(struct str *out, const struct verified_entry *entry)
{
	CLEANUP(mem_freep)
	char *text = mem_printf("%s entry %" PRIu64 " (%s%s%s)", entry->log->base_url,
		entry->entry->index, entry->has_proof ? "inclusion proof" : "",
		entry->has_proof && entry->has_promise ? ", " : "",
		entry->has_promise ? "signed entry timestamp" : "");

	add_row(out, "log", text);
}

static void add_time(struct str *out, const struct verified_time *time)
{
	char at[CLOCK_RFC3339_SIZE];

	clock_format_rfc3339(time->seconds * 1000, at);
	CLEANUP(mem_freep) char *text = mem_printf("%s by %s", at, time->by);
	add_row(out, "time", text);
}

void verify_output_text(const struct verify_result *result, struct str *out)
{
	str_add_text(out, "verified\n");
	verify_output_facts(result, out);
}

void verify_output_facts(const struct verify_result *result, struct str *out)
{
	if (result->certificate) {
		add_row(out, "identity", certificate_identity(result->certificate));
		add_row(out, "issuer", certificate_issuer(result->certificate));
		add_row(out, "serial", certificate_serial(result->certificate));
	} else {
		add_row(out, "key", "the public key that was given");
	}
	if (result->predicate_type)
		add_row(out, "type", result->predicate_type);
	for (size_t i = 0; i < result->entries.len; i++)
		add_entry(out, &result->entries.items[i]);
	for (size_t i = 0; i < result->times.len; i++)
		add_time(out, &result->times.items[i]);
	for (size_t i = 0; i < result->sct_count; i++)
		add_row(out, "sct", result->scts[i]->base_url);
	for (size_t i = 0; i < result->passed_over.len; i++)
		add_row(out, "ignored", result->passed_over.items[i]);
}

/* ---- JSON ---- */

static void write_checked(struct json_out *out, const struct verify_result *result)
{
	json_out_open(out, "checked", '[');
	for (unsigned step = 0; step < VERIFY_STEP_COUNT; step++)
		if (result->checked & 1u << step)
			json_out_text(out, NULL, verify_step_name((enum verify_step)step));
	json_out_close(out, ']');
}

static void write_certificate(struct json_out *out, const struct certificate *certificate)
{
	json_out_text(out, "identity", certificate_identity(certificate));
	json_out_text(out, "issuer", certificate_issuer(certificate));
	json_out_open(out, "certificate", '{');
	json_out_text(out, "serial", certificate_serial(certificate));
	json_out_time(out, "not_before", certificate_not_before(certificate) * 1000);
	json_out_time(out, "not_after", certificate_not_after(certificate) * 1000);
	for (unsigned i = CERTIFICATE_CLAIM_FIRST; i <= CERTIFICATE_CLAIM_LAST; i++)
		if (certificate_claim(certificate, i))
			json_out_text(
				out, certificate_claim_name(i), certificate_claim(certificate, i));
	json_out_close(out, '}');
}

static void write_logs(struct json_out *out, const struct verify_result *result)
{
	json_out_open(out, "logs", '[');
	for (size_t i = 0; i < result->entries.len; i++) {
		const struct verified_entry *entry = &result->entries.items[i];
		json_out_open(out, NULL, '{');
		json_out_text(out, "url", entry->log->base_url);
		json_out_number(out, "index", entry->entry->index);
		json_out_bool(out, "signed_entry_timestamp", entry->has_promise);
		json_out_bool(out, "inclusion_proof", entry->has_proof);
		json_out_close(out, '}');
	}
	json_out_close(out, ']');
}

static void write_facts(struct json_out *out, const struct verify_result *result)
{
	if (result->certificate)
		write_certificate(out, result->certificate);
	if (result->predicate_type)
		json_out_text(out, "predicate_type", result->predicate_type);
	write_logs(out, result);
	json_out_open(out, "times", '[');
	for (size_t i = 0; i < result->times.len; i++) {
		json_out_open(out, NULL, '{');
		json_out_time(out, "time", result->times.items[i].seconds * 1000);
		json_out_text(out, "by", result->times.items[i].by);
		json_out_close(out, '}');
	}
	json_out_close(out, ']');
	json_out_open(out, "scts", '[');
	for (size_t i = 0; i < result->sct_count; i++)
		json_out_text(out, NULL, result->scts[i]->base_url);
	json_out_close(out, ']');
}

void verify_output_members(const struct verify_result *result, bool counts, struct json_out *out)
{
	write_checked(out, result);
	if (counts)
		write_facts(out, result);
	json_out_open(out, "ignored", '[');
	for (size_t i = 0; i < result->passed_over.len; i++)
		json_out_text(out, NULL, result->passed_over.items[i]);
	json_out_close(out, ']');
}

bool verify_output_json(const struct verify_result *result, const struct err *error, FILE *stream)
{
	struct json_out out = {.stream = stream};

	json_out_open(&out, NULL, '{');
	json_out_bool(&out, "verified", error == NULL);
	if (error) {
		json_out_text(&out, "failed", verify_step_name(result->failed));
		json_out_text(&out, "error_kind", err_kind_name(error->kind));
		json_out_text(&out, "error", error->msg);
	}
	verify_output_members(result, !error, &out);
	json_out_close(&out, '}');
	fputc('\n', stream);
	return fflush(stream) == 0 && !ferror(stream);
}
