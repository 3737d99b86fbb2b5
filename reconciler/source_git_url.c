/*
 * Takes URLs of repositories apart. Everything that later reaches another program's argument
 * vector or a request line is checked here, by lists of what is allowed. Does not know how any of
 * the schemes is spoken.
 */
#include "reconciler/source_git_url.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"
#include "image/reference.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define HOST_BYTES LETTERS DIGITS "._-"
#define USER_BYTES LETTERS DIGITS "._+-"
/* RFC 3986 pchar and '/', nothing that starts a query or fragment. */
#define HTTP_PATH_BYTES LETTERS DIGITS "-._~!$&'()*+,;=:@%/"

static const char ssh_advice[] = "use a key or an agent";
static const char http_advice[] =
	"give the token in a token file or in CIP_GIT_TOKEN of the environment";

static bool only(const char *text, const char *allowed)
{
	return text[strspn(text, allowed)] == '\0';
}

static bool check_host(const char *host, bool bracketed, struct err **err)
{
	if (*host && *host != '-' && only(host, bracketed ? DIGITS "abcdefABCDEF:." : HOST_BYTES))
		return true;
	return err_set(err, ERR_USAGE, "URL of the Git repository: not a host name or address");
}

/* "host", "host:port" or "[address]:port"; without '@'. */
static bool parse_authority(
	const char *text, size_t len, struct source_git_url *url, struct err **err)
{
	CLEANUP(mem_freep) char *copy = mem_strndup(text, len);
	bool bracketed = *copy == '[';
	char *host = bracketed ? copy + 1 : copy;
	char *end = host + strcspn(host, bracketed ? "]" : ":");
	uint64_t number;

	if (bracketed) {
		if (!*end)
			return err_set(err, ERR_USAGE, "URL of the Git repository: no ']'");
		*end++ = '\0';
	}
	if (*end == ':') {
		*end++ = '\0';
		if (!number_parse(end, 65535, &number) || number == 0)
			return err_set(err, ERR_USAGE, "URL of the Git repository: not a port");
		url->port = mem_strdup(end);
	} else if (*end) {
		return err_set(err, ERR_USAGE, "URL of the Git repository: not a host name");
	}
	if (!check_host(host, bracketed, err))
		return false;
	url->host = bracketed && url->scheme == SOURCE_GIT_HTTP ? mem_printf("[%s]", host)
								: mem_strdup(host);
	return true;
}

static bool parse_http(const char *text, bool tls, struct source_git_url *url, struct err **err)
{
	const char *authority = strstr(text, "://") + 3;
	size_t len = strcspn(authority, "/?#");
	const char *path = authority + len;
	size_t path_len = strlen(path);

	url->scheme = SOURCE_GIT_HTTP;
	if (memchr(authority, '@', len))
		return err_set(err, ERR_USAGE,
			"the URL of the Git repository holds credentials: remove them and %s",
			http_advice);
	if (!parse_authority(authority, len, url, err))
		return false;
	if (!tls && !host_is_loopback(url->host))
		return err_set(err, ERR_USAGE,
			"%s: plain http is allowed to the loopback only: use https", url->host);
	while (path_len && path[path_len - 1] == '/')
		path_len--;
	if (!path_len || !only(path, HTTP_PATH_BYTES))
		return err_set(err, ERR_USAGE,
			"%s: the URL needs the path of a repository, percent-encoded, without "
			"query or fragment",
			url->host);
	url->path = mem_strndup(path, path_len);
	url->text = mem_printf("%s://%s%s%s%s", tls ? "https" : "http", url->host,
		url->port ? ":" : "", url->port ? url->port : "", url->path);
	return true;
}

/* Undoes %XX. ERR_USAGE for what is not hexadecimal and for control characters. */
static bool decode_path(const char *text, char **ret_path, struct err **err)
{
	CLEANUP(mem_freep) char *path = mem_new(strlen(text) + 1, 1);
	size_t len = 0;

	for (const char *at = text; *at; at++) {
		char byte = *at;

		if (byte == '%') {
			char digits[3] = {at[1], at[1] ? at[2] : '\0', '\0'};

			if (strlen(digits) != 2 || !only(digits, DIGITS "abcdefABCDEF"))
				return err_set(err, ERR_USAGE,
					"URL of the Git repository: '%%' without two hex digits");
			byte = (char)strtoul(digits, NULL, 16);
			at += 2;
		}
		if ((unsigned char)byte < 0x20 || byte == 0x7f)
			return err_set(err, ERR_USAGE,
				"URL of the Git repository: control characters in its path");
		path[len++] = byte;
	}
	*ret_path = steal_ptr(&path);
	return true;
}

/* What comes before '@', for ssh. */
static bool parse_user(const char *text, size_t len, struct source_git_url *url, struct err **err)
{
	if (memchr(text, ':', len))
		return err_set(err, ERR_USAGE,
			"the URL of the Git repository holds a password: remove it and %s",
			ssh_advice);
	url->user = mem_strndup(text, len);
	if (*url->user && *url->user != '-' && only(url->user, USER_BYTES))
		return true;
	return err_set(err, ERR_USAGE, "URL of the Git repository: not a user name");
}

static bool check_ssh_path(const struct source_git_url *url, struct err **err)
{
	if (*url->path && *url->path != '-' && strcmp(url->path, "/") != 0)
		return true;
	return err_set(err, ERR_USAGE, "%s: the URL needs the path of a repository", url->host);
}

static bool parse_ssh(const char *text, struct source_git_url *url, struct err **err)
{
	const char *authority = text + strlen("ssh://");
	size_t len = strcspn(authority, "/");
	const char *at = memrchr(authority, '@', len);
	const char *host = at ? at + 1 : authority;
	CLEANUP(mem_freep) char *path = NULL;

	url->scheme = SOURCE_GIT_SSH;
	if (at && !parse_user(authority, (size_t)(at - authority), url, err))
		return false;
	if (!parse_authority(host, len - (size_t)(host - authority), url, err) ||
		!decode_path(authority + len, &path, err))
		return false;
	/* "/~user/x" is below that user's home, as git has it. */
	url->path = mem_strdup(strncmp(path, "/~", 2) == 0 ? path + 1 : path);
	url->text = mem_strdup(text);
	return check_ssh_path(url, err);
}

/* [user@]host:path; `colon` is the first one that is not between brackets. */
static bool parse_scp(
	const char *text, const char *colon, struct source_git_url *url, struct err **err)
{
	size_t len = (size_t)(colon - text);
	const char *at = memrchr(text, '@', len);
	const char *host = at ? at + 1 : text;

	url->scheme = SOURCE_GIT_SSH;
	/* "user:secret@host:path" */
	if (memchr(colon, '@', strcspn(colon, "/")))
		return err_set(err, ERR_USAGE,
			"the URL of the Git repository holds a password: remove it and %s",
			ssh_advice);
	if (at && !parse_user(text, (size_t)(at - text), url, err))
		return false;
	if (!parse_authority(host, (size_t)(colon - host), url, err))
		return false;
	/* "https:/host/path": a slip, not a host of this name. */
	if (strcmp(url->host, "https") == 0 || strcmp(url->host, "http") == 0 ||
		strcmp(url->host, "ssh") == 0 || strcmp(url->host, "file") == 0)
		return err_set(err, ERR_USAGE,
			"URL of the Git repository: expected '//' after '%s:'", url->host);
	for (const char *c = colon; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return err_set(err, ERR_USAGE,
				"URL of the Git repository: control characters in its path");
	url->path = mem_strdup(colon + 1);
	url->text = mem_strdup(text);
	return check_ssh_path(url, err);
}

static bool parse_local(const char *path, struct source_git_url *url, struct err **err)
{
	char absolute[PATH_MAX];
	/* With an '@' it may be a mistyped URL that holds a secret. */
	const char *shown = strchr(path, '@') ? "(local path)" : path;

	url->scheme = SOURCE_GIT_LOCAL;
	if (!realpath(path, absolute)) {
		if (errno == ENOENT || errno == ENOTDIR)
			return err_set(
				err, ERR_NOT_FOUND, "Git repository %s: no such directory", shown);
		return err_set_errno(err, errno, "Git repository %s", shown);
	}
	url->path = mem_strdup(absolute);
	url->text = mem_strdup(absolute);
	return true;
}

static bool parse_file(const char *text, struct source_git_url *url, struct err **err)
{
	const char *rest = text + strlen("file://");
	CLEANUP(mem_freep) char *path = NULL;

	if (strncmp(rest, "localhost/", strlen("localhost/")) == 0)
		rest += strlen("localhost");
	if (*rest != '/')
		return err_set(err, ERR_USAGE,
			"URL of the Git repository: file:// needs an absolute path "
			"(file:///srv/x)");
	return decode_path(rest, &path, err) && parse_local(path, url, err);
}

/* The colon of "[user@]host:path", or NULL: then it is a local path, as for git. */
static const char *find_scp_colon(const char *text)
{
	const char *host = strchr(text, '@');
	const char *slash = strchr(text, '/');
	const char *colon;

	host = host && (!slash || host < slash) ? host + 1 : text;
	colon = *host == '[' && strchr(host, ']') ? strchr(strchr(host, ']'), ':')
						  : strchr(text, ':');
	return colon && (!slash || colon < slash) ? colon : NULL;
}

static bool parse(const char *text, struct source_git_url *url, struct err **err)
{
	const char *scheme_end = strstr(text, "://");
	const char *colon = find_scp_colon(text);

	if (!*text)
		return err_set(err, ERR_USAGE, "the URL of the Git repository is empty");
	if (strncmp(text, "https://", 8) == 0)
		return parse_http(text, true, url, err);
	if (strncmp(text, "http://", 7) == 0)
		return parse_http(text, false, url, err);
	if (strncmp(text, "ssh://", 6) == 0)
		return parse_ssh(text, url, err);
	if (strncmp(text, "file://", 7) == 0)
		return parse_file(text, url, err);
	if (scheme_end && strcspn(text, "/:") == (size_t)(scheme_end - text))
		return err_set(err, ERR_UNSUPPORTED,
			"URL of the Git repository: %.*s:// is not supported: use https://, "
			"ssh://, "
			"user@host:path or a local path",
			(int)strspn(text, LETTERS DIGITS "+.-"), text);
	return colon ? parse_scp(text, colon, url, err) : parse_local(text, url, err);
}

bool source_git_url_parse(const char *text, struct source_git_url *ret_url, struct err **err)
{
	CLEANUP(source_git_url_release) struct source_git_url url = {0};

	if (!parse(text, &url, err))
		return false;
	*ret_url = url;
	memset(&url, 0, sizeof(url));
	return true;
}

void source_git_url_release(struct source_git_url *url)
{
	mem_free(url->text);
	mem_free(url->user);
	mem_free(url->host);
	mem_free(url->port);
	mem_free(url->path);
	memset(url, 0, sizeof(*url));
}
