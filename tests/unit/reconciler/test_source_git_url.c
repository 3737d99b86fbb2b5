/* reconciler/source_git_url.h: every form, every refusal, and that no message repeats a secret. */
#include "reconciler/source_git_url.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct good {
	const char *url;
	enum source_git_scheme scheme;
	const char *text;
	const char *user;
	const char *host;
	const char *port;
	const char *path;
};

static void expect_text(const char *url, const char *what, const char *got, const char *wanted)
{
	if (!wanted)
		cr_expect_null(got, "%s: %s is %s", url, what, got);
	else
		cr_expect(got && strcmp(got, wanted) == 0, "%s: %s is %s, not %s", url, what,
			got ? got : "(none)", wanted);
}

static const struct good goods[] = {
	{"https://example.com/a/b.git", SOURCE_GIT_HTTP, "https://example.com/a/b.git", NULL,
		"example.com", NULL, "/a/b.git"},
	{"https://example.com:8443/a//", SOURCE_GIT_HTTP, "https://example.com:8443/a", NULL,
		"example.com", "8443", "/a"},
	{"https://[2001:db8::1]:8443/a", SOURCE_GIT_HTTP, "https://[2001:db8::1]:8443/a", NULL,
		"[2001:db8::1]", "8443", "/a"},
	{"http://localhost:3000/a", SOURCE_GIT_HTTP, "http://localhost:3000/a", NULL, "localhost",
		"3000", "/a"},
	{"http://127.0.0.2/a@b:c", SOURCE_GIT_HTTP, "http://127.0.0.2/a@b:c", NULL, "127.0.0.2",
		NULL, "/a@b:c"},
	{"ssh://git@example.com:2222/a/b", SOURCE_GIT_SSH, "ssh://git@example.com:2222/a/b", "git",
		"example.com", "2222", "/a/b"},
	{"ssh://example.com/~git/a%20b", SOURCE_GIT_SSH, "ssh://example.com/~git/a%20b", NULL,
		"example.com", NULL, "~git/a b"},
	{"ssh://git@[::1]/a", SOURCE_GIT_SSH, "ssh://git@[::1]/a", "git", "::1", NULL, "/a"},
	{"git@example.com:a/b.git", SOURCE_GIT_SSH, "git@example.com:a/b.git", "git", "example.com",
		NULL, "a/b.git"},
	{"alias:/srv/it's", SOURCE_GIT_SSH, "alias:/srv/it's", NULL, "alias", NULL, "/srv/it's"},
	{"git@[::1]:a", SOURCE_GIT_SSH, "git@[::1]:a", "git", "::1", NULL, "a"},
	{"file:///tmp", SOURCE_GIT_LOCAL, "/tmp", NULL, NULL, NULL, "/tmp"},
	{"file://localhost/%74mp", SOURCE_GIT_LOCAL, "/tmp", NULL, NULL, NULL, "/tmp"},
	{"/tmp/../tmp/", SOURCE_GIT_LOCAL, "/tmp", NULL, NULL, NULL, "/tmp"},
};

Test(source_git_url, takes_every_form_apart)
{
	for (size_t i = 0; i < sizeof(goods) / sizeof(*goods); i++) {
		const struct good *good = &goods[i];
		CLEANUP(source_git_url_release) struct source_git_url url = {0};
		CLEANUP(err_freep) struct err *err = NULL;

		cr_expect(source_git_url_parse(good->url, &url, &err), "%s: %s", good->url,
			err ? err->msg : "");
		cr_expect_eq(url.scheme, good->scheme, "%s", good->url);
		expect_text(good->url, "text", url.text, good->text);
		expect_text(good->url, "user", url.user, good->user);
		expect_text(good->url, "host", url.host, good->host);
		expect_text(good->url, "port", url.port, good->port);
		expect_text(good->url, "path", url.path, good->path);
	}
}

Test(source_git_url, relative_paths_become_absolute)
{
	CLEANUP(source_git_url_release) struct source_git_url url = {0};
	char here[PATH_MAX];

	cr_assert(realpath(".", here));
	cr_assert(source_git_url_parse(".", &url, NULL));
	cr_expect_str_eq(url.path, here);
}

struct bad {
	const char *url;
	enum err_kind kind;
	const char *words;
};

static const struct bad bads[] = {
	{"", ERR_USAGE, "empty"},
	{"https://secret@example.com/a", ERR_USAGE, "CIP_GIT_TOKEN"},
	{"https://user:secret@example.com/a", ERR_USAGE, "CIP_GIT_TOKEN"},
	{"https://example.com/a?token=secret", ERR_USAGE, "without query"},
	{"https://example.com/a#secret", ERR_USAGE, "without query"},
	{"https://example.com/a secret", ERR_USAGE, "percent-encoded"},
	{"https://example.com/a\nsecret", ERR_USAGE, "percent-encoded"},
	{"https://example.com", ERR_USAGE, "path of a repository"},
	{"https://example.com/", ERR_USAGE, "path of a repository"},
	{"https://example.com:0/a", ERR_USAGE, "port"},
	{"https://example.com:65536/a", ERR_USAGE, "port"},
	{"https://exa mple.com/a", ERR_USAGE, "host"},
	{"https://-example.com/a", ERR_USAGE, "host"},
	{"https:///a", ERR_USAGE, "host"},
	{"https://[::1/a", ERR_USAGE, "']'"},
	{"http://example.com/a", ERR_USAGE, "use https"},
	{"http://localhost.example.com/a", ERR_USAGE, "use https"},
	{"https:/secret@example.com/a", ERR_USAGE, "expected '//'"},
	{"ssh://git:secret@example.com/a", ERR_USAGE, "key or an agent"},
	{"ssh://-oProxyCommand=secret@example.com/a", ERR_USAGE, "user name"},
	{"ssh://-oProxyCommand=secret/a", ERR_USAGE, "host"},
	{"ssh://$(secret)@example.com/a", ERR_USAGE, "user name"},
	{"ssh://git@exa$(secret)mple/a", ERR_USAGE, "host"},
	{"ssh://git@example.com", ERR_USAGE, "path of a repository"},
	{"ssh://git@example.com/", ERR_USAGE, "path of a repository"},
	{"ssh://git@example.com/a%0asecret", ERR_USAGE, "control"},
	{"ssh://git@example.com/a%zz", ERR_USAGE, "hex"},
	{"ssh://git@example.com/a%4", ERR_USAGE, "hex"},
	{"git:secret@example.com:a/b", ERR_USAGE, "key or an agent"},
	{"-oProxyCommand=secret:a", ERR_USAGE, "host"},
	{"git@-example.com:a", ERR_USAGE, "host"},
	{"git@example.com:--upload-pack=secret", ERR_USAGE, "path of a repository"},
	{"git@example.com:", ERR_USAGE, "path of a repository"},
	{"git@example.com:a\tsecret", ERR_USAGE, "control"},
	{"git://example.com/secret", ERR_UNSUPPORTED, "use https://"},
	{"ftp://user:secret@example.com/a", ERR_UNSUPPORTED, "ftp://"},
	{"file://example.com/secret", ERR_USAGE, "file:///"},
	{"file:///nowhere/at/all", ERR_NOT_FOUND, "/nowhere/at/all"},
	{"/nowhere/at/all", ERR_NOT_FOUND, "/nowhere/at/all"},
	{"nowhere/secret@example.com", ERR_NOT_FOUND, "no such directory"},
};

Test(source_git_url, refuses_what_is_unsafe_without_repeating_it)
{
	for (size_t i = 0; i < sizeof(bads) / sizeof(*bads); i++) {
		const struct bad *bad = &bads[i];
		CLEANUP(source_git_url_release) struct source_git_url url = {0};
		CLEANUP(err_freep) struct err *err = NULL;

		cr_assert_not(source_git_url_parse(bad->url, &url, &err), "%s", bad->url);
		cr_expect_eq(err->kind, bad->kind, "%s: %s", bad->url, err->msg);
		cr_expect(strstr(err->msg, bad->words), "%s: %s", bad->url, err->msg);
		cr_expect_null(strstr(err->msg, "secret"), "%s: %s", bad->url, err->msg);
	}
}
