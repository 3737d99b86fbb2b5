/*
 * Shapes of a line. Knows nothing of levels that are switched off (base/log.h) nor of progress that
 * has to step aside (cli/output.c).
 */
#include "cli/log_output.h"

#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/escape.h"

#define RED "\033[31m"
#define YELLOW "\033[33m"
#define BLUE "\033[34m"
#define DIM "\033[2m"
#define BOLD "\033[1m"
#define PLAIN "\033[0m"

/* Bytes of one text in a line; what is longer ends in "...". */
#define TEXT_MAX ((size_t)4096)

static const char *colour_of(enum log_level level)
{
	if (level <= LOG_ERROR)
		return RED;
	if (level == LOG_WARNING)
		return YELLOW;
	return level == LOG_INFO ? BLUE : DIM;
}

/* A line is one write, so that lines of other programs on the same stream do not cut it. */
static void write_line(const struct log_output *log, struct str *line)
{
	str_add_char(line, '\n');
	fwrite(str_text(line), 1, line->len, log->stream);
	fflush(log->stream);
}

/* JSON text: exact where it is UTF-8 of a reasonable length, else escaped and cut. */
static json_t *json_text(const char *text)
{
	json_t *exact = strlen(text) <= TEXT_MAX ? json_string(text) : NULL;

	if (exact)
		return exact;
	CLEANUP(mem_freep) char *escaped = escape_terminal_text(text);
	return json_string(escaped);
}

static json_t *json_line(int64_t unix_ms, enum log_level level, const char *text)
{
	char time[CLOCK_RFC3339_SIZE];

	clock_format_rfc3339(unix_ms, time);
	return json_pack("{s:s, s:s, s:o}", "time", time, "level", log_level_name(level), "message",
		json_text(text));
}

/* Takes the object. Only ASCII goes out: nothing in it can steer a terminal. */
static void write_json(const struct log_output *log, json_t *object)
{
	CLEANUP(str_release) struct str line = STR_INIT(STR_TEXT_MAX);
	size_t flags = JSON_COMPACT | JSON_ENSURE_ASCII;
	size_t len = json_dumpb(object, NULL, 0, flags);
	CLEANUP(mem_freep) char *bytes = mem_new(len + 1, 1);

	json_dumpb(object, bytes, len, flags);
	json_decref(object);
	str_add(&line, bytes, len);
	write_line(log, &line);
}

/* "2026-01-02T03:04:05.678Z" to "03:04:05Z". */
static void keep_time_of_day(char time[CLOCK_RFC3339_SIZE])
{
	const char *day_end = strchr(time, 'T');
	size_t len = day_end ? strcspn(day_end + 1, ".") : 0;

	if (!len)
		return;
	memmove(time, day_end + 1, len);
	time[len] = 'Z';
	time[len + 1] = '\0';
}

void log_output_message(
	const struct log_output *log, int64_t unix_ms, enum log_level level, const char *text)
{
	CLEANUP(str_release) struct str line = STR_INIT(STR_TEXT_MAX);
	char time[CLOCK_RFC3339_SIZE];

	if (log->json) {
		write_json(log, json_line(unix_ms, level, text));
		return;
	}
	clock_format_rfc3339(unix_ms, time);
	if (log->brief)
		keep_time_of_day(time);
	if (log->colour)
		str_addf(&line, DIM "%s" PLAIN " %s%-7s" PLAIN " ", time, colour_of(level),
			log_level_name(level));
	else
		str_addf(&line, "%s %-7s ", time, log_level_name(level));
	escape_terminal(&line, text, strlen(text), TEXT_MAX);
	write_line(log, &line);
}

static void write_json_finding(const struct log_output *log, int64_t unix_ms, enum log_level level,
	const char *path, const struct finding *finding)
{
	json_t *object = json_line(unix_ms, level, finding->message);

	json_object_set_new(object, "finding", json_string(finding_kind_name(finding->kind)));
	if (finding->project)
		json_object_set_new(object, "project", json_text(finding->project));
	if (path) {
		json_object_set_new(object, "file", json_text(path));
		json_object_set_new(object, "line", json_integer(finding->place.line));
		json_object_set_new(object, "column", json_integer(finding->place.column));
	}
	write_json(log, object);
}

/* "a/b.yaml:12:3: ", without what is not known. */
static void add_place(struct str *line, const char *path, const struct place *place)
{
	escape_terminal(line, path, strlen(path), TEXT_MAX);
	if (place->line)
		str_addf(line, ":%u", place->line);
	if (place->line && place->column)
		str_addf(line, ":%u", place->column);
	str_add_text(line, ": ");
}

void log_output_finding(const struct log_output *log, int64_t unix_ms, enum log_level level,
	const char *directory, const struct finding *finding)
{
	CLEANUP(str_release) struct str line = STR_INIT(STR_TEXT_MAX);
	CLEANUP(mem_freep) char *path = NULL;

	if (finding->place.file)
		path = mem_printf("%s%s", directory, finding->place.file);
	if (log->json) {
		write_json_finding(log, unix_ms, level, path, finding);
		return;
	}
	if (log->colour)
		str_add_text(&line, BOLD);
	if (path)
		add_place(&line, path, &finding->place);
	if (log->colour)
		str_addf(&line, PLAIN "%s%s" PLAIN ": ", colour_of(level),
			finding_kind_name(finding->kind));
	else
		str_addf(&line, "%s: ", finding_kind_name(finding->kind));
	escape_terminal(&line, finding->message, strlen(finding->message), TEXT_MAX);
	write_line(log, &line);
}
