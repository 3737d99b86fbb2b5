/*
 * The job from top to bottom. Phases are names for people, not barriers: after setup and the list
 * of work, every digest moves on by itself (reconciler/schedule.h). Provenance and validation do not
 * exist yet and are not pretended.
 */
#include "reconciler/run.h"

#include "reconciler/schedule.h"
#include "reconciler/worklist.h"

/* More would not help anybody: requests in flight are bounded by host anyway. */
enum { THREADS_MAX = 1000 };

static void post(const struct run_options *options, struct event *event)
{
	const struct clock *clock = options->clock ? options->clock : &clock_system;

	event->unix_ms = clock_unix_ms(clock);
	event_post(options->events, event);
}

static void begin_phase(const struct run_options *options, enum phase phase)
{
	post(options, &(struct event){.kind = EVENT_PHASE, .phase = phase});
}

static void tell_finding(
	const struct run_options *options, const struct finding *finding, struct run_result *result)
{
	struct event event = {.kind = EVENT_FINDING, .finding = *finding};

	event.finding.message = mem_strdup(finding->message);
	result->findings[finding->kind]++;
	post(options, &event);
}

static void tell_findings(
	const struct run_options *options, const struct worklist *list, struct run_result *result)
{
	for (size_t i = 0; i < options->declared->findings.len; i++)
		tell_finding(options, &options->declared->findings.items[i], result);
	for (size_t i = 0; i < list->findings.len; i++)
		tell_finding(options, &list->findings.items[i], result);
}

static void tell_totals(const struct run_options *options, const struct worklist *list)
{
	struct plan_totals totals = worklist_totals(list);

	post(options, &(struct event){.kind = EVENT_TOTALS, .totals = totals});
	if (totals.digests)
		log_info("to look at: digests %llu, destination repositories %llu, source "
			 "repositories %llu",
			(unsigned long long)totals.digests, (unsigned long long)totals.repositories,
			(unsigned long long)totals.sources);
	else
		log_warning("the manifests declare nothing that could be promoted");
}

static bool has_policy(const struct declared *declared)
{
	for (size_t i = 0; i < declared->projects.len; i++)
		if (declared->projects.items[i].policy)
			return true;
	return false;
}

/* What is not known can stop no run, but whoever runs it should know that. */
static void warn_of_moves(const struct run_options *options)
{
	if (!options->confirm || !has_policy(options->declared))
		return;
	if (!options->signing)
		log_warning(
			"nothing is signed or verified: a mutable tag that a newer commit of the "
			"manifests has moved is moved back");
	else if (!options->source || !source_commit(options->source))
		log_warning(
			"the commit of the manifests is not known (--manifest-repo knows it): a "
			"run at an older one may move mutable tags back");
}

bool run_execute(const struct run_options *options, struct run_result *ret_result, struct err **err)
{
	CLEANUP(worklist_freep) struct worklist *list = NULL;
	struct run_result result = {0};

	if (options->threads > THREADS_MAX)
		return err_set(
			err, ERR_USAGE, "%u threads: at most %d", options->threads, THREADS_MAX);
	begin_phase(options, PHASE_SETUP);
	list = worklist_new(options->declared);
	tell_findings(options, list, &result);
	tell_totals(options, list);
	warn_of_moves(options);
	begin_phase(options, PHASE_PLAN);
	schedule_run(options, list, &result);
	result.interrupted = options->cancel && cancel_get(options->cancel) != CANCEL_NONE;
	/* Events refer to strings of the list. */
	event_flush(options->events);
	*ret_result = result;
	return true;
}
