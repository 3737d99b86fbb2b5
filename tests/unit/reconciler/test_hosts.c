#include "reconciler/hosts.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/log.h"

static void note(struct hosts *hosts, enum err_kind kind, int http)
{
	CLEANUP(err_freep) struct err *err = NULL;

	err_set_http(&err, kind, http, "connection refused");
	hosts_note(hosts, "r.io", err);
}

static unsigned failures_until_fenced(struct hosts *hosts)
{
	unsigned count = 0;

	log_set_level(LOG_FATAL);
	while (count < 100 && hosts_check(hosts, "r.io", NULL)) {
		note(hosts, ERR_TRANSIENT, 0);
		count++;
	}
	return count;
}

Test(hosts, one_that_never_answered_is_fenced_soon)
{
	CLEANUP(hosts_freep) struct hosts *hosts = hosts_new();
	CLEANUP(err_freep) struct err *err = NULL;

	cr_expect_eq(failures_until_fenced(hosts), HOSTS_FENCE);
	cr_expect_not(hosts_check(hosts, "r.io", &err));
	cr_expect_eq(err->kind, ERR_TRANSIENT);
	cr_expect(strstr(err->msg, "connection refused"));
	cr_expect(hosts_check(hosts, "other.io", NULL));
}

Test(hosts, one_that_has_answered_gets_more_patience)
{
	CLEANUP(hosts_freep) struct hosts *hosts = hosts_new();

	hosts_note(hosts, "r.io", NULL);
	cr_expect_eq(failures_until_fenced(hosts), 4 * HOSTS_FENCE);
}

Test(hosts, an_answer_of_any_status_starts_again)
{
	CLEANUP(hosts_freep) struct hosts *hosts = hosts_new();

	for (int i = 0; i < 50; i++) {
		note(hosts, ERR_TIMEOUT, 0);
		note(hosts, ERR_AUTH, 403);
		note(hosts, ERR_TRANSIENT, 503);
	}
	cr_expect(hosts_check(hosts, "r.io", NULL));
}

Test(hosts, being_stopped_is_no_failure)
{
	CLEANUP(hosts_freep) struct hosts *hosts = hosts_new();

	for (int i = 0; i < 50; i++)
		note(hosts, ERR_CANCELLED, 0);
	cr_expect(hosts_check(hosts, "r.io", NULL));
}

Test(hosts, names_of_google_are_tried_once)
{
	CLEANUP(hosts_freep) struct hosts *hosts = hosts_new();

	cr_expect(hosts_try_google(hosts, "gcr.io"));
	cr_expect_not(hosts_try_google(hosts, "gcr.io"));
	cr_expect(hosts_try_google(hosts, "eu.gcr.io"));
	cr_expect(hosts_try_google(hosts, "us-docker.pkg.dev"));
	cr_expect_not(hosts_try_google(hosts, "notgcr.io"));
	cr_expect_not(hosts_try_google(hosts, "pkg.dev.example"));
}
