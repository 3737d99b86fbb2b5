/*
 * The metadata server of Google's machines: plain HTTP on a link-local address, never through a
 * proxy (net/proxy.h). Other clouds answer at the same address: what does not name itself Google's
 * is not believed.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "registry/auth_form.h"
#include "registry/auth_google_private.h"
#include "registry/auth_token.h"

#define ADDRESS "169.254.169.254"
#define ACCOUNT_PATH "/computeMetadata/v1/instance/service-accounts/default/"

static const struct http_header flavor = {"Metadata-Flavor", "Google", false};

static void response_wipe(struct http_response *response)
{
	str_release_secret(&response->body);
	http_response_release(response);
}

static const char *given_host(void)
{
	const char *host = getenv("GCE_METADATA_HOST");
	return host && *host ? host : NULL;
}

/* "http://" and GCE_METADATA_HOST, or the link-local address. Fresh text. */
static char *metadata_origin(void)
{
	const char *host = given_host();
	return mem_printf("http://%s", host ? host : ADDRESS);
}

static bool is_google(const struct http_response *response)
{
	CLEANUP(mem_freep) char *named = http_response_header(response, "Metadata-Flavor", 0);
	return named && strcmp(named, "Google") == 0;
}

static bool get(struct http *http, const char *origin, const char *path, struct http_tally *tally,
	struct http_response *ret, struct err **err)
{
	CLEANUP(mem_freep) char *url = mem_printf("%s%s", origin, path);
	const struct http_request request = {
		.method = "GET",
		.url = url,
		.headers = &flavor,
		.header_count = 1,
		.response_max = GOOGLE_ANSWER_MAX,
		.repeatable = true,
		.tally = tally,
	};
	return google_do(http, &request, ret, err);
}

/* "NO_GCE_CHECK", as Google's libraries have it. */
static bool is_forbidden(void)
{
	const char *text = getenv("NO_GCE_CHECK");
	return text && strcasecmp(text, "true") == 0;
}

/*
 * With a client of its own, whose deadlines are short: elsewhere nothing may answer at all. Whoever
 * sets GCE_METADATA_HOST says that there is one.
 */
bool google_metadata_probe(
	struct http *http, const char *probe, int64_t timeout_ms, bool *ret_there, struct err **err)
{
	const struct http_options *settings = http_settings(http);
	const struct http_options hurried = {
		.clock = settings->clock,
		.cancel = settings->cancel,
		.user_agent = settings->user_agent,
		.connect_timeout_ms = timeout_ms,
		.first_byte_timeout_ms = timeout_ms,
		.stall_timeout_ms = timeout_ms,
		.request_timeout_ms = timeout_ms,
		.attempts = 1,
	};
	CLEANUP(http_response_release) struct http_response response = {0};
	CLEANUP(err_freep) struct err *failure = NULL;
	if (given_host() || is_forbidden()) {
		*ret_there = !is_forbidden();
		return true;
	}
	struct http *client = http_new(&hurried, err);
	if (!client)
		return false;
	bool answered = get(client, probe ? probe : "http://" ADDRESS, ACCOUNT_PATH "email", NULL,
		&response, &failure);
	http_free(client);
	if (err_is(failure, ERR_CANCELLED)) {
		err_keep_first(err, &failure);
		return false;
	}
	*ret_there = answered && response.status == 200 && is_google(&response);
	return true;
}

static bool judge(const struct http_response *response, struct err **err)
{
	if (!is_google(response))
		return err_set(err, ERR_AUTH,
			"what answers does not name itself Google's metadata server");
	if (response->status == 404)
		return err_set_http(err, ERR_AUTH, 404, "this machine has no service account");
	if (response->status != 200)
		return err_set_http(err, response->status >= 500 ? ERR_TRANSIENT : ERR_AUTH,
			response->status, "status %d", response->status);
	return true;
}

/* The whole answer is the token. */
static bool read_identity(const struct http_response *response, char **ret_token, struct err **err)
{
	const char *text = str_text(&response->body);
	size_t len = strcspn(text, " \t\r\n");
	char *token = mem_strndup(text, len);
	if (auth_token_is_valid(token) &&
		strspn(text + len, " \t\r\n") + len == response->body.len) {
		*ret_token = token;
		return true;
	}
	mem_free_secret_string(token);
	return err_set(err, ERR_AUTH, "the answer is no token");
}

/* With format=full the token also has the account's e-mail address. Fresh text. */
static char *token_path(const struct google_exchange *exchange)
{
	CLEANUP(str_release) struct str query = STR_INIT(GOOGLE_ANSWER_MAX);
	if (!exchange->audience)
		return mem_strdup(ACCOUNT_PATH "token");
	auth_form_add(&query, "audience", exchange->audience);
	auth_form_add(&query, "format", "full");
	return mem_printf(ACCOUNT_PATH "identity?%s", str_text(&query));
}

bool google_metadata_token(const struct google_exchange *exchange, char **ret_token,
	int64_t *ret_life_ms, struct err **err)
{
	CLEANUP(response_wipe) struct http_response response = {0};
	CLEANUP(mem_freep) char *origin = metadata_origin();
	CLEANUP(mem_freep) char *path = token_path(exchange);
	bool ok = get(exchange->http, origin, path, exchange->tally, &response, err) &&
		judge(&response, err);
	if (ok && exchange->audience) {
		*ret_life_ms = (int64_t)GOOGLE_LIFE_DEFAULT_S * 1000;
		ok = read_identity(&response, ret_token, err);
	} else if (ok) {
		ok = auth_token_parse(
			str_text(&response.body), response.body.len, ret_token, ret_life_ms, err);
	}
	return ok || err_prefix(err, "metadata server %s", origin + strlen("http://"));
}
