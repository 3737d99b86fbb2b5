/*
 * URLs and references from servers. Input: a base and a reference, separated by a line break. What
 * is accepted must survive being written and read again, without changing where it leads.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "net/redirect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct url *url)
{
	struct url again;
	char *text = url_format(url), *label = url_label(url);

	if (!url_parse(text, &again, NULL) || !url_same_origin(url, &again) ||
		strcmp(url->target, again.target) != 0)
		abort();
	if (strpbrk(text, " \r\n\\#") || strpbrk(url->host, "@/?%") || strchr(label, '?'))
		abort();
	url_release(&again);
	mem_free(text);
	mem_free(label);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = STR_INIT(SIZE_MAX - 1);
	struct url from;
	char *base, *reference;

	str_add(&input, data, size);
	base = str_steal(&input, NULL);
	reference = strchr(base, '\n');

	if (reference)
		*reference++ = '\0';
	if (url_parse(base, &from, NULL)) {
		struct redirect to;
		check(&from);
		if (redirect_decide(&from, HTTP_SOURCE_CONFIGURED, HTTP_SOURCE_PUBLIC,
			    reference ? reference : "", &to, NULL)) {
			check(&to.url);
			if (!to.url.is_https && !url_same_origin(&from, &to.url))
				abort();
			url_release(&to.url);
		}
		url_release(&from);
	}
	mem_free(base);
	return 0;
}
