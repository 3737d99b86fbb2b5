/*
 * The manual page in the classic man macros. Everything that could be taken for a request or an
 * escape is neutralised in one place.
 */
#include <ctype.h>
#include <string.h>

#include "cip_version.h"
#include "cli/exit_code.h"
#include "cli/help.h"

/*
 * Text as it is: backslashes, hyphens (to be copied and pasted) and dots that begin a line.
 * Lists of choices may be broken behind each.
 */
static void text(FILE *out, const char *words)
{
	for (const char *at = words; *at; at++) {
		bool begins_line = at == words || at[-1] == '\n';

		if (begins_line && (*at == '.' || *at == '\''))
			fputs("\\&", out);
		if (*at == '\\')
			fputs("\\e", out);
		else if (*at == '-')
			fputs("\\-", out);
		else if (*at == '|')
			fputs("|\\:", out);
		else
			fputc(*at, out);
	}
}

static void line(FILE *out, const char *words)
{
	text(out, words);
	fputc('\n', out);
}

/* Ends what would be a sentence, for texts that are written without a full stop. */
static void sentence(FILE *out, const char *words)
{
	fputc(toupper((unsigned char)*words), out);
	text(out, words + 1);
	fputs(".\n", out);
}

static void heading(FILE *out, const char *title)
{
	fputs(".SH ", out);
	for (; *title; title++)
		fputc(toupper((unsigned char)*title), out);
	fputc('\n', out);
}

static void flag_item(FILE *out, const struct flag *flag)
{
	fputs(".TP\n\\fB\\-\\-", out);
	text(out, flag->name);
	fputs("\\fR", out);
	if (flag->value) {
		fputs("=\\fI", out);
		text(out, flag->value);
		fputs("\\fR", out);
	}
	fputc('\n', out);
	sentence(out, flag->help);
	if (flag->initial) {
		fputs("Default: ", out);
		text(out, flag->initial);
		fputs(".\n", out);
	}
	if (flag->details)
		line(out, flag->details);
}

static void flags_of(FILE *out, const struct command *command)
{
	for (size_t i = 0; i < flag_count(command->flags); i++) {
		const struct flag *flag = flag_at(command->flags, i);

		if (flag->state != FLAG_SHOWN)
			continue;
		if (flag->group) {
			fputs(".SS ", out);
			line(out, flag->group);
		}
		flag_item(out, flag);
	}
}

static void flag_names(FILE *out, const struct command *command, enum flag_state state)
{
	bool is_first = true;

	for (size_t i = 0; i < flag_count(command->flags); i++) {
		const struct flag *flag = flag_at(command->flags, i);

		if (flag->state != state)
			continue;
		fputs(is_first ? "\\fB\\-\\-" : ",\n\\fB\\-\\-", out);
		text(out, flag->name);
		fputs("\\fR", out);
		is_first = false;
	}
	fputc('\n', out);
}

static void later_flags(FILE *out, const struct command *command)
{
	heading(out, "Flags of kpromo");
	line(out,
		"Job templates written for kpromo work. Some of its flags come in a later version; "
		"cip refuses");
	line(out, "them rather than ignore them:");
	flag_names(out, command, FLAG_LATER);
	fputs(".PP\nThese are accepted together with \\fB\\-\\-sign=false\\fR, because they "
	      "concern signing only:\n",
		out);
	fputs(".PP\nThese are accepted without any effect:\n", out);
	flag_names(out, command, FLAG_HIDDEN);
}

static void commands(FILE *out, const struct program *program)
{
	heading(out, "Commands");
	for (size_t i = 1; i < program->count; i++) {
		const struct command *command = &program->commands[i];

		if (!command->run)
			continue;
		fputs(".TP\n\\fBcip ", out);
		text(out, command->usage);
		fputs("\\fR\n", out);
		sentence(out, command->summary);
	}
}

/* Flags of parts, which the job has too, are named here and explained there. */
static void command_flags(FILE *out, const struct command *command)
{
	size_t shared = flag_count(command->flags) - command->flags->count;
	bool is_first = true;

	fputs(".SS cip ", out);
	text(out, command->name);
	fputc('\n', out);
	line(out, command->paragraph);
	fputs(".PP\nAs above: ", out);
	for (size_t i = 0; i < shared; i++) {
		const struct flag *flag = flag_at(command->flags, i);

		if (flag->state != FLAG_SHOWN)
			continue;
		fputs(is_first ? "\\fB\\-\\-" : ",\n\\fB\\-\\-", out);
		text(out, flag->name);
		fputs("\\fR", out);
		is_first = false;
	}
	fputs(".\n", out);
	for (size_t i = shared; i < flag_count(command->flags); i++)
		if (flag_at(command->flags, i)->state == FLAG_SHOWN)
			flag_item(out, flag_at(command->flags, i));
}

static void section(FILE *out, const struct help_section *section)
{
	heading(out, section->title);
	if (section->text)
		line(out, section->text);
	for (size_t i = 0; i < section->count; i++) {
		if (section->is_code) {
			fputs(".TP\n", out);
			sentence(out, section->items[i].text);
			line(out, section->items[i].term);
		} else {
			fputs(".TP\n\\fB", out);
			text(out, section->items[i].term);
			fputs("\\fR\n", out);
			sentence(out, section->items[i].text);
		}
	}
}

int help_man(const struct program *program, FILE *out)
{
	const struct command *job = &program->commands[0];

	fprintf(out, ".TH CIP 1 \"\" \"cip %s\" \"User Commands\"\n", CIP_VERSION);
	/* Flags must not be cut at their hyphens. */
	fputs(".nh\n.ad l\n.SH NAME\ncip \\- ", out);
	line(out, job->summary);
	heading(out, "Synopsis");
	fputs("\\fBcip\\fR [\\fIflags\\fR]\n.br\n\\fBcip\\fR \\fICOMMAND\\fR [\\fIflags\\fR]\n",
		out);
	heading(out, "Description");
	line(out, job->paragraph);
	commands(out, program);
	heading(out, "Flags");
	fputs("Flags take their value as \\fB\\-\\-name=value\\fR or \\fB\\-\\-name value\\fR, "
	      "those that are on or off as\n"
	      "\\fB\\-\\-name\\fR or \\fB\\-\\-name=false\\fR.\n",
		out);
	flags_of(out, job);
	for (size_t i = 1; i < program->count; i++)
		if (program->commands[i].run && program->commands[i].flags->parts)
			command_flags(out, &program->commands[i]);
	later_flags(out, job);
	heading(out, "Exit status");
	for (size_t i = 0; i < exit_code_text_count; i++) {
		fprintf(out, ".TP\n\\fB%s\\fR\n", exit_code_texts[i].codes);
		sentence(out, exit_code_texts[i].meaning);
	}
	for (size_t i = 0; i < help_section_count; i++)
		section(out, &help_sections[i]);
	return fflush(out) == 0 && !ferror(out) ? EXIT_CODE_OK : EXIT_CODE_NOT_DONE;
}
