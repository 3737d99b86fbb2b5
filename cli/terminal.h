/* What can be shown on a stream: is it a terminal, how wide, colours, more than ASCII. */
#ifndef CIP_CLI_TERMINAL_H
#define CIP_CLI_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

struct terminal {
	bool is_terminal; /* one that can move its cursor: TERM is neither unset nor "dumb" */
	bool colour;	  /* a terminal, and NO_COLOR is not set */
	bool utf8;	  /* the locale of the environment says so */
};

/* Looks at the stream and the environment. Any thread. */
struct terminal terminal_of(FILE *stream);

/* Columns of the terminal behind the stream at this moment, `otherwise` if it has none. */
unsigned terminal_columns(FILE *stream, unsigned otherwise);

#endif
