/*
 * Reads the environment the way other tools do: TERM, NO_COLOR (no-color.org), LC_ALL, LC_CTYPE,
 * LANG. Knows no control sequences.
 */
#include "cli/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const char *environment(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

static bool locale_is_utf8(void)
{
	const char *locale = environment("LC_ALL");

	if (!locale)
		locale = environment("LC_CTYPE");
	if (!locale)
		locale = environment("LANG");
	return locale && (strcasestr(locale, "utf-8") || strcasestr(locale, "utf8"));
}

struct terminal terminal_of(FILE *stream)
{
	const char *term = environment("TERM");
	struct terminal terminal = {.utf8 = locale_is_utf8()};

	terminal.is_terminal = isatty(fileno(stream)) && term && strcmp(term, "dumb") != 0;
	terminal.colour = terminal.is_terminal && !environment("NO_COLOR");
	return terminal;
}

unsigned terminal_columns(FILE *stream, unsigned otherwise)
{
	struct winsize size;

	if (ioctl(fileno(stream), TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return otherwise;
	return size.ws_col;
}
