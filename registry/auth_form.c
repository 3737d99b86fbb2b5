/*
 * Encoding of parameters. What is left as it is can be read in the logs of token servers: scopes
 * have colons, commas and slashes.
 */
#include "registry/auth_form.h"

#include <string.h>

static void add_encoded(struct str *out, const char *text)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/:,";
	for (; *text; text++) {
		if (strchr(plain, *text))
			str_add_char(out, *text);
		else
			str_addf(out, "%%%02X", (unsigned char)*text);
	}
}

void auth_form_add(struct str *out, const char *name, const char *value)
{
	if (out->len > 0)
		str_add_char(out, '&');
	str_addf(out, "%s=", name);
	add_encoded(out, value);
}
