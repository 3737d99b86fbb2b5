/* base/log.h */
#include "base/log.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"

static void collect(void *ctx, enum log_level level, const char *text)
{
	str_addf(ctx, "[%s %s]", log_level_name(level), text);
	errno = EBADF;
}

Test(log, messages_reach_the_sink_raw)
{
	CLEANUP(str_release) struct str seen = STR_INIT(1000);

	log_set_sink(collect, &seen);
	errno = EAGAIN;
	log_error("%s: %d", "a\x1b", 1);
	cr_assert_eq(errno, EAGAIN);
	log_warning("two\n");
	log_info("three\nlines\n\n");
	cr_assert_str_eq(str_text(&seen), "[error a\x1b: 1][warning two][info three\nlines]");
}

static int evaluated;

static int evaluate(void)
{
	return ++evaluated;
}

Test(log, levels)
{
	CLEANUP(str_release) struct str seen = STR_INIT(1000);

	log_set_sink(collect, &seen);
	log_debug("%d", evaluate());
	log_trace("%d", evaluate());
	cr_assert_eq(evaluated, 0);
	log_set_level(LOG_DEBUG);
	log_debug("%d", evaluate());
	log_trace("%d", evaluate());
	log_set_level(LOG_ERROR);
	log_warning("no");
	log_message(LOG_FATAL, "end");
	cr_assert_str_eq(str_text(&seen), "[debug 1][fatal end]");
	cr_assert(log_enabled(LOG_PANIC));
	cr_assert_not(log_enabled(LOG_WARNING));
}

Test(log, names)
{
	enum log_level level = LOG_TRACE;

	for (int i = LOG_PANIC; i <= LOG_TRACE; i++) {
		cr_assert(log_level_parse(log_level_name((enum log_level)i), &level));
		cr_assert_eq((int)level, i);
	}
	cr_assert(log_level_parse("Warn", &level));
	cr_assert_eq(level, LOG_WARNING);
	cr_assert(log_level_parse("DEBUG", &level));
	cr_assert_eq(level, LOG_DEBUG);
	cr_assert_not(log_level_parse("", &level));
	cr_assert_not(log_level_parse("verbose", &level));
	cr_assert_not(log_level_parse("info ", &level));
	cr_assert_eq(level, LOG_DEBUG, "touched on failure");
}

/* A socket that keeps the borders of writes stands in for standard error. */
Test(log, standard_error_gets_one_escaped_line_in_one_write)
{
	char line[40000];
	int ends[2], saved = dup(STDERR_FILENO);
	ssize_t len, long_len;

	cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
	cr_assert_geq(dup2(ends[1], STDERR_FILENO), 0);
	log_set_sink(NULL, NULL);
	log_error("bad\n\x1b[2Jname\n");
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\0';
	log_info("%s", line);
	dup2(saved, STDERR_FILENO);
	close(saved);
	len = recv(ends[0], line, sizeof(line) - 1, MSG_DONTWAIT);
	cr_assert_gt(len, 0);
	line[len] = '\0';
	cr_assert_str_eq(line, "error: bad\\x0a\\x1b[2Jname\n");
	long_len = recv(ends[0], line, sizeof(line), MSG_DONTWAIT);
	cr_assert_gt(long_len, 10000);
	cr_assert_lt(long_len, 20000);
	cr_assert(memcmp(line + long_len - 5, "x...\n", 5) == 0);
	close(ends[0]);
	close(ends[1]);
}
