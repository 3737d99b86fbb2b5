/*
 * Label values: whatever a project is called, a sample stays one line that a reader of Prometheus's
 * text format takes apart again, and different names stay different. The input is two names, with a
 * NUL between them.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/metrics_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* What follows a quoted value; nothing but the format's escapes may be in it. */
static const char *skip_value(const char *at)
{
	for (; *at != '"'; at++) {
		require(*at && *at != '\n');
		if (*at == '\\') {
			at++;
			require(*at == '\\' || *at == '"' || *at == 'n');
		}
	}
	return at + 1;
}

static void check_utf8(const char *text)
{
	while (*text) {
		unsigned char c = (unsigned char)*text++;
		int more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;

		require(c < 0x80 || (c >= 0xc2 && c <= 0xf4));
		while (more-- > 0)
			require(((unsigned char)*text++ & 0xc0) == 0x80);
	}
}

static void check_sample(const char *name)
{
	static const char before[] = "cip_x{a=\"", between[] = ",b=\"";
	const struct metric_label labels[] = {{"a", name}, {"b", name}, {0}};
	CLEANUP(str_release) struct str out = STR_INIT(1 << 24);
	const char *at;

	metrics_text_sample(&out, "cip_x", labels, 17);
	require(!str_overflowed(&out));
	check_utf8(str_text(&out));
	at = str_text(&out);
	require(strncmp(at, before, strlen(before)) == 0);
	at = skip_value(at + strlen(before));
	require(strncmp(at, between, strlen(between)) == 0);
	at = skip_value(at + strlen(between));
	require(strcmp(at, "} 17\n") == 0);
}

static char *label_of(const char *name)
{
	CLEANUP(str_release) struct str out = STR_INIT(1 << 20);

	metrics_text_label(&out, name);
	/* Each byte of what is readable is at most doubled. */
	require(out.len <= 2 * (1024 + 16));
	return str_steal(&out, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(mem_freep) char *first = mem_strndup((const char *)data, size);
	size_t used = strlen(first) < size ? strlen(first) + 1 : size;
	CLEANUP(mem_freep) char *second = mem_strndup((const char *)data + used, size - used);
	CLEANUP(mem_freep) char *a = label_of(first);
	CLEANUP(mem_freep) char *b = label_of(second);

	check_sample(first);
	check_sample(second);
	require((strcmp(first, second) == 0) == (strcmp(a, b) == 0));
	return 0;
}
