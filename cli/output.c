/*
 * Fan-out of log messages and events. Knows who writes when; the shapes are in log_output.c,
 * progress.c and summary.c, and what a run is worth is judged elsewhere.
 */
#include "cli/output.h"

#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "cli/log_output.h"
#include "cli/progress.h"
#include "cli/repeats.h"
#include "cli/terminal.h"

struct output {
	const struct options *options;
	struct log_output log;
	char *directory;
	bool wants_progress;
	bool leaves_findings;

	/* Writing without the queue; the queue's thread needs no lock, it is alone then. */
	pthread_mutex_t write_lock;
	/* Held for reading while posting, so that the queue ends under nobody's hands. */
	pthread_rwlock_t events_lock;
	struct event_queue *events; /* NULL: no queue */

	/* The queue's thread only. */
	struct progress progress;
	struct summary summary;
	struct intern *told; /* "kind file:line:column" of what was said of registries */
	struct strmap told_index;
	struct repeats repeats;
	void (*listen)(void *ctx, const struct event *event);
	void *listen_ctx;
};

static __thread bool is_consumer;

static void step_aside(struct output *output)
{
	if (output->progress.drawn_lines)
		progress_erase(&output->progress);
}

static void write_message(
	struct output *output, int64_t unix_ms, enum log_level level, const char *text)
{
	step_aside(output);
	log_output_message(&output->log, unix_ms, level, text);
}

static enum log_level level_of(const struct output *output, enum finding_kind kind)
{
	bool fails = kind == FINDING_TREE || output->options->fail_on & 1u << kind;

	return fails ? LOG_ERROR : LOG_WARNING;
}

static void write_finding(struct output *output, int64_t unix_ms, const struct finding *finding)
{
	enum log_level level = level_of(output, finding->kind);

	if (!log_enabled(level))
		return;
	step_aside(output);
	log_output_finding(&output->log, unix_ms, level, output->directory, finding);
}

static void sink(void *ctx, enum log_level level, const char *text)
{
	struct output *output = ctx;
	int64_t now = clock_unix_ms(&clock_system);

	if (is_consumer) {
		write_message(output, now, level, text);
		return;
	}
	pthread_rwlock_rdlock(&output->events_lock);
	if (output->events) {
		struct event event = {.kind = EVENT_LOG,
			.unix_ms = now,
			.log = {.level = level, .text = mem_strdup(text)}};

		event_post(output->events, &event);
	} else {
		pthread_mutex_lock(&output->write_lock);
		write_message(output, now, level, text);
		pthread_mutex_unlock(&output->write_lock);
	}
	pthread_rwlock_unlock(&output->events_lock);
}

/*
 * True the first time. One entry of a manifest goes to many mirrors, and when its source has lost
 * it, each of them would say so; the report has them all.
 */
static bool is_news(struct output *output, enum finding_kind kind, const struct place *place)
{
	CLEANUP(mem_freep)
	char *key = mem_printf("%d %s:%u:%u", (int)kind, place->file ? place->file : "",
		place->line, place->column);

	if (strmap_get(&output->told_index, key))
		return false;
	*strmap_put(&output->told_index, intern_text(output->told, key)) = output;
	return true;
}

/* Only the first finding of each kind at a place is for everybody, and of equal errors of a host. */
static void tell(struct output *output, const struct event *event, enum finding_kind kind,
	const struct place *place, const char *message)
{
	const struct record *record = &event->record;
	bool is_repeated = (kind == FINDING_ERROR || kind == FINDING_UNSIGNED) && record->error &&
		!repeats_is_first(&output->repeats, record->destination, record->error);
	const struct finding finding = {
		.kind = kind,
		.place = *place,
		.project = event->record.project,
		.message = mem_strdup(message),
	};

	/* An entry whose error is left out may have another one to be told at another host. */
	if (!is_repeated && is_news(output, kind, place))
		write_finding(output, event->unix_ms, &finding);
	else
		log_debug("%s:%u:%u: %s: %s", place->file ? place->file : "", place->line,
			place->column, finding_kind_name(kind), message);
	mem_free(finding.message);
}

static void tell_moved_tags(struct output *output, const struct event *event)
{
	const struct record *record = &event->record;
	char wanted[DIGEST_TEXT_SIZE], found[DIGEST_TEXT_SIZE];

	for (size_t i = 0; i < record->tags.len; i++) {
		const struct record_tag *tag = &record->tags.items[i];

		if (tag->done != TAG_DONE_QUARANTINED || tag->reason != FINDING_TAG_MOVE)
			continue;
		CLEANUP(mem_freep)
		char *message = mem_printf("%s:%s is at %s, declared is %s; %s",
			record->destination, tag->name, digest_format(&tag->found_digest, found),
			digest_format(&record->digest, wanted),
			tag->why ? tag->why : "no tag policy lets it move");
		tell(output, event, FINDING_TAG_MOVE, &tag->place, message);
	}
}

/* What is wrong with the manifests themselves came as EVENT_FINDING; the rest is said here. */
static void tell_record(struct output *output, const struct event *event)
{
	const struct record *record = &event->record;
	char digest[DIGEST_TEXT_SIZE];

	tell_moved_tags(output, event);
	if (record->outcome != OUTCOME_LOST && record->outcome != OUTCOME_FAILED &&
		record->outcome != OUTCOME_QUARANTINED && record->outcome != OUTCOME_UNSIGNED)
		return;
	if (record->reason != FINDING_LOST && record->reason != FINDING_ERROR &&
		record->reason != FINDING_INVALID_FILE && record->reason != FINDING_UNSIGNED)
		return;
	CLEANUP(mem_freep)
	char *message =
		mem_printf("%s%s%s: %s", record->destination, record->digest_malformed ? "" : "@",
			record->digest_malformed ? "" : digest_format(&record->digest, digest),
			record->error ? record->error : "");
	tell(output, event, record->reason, &record->place, message);
}

/* The summary counts them; what could not be brought is said. */
static void tell_mirrored(struct output *output, const struct mirrored *mirrored)
{
	bool is_trouble = mirrored->tag &&
		(mirrored->end == REPLICA_FAILED || mirrored->end == REPLICA_CONFLICT);
	const char *error = mirrored->error ? mirrored->error : "";

	if (is_trouble && repeats_is_first(&output->repeats, mirrored->destination, error))
		log_warning("mirror %s:%s: %s", mirrored->destination, mirrored->tag, error);
	else
		log_debug("mirror %s:%s from %s: %s %s", mirrored->destination,
			mirrored->tag ? mirrored->tag : "", mirrored->primary,
			replica_end_name(mirrored->end), error);
}

static void tell_repeats(struct output *output)
{
	for (size_t i = 0; i < output->repeats.items.len; i++) {
		const struct repeat *repeat = &output->repeats.items.items[i];

		if (repeat->more)
			log_message(level_of(output, FINDING_ERROR),
				"%s: %llu more %s for the same reason: %s", repeat->host,
				(unsigned long long)repeat->more,
				repeat->more == 1 ? "entry failed" : "entries failed",
				repeat->error);
	}
	repeats_release(&output->repeats);
	repeats_init(&output->repeats);
}

static void handle(struct output *output, const struct event *event)
{
	switch (event->kind) {
	case EVENT_LOG:
		write_message(output, event->unix_ms, event->log.level, event->log.text);
		break;
	case EVENT_FINDING:
		if (!output->leaves_findings)
			write_finding(output, event->unix_ms, &event->finding);
		break;
	case EVENT_RECORD:
		if (!output->leaves_findings)
			tell_record(output, event);
		break;
	case EVENT_PHASE:
		log_debug("phase %s", phase_name(event->phase));
		break;
	case EVENT_LOOK:
		if (event->look.error)
			log_debug("%s: %s", event->look.repository, event->look.error);
		break;
	case EVENT_MIRROR:
		tell_mirrored(output, &event->mirrored);
		break;
	case EVENT_TOTALS:
		break;
	}
	summary_event(&output->summary, event);
	if (output->listen)
		output->listen(output->listen_ctx, event);
}

static void consume(void *ctx, const struct event *event)
{
	struct output *output = ctx;
	int64_t now = clock_monotonic_ms(&clock_system);

	is_consumer = true;
	if (event) {
		handle(output, event);
		progress_event(&output->progress, event, now);
	}
	if (output->wants_progress)
		progress_draw(&output->progress, now);
}

struct output *output_new(const struct options *options)
{
	struct output *output = mem_new(1, sizeof(*output));
	struct terminal terminal = terminal_of(stderr);
	bool json = strcmp(options->log_format, "json") == 0;

	output->options = options;
	output->log = (struct log_output){
		.stream = stderr,
		.json = json,
		.brief = terminal.is_terminal,
		.colour = terminal.colour,
	};
	output->directory = mem_strdup("");
	output->wants_progress = terminal.is_terminal && !json && options->progress &&
		strcmp(options->progress, "auto") == 0;
	pthread_mutex_init(&output->write_lock, NULL);
	pthread_rwlock_init(&output->events_lock, NULL);
	progress_init(&output->progress, stderr, options->confirm);
	summary_init(&output->summary);
	output->told = intern_new();
	repeats_init(&output->repeats);
	log_set_level(options->log_level);
	log_set_sink(sink, output);
	return output;
}

void output_free(struct output *output)
{
	output_stop(output);
	log_set_sink(NULL, NULL);
	summary_release(&output->summary);
	strmap_release(&output->told_index);
	intern_free(output->told);
	repeats_release(&output->repeats);
	pthread_mutex_destroy(&output->write_lock);
	pthread_rwlock_destroy(&output->events_lock);
	mem_free(output->directory);
	mem_free(output);
}

void output_set_directory(struct output *output, const char *directory)
{
	mem_free(output->directory);
	output->directory = mem_strdup(directory);
}

void output_finding(struct output *output, const struct finding *finding)
{
	write_finding(output, clock_unix_ms(&clock_system), finding);
}

void output_set_listener(
	struct output *output, void (*listen)(void *ctx, const struct event *event), void *ctx)
{
	output->listen = listen;
	output->listen_ctx = ctx;
}

void output_leave_findings(struct output *output)
{
	output->leaves_findings = true;
}

struct event_queue *output_start(struct output *output, const struct http_tally *tally)
{
	struct event_queue *events;

	output->progress.tally = tally;
	events = event_queue_new(consume, output);
	pthread_rwlock_wrlock(&output->events_lock);
	output->events = events;
	pthread_rwlock_unlock(&output->events_lock);
	return events;
}

void output_stop(struct output *output)
{
	struct event_queue *events;

	pthread_rwlock_wrlock(&output->events_lock);
	events = output->events;
	output->events = NULL;
	pthread_rwlock_unlock(&output->events_lock);
	event_queue_free(events);
	step_aside(output);
	tell_repeats(output);
}

const struct summary *output_summary(const struct output *output)
{
	return &output->summary;
}
