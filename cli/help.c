/*
 * Help on a terminal: what is wrapped where. The words come from the tables.
 */
#include "cli/help.h"

#include <string.h>

#include "base/str.h"
#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/terminal.h"

#define WIDTH_MIN 60
#define WIDTH_MAX 100
#define WIDTH_UNKNOWN 80
#define TERM_COLUMN 2
#define FLAG_COLUMN 30
#define SHORT_COLUMN 15 /* commands and exit codes */

struct page {
	FILE *out;
	size_t width;
};

static void pad(const struct page *page, size_t count)
{
	fprintf(page->out, "%*s", (int)count, "");
}

/* A piece of text that stays on one line: up to a blank, or past a comma. */
static size_t piece_len(const char *text)
{
	size_t len = strcspn(text, " ,");

	return len + strspn(text + len, ",");
}

/* Writes text from `column` on, continuing lines at `indent`, and ends the line. */
static void wrap(const struct page *page, size_t column, size_t indent, const char *text)
{
	size_t blanks = 0;

	for (bool is_first = true; *text; is_first = false) {
		size_t len = piece_len(text);

		if (!is_first && column + blanks + len > page->width) {
			fputc('\n', page->out);
			pad(page, indent);
			column = indent;
		} else {
			pad(page, blanks);
			column += blanks;
		}
		fwrite(text, 1, len, page->out);
		column += len;
		text += len;
		blanks = strspn(text, " ");
		text += blanks;
	}
	fputc('\n', page->out);
}

static void item(const struct page *page, size_t text_column, const char *term, const char *text)
{
	size_t column = TERM_COLUMN + strlen(term);

	pad(page, TERM_COLUMN);
	fputs(term, page->out);
	if (column + 2 > text_column) {
		fputc('\n', page->out);
		column = 0;
	}
	pad(page, text_column - column);
	wrap(page, text_column, text_column, text);
}

static void flag_item(const struct page *page, const struct flag *flag)
{
	CLEANUP(mem_freep)
	char *term = flag->value ? mem_printf("--%s %s", flag->name, flag->value)
				 : mem_printf("--%s", flag->name);
	CLEANUP(mem_freep)
	char *text = flag->initial ? mem_printf("%s (default %s)", flag->help, flag->initial)
				   : mem_strdup(flag->help);

	item(page, FLAG_COLUMN, term, text);
}

static void flags_of(const struct page *page, const struct command *command)
{
	for (size_t i = 0; i < flag_count(command->flags); i++) {
		const struct flag *flag = flag_at(command->flags, i);

		if (flag->state != FLAG_SHOWN)
			continue;
		if (flag->group)
			fprintf(page->out, "\n%s:\n", flag->group);
		flag_item(page, flag);
	}
}

static void sections(const struct page *page)
{
	fputs("\nExit codes:\n", page->out);
	for (size_t i = 0; i < exit_code_text_count; i++)
		item(page, SHORT_COLUMN, exit_code_texts[i].codes, exit_code_texts[i].meaning);
	for (size_t i = 0; i < help_section_count; i++) {
		const struct help_section *section = &help_sections[i];

		if (section->only_man)
			continue;
		fprintf(page->out, "\n%s:\n", section->title);
		for (size_t j = 0; j < section->count && !section->is_code; j++)
			item(page, FLAG_COLUMN, section->items[j].term, section->items[j].text);
		for (size_t j = 0; j < section->count && section->is_code; j++) {
			fputs("  # ", page->out);
			wrap(page, 4, 4, section->items[j].text);
			pad(page, 2);
			wrap(page, 2, 6, section->items[j].term);
		}
	}
}

static void commands(const struct page *page, const struct program *program)
{
	fputs("\nCommands:\n", page->out);
	for (size_t i = 1; i < program->count; i++) {
		const struct command *command = &program->commands[i];

		if (command->run)
			item(page, SHORT_COLUMN, command->name, command->summary);
	}
}

void help_short(const struct program *program, FILE *out)
{
	const struct page page = {.out = out, .width = WIDTH_UNKNOWN};

	fprintf(out, "cip %s\n\n", program->commands[0].summary);
	fputs("  cip --thin-manifest-dir DIR             # shows what would be done\n"
	      "  cip --thin-manifest-dir DIR --confirm   # does it\n",
		out);
	commands(&page, program);
	fputs("\ncip --help lists all flags.\n", out);
}

int help_command(const struct program *program, const struct command *command, FILE *out)
{
	struct page page = {.out = out, .width = terminal_columns(out, WIDTH_UNKNOWN)};
	bool is_job = command == &program->commands[0];

	page.width = page.width < WIDTH_MIN ? WIDTH_MIN
		: page.width > WIDTH_MAX    ? WIDTH_MAX
					    : page.width;
	fprintf(out, "Usage: cip %s\n", command->usage);
	if (is_job)
		fputs("       cip COMMAND [flags]\n", out);
	fputc('\n', out);
	if (command->paragraph) {
		wrap(&page, 0, 0, command->paragraph);
	} else {
		fprintf(out, "cip %s ", command->name);
		wrap(&page, strlen(command->name) + 5, 0, command->summary);
	}
	if (is_job)
		commands(&page, program);
	flags_of(&page, command);
	if (is_job)
		sections(&page);
	return fflush(out) == 0 && !ferror(out) ? EXIT_CODE_OK : EXIT_CODE_NOT_DONE;
}
