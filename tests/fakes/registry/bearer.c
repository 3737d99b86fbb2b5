/*
 * Access as Google's registries grant it: a Bearer token that somebody else has issued, without a
 * token server of the registry's own. The file is read at each request.
 */
#include <stdio.h>
#include <string.h>

#include "tests/fakes/registry/fake.h"

#define LINE_MAX_BYTES 1024

/* 'r' or 'w', 0 for a token that nobody has issued. */
static char right_of(const char *token)
{
	char line[LINE_MAX_BYTES], right = 0;
	size_t len = strlen(token);
	FILE *file = fopen(fake_options.issued, "r");
	while (file && !right && fgets(line, sizeof(line), file))
		if (len > 0 && strncmp(line, token, len) == 0 && line[len] == ' ')
			right = line[len + 1];
	if (file)
		fclose(file);
	return right;
}

bool bearer_allows(const struct fake_request *request, struct fake_response *response)
{
	static const char scheme[] = "Bearer ";
	bool reads = strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
	const char *shown = request->authorization;
	if (!fake_options.issued)
		return true;
	char right =
		strncmp(shown, scheme, strlen(scheme)) == 0 ? right_of(shown + strlen(scheme)) : 0;
	if (right == 'w' || (right == 'r' && reads))
		return true;
	if (right)
		respond_error(response, 403, "DENIED", "the token is for reading only");
	else
		respond_error(response, 401, "UNAUTHORIZED", "no token that was issued");
	return false;
}
