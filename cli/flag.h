/*
 * Flags in Go's spellings (pflag), over a table: `--name=value`, `--name value`, `--bool`,
 * `--bool=false`; `--` ends the flags, `-h` is `--help`. The table is also what help, manual page
 * and completions are made from. A flag given twice counts the last time, as in Go. Pure.
 */
#ifndef CIP_CLI_FLAG_H
#define CIP_CLI_FLAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum flag_type {
	FLAG_BOOL,	/* bool */
	FLAG_TEXT,	/* const char *, NULL when empty or not given */
	FLAG_FILE,	/* as FLAG_TEXT; completes file names */
	FLAG_DIRECTORY, /* as FLAG_TEXT; completes directories */
	FLAG_CHOICE,	/* as FLAG_TEXT; one of `choices` */
	FLAG_NUMBER,	/* uint64_t in [min, max] */
	FLAG_DURATION,	/* int64_t milliseconds in [min, max]; "20s", "1m30s", "500ms" */
};

enum flag_state {
	FLAG_SHOWN,
	FLAG_HIDDEN, /* works, but help does not advertise it */
	FLAG_LATER,  /* of kpromo; refused until a later version can do it */
	FLAG_SECRET, /* of other tools; refused, since every process can read it */
};

struct flag {
	const char *name; /* without dashes */
	enum flag_type type;
	enum flag_state state;
	size_t offset;	   /* of its field in the target */
	const char *value; /* what help calls the value: "FILE"; NULL for FLAG_BOOL */
	const char
		*choices; /* separated by "|"; checked for FLAG_CHOICE, else for completion only */
	const char *initial; /* the value when not given; NULL: false, NULL or 0 */
	const char *
		harmless; /* the value with which a FLAG_LATER asks for nothing, besides an empty one */
	uint64_t min, max;
	const char *group;   /* heading in help; NULL continues the group before */
	const char *help;    /* one sentence without a full stop */
	const char *details; /* more sentences for the manual page; NULL: none */
	bool ends_parsing;   /* --help, --version: what follows does not matter */
};

struct flag_set {
	const struct flag_set *const *parts; /* whose flags come first; NULL-terminated, or NULL */
	const struct flag *flags;
	size_t count;	       /* of `flags` */
	size_t max_positional; /* arguments that are no flags; at most FLAG_POSITIONAL_MAX */
};

/* All flags of a set, those of its parts included. */
size_t flag_count(const struct flag_set *set);
const struct flag *flag_at(const struct flag_set *set, size_t index);

#define FLAG_MAX 128
#define FLAG_POSITIONAL_MAX 64

/* Which flags were given, and the arguments that are none. Texts belong to the argument vector. */
struct flag_given {
	const char *values[FLAG_MAX]; /* by index in the set; NULL: not given */
	const char *positional[FLAG_POSITIONAL_MAX];
	size_t positional_count;
};

/*
 * Reads `arguments` (NULL-terminated, program name not included) into the fields of `target` after
 * setting all of them to their initial values. ERR_USAGE names the flag and what it wants, and for an unknown
 * one the nearest; `target` is then half filled. Texts in the target point into `arguments`.
 */
bool flag_parse(const struct flag_set *set, const char *const *arguments, void *target,
	struct flag_given *ret_given, struct err **err);

#endif
