/*
 * The words for the outcomes of a replication. Judges nothing.
 */
#include "cli/replicate_table.h"

#include "base/escape.h"
#include "reconciler/json_out.h"

static const char *word_of(const struct replicate_row *row)
{
	return row->tag ? replica_end_name(row->end) : "unlisted";
}

/* ---- For people ---- */

static void print_row(const struct replicate_row *row, FILE *out)
{
	fprintf(out, "%-8s  %s", word_of(row), row->destination);
	if (row->tag)
		fprintf(out, ":%s from %s", row->tag, row->primary);
	if (row->error) {
		CLEANUP(mem_freep) char *error = escape_terminal_text(row->error);

		fprintf(out, ": %s", error);
	}
	fputc('\n', out);
}

bool replicate_table_text(const struct replicate_result *result, FILE *out)
{
	for (size_t i = 0; i < result->rows.len; i++)
		print_row(&result->rows.items[i], out);
	return fflush(out) == 0 && !ferror(out);
}

/* ---- For machines ---- */

static void write_row(struct json_out *json, const struct replicate_row *row)
{
	json_out_break(json);
	json_out_open(json, NULL, '{');
	json_out_text(json, "destination", row->destination);
	json_out_text(json, "primary", row->tag ? row->primary : NULL);
	json_out_text(json, "tag", row->tag);
	json_out_text(json, "outcome", word_of(row));
	json_out_text(json, "error", row->error);
	json_out_close(json, '}');
}

bool replicate_table_json(const struct replicate_result *result, FILE *out)
{
	struct json_out json = {.stream = out};

	json_out_open(&json, NULL, '{');
	json_out_number(&json, "version", 1);
	json_out_bool(&json, "interrupted", result->interrupted);
	json_out_number(&json, "projects_left_out", result->left_out);
	json_out_open(&json, "totals", '{');
	for (enum replica_end end = 0; end < REPLICA_MISSING; end++)
		json_out_number(&json, replica_end_name(end), result->ends[end]);
	json_out_number(&json, "unlisted", result->unlisted);
	json_out_close(&json, '}');
	json_out_open(&json, "objects", '[');
	for (size_t i = 0; i < result->rows.len; i++)
		write_row(&json, &result->rows.items[i]);
	json_out_close(&json, ']');
	json_out_close(&json, '}');
	fputc('\n', out);
	return fflush(out) == 0 && !ferror(out);
}
