/* Routes a path to its handler; errors and headers that all of them answer with. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/fakes/registry/fake.h"

void respond_error(
	struct fake_response *response, int status, const char *code, const char *message)
{
	response->status = status;
	str_addf(&response->headers, "Content-Type: application/json\r\n");
	str_addf(&response->text, "{\"errors\":[{\"code\":\"%s\",\"message\":\"%s\"}]}\n", code,
		message);
}

void respond_created(struct fake_response *response, const char *repository, const char *kind,
	const struct digest *digest)
{
	char text[DIGEST_TEXT_SIZE];
	response->status = 201;
	digest_format(digest, text);
	str_addf(&response->headers, "Location: /v2/%s/%s/%s\r\n", repository, kind, text);
	if (response->wrong_digest_header)
		text[strlen(text) - 1] = text[strlen(text) - 1] == '0' ? '1' : '0';
	if (!response->no_digest_header)
		str_addf(&response->headers, "Docker-Content-Digest: %s\r\n", text);
}

static char *percent_decode(const char *text, size_t len)
{
	char *decoded = mem_strndup(text, len);
	size_t out = 0;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '%' && i + 2 < len) {
			char digits[3] = {text[i + 1], text[i + 2], '\0'};
			decoded[out++] = (char)strtoul(digits, NULL, 16);
			i += 2;
		} else {
			decoded[out++] = text[i];
		}
	}
	decoded[out] = '\0';
	return decoded;
}

char *query_nth(const char *query, const char *name, size_t n)
{
	size_t name_len = strlen(name);
	for (const char *at = query; *at;) {
		size_t len = strcspn(at, "&");
		if (len > name_len && strncmp(at, name, name_len) == 0 && at[name_len] == '=' &&
			n-- == 0)
			return percent_decode(at + name_len + 1, len - name_len - 1);
		at += len;
		at += *at == '&';
	}
	return NULL;
}

char *query_value(const char *query, const char *name)
{
	return query_nth(query, name, 0);
}

/* Splits "/v2/REPOSITORY<middle>NAME" at the last <middle>; fresh memory. */
static bool split(const char *path, const char *middle, char **ret_repository, char **ret_name)
{
	const char *rest = path + 4, *found = NULL;
	for (const char *at = rest; (at = strstr(at, middle)); at++)
		found = at;
	if (!found || found == rest)
		return false;
	*ret_repository = mem_strndup(rest, (size_t)(found - rest));
	*ret_name = mem_strdup(found + strlen(middle));
	return true;
}

void respond_not_found(struct fake_response *response)
{
	response->status = 404;
	str_add_text(&response->headers, "Content-Type: text/plain; charset=utf-8\r\n");
	str_add_text(&response->text, "404 page not found\n");
}

/* For whoever is told to fetch one by a fault; nobody looks at it. */
static void give_token(struct fake_response *response)
{
	response->status = 200;
	str_add_text(&response->headers, "Content-Type: application/json\r\n");
	str_add_text(&response->text, "{\"token\":\"t\",\"expires_in\":300}");
}

void handle(const struct fake_request *request, struct fake_response *response)
{
	CLEANUP(mem_freep) char *repository = NULL;
	CLEANUP(mem_freep) char *name = NULL;
	if (!bearer_allows(request, response))
		return;
	if (fake_options.answer_404)
		respond_error(
			response, 404, "NAME_UNKNOWN", "repository name not known to registry");
	else if (strcmp(request->path, "/v2/") == 0)
		response->status = 200;
	else if (strcmp(request->path, "/token") == 0)
		give_token(response);
	else if (strncmp(request->path, "/admin/", 7) == 0)
		handle_admin(request, response);
	else if (strncmp(request->path, "/v2/", 4) != 0)
		respond_not_found(response);
	else if (split(request->path, "/manifests/", &repository, &name))
		handle_manifest(request, repository, name, response);
	else if (split(request->path, "/blobs/uploads/", &repository, &name))
		handle_upload(request, repository, name, response);
	else if (split(request->path, "/blobs/", &repository, &name))
		handle_blob(request, repository, name, response);
	else if (fake_options.referrers && split(request->path, "/referrers/", &repository, &name))
		handle_referrers(request, repository, name, response);
	else if (split(request->path, "/tags/list", &repository, &name))
		handle_tags(request, repository, response);
	else
		respond_not_found(response);
}
