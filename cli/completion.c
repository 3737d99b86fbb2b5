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
static void bash_values(FILE *out, const struct command *job)
{
	for (size_t i = 0; i < flag_count(job->flags); i++) {
		const struct flag *flag = flag_at(job->flags, i);

		if (flag->state != FLAG_SHOWN || flag->type == FLAG_BOOL)
			continue;
		fprintf(out, "\t--%s) ", flag->name);
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

static void bash(const struct program *program, FILE *out)
{
	fputs("# bash completion for cip, made by \"cip help --completion=bash\"\n"
	      "_cip() {\n"
	      "\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
	      "\t# \"=\" is a word of its own for readline.\n"
	      "\tif [[ $word == = ]]; then\n"
	      "\t\tword=\n"
	      "\telif [[ $before == = ]]; then\n"
	      "\t\tbefore=${COMP_WORDS[COMP_CWORD-2]}\n"
	      "\tfi\n"
	      "\tCOMPREPLY=()\n"
	      "\tcase $before in\n",
		out);
	bash_values(out, &program->commands[0]);
	fputs("\thelp) COMPREPLY=($(compgen -W '", out);
	command_names(out, program);
	fputs("' -- \"$word\")) ;;\n\t*)\n\t\tif [[ $word == -* ]]; "
	      "then\n\t\t\tCOMPREPLY=($(compgen -W '",
		out);
	flag_words(out, &program->commands[0]);
	fputs("' -- \"$word\"))\n\t\telif [[ $COMP_CWORD -eq 1 ]]; "
	      "then\n\t\t\tCOMPREPLY=($(compgen -W '",
		out);
	command_names(out, program);
	fputs("' -- \"$word\"))\n\t\tfi\n\t\t;;\n\tesac\n}\ncomplete -F _cip cip\n", out);
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

static void zsh(const struct program *program, FILE *out)
{
	const struct command *job = &program->commands[0];

	fputs("#compdef cip\n# zsh completion for cip, made by \"cip help "
	      "--completion=zsh\"\n_cip() {\n"
	      "\t_arguments \\\n",
		out);
	for (size_t i = 0; i < flag_count(job->flags); i++) {
		if (flag_at(job->flags, i)->state == FLAG_SHOWN)
			zsh_flag(out, flag_at(job->flags, i));
	}
	fputs("\t\t'1:command:(", out);
	command_names(out, program);
	fputs(")' \\\n\t\t'2:command:(", out);
	command_names(out, program);
	fputs(")'\n}\n_cip \"$@\"\n", out);
}

static void fish(const struct program *program, FILE *out)
{
	const struct command *job = &program->commands[0];

	fputs("# fish completion for cip, made by \"cip help --completion=fish\"\ncomplete -c cip "
	      "-f\n",
		out);
	for (size_t i = 1; i < program->count; i++) {
		const struct command *command = &program->commands[i];

		if (!command->run)
			continue;
		fprintf(out, "complete -c cip -n __fish_use_subcommand -a %s -d '", command->name);
		quoted(out, command->summary, "\\");
		fputs("'\n", out);
	}
	for (size_t i = 0; i < flag_count(job->flags); i++) {
		const struct flag *flag = flag_at(job->flags, i);

		if (flag->state != FLAG_SHOWN)
			continue;
		fprintf(out, "complete -c cip -l %s", flag->name);
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
