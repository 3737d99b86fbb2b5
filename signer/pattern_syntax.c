/*
 * A scanner that lets through what RE2 and PCRE2 understand the same way and refuses the rest, also a
 * few things that both have but not alike. It does not build anything: what is malformed beyond that
 * is PCRE2's to say.
 */
#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "signer/pattern_syntax_private.h"

#define REPEAT_MAX 1000 /* RE2's */

struct scanner {
	const char *start;
	const char *at;
	struct err **err;
};

static bool refuse(const struct scanner *scanner, const char *what)
{
	return err_set(scanner->err, ERR_USAGE, "regular expression, position %zu: %s",
		(size_t)(scanner->at - scanner->start) + 1, what);
}

/* \x41 or \x{1F600} */
static bool scan_hex(struct scanner *scanner)
{
	const char *digits = scanner->at + 1;

	if (*digits == '{') {
		size_t len = strspn(digits + 1, "0123456789abcdefABCDEF");
		if (len == 0 || len > 6 || digits[1 + len] != '}')
			return refuse(scanner, "\\x{...} wants one to six hexadecimal digits");
		scanner->at = digits + len + 2;
		return true;
	}
	if (!isxdigit((unsigned char)digits[0]) || !isxdigit((unsigned char)digits[1]))
		return refuse(scanner, "\\x wants two hexadecimal digits");
	scanner->at = digits + 2;
	return true;
}

/* \pL, \p{Lu}, \p{^Lu}: general categories. Scripts differ with the version of Unicode. */
static bool scan_property(struct scanner *scanner)
{
	const char *name = scanner->at + 1;
	bool braces = *name == '{';

	if (braces)
		name += name[1] == '^' ? 2 : 1;
	if (!*name || !strchr("CLMNPSZ", *name))
		return refuse(scanner, "only general categories of Unicode, as \\p{Lu}");
	name++;
	if (braces) {
		if (*name >= 'a' && *name <= 'z')
			name++;
		if (*name++ != '}')
			return refuse(scanner, "only general categories of Unicode, as \\p{Lu}");
	}
	scanner->at = name;
	return true;
}

/* After the backslash. */
static bool scan_escape(struct scanner *scanner, bool in_class)
{
	char c = *scanner->at;

	if (!c)
		return refuse(scanner, "a backslash at the end");
	if (c == 'x')
		return scan_hex(scanner);
	if (c == 'p' || c == 'P')
		return scan_property(scanner);
	if (!in_class && c == 'Q') {
		const char *end = strstr(scanner->at, "\\E");
		scanner->at = end ? end + 2 : scanner->at + strlen(scanner->at);
		return true;
	}
	if (isalnum((unsigned char)c) && !strchr("aftnrdDsSwW", c) &&
		(in_class || !strchr("bBAz", c)))
		return refuse(scanner,
			"an escape that RE2 does not have, or that means something else there");
	scanner->at++;
	return true;
}

/* "[:alpha:]" inside a class, at the bracket. */
static bool scan_posix_class(struct scanner *scanner)
{
	static const char *const names[] = {"alnum", "alpha", "ascii", "blank", "cntrl", "digit",
		"graph", "lower", "print", "punct", "space", "upper", "word", "xdigit"};
	const char *name = scanner->at + 2;

	name += *name == '^';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t len = strlen(names[i]);
		if (strncmp(name, names[i], len) == 0 && strncmp(name + len, ":]", 2) == 0) {
			scanner->at = name + len + 2;
			return true;
		}
	}
	return refuse(scanner, "no class of this name");
}

static bool scan_class(struct scanner *scanner)
{
	scanner->at++;
	if (*scanner->at == '^')
		scanner->at++;
	if (*scanner->at == ']')
		scanner->at++;
	while (*scanner->at != ']') {
		const char *at = scanner->at;
		if (!*at)
			return refuse(scanner, "a class without its end");
		if (at[0] == '-' &&
			((at[1] == '\\' && at[2] && strchr("dDsSwWpP", at[2])) ||
				(at[1] == '[' && at[2] == ':')))
			return refuse(scanner, "a range that ends with a class");
		if (at[0] == '[' && at[1] && strchr(":.=", at[1])) {
			if (at[1] != ':')
				return refuse(scanner, "[. and [= in a class");
			if (!scan_posix_class(scanner))
				return false;
			continue;
		}
		scanner->at++;
		if (*at == '\\' && !scan_escape(scanner, true))
			return false;
	}
	scanner->at++;
	return true;
}

/* "?i:", "?s-U)", "?:"; scanner->at is behind the question mark. */
static bool scan_flags(struct scanner *scanner)
{
	const char *at = scanner->at;

	at += strspn(at, "imsU");
	if (*at == '-')
		at += 1 + strspn(at + 1, "imsU");
	if (*at != ':' && *at != ')')
		return refuse(scanner, "a group that RE2 does not have");
	if (at[-1] == '-')
		return refuse(scanner, "flags are missing after the minus");
	/* The parenthesis of "(?i)" is left to the main loop. */
	scanner->at = *at == ':' ? at + 1 : at;
	return true;
}

static bool scan_group(struct scanner *scanner)
{
	scanner->at++;
	if (*scanner->at == '*')
		return refuse(scanner, "a verb, which RE2 does not have");
	if (*scanner->at != '?')
		return true;
	const char *name = ++scanner->at;
	name += *name == 'P';
	if (*name != '<')
		return scan_flags(scanner);
	size_t len = 0;
	for (name++; isalnum((unsigned char)name[len]) || name[len] == '_'; len++)
		;
	if (len == 0 || name[len] != '>')
		return refuse(scanner, "a group that RE2 does not have");
	scanner->at = name + len + 1;
	return true;
}

static bool scan_number(const char **at, uint64_t *ret_number)
{
	uint64_t number = 0;
	const char *digit = *at;

	for (; *digit >= '0' && *digit <= '9'; digit++) {
		number = number * 10 + (uint64_t)(*digit - '0');
		if (number > REPEAT_MAX)
			return false;
	}
	bool any = digit != *at;
	*at = digit;
	*ret_number = number;
	return any;
}

/* "{2}", "{2,}", "{2,5}" */
static bool scan_braces(struct scanner *scanner)
{
	const char *at = scanner->at + 1;
	uint64_t least, most;

	bool ok = scan_number(&at, &least);
	if (ok && *at == ',' && *++at != '}')
		ok = scan_number(&at, &most) && most >= least;
	if (!ok || *at != '}')
		return refuse(scanner,
			"a brace that is no repetition of at most 1000 (write \\{ for the "
			"character)");
	scanner->at = at + 1;
	return true;
}

/* A repetition, with a question mark after it or not, and no other behind. */
static bool scan_repeat(struct scanner *scanner)
{
	if (*scanner->at == '{') {
		if (!scan_braces(scanner))
			return false;
	} else {
		scanner->at++;
	}
	if (*scanner->at == '?')
		scanner->at++;
	if (*scanner->at && strchr("*+?{", *scanner->at))
		return refuse(scanner, "a repetition of a repetition");
	return true;
}

bool pattern_syntax_check(const char *text, struct err **err)
{
	struct scanner scanner = {.start = text, .at = text, .err = err};
	bool ok = true;

	while (ok && *scanner.at) {
		char c = *scanner.at;
		if (c == '\\') {
			scanner.at++;
			ok = scan_escape(&scanner, false);
		} else if (c == '[') {
			ok = scan_class(&scanner);
		} else if (c == '(') {
			ok = scan_group(&scanner);
		} else if (strchr("*+?{", c)) {
			ok = scan_repeat(&scanner);
		} else {
			scanner.at++;
		}
	}
	return ok;
}
