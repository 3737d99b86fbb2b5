/*
 * Requests to signing services. What a server says about its refusal is quoted, bounded; both kinds
 * of JSON in which these services say it are known here: gRPC gateway's "message" and Rekor's.
 */
#include "signer/service.h"

#include <jansson.h>
#include <string.h>

#include "base/alloc.h"
#include "image/reference.h"
#include "net/url.h"
#include "signer/json_private.h"

#define ANSWER_QUOTED 300
#define ANSWER_MAX ((size_t)64 * 1024)
/* A log answers when its next checkpoint is there; who signs bounds how many signatures it makes at a time. */
#define SERVICE_IN_FLIGHT 1000

static bool url_check(const struct url *url, const char *text, struct err **err)
{
	if (strchr(text, '?') || strchr(text, '#'))
		return err_set(err, ERR_USAGE, "a query or fragment does not belong there");
	if (!url->is_https && !host_is_loopback(url->host) && strcmp(url->host, "::1") != 0)
		return err_set(
			err, ERR_USAGE, "only https is allowed (plain http on the loopback only)");
	return true;
}

bool service_init(struct service *service, struct http *http, const char *name, const char *url,
	struct err **err)
{
	CLEANUP(url_release) struct url parsed = {0};
	CLEANUP(err_freep) struct err *reason = NULL;
	size_t len = strlen(url);

	if (!url_parse(url, &parsed, &reason) || !url_check(&parsed, url, &reason))
		return err_set(err, ERR_USAGE, "%s: URL \"%.200s\": %s", name, url, reason->msg);
	while (len > 0 && url[len - 1] == '/')
		len--;
	*service = (struct service){
		.http = http,
		.name = name,
		.url = mem_strndup(url, len),
		.bucket = mem_printf("%s %u", parsed.host, (unsigned)parsed.port),
	};
	return true;
}

void service_release(struct service *service)
{
	mem_free(service->url);
	mem_free(service->bucket);
}

bool service_do(const struct service *service, const struct service_request *request,
	struct http_response *ret_response, struct err **err)
{
	CLEANUP(mem_freep) char *url = mem_printf("%s%s", service->url, request->path);
	struct http_header headers[3];
	char *authorization =
		request->bearer ? mem_printf("Bearer %s", request->bearer) : mem_strdup("");
	size_t count = 0;

	if (request->content_type)
		headers[count++] =
			(struct http_header){"Content-Type", request->content_type, false};
	if (request->accept)
		headers[count++] = (struct http_header){"Accept", request->accept, false};
	if (request->bearer)
		headers[count++] = (struct http_header){"Authorization", authorization, true};
	const struct http_request sent = {
		.method = request->method,
		.url = url,
		.headers = headers,
		.header_count = count,
		.body = request->body,
		.body_len = request->len,
		.response_max = request->response_max,
		.repeatable = true,
		.quota = service->bucket,
		.quota_class = HTTP_CLASS_SIGNING,
		.in_flight = SERVICE_IN_FLIGHT,
	};
	bool ok = http_do(service->http, &sent, ret_response, err);
	mem_free_secret_string(authorization);
	return ok || err_prefix(err, "%s", service->name);
}

/* Enough of a token's last part to know it by; without that part it is no secret. */
#define SECRET_KNOWN_BY 16

static bool repeats_secret(const struct service_request *request, const char *text)
{
	const char *last = request->bearer ? strrchr(request->bearer, '.') : NULL;

	if (!request->bearer)
		return false;
	char *part = mem_strndup(last ? last + 1 : request->bearer, SECRET_KNOWN_BY);
	bool found = *part && strstr(text, part);
	mem_free_secret_string(part);
	return found;
}

/* What the server said, fresh text: its message, or the beginning of a text that is no JSON. */
static char *said(const struct service_request *request, const struct http_response *response)
{
	CLEANUP(json_tree_freep) json_t *body = NULL;
	const char *text = str_text(&response->body), *message = NULL;

	if (json_load_object(text, response->body.len, ANSWER_MAX, &body, NULL))
		message = json_string_value(json_object_get(body, "message"));
	else if (memchr(text, '\0', response->body.len) == NULL)
		message = text;
	if (!message)
		return mem_strdup("");
	if (repeats_secret(request, message))
		return mem_strdup("(words that repeat the token)");
	while (*message && strchr(" \t\r\n", *message))
		message++;
	return mem_strndup(message, ANSWER_QUOTED);
}

static enum err_kind kind_of_status(int status)
{
	switch (status) {
	case 401:
	case 403:
		return ERR_AUTH;
	case 404:
		return ERR_NOT_FOUND;
	case 409:
		return ERR_CONFLICT;
	case 429:
		return ERR_THROTTLED;
	case 408:
		return ERR_TRANSIENT;
	default:
		return status >= 500 ? ERR_TRANSIENT : ERR_INVALID;
	}
}

bool service_refused(const struct service *service, const struct service_request *request,
	const struct http_response *response, struct err **err)
{
	CLEANUP(mem_freep) char *text = said(request, response);

	err_set_http(err, kind_of_status(response->status), response->status,
		"the server answered %d%s%s", response->status, *text ? ": " : "", text);
	return service_failed(service, request, err);
}

bool service_failed(
	const struct service *service, const struct service_request *request, struct err **err)
{
	return err_prefix(
		err, "%s: %s %s%s", service->name, request->method, service->url, request->path);
}
