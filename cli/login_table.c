/*
 * The words for what was found out about access. Judges nothing but whether a row suffices.
 */
#include "cli/login_table.h"

#include <string.h>

#include "base/escape.h"
#include "reconciler/json_out.h"

enum { COLUMNS = 5, GAP = 2 };

/* ---- Advice ---- */

static char *advice_to_reach(const struct access_row *row)
{
	switch (row->access.err->kind) {
	case ERR_TLS:
		return mem_strdup(
			"if the certificate is right, trust it: \"ca\" of the registry in "
			"cip.yaml (--config), or SSL_CERT_FILE");
	case ERR_AUTH:
		return mem_strdup("try by hand what hands out the credentials; a helper: echo HOST "
				  "| docker-credential-NAME get");
	case ERR_TIMEOUT:
	case ERR_TRANSIENT:
		return mem_strdup(
			"check the name, the way there (HTTPS_PROXY, NO_PROXY) and whether "
			"the registry is up");
	default:
		return NULL;
	}
}

static char *advice_to_log_in(const struct access_row *row)
{
	const struct access *access = &row->access;
	int host_len = (int)strcspn(row->registry, "/");

	if (access->is_withheld)
		return mem_printf("the credentials of %s are not sent there: \"Which secret goes "
				  "where\" in docs/registries.md",
			access->credential);
	if (!access->credential)
		return mem_printf("log in with \"docker login %.*s\" or \"podman login %.*s\", or "
				  "give a file with %s",
			host_len, row->registry, host_len, row->registry,
			row->is_destination ? "--dest-authfile" : "--src-authfile");
	return mem_printf("renew the credentials of %s if they have expired, or give their account "
			  "the right to %s %s",
		access->credential, access->pull.right == ACCESS_GRANTED ? "push to" : "pull from",
		row->repository);
}

/* Fresh text; NULL: nothing is missing, or nothing can be said. */
static char *advice_for(const struct access_row *row)
{
	const struct access *access = &row->access;

	if (access_row_suffices(row))
		return NULL;
	if (access->err)
		return advice_to_reach(row);
	if (access->pull.right == ACCESS_REFUSED || access->push.right == ACCESS_REFUSED)
		return advice_to_log_in(row);
	return mem_strdup("registries answer otherwise: check that this is one (endpoint in "
			  "cip.yaml); a run without --confirm tells what can be read");
}

/* ---- For people ---- */

static char *name_of(const struct access_row *row)
{
	return escape_terminal_text(row->is_part ? row->repository : row->registry);
}

static const char *side_of(const struct access_row *row)
{
	return row->is_destination ? "destination" : "source";
}

static char *credential_of(const struct access_row *row)
{
	const struct access *access = &row->access;
	CLEANUP(mem_freep) char *text = NULL;

	if (!access->credential)
		return mem_strdup(err_is(access->err, ERR_AUTH) ? "failed" : "none");
	text = escape_terminal_text(access->credential);
	return access->is_withheld ? mem_printf("%s (not sent)", text) : steal_ptr(&text);
}

static const char *right_of(const struct access_row *row, const struct access_answer *answer)
{
	if (row->access.err && answer->right == ACCESS_UNKNOWN)
		return row->access.is_reached ? "unknown" : "not reached";
	return access_right_name(answer->right);
}

struct cells {
	char *text[COLUMNS]; /* owned */
};

static void cells_of(const struct access_row *row, struct cells *cells)
{
	cells->text[0] = name_of(row);
	cells->text[1] = mem_strdup(side_of(row));
	cells->text[2] = credential_of(row);
	cells->text[3] = mem_strdup(right_of(row, &row->access.pull));
	cells->text[4] = mem_strdup(row->is_destination ? right_of(row, &row->access.push) : "-");
}

static void add_cells(struct str *out, const struct cells *cells, const size_t *widths)
{
	for (size_t i = 0; i + 1 < COLUMNS; i++)
		str_addf(out, "%-*s", (int)(widths[i] + GAP), cells->text[i]);
	str_addf(out, "%s\n", cells->text[COLUMNS - 1]);
}

static void cells_release(struct cells *cells)
{
	for (size_t i = 0; i < COLUMNS; i++)
		mem_free(cells->text[i]);
}

static void add_table(const struct access_check *check, struct str *out)
{
	struct cells *lines = mem_new(check->rows.len + 1, sizeof(*lines));
	static const char *const titles[COLUMNS] = {
		"REGISTRY", "SIDE", "CREDENTIALS", "PULL", "PUSH"};
	size_t widths[COLUMNS] = {0};

	for (size_t i = 0; i < COLUMNS; i++)
		lines[0].text[i] = mem_strdup(titles[i]);
	for (size_t i = 0; i < check->rows.len; i++)
		cells_of(&check->rows.items[i], &lines[i + 1]);
	for (size_t i = 0; i <= check->rows.len; i++)
		for (size_t j = 0; j < COLUMNS; j++) {
			size_t len = strlen(lines[i].text[j]);

			widths[j] = len > widths[j] ? len : widths[j];
		}
	for (size_t i = 0; i <= check->rows.len; i++) {
		add_cells(out, &lines[i], widths);
		cells_release(&lines[i]);
	}
	mem_free(lines);
}

static void add_escaped(struct str *out, const char *before, const char *text)
{
	CLEANUP(mem_freep) char *escaped = escape_terminal_text(text);

	str_addf(out, "%s%s\n", before, escaped);
}

static void add_answer(struct str *out, const char *verb, const struct access_answer *answer)
{
	CLEANUP(mem_freep)
	char *before = mem_printf("  %s %s: ", verb, access_right_name(answer->right));

	if (answer->right != ACCESS_GRANTED && answer->said)
		add_escaped(out, before, answer->said);
}

static void add_note(const struct access_row *row, struct str *out)
{
	CLEANUP(mem_freep) char *name = name_of(row);
	CLEANUP(mem_freep) char *advice = advice_for(row);

	str_addf(out, "\n%s (%s)\n", name, side_of(row));
	if (row->access.err) {
		add_escaped(out, "  ", row->access.err->msg);
	} else {
		add_answer(out, "pull", &row->access.pull);
		if (row->is_destination)
			add_answer(out, "push", &row->access.push);
	}
	if (advice)
		add_escaped(out, "  ", advice);
}

void login_table_text(const struct access_check *check, struct str *out)
{
	if (check->rows.len)
		add_table(check, out);
	else
		str_add_text(out, "the manifests declare nothing that could be promoted\n");
	for (size_t i = 0; i < check->rows.len; i++)
		if (!access_row_suffices(&check->rows.items[i]))
			add_note(&check->rows.items[i], out);
}

/* ---- For machines ---- */

static void write_answer(struct json_out *json, const char *key, const struct access_answer *answer)
{
	json_out_open(json, key, '{');
	json_out_text(json, "right", access_right_name(answer->right));
	json_out_number(json, "status", (uint64_t)answer->status);
	json_out_text(json, "said", answer->said);
	json_out_close(json, '}');
}

static void write_row(struct json_out *json, const struct access_row *row)
{
	const struct access *access = &row->access;
	CLEANUP(mem_freep) char *advice = advice_for(row);

	json_out_break(json);
	json_out_open(json, NULL, '{');
	json_out_text(json, "registry", row->registry);
	json_out_text(json, "side", side_of(row));
	json_out_text(json, "repository", row->repository);
	json_out_number(json, "images", row->images);
	json_out_text(json, "credentials", access->credential);
	json_out_bool(json, "withheld", access->is_withheld);
	json_out_bool(json, "reached", access->is_reached);
	json_out_text(json, "error_kind", access->err ? err_kind_name(access->err->kind) : NULL);
	json_out_text(json, "error", access->err ? access->err->msg : NULL);
	write_answer(json, "pull", &access->pull);
	if (row->is_destination)
		write_answer(json, "push", &access->push);
	else
		json_out_text(json, "push", NULL);
	json_out_bool(json, "suffices", access_row_suffices(row));
	json_out_text(json, "advice", advice);
	json_out_close(json, '}');
}

bool login_table_json(const struct access_check *check, FILE *out)
{
	struct json_out json = {.stream = out};

	json_out_open(&json, NULL, '{');
	json_out_number(&json, "version", 1);
	json_out_bool(&json, "interrupted", check->interrupted);
	json_out_number(&json, "projects_left_out", check->left_out);
	json_out_open(&json, "registries", '[');
	for (size_t i = 0; i < check->rows.len; i++)
		write_row(&json, &check->rows.items[i]);
	json_out_close(&json, ']');
	json_out_close(&json, '}');
	fputc('\n', out);
	return fflush(out) == 0 && !ferror(out);
}
