/* Whole runs over registries that fail, and runs that are stopped. */
#include "reconciler/run.h"

#include <criterion/criterion.h>

#include "tests/unit/reconciler/run_suite.h"

TestSuite(run_faults, .init = set_up, .fini = tear_down);

static bool no_route(void *ctx, enum model_verb verb, const char *repository, const char *reference,
	struct err **err)
{
	(void)verb;
	(void)reference;
	if (strncmp(repository, ctx, strlen(ctx)) != 0)
		return true;
	return err_set(err, ERR_TRANSIENT, "GET %s: connection refused", repository);
}

Test(run_faults, a_dead_registry_is_fenced_and_stops_nobody)
{
	struct told told;
	char dead[] = "dead.io";

	project("a", "*src.io dead.io live.io",
		"- name: i1\n  dmap:\n    @1: [\"v\"]\n- name: i2\n  dmap:\n    @1: [\"v\"]\n"
		"- name: i3\n  dmap:\n    @1: [\"v\"]\n- name: i4\n  dmap:\n    @1: [\"v\"]\n"
		"- name: i5\n  dmap:\n    @1: [\"v\"]\n- name: i6\n  dmap:\n    @1: [\"v\"]\n"
		"- name: i7\n  dmap:\n    @1: [\"v\"]\n- name: i8\n  dmap:\n    @1: [\"v\"]\n");
	manifest_tree_load(&tree);
	for (int i = 1; i <= 8; i++) {
		CLEANUP(mem_freep) char *name = mem_printf("src.io/i%d", i);

		model_hold(model, name, 1, NULL);
	}
	model_set_fault(model, no_route, dead);
	tell_run(&tree, model, &(struct tell_options){.confirm = true, .threads = 1}, &told);
	cr_expect(told_is_consistent(&told, model));
	cr_expect_eq(told.result.outcomes[OUTCOME_PROMOTED], 8);
	cr_expect_eq(told.result.outcomes[OUTCOME_FAILED], 8);
	cr_expect_eq(told.look_errors, 8);
	/* Five of eight lists were tried; the rest failed at once with the same error. */
	cr_expect_eq(model_counts(model).lists, 13);
	cr_expect(strstr(told_find(&told, "dead.io/i8", 1)->error, "connection refused"));
	told_release(&told);
}

Test(run_faults, a_fence_stops_writes_too)
{
	CLEANUP(str_release) struct str registries = STR_INIT(STR_TEXT_MAX);
	struct told told;
	char dead[] = "dead.io/x";

	str_add_text(&registries, "*src.io dead.io/ok");
	for (int i = 0; i < 4 * 5; i++)
		str_addf(&registries, " dead.io/x%d", i);
	project("a", str_text(&registries), "- name: foo\n  dmap:\n    @1: [\"v\"]\n");
	manifest_tree_load(&tree);
	model_hold(model, "src.io/foo", 1, NULL);
	model_set_fault(model, no_route, dead);
	tell_run(&tree, model, &(struct tell_options){.confirm = true, .threads = 1}, &told);
	cr_expect(told_is_consistent(&told, model));
	cr_expect_eq(told.result.outcomes[OUTCOME_FAILED], 21);
	cr_expect_eq(model_counts(model).writes, 0);
	cr_expect_eq(model_counts(model).gets, 0, "nobody is left to copy to");
	told_release(&told);
}

static bool no_route_for_head(void *ctx, enum model_verb verb, const char *repository,
	const char *reference, struct err **err)
{
	return verb != MODEL_HEAD || no_route(ctx, verb, repository, reference, err);
}

Test(run_faults, a_fence_stops_questions_too)
{
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);
	struct told told;
	char dead[] = "dst.io";

	str_add_text(&text, "- name: foo\n  dmap:\n    @1: [");
	for (int i = 0; i < 100; i++) {
		CLEANUP(mem_freep) char *tag = mem_printf("v%d", i);

		str_addf(&text, "%s\"%s\"", i ? ", " : "", tag);
		model_hold(model, "dst.io/foo", 1, tag);
	}
	str_add_text(&text, "]\n");
	project("a", "*src.io dst.io", str_text(&text));
	manifest_tree_load(&tree);
	model_set_fault(model, no_route_for_head, dead);
	tell_run(&tree, model, &(struct tell_options){.confirm = true, .threads = 1}, &told);
	cr_expect(told_is_consistent(&told, model));
	cr_expect_eq(model_counts(model).heads, 20);
	cr_expect_eq(told.result.outcomes[OUTCOME_FAILED], 1);
	told_release(&told);
}

Test(run_faults, one_silent_source_is_enough_not_to_call_it_lost)
{
	struct told told;
	char dead[] = "one.io";

	project("a", "*one.io dst.io", "- name: foo\n  dmap:\n    @1: [\"v1\"]\n");
	project("b", "*two.io dst.io", "- name: foo\n  dmap:\n    @1: [\"v1\"]\n");
	manifest_tree_load(&tree);
	model_set_fault(model, no_route, dead);
	for (int i = 0; i < 2; i++) {
		model_reset_counts(model);
		tell_run(&tree, model, i ? &confirm : &dry, &told);
		cr_expect(told_is_consistent(&told, model));
		cr_expect_eq(told.result.outcomes[OUTCOME_FAILED], 1);
		told_release(&told);
	}
}

static bool fail_head_then_get(void *ctx, enum model_verb verb, const char *repository,
	const char *reference, struct err **err)
{
	(void)ctx;
	(void)reference;
	if (verb == MODEL_HEAD)
		return err_set_http(err, ERR_TRANSIENT, 503, "HEAD %s: 503", repository);
	if (verb == MODEL_GET)
		return err_set_http(err, ERR_AUTH, 403, "GET %s: 403", repository);
	return true;
}

Test(run_faults, the_first_error_is_the_one_that_is_told)
{
	struct told told;

	project("a", "*src.io dst.io", "- name: foo\n  dmap:\n    @1: [\"v1\", \"v2\"]\n");
	manifest_tree_load(&tree);
	model_hold(model, "dst.io/foo", 1, "v1");
	model_set_fault(model, fail_head_then_get, NULL);
	tell_run(&tree, model, &confirm, &told);
	cr_expect(told_is_consistent(&told, model));
	cr_expect_str_eq(told_find(&told, "dst.io/foo", 1)->error, "HEAD dst.io/foo: 503");
	/* Looking at the destination failed, and reading the source. */
	cr_expect_eq(told.look_errors, 2);
	told_release(&told);
}

Test(run_faults, a_dead_source_still_lets_tags_be_added)
{
	struct told told;
	char dead[] = "src.io";

	project("a", "*src.io dst.io",
		"- name: foo\n  dmap:\n    @1: [\"v1\", \"v2\"]\n    @2: [\"w\"]\n");
	manifest_tree_load(&tree);
	model_hold(model, "dst.io/foo", 1, "v1");
	model_set_fault(model, no_route, dead);
	tell_run(&tree, model, &confirm, &told);
	cr_expect(told_is_consistent(&told, model));
	expect(&told, "dst.io/foo", 1,
		"promoted from src.io/foo digest present/nothing v1 at-digest/nothing v2 "
		"absent/written");
	cr_expect_eq(told_find(&told, "dst.io/foo", 2)->outcome, OUTCOME_FAILED);
	cr_expect_eq(told.result.findings[FINDING_ERROR], 1);
	told_release(&told);
}

Test(run_faults, a_stopped_run_says_what_is_left)
{
	struct told told;
	CLEANUP(cancel_freep) struct cancel *cancel = cancel_new();

	project("a", "*src.io dst.io", "- name: foo\n  dmap:\n    @1: [\"v1\"]\n");
	manifest_tree_load(&tree);
	cancel_raise(cancel, CANCEL_DRAIN);
	tell_run(&tree, model, &(struct tell_options){.confirm = true, .cancel = cancel}, &told);
	cr_expect(told.result.interrupted);
	cr_expect_eq(told.result.outcomes[OUTCOME_NOT_DONE], 1);
	cr_expect_eq(told.records.len, 0);
	cr_expect_eq(model_counts(model).requests, 0);
	told_release(&told);
}

struct stopper {
	struct cancel *cancel;
	enum cancel_state state;
	enum model_verb verb;
};

/* The request at which the run is stopped is answered if there is time for that. */
static bool stop_at(void *ctx, enum model_verb verb, const char *repository, const char *reference,
	struct err **err)
{
	const struct stopper *stopper = ctx;

	(void)repository;
	(void)reference;
	if (verb == stopper->verb)
		cancel_raise(stopper->cancel, stopper->state);
	if (cancel_get(stopper->cancel) == CANCEL_NOW)
		return err_set(err, ERR_CANCELLED, "cancelled");
	return true;
}

static void stop_run(enum model_verb verb, enum cancel_state state, struct told *told)
{
	CLEANUP(cancel_freep) struct cancel *cancel = cancel_new();
	struct stopper stopper = {cancel, state, verb};

	model_set_fault(model, stop_at, &stopper);
	tell_run(&tree, model,
		&(struct tell_options){.confirm = true, .threads = 1, .cancel = cancel}, told);
	cr_expect(told_is_consistent(told, model));
	cr_expect(told->result.interrupted);
	cr_expect_eq(told->result.findings[FINDING_ERROR], 0);
	cr_expect_eq(told->look_errors, 0);
}

Test(run_faults, a_look_in_flight_counts_as_done_and_no_other_is_begun)
{
	struct told told;

	project("a", "*src.io dst.io two.io",
		"- name: foo\n  dmap:\n    @1: [\"v1\"]\n    @2: [\"v2\"]\n");
	manifest_tree_load(&tree);
	stop_run(MODEL_LIST, CANCEL_DRAIN, &told);
	cr_expect_eq(told.result.outcomes[OUTCOME_NOT_DONE], 4);
	cr_expect_eq(told.records.len, 2, "only the first is known to lack something");
	cr_expect_eq(model_counts(model).requests, 1);
	told_release(&told);
}

Test(run_faults, cancelled_requests_are_no_errors)
{
	static const enum model_verb verbs[] = {MODEL_LIST, MODEL_HEAD, MODEL_GET, MODEL_PUT};
	struct told told;

	project("a", "*src.io dst.io",
		"- name: foo\n  dmap:\n    @1: [\"v1\"]\n    @2: [\"v2\"]\n");
	manifest_tree_load(&tree);
	model_hold(model, "src.io/foo", 1, NULL);
	model_hold(model, "src.io/foo", 2, NULL);
	model_hold(model, "dst.io/foo", 2, "v1");
	for (size_t i = 0; i < 4; i++) {
		model_reset_counts(model);
		stop_run(verbs[i], CANCEL_NOW, &told);
		cr_expect_gt(told.result.outcomes[OUTCOME_NOT_DONE], 0);
		cr_expect_eq(told.result.outcomes[OUTCOME_FAILED], 0);
		told_release(&told);
	}
}

static bool stop_at_get(void *ctx, enum model_verb verb, const char *repository,
	const char *reference, struct err **err)
{
	(void)repository;
	(void)reference;
	(void)err;
	if (verb == MODEL_GET)
		cancel_raise(ctx, CANCEL_DRAIN);
	return true;
}

Test(run_faults, a_group_in_flight_is_finished_and_no_other_begun)
{
	struct told told;
	CLEANUP(cancel_freep) struct cancel *cancel = cancel_new();

	project("a", "*src.io dst.io",
		"- name: foo\n  dmap:\n    @1: [\"v1\"]\n    @2: [\"v2\"]\n    @3: [\"v3\"]\n");
	manifest_tree_load(&tree);
	model_hold(model, "src.io/foo", 1, NULL);
	model_hold(model, "src.io/foo", 2, NULL);
	model_hold(model, "src.io/foo", 3, NULL);
	model_set_fault(model, stop_at_get, cancel);
	tell_run(&tree, model,
		&(struct tell_options){.confirm = true, .threads = 1, .cancel = cancel}, &told);
	cr_expect(told_is_consistent(&told, model));
	cr_expect_eq(told.result.outcomes[OUTCOME_PROMOTED], 1);
	cr_expect_eq(told.result.outcomes[OUTCOME_NOT_DONE], 2);
	cr_expect_eq(told.records.len, 3);
	told_release(&told);
}
