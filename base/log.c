/*
 * From a call to the sink: the level filter and the formatting. The sink of last resort writes to
 * standard error, a whole line with one write so that lines of several threads do not mix. Who
 * keeps, orders or colours messages sets a sink of its own.
 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/escape.h"

enum { LINE_MAX_BYTES = 16 * 1024 };

static const char *const names[] = {
	[LOG_PANIC] = "panic",
	[LOG_FATAL] = "fatal",
	[LOG_ERROR] = "error",
	[LOG_WARNING] = "warning",
	[LOG_INFO] = "info",
	[LOG_DEBUG] = "debug",
	[LOG_TRACE] = "trace",
};

static log_sink_fn *current_sink;
static void *current_ctx;
static atomic_int current_level = LOG_INFO;

static void stderr_sink(void *ctx, enum log_level level, const char *text)
{
	CLEANUP(str_release) struct str line = STR_INIT(LINE_MAX_BYTES + 64);
	const char *from;
	size_t left;

	(void)ctx;
	str_addf(&line, "%s: ", log_level_name(level));
	escape_terminal(&line, text, strlen(text), LINE_MAX_BYTES);
	str_add_char(&line, '\n');
	from = str_text(&line);
	left = line.len;
	while (left) {
		ssize_t written = write(STDERR_FILENO, from, left);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return;
		from += written;
		left -= (size_t)written;
	}
}

void log_set_sink(log_sink_fn *sink, void *ctx)
{
	current_sink = sink;
	current_ctx = ctx;
}

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&current_level, (int)level, memory_order_relaxed);
}

bool log_enabled(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&current_level, memory_order_relaxed);
}

const char *log_level_name(enum log_level level)
{
	return names[level];
}

bool log_level_parse(const char *name, enum log_level *ret_level)
{
	/* Like logrus, whose names these are: any case, and "warn" for short. */
	if (strcasecmp(name, "warn") == 0)
		name = names[LOG_WARNING];
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcasecmp(name, names[i]) != 0)
			continue;
		*ret_level = (enum log_level)i;
		return true;
	}
	return false;
}

void log_message(enum log_level level, const char *fmt, ...)
{
	CLEANUP(mem_freep) char *text = NULL;
	int saved_errno = errno;
	va_list args;
	size_t len;

	if (!log_enabled(level))
		return;
	va_start(args, fmt);
	text = mem_vprintf(fmt, args);
	va_end(args);
	for (len = strlen(text); len && text[len - 1] == '\n'; len--)
		text[len - 1] = '\0';
	(current_sink ? current_sink : stderr_sink)(current_ctx, level, text);
	errno = saved_errno;
}
