#include <criterion/criterion.h>

#include "reconciler/signing_fence.h"

static int64_t now_ms;

static int64_t tell(void *ctx)
{
	(void)ctx;
	return now_ms;
}

static const struct clock fixed = {.monotonic_ms = tell, .unix_ms = tell};
static struct signing_fence fence;
static struct err *failure;

static void set_up(void)
{
	now_ms = 1000;
	signing_fence_init(&fence, &fixed);
	err_set(&failure, ERR_TRANSIENT, "Rekor: 503");
}

static void tear_down(void)
{
	signing_fence_release(&fence);
	err_free(failure);
}
TestSuite(signing_fence, .init = set_up, .fini = tear_down);

static void fail(unsigned times)
{
	for (unsigned i = 0; i < times; i++)
		signing_fence_note(&fence, failure);
}

static bool is_open(void)
{
	CLEANUP(err_freep) struct err *err = NULL;
	bool open = signing_fence_check(&fence, &err);

	if (!open) {
		cr_expect_str_eq(err->msg, "not tried after repeated failures: Rekor: 503");
		cr_expect(err_is(err, ERR_TRANSIENT));
	}
	return open;
}

Test(signing_fence, closes_after_failures_in_a_row)
{
	fail(SIGNING_FENCE - 1);
	cr_expect(is_open());
	fail(1);
	cr_expect_not(is_open());
}

Test(signing_fence, what_has_worked_gets_more_patience)
{
	fail(SIGNING_FENCE - 1);
	signing_fence_note(&fence, NULL);
	fail(4 * SIGNING_FENCE - 1);
	cr_expect(is_open());
	fail(1);
	cr_expect_not(is_open());
}

Test(signing_fence, one_tries_again_after_a_while)
{
	fail(SIGNING_FENCE);
	now_ms += SIGNING_FENCE_MS - 1;
	cr_expect_not(is_open());
	now_ms += 1;
	cr_expect(is_open(), "one");
	cr_expect_not(is_open(), "and no other");
	now_ms += SIGNING_FENCE_MS;
	cr_expect(is_open());
	signing_fence_note(&fence, NULL);
	cr_expect(is_open());
	cr_expect(is_open(), "it works again, for all");
}

Test(signing_fence, being_stopped_is_no_failure)
{
	CLEANUP(err_freep) struct err *stopped = NULL;

	err_set(&stopped, ERR_CANCELLED, "stopped");
	for (unsigned i = 0; i < 10; i++)
		signing_fence_note(&fence, stopped);
	cr_expect(is_open());
}
