/*
 * What the rooms say. A message goes to the one sink that the program set; nobody below cli/ knows
 * whether that is a terminal, a file or a test. The sink gets raw text and escapes it for its
 * output (base/escape.h). Level names are kpromo's. Secrets are never logged.
 *
 * log_set_sink is called before the first thread starts and after the last has ended; log_* may be
 * called from any thread.
 */
#ifndef CIP_BASE_LOG_H
#define CIP_BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_PANIC, LOG_FATAL, LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG, LOG_TRACE };

/* `text` has no line break at its end and is valid during the call only. */
typedef void log_sink_fn(void *ctx, enum log_level level, const char *text);

/* NULL: standard error, one escaped line a message. */
void log_set_sink(log_sink_fn *sink, void *ctx);

/* Messages above this level are dropped before they are formatted. Default LOG_INFO. */
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);

const char *log_level_name(enum log_level level);
bool log_level_parse(const char *name, enum log_level *ret_level);

void log_message(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_message(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_message(LOG_WARNING, __VA_ARGS__)
#define log_info(...) log_message(LOG_INFO, __VA_ARGS__)
/* Arguments are evaluated only when the level is on. */
#define log_debug(...) (log_enabled(LOG_DEBUG) ? log_message(LOG_DEBUG, __VA_ARGS__) : (void)0)
#define log_trace(...) (log_enabled(LOG_TRACE) ? log_message(LOG_TRACE, __VA_ARGS__) : (void)0)

#endif
