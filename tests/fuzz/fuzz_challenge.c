/* WWW-Authenticate: any text, a line for each header. What comes out is usable as it is. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "registry/auth_challenge.h"
#include "registry/auth_scope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *text)
{
	if (!text)
		return;
	if (!*text || strpbrk(text, "\r\n\t"))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(str_release) struct str text = STR_INIT(1 << 20);
	CLEANUP(auth_challenge_release) struct auth_challenge challenge = {0};
	CLEANUP(auth_scopes_release) struct auth_scopes scopes = {0};
	char *rest = NULL;
	str_add(&text, data, size);
	char *copy = str_steal(&text, NULL);
	for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		auth_challenge_read(&challenge, line);
	mem_free(copy);
	if ((challenge.scheme == AUTH_SCHEME_BEARER) && !challenge.realm)
		abort();
	check(challenge.realm);
	check(challenge.service);
	check(challenge.scope);
	check(challenge.error);
	if (challenge.scope)
		auth_scopes_add_text(&scopes, challenge.scope, AUTH_PULL);
	for (size_t i = 0; i < scopes.len; i++)
		if (scopes.items[i].actions != AUTH_PULL)
			abort();
	return 0;
}
