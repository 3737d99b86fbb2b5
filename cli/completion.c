/*
 * Completion scripts for bash, zsh and fish, made from the tables. Only flags that help shows are
 * offered. Words of the tables are quoted for the shell they go to.
 */
#include <string.h>

#include "cli/exit_code.h"
#include "cli/help.h"

/* In single quotes; `also_escaped` gets a backslash (the separators of zsh's _arguments). */
static void quoted(FILE *out, const char *words, const char *also_escaped)
{
	for (; *words; words++) {
		if (*words == '\'') {
			fputs("'\\''", out);
			continue;
		}
		if (strchr(also_escaped, *words))
			fputc('\\', out);
		fputc(*words, out);
	}
}

/* "yaml|csv" to "yaml csv". */
static void choices(FILE *out, const char *list)
{
	for (; *list; list++)
		fputc(*list == '|' ? ' ' : *list, out);
}

static void command_names(FILE *out, const struct program *program)
{
	for (size_t i = 1; i < program->count; i++) {
		if (program->commands[i].run)
			fprintf(out, "%s%s", i > 1 ? " " : "", program->commands[i].name);
	}
}

static void flag_words(FILE *out, const struct command *command)
{
	bool is_first = true;

	for (size_t i = 0; i < flag_count(command->flags); i++) {
		const struct flag *flag = flag_at(command->flags, i);

		if (flag->state != FLAG_SHOWN)
			continue;
		fprintf(out, "%s--%s", is_first ? "" : " ", flag->name);
		is_first = false;
	}
}

/* A case of bash for the flags whose value can be completed. */
static void bash_values(FILE *out, const struct command *command)
{
	for (size_t i = 0; i < flag_count(command->flags); i++) {
		const struct flag *flag = flag_at(command->flags, i);

		if (flag->state != FLAG_SHOWN || flag->type == FLAG_BOOL)
			continue;
		fprintf(out, "\t%s/--%s) ", command->name, flag->name);
		if (flag->choices) {
			fputs("COMPREPLY=($(compgen -W '", out);
			choices(out, flag->choices);
			fputs("' -- \"$word\")) ;;\n", out);
		} else if (flag->type == FLAG_FILE || flag->type == FLAG_DIRECTORY) {
			fprintf(out,
				"compopt -o filenames; COMPREPLY=($(compgen -%c -- \"$word\")) "
				";;\n",
				flag->type == FLAG_FILE ? 'f' : 'd');
		} else {
			fputs("COMPREPLY=() ;;\n", out);
		}
	}
}

/* Otherwise: flags of the command; for the job, the first word may be a command. */
static void bash_words(FILE *out, const struct program *program, const struct command *command)
{
	fprintf(out, "\t%s/*)\n\t\tif [[ $word == -* ]]; then\n\t\t\tCOMPREPLY=($(compgen -W '",
		command->name);
	flag_words(out, command);
	fputs("' -- \"$word\"))\n", out);
	if (!*command->name) {
		fputs("\t\telif [[ $COMP_CWORD -eq 1 ]]; then\n\t\t\tCOMPREPLY=($(compgen -W '",
			out);
		command_names(out, program);
		fputs("' -- \"$word\"))\n", out);
	}
	fputs("\t\tfi\n\t\t;;\n", out);
}

static void bash(const struct program *program, FILE *out)
{
	fputs("# bash completion for cip, made by \"cip help --completion=bash\"\n"
	      "_cip() {\n"
	      "\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=\n"
	      "\t# \"=\" is a word of its own for readline.\n"
	      "\tif [[ $word == = ]]; then\n"
	      "\t\tword=\n"
	      "\telif [[ $before == = ]]; then\n"
	      "\t\tbefore=${COMP_WORDS[COMP_CWORD-2]}\n"
	      "\tfi\n"
	      "\tif [[ $COMP_CWORD -gt 1 && ${COMP_WORDS[1]} != -* ]]; then\n"
	      "\t\tcommand=${COMP_WORDS[1]}\n"
	      "\tfi\n"
	      "\tCOMPREPLY=()\n"
	      "\tcase $command/$before in\n\thelp/help) COMPREPLY=($(compgen -W '",
		out);
	command_names(out, program);
	fputs("' -- \"$word\")) ;;\n", out);
	for (size_t i = 0; i < program->count; i++) {
		if (!program->commands[i].run)
			continue;
		bash_values(out, &program->commands[i]);
		bash_words(out, program, &program->commands[i]);
	}
	fputs("\tesac\n}\ncomplete -F _cip cip\n", out);
}

static void zsh_flag(FILE *out, const struct flag *flag)
{
	fprintf(out, "\t\t'--%s%s[", flag->name, flag->type == FLAG_BOOL ? "" : "=");
	quoted(out, flag->help, "[]:\\");
	fputc(']', out);
	if (flag->type != FLAG_BOOL) {
		fprintf(out, ":%s:", flag->value);
		if (flag->choices) {
			fputc('(', out);
			choices(out, flag->choices);
			fputc(')', out);
		} else if (flag->type == FLAG_FILE) {
			fputs("_files", out);
		} else if (flag->type == FLAG_DIRECTORY) {
			fputs("_files -/", out);
		}
	}
	fputs("' \\\n", out);
}

static void zsh_arguments(FILE *out, const struct program *program, const struct command *command)
{
	fputs("\t\t_arguments \\\n", out);
	for (size_t i = 0; i < flag_count(command->flags); i++) {
		if (flag_at(command->flags, i)->state == FLAG_SHOWN)
			zsh_flag(out, flag_at(command->flags, i));
	}
	fputs("\t\t'1:command:(", out);
	command_names(out, program);
	fputs(")'", out);
	if (command->flags->max_positional) {
		fputs(" \\\n\t\t'2:command:(", out);
		command_names(out, program);
		fputs(")'", out);
	}
	fputs("\n\t\t;;\n", out);
}

static void zsh(const struct program *program, FILE *out)
{
	fputs("#compdef cip\n# zsh completion for cip, made by \"cip help "
	      "--completion=zsh\"\n_cip() {\n\tcase $words[2] in\n",
		out);
	/* The job goes last, where every word matches. */
	for (size_t i = program->count; i-- > 0;) {
		const struct command *command = &program->commands[i];

		if (!command->run)
			continue;
		fprintf(out, "\t%s)\n", *command->name ? command->name : "*");
		zsh_arguments(out, program, command);
	}
	fputs("\tesac\n}\n_cip \"$@\"\n", out);
}

static void fish_flag(FILE *out, const struct command *command, const struct flag *flag)
{
	fprintf(out, "complete -c cip -n '%s%s' -l %s",
		*command->name ? "__fish_seen_subcommand_from " : "__fish_use_subcommand",
		command->name, flag->name);
	if (flag->choices) {
		fputs(" -x -a '", out);
		choices(out, flag->choices);
		fputc('\'', out);
	} else if (flag->type == FLAG_DIRECTORY) {
		fputs(" -x -a '(__fish_complete_directories)'", out);
	} else if (flag->type == FLAG_FILE) {
		fputs(" -r -F", out);
	} else if (flag->type != FLAG_BOOL) {
		fputs(" -x", out);
	}
	fputs(" -d '", out);
	quoted(out, flag->help, "\\");
	fputs("'\n", out);
}

static void fish(const struct program *program, FILE *out)
{
	fputs("# fish completion for cip, made by \"cip help --completion=fish\"\ncomplete -c cip "
	      "-f\n",
		out);
	for (size_t i = 0; i < program->count; i++) {
		const struct command *command = &program->commands[i];

		if (!command->run)
			continue;
		if (*command->name) {
			fprintf(out, "complete -c cip -n __fish_use_subcommand -a %s -d '",
				command->name);
			quoted(out, command->summary, "\\");
			fputs("'\n", out);
		}
		for (size_t j = 0; j < flag_count(command->flags); j++)
			if (flag_at(command->flags, j)->state == FLAG_SHOWN)
				fish_flag(out, command, flag_at(command->flags, j));
	}
}

int help_completion(const struct program *program, const char *shell, FILE *out)
{
	if (strcmp(shell, "bash") == 0)
		bash(program, out);
	else if (strcmp(shell, "zsh") == 0)
		zsh(program, out);
	else
		fish(program, out);
	return fflush(out) == 0 && !ferror(out) ? EXIT_CODE_OK : EXIT_CODE_NOT_DONE;
}
