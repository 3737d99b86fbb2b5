/* base/err.h */
#include "base/err.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

Test(err, set_stores_kind_and_text)
{
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert_not(err_set(&err, ERR_INVALID, "line %d: %s", 3, "odd"));
	cr_assert(err_is(err, ERR_INVALID));
	cr_assert_not(err_is(err, ERR_IO));
	cr_assert_eq(err->http, 0);
	cr_assert_str_eq(err->msg, "line 3: odd");
}

Test(err, set_http)
{
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert_not(err_set_http(&err, ERR_THROTTLED, 429, "slow down"));
	cr_assert_eq(err->http, 429);
	cr_assert(err_is(err, ERR_THROTTLED));
	cr_assert_str_eq(err->msg, "slow down");
}

Test(err, set_errno)
{
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert_not(err_set_errno(&err, EACCES, "cannot open %s", "f"));
	cr_assert(err_is(err, ERR_IO));
	cr_assert_str_eq(err->msg, "cannot open f: Permission denied");
}

Test(err, nobody_listens)
{
	cr_assert_not(err_set(NULL, ERR_IO, "x"));
	cr_assert_not(err_set_http(NULL, ERR_IO, 500, "x"));
	cr_assert_not(err_set_errno(NULL, EIO, "x"));
	cr_assert_not(err_prefix(NULL, "x"));
	cr_assert_not(err_is(NULL, ERR_IO));
	cr_assert_null(err_copy(NULL));
	err_free(NULL);
}

Test(err, prefix_goes_outermost_first)
{
	CLEANUP(err_freep) struct err *err = NULL;

	cr_assert_not(err_prefix(&err, "no error to prefix"));
	cr_assert_null(err);
	err_set_http(&err, ERR_TRANSIENT, 503, "503 busy");
	err_prefix(&err, "HEAD %s", "blob");
	cr_assert_not(err_prefix(&err, "copy"));
	cr_assert_str_eq(err->msg, "copy: HEAD blob: 503 busy");
	cr_assert_eq(err->http, 503);
	cr_assert(err_is(err, ERR_TRANSIENT));
}

Test(err, setting_again_replaces)
{
	CLEANUP(err_freep) struct err *err = NULL;

	err_set_http(&err, ERR_TRANSIENT, 503, "busy");
	/* made from the error that it replaces */
	err_set(&err, ERR_CONFLICT, "gave up: %s", err->msg);
	cr_assert_str_eq(err->msg, "gave up: busy");
	cr_assert(err_is(err, ERR_CONFLICT));
	cr_assert_eq(err->http, 0);
}

Test(err, copies_are_independent)
{
	CLEANUP(err_freep) struct err *err = NULL;
	CLEANUP(err_freep) struct err *copy = NULL;

	err_set_http(&err, ERR_AUTH, 401, "who");
	copy = err_copy(err);
	err_prefix(&err, "first");
	cr_assert_str_eq(copy->msg, "who");
	cr_assert_eq(copy->http, 401);
	cr_assert(err_is(copy, ERR_AUTH));
}

Test(err, the_first_wins)
{
	CLEANUP(err_freep) struct err *kept = NULL;
	struct err *next = NULL;

	err_keep_first(&kept, &next);
	cr_assert_null(kept);
	err_set(&next, ERR_IO, "one");
	err_keep_first(&kept, &next);
	cr_assert_null(next);
	cr_assert_str_eq(kept->msg, "one");
	err_set(&next, ERR_IO, "two");
	err_keep_first(&kept, &next);
	cr_assert_null(next);
	cr_assert_str_eq(kept->msg, "one");
	err_set(&next, ERR_IO, "three");
	err_keep_first(NULL, &next);
	cr_assert_null(next);
}

Test(err, kinds_have_distinct_names)
{
	for (int i = ERR_INVALID; i <= ERR_INTERNAL; i++) {
		const char *name = err_kind_name((enum err_kind)i);

		cr_assert_str_neq(name, "unknown");
		cr_assert_eq(strspn(name, "abcdefghijklmnopqrstuvwxyz-"), strlen(name));
		for (int j = ERR_INVALID; j < i; j++)
			cr_assert_str_neq(name, err_kind_name((enum err_kind)j));
	}
	cr_assert_str_eq(err_kind_name(ERR_NOT_FOUND), "not-found");
	cr_assert_str_eq(err_kind_name((enum err_kind)99), "unknown");
}
