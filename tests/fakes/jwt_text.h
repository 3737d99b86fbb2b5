/* Tokens of any content, for tests of those who do not look at signatures. */
#ifndef CIP_TESTS_FAKES_JWT_TEXT_H
#define CIP_TESTS_FAKES_JWT_TEXT_H

#include <string.h>

#include "base/enc.h"
#include "base/str.h"

#define JWT_TEXT_HEADER "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"k\"}"
#define JWT_TEXT_SIGNATURE "c2VjcmV0LXNpZ25hdHVyZQ" /* "secret-signature" */

static void jwt_text_add(struct str *out, const char *json)
{
	char *text = base64_encode(json, strlen(json));
	for (const char *c = text; *c && *c != '='; c++)
		str_add_char(out, *c == '+' ? '-' : *c == '/' ? '_' : *c);
	mem_free(text);
}

/* Fresh text. */
static char *jwt_text(const char *header, const char *claims)
{
	struct str out = STR_INIT(STR_TEXT_MAX);
	jwt_text_add(&out, header);
	str_add_char(&out, '.');
	jwt_text_add(&out, claims);
	str_add_text(&out, "." JWT_TEXT_SIGNATURE);
	return str_steal(&out, NULL);
}

#endif
