/* The scanner in front of PCRE2. For pattern.c. */
#ifndef CIP_SIGNER_PATTERN_SYNTAX_PRIVATE_H
#define CIP_SIGNER_PATTERN_SYNTAX_PRIVATE_H

#include "base/err.h"

/* Does the text use only what RE2 and PCRE2 understand the same way? ERR_USAGE with the position. */
bool pattern_syntax_check(const char *text, struct err **err);

#endif
