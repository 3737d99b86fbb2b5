/*
 * The grammar of names: which text is a host, a repository path, a tag, and the one spelling of
 * each that serves as a key. Two spellings of one registry must never become two keys, so forms
 * that a resolver would read as another address ("127.1", "0x7f.0.0.1") are refused. Whether a
 * host exists is nobody's business here.
 */
#include "image/reference.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/enc.h"
#include "base/str.h"

#define REPOSITORY_MAX 255
#define TAG_MAX 128
#define DOCKER_HUB "docker.io"

static bool is_lower_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static char to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_alnum(char c)
{
	return is_lower_alnum(to_lower(c));
}

/* ---- Paths ---- */

/* Length of the separator at text: ".", "_", "__" or dashes; 0 if there is none or a wrong one. */
static size_t separator_len(const char *text, size_t len)
{
	size_t run = 1;
	while (run < len && text[run] == text[0])
		run++;
	switch (text[0]) {
	case '.':
		return run == 1 ? 1 : 0;
	case '_':
		return run <= 2 ? run : 0;
	case '-':
		return run;
	default:
		return 0;
	}
}

static bool component_is_valid(const char *text, size_t len)
{
	size_t i = 0;
	if (len == 0 || !is_lower_alnum(text[0]) || !is_lower_alnum(text[len - 1]))
		return false;
	while (i < len) {
		if (is_lower_alnum(text[i])) {
			i++;
			continue;
		}
		size_t run = separator_len(text + i, len - i);
		if (run == 0 || !is_lower_alnum(text[i + run]))
			return false;
		i += run;
	}
	return true;
}

static bool path_check(const char *path, struct err **err)
{
	for (const char *start = path;;) {
		size_t len = strcspn(start, "/");
		if (len == 0)
			return err_set(err, ERR_INVALID, "empty path component");
		if (!component_is_valid(start, len))
			return err_set(err, ERR_INVALID,
				"path component '%.*s' must be lower-case letters and digits, "
				"joined by single '.', '_', '__' or dashes",
				(int)(len > 80 ? 80 : len), start);
		if (!start[len])
			return true;
		start += len + 1;
	}
}

/* strnlen first: nothing below should walk a megabyte of somebody's YAML. */
static bool length_check(const char *text, struct err **err)
{
	if (strnlen(text, REPOSITORY_MAX + 1) > REPOSITORY_MAX)
		return err_set(err, ERR_INVALID, "'%.40s...' is longer than %d bytes", text,
			REPOSITORY_MAX);
	return true;
}

bool image_name_check(const char *name, struct err **err)
{
	if (!length_check(name, err) || !path_check(name, err))
		return err_prefix(err, "image name '%.80s'", name);
	return true;
}

/* ---- Hosts ---- */

static bool label_is_valid(const char *text, size_t len)
{
	if (len == 0 || !is_alnum(text[0]) || !is_alnum(text[len - 1]))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_alnum(text[i]) && text[i] != '-')
			return false;
	return true;
}

/* A last label of digits, or of 0x and digits: resolvers read the whole name as an address. */
static bool label_is_number(const char *label)
{
	if (label[0] == '0' && label[1] == 'x')
		return strspn(label + 2, "0123456789abcdef") == strlen(label + 2);
	return strspn(label, "0123456789") == strlen(label);
}

static bool name_check(const char *name, struct err **err)
{
	const char *last = name;
	for (const char *start = name;;) {
		size_t len = strcspn(start, ".");
		if (!label_is_valid(start, len))
			return err_set(err, ERR_INVALID,
				"host '%s': label '%.*s' must be letters, digits and inner dashes",
				name, (int)len, start);
		last = start;
		if (!start[len])
			break;
		start += len + 1;
	}

	struct in_addr address;
	if (label_is_number(last) && inet_pton(AF_INET, name, &address) != 1)
		return err_set(err, ERR_INVALID,
			"host '%s': ends in a number but is no IPv4 address of four decimal parts",
			name);
	return true;
}

/* Appends "[address]" in its shortest spelling. */
static bool add_ipv6(struct str *out, const char *text, size_t len, struct err **err)
{
	struct in6_addr address;
	char spelled[INET6_ADDRSTRLEN];
	CLEANUP(mem_freep) char *inner = mem_strndup(text + 1, len - 2);
	if (inet_pton(AF_INET6, inner, &address) != 1)
		return err_set(err, ERR_INVALID, "host '[%s]': no IPv6 address", inner);
	inet_ntop(AF_INET6, &address, spelled, sizeof(spelled));
	str_addf(out, "[%s]", spelled);
	return true;
}

/* Appends the lower-case name without a trailing dot. */
static bool add_name(struct str *out, const char *text, size_t len, struct err **err)
{
	CLEANUP(mem_freep) char *name = mem_strndup(text, len);
	for (size_t i = 0; i < len; i++)
		name[i] = to_lower(name[i]);
	if (len > 1 && name[len - 1] == '.')
		name[len - 1] = '\0';
	if (!name_check(name, err))
		return false;
	str_add_text(out, name);
	return true;
}

/* What makes a first component a host rather than the start of a Docker Hub path. */
static bool is_qualified(const char *host)
{
	return strcmp(host, "localhost") == 0 || strpbrk(host, ".:") != NULL;
}

static bool add_port(struct str *out, const char *digits, size_t len, struct err **err)
{
	uint64_t port = 0;
	CLEANUP(mem_freep) char *text = mem_strndup(digits, len);
	if (!number_parse(text, 65535, &port) || port == 0)
		return err_set(
			err, ERR_INVALID, "port '%s' must be a number from 1 to 65535", text);
	/* Plain http is what loopback hosts speak by default. */
	uint64_t standard = host_is_loopback(str_text(out)) ? 80 : 443;
	if (port != standard || !is_qualified(str_text(out)))
		str_addf(out, ":%u", (unsigned)port);
	return true;
}

/* The API of Docker Hub answers under several names; credentials and keys know one. */
static const char *fold_docker_hub(const char *host)
{
	static const char *const aliases[] = {
		"index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"};
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (strcmp(host, aliases[i]) == 0)
			return DOCKER_HUB;
	return host;
}

static bool add_host(struct str *out, const char *text, size_t len, struct err **err)
{
	CLEANUP(str_release) struct str host = STR_INIT(2 * REPOSITORY_MAX);
	const char *bracket = text[0] == '[' ? memchr(text, ']', len) : NULL;
	size_t name_len = bracket ? (size_t)(bracket - text) + 1 : len;
	const char *colon =
		memchr(text + (bracket ? name_len : 0), ':', len - (bracket ? name_len : 0));
	if (colon)
		name_len = (size_t)(colon - text);
	else if (bracket && name_len != len)
		return err_set(err, ERR_INVALID, "host '%.*s': text after ']'", (int)len, text);

	if (!(bracket ? add_ipv6(&host, text, name_len, err)
		      : add_name(&host, text, name_len, err)))
		return false;
	if (colon && !add_port(&host, colon + 1, len - name_len - 1, err))
		return err_prefix(err, "host '%.*s'", (int)len, text);
	if (!is_qualified(str_text(&host)))
		return err_set(err, ERR_INVALID,
			"'%.*s' is no registry host: a full name with a dot or a port is needed",
			(int)len, text);
	str_add_text(out, fold_docker_hub(str_text(&host)));
	return true;
}

bool host_is_loopback(const char *host)
{
	if (host[0] == '[')
		return strncmp(host, "[::1]", 5) == 0 && (host[5] == '\0' || host[5] == ':');

	CLEANUP(mem_freep) char *name = mem_strndup(host, strcspn(host, ":"));
	size_t len = strlen(name);
	static const char suffix[] = ".localhost";
	size_t suffix_len = sizeof(suffix) - 1;
	struct in_addr address;
	if (inet_pton(AF_INET, name, &address) == 1)
		return (ntohl(address.s_addr) >> 24) == 127;
	return strcmp(name, "localhost") == 0 ||
		(len > suffix_len && strcmp(name + len - suffix_len, suffix) == 0);
}

/* ---- Registries ---- */

static bool canonical(const char *text, struct str *out, struct err **err)
{
	if (!length_check(text, err))
		return false;
	size_t host_len = strcspn(text, "/");
	if (host_len == 0)
		return err_set(err, ERR_INVALID, "no host");
	if (!add_host(out, text, host_len, err))
		return false;
	if (!text[host_len])
		return true;
	if (!path_check(text + host_len + 1, err))
		return false;
	str_add_text(out, text + host_len);
	return true;
}

bool registry_name_canonical(const char *text, char **ret_name, struct err **err)
{
	CLEANUP(str_release) struct str name = STR_INIT(2 * REPOSITORY_MAX);
	if (!canonical(text, &name, err) || !length_check(str_text(&name), err))
		return err_prefix(err, "registry '%.80s'", text);
	*ret_name = str_steal(&name, NULL);
	return true;
}

/* ---- Tags ---- */

/* Behind the first one. A table, since every tag of every list comes through here. */
static const bool tag_bytes[256] = {
	['0' ... '9'] = true,
	['a' ... 'z'] = true,
	['A' ... 'Z'] = true,
	['_'] = true,
	['.'] = true,
	['-'] = true,
};

bool tag_is_valid(const char *tag)
{
	size_t len = 1;
	if (!is_alnum(tag[0]) && tag[0] != '_')
		return false;
	while (len <= TAG_MAX && tag_bytes[(unsigned char)tag[len]])
		len++;
	return tag[len] == '\0' && len <= TAG_MAX;
}

bool tag_is_reserved(const char *tag)
{
	/* The fallback tag of referrers cuts sha512 to 64 digits as well. */
	if (strncmp(tag, "sha256-", 7) != 0 && strncmp(tag, "sha512-", 7) != 0)
		return false;
	return strspn(tag + 7, "0123456789abcdefABCDEF") >= 64;
}
