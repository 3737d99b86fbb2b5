/* References of images. The grammar of hosts and paths is image/reference.h's. */
#include "cli/image_argument.h"

#include <string.h>

void image_argument_release(struct image_argument *argument)
{
	mem_free(argument->name);
	mem_free(argument->host);
	mem_free(argument->tag);
	*argument = (struct image_argument){0};
}

static bool usage(const char *text, const char *what, struct err **err)
{
	return err_set(err, ERR_USAGE, "image %.300s: %s", text, what);
}

/* Splits off tag and digest; what is left of `rest` is the name. */
static bool split(char *rest, const char *text, struct image_argument *argument, struct err **err)
{
	CLEANUP(err_freep) struct err *failure = NULL;
	char *at = strchr(rest, '@');

	if (at) {
		*at = '\0';
		argument->has_digest = true;
		if (!digest_parse(at + 1, &argument->digest, &failure))
			return usage(text, failure->msg, err);
	}
	char *slash = strrchr(rest, '/'), *colon = strrchr(rest, ':');
	if (colon && slash && colon > slash) {
		*colon = '\0';
		argument->tag = mem_strdup(colon + 1);
		if (!tag_is_valid(argument->tag))
			return usage(text, "what follows the colon is no tag", err);
	}
	if (!argument->tag && !argument->has_digest)
		argument->tag = mem_strdup("latest");
	return true;
}

bool image_argument_parse(const char *text, struct image_argument *ret_argument, struct err **err)
{
	CLEANUP(image_argument_release) struct image_argument argument = {0};
	CLEANUP(mem_freep) char *rest = mem_strdup(text);
	CLEANUP(err_freep) struct err *failure = NULL;

	if (!split(rest, text, &argument, err))
		return false;
	if (!registry_name_canonical(rest, &argument.name, &failure))
		return usage(text, failure->msg, err);
	size_t host_len = strcspn(argument.name, "/");
	if (!argument.name[host_len])
		return usage(text, "no path below the host", err);
	argument.host = mem_strndup(argument.name, host_len);
	argument.repository =
		(struct repository){.host = argument.host, .path = argument.name + host_len + 1};
	*ret_argument = argument;
	argument = (struct image_argument){0};
	return true;
}
