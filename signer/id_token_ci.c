/*
 * Tokens of services that run jobs: GitHub Actions and Buildkite hand one out to a job that asks,
 * GitLab puts one into a variable whose name the job's author chose. The secret with which a job
 * asks goes to the place that its variable names and nowhere else; answers are hostile until
 * id_token_parse has seen them, and nothing of them is in a message.
 */
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "image/reference.h"
#include "net/url.h"
#include "signer/id_token_private.h"
#include "signer/json_private.h"

#define URL_VARIABLE "ACTIONS_ID_TOKEN_REQUEST_URL"
#define TOKEN_VARIABLE "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
#define BUILDKITE_ENDPOINT "https://agent.buildkite.com/v3"
#define ANSWER_MAX (ID_TOKEN_MAX_SIZE + 1024)
#define JOB_MAX 64

static void response_wipe(struct http_response *response)
{
	str_release_secret(&response->body);
	http_response_release(response);
}

static void secret_freep(char **text)
{
	mem_free_secret_string(*text);
}

/* ---- Asking ---- */

struct question {
	const char *method, *url;
	const char *variable; /* that the URL is from, for messages */
	const char *scheme;   /* of Authorization, with a space behind it */
	const char *secret;
	const char *body;   /* JSON; NULL: none */
	const char *member; /* of the answer */
	const char *advice; /* for a refusal */
};

/* A secret goes there: over https, or not off this machine. */
static bool parse_url(const struct question *question, struct url *ret_url, struct err **err)
{
	if (!url_parse(question->url, ret_url, err))
		return err_prefix(err, "the variable %s", question->variable);
	if (ret_url->is_https || host_is_loopback(ret_url->host) ||
		strcmp(ret_url->host, "::1") == 0)
		return true;
	return err_set(err, ERR_USAGE,
		"the variable %s is no https URL: the job's secret is not sent there",
		question->variable);
}

static bool is_word(const char *text)
{
	for (; *text; text++)
		if (*text < 0x21 || *text > 0x7e)
			return false;
	return true;
}

static bool send(const struct id_token_setting *setting, const struct question *question,
	const struct url *url, struct http_response *ret, struct err **err)
{
	CLEANUP(secret_freep)
	char *authorization = mem_printf("%s%s", question->scheme, question->secret);
	CLEANUP(mem_freep) char *bucket = mem_printf("%s %u", url->host, (unsigned)url->port);
	const struct http_header headers[] = {{"Authorization", authorization, true},
		{"Accept", "application/json", false}, {"Content-Type", "application/json", false}};
	const struct http_request request = {
		.method = question->method,
		.url = question->url,
		.headers = headers,
		.header_count = question->body ? 3 : 2,
		.body = question->body,
		.body_len = question->body ? strlen(question->body) : 0,
		.response_max = ANSWER_MAX,
		.repeatable = true,
		.quota = bucket,
		.quota_class = HTTP_CLASS_SIGNING,
	};
	return http_do(setting->http, &request, ret, err);
}

static bool judge(const struct question *question, const struct url *asked,
	const struct http_response *response, struct err **err)
{
	CLEANUP(url_release) struct url answered = {0};
	CLEANUP(mem_freep) char *label = url_label(asked);
	int status = response->status;
	enum err_kind kind = ERR_AUTH;

	if (!url_parse(response->url, &answered, err))
		return false;
	if (!url_same_origin(asked, &answered))
		return err_set(err, ERR_INVALID, "%s: led to another host", label);
	if (status == 200 || status == 201)
		return true;
	if (status == 429)
		kind = ERR_THROTTLED;
	else if (status >= 500 || status == 408)
		kind = ERR_TRANSIENT;
	return err_set_http(err, kind, status, "%s: status %d%s%s", label, status,
		kind == ERR_AUTH ? ": " : "", kind == ERR_AUTH ? question->advice : "");
}

bool id_token_answer(
	const char *text, size_t len, const char *member, struct str *out, struct err **err)
{
	CLEANUP(json_tree_freep) json_t *answer = NULL;
	const char *token = NULL;

	/* The reason would quote it. */
	if (json_load_object(text, len, ANSWER_MAX, &answer, NULL))
		token = json_string_value(json_object_get(answer, member));
	if (!token || !*token || !str_add_text(out, token))
		return err_set(err, ERR_INVALID, "the answer holds no token");
	return true;
}

static bool ask(const struct id_token_setting *setting, const struct question *question,
	struct str *out, struct err **err)
{
	CLEANUP(response_wipe) struct http_response response = {0};
	CLEANUP(url_release) struct url url = {0};

	if (!is_word(question->secret))
		return err_set(err, ERR_USAGE, "the job's secret holds what no secret can");
	return parse_url(question, &url, err) && send(setting, question, &url, &response, err) &&
		judge(question, &url, &response, err) &&
		id_token_answer(
			str_text(&response.body), response.body.len, question->member, out, err);
}

/* ---- GitHub Actions, and what is made after it ---- */

static bool github_find(const struct id_token_setting *setting, bool *ret_there, struct err **err)
{
	(void)setting;
	(void)err;
	*ret_there = id_token_variable(URL_VARIABLE) && id_token_variable(TOKEN_VARIABLE);
	return true;
}

static bool github_fetch(const struct id_token_setting *setting, struct str *out, struct err **err)
{
	const char *base = id_token_variable(URL_VARIABLE);
	CLEANUP(mem_freep)
	char *url =
		mem_printf("%s%caudience=" ID_TOKEN_AUDIENCE, base, strchr(base, '?') ? '&' : '?');
	const struct question question = {
		.method = "GET",
		.url = url,
		.variable = URL_VARIABLE,
		.scheme = "bearer ",
		.secret = id_token_variable(TOKEN_VARIABLE),
		.member = "value",
		.advice = "the job's secret was refused: it counts only while the job runs",
	};
	return ask(setting, &question, out, err);
}

const struct id_token_provider id_token_github = {
	.name = "github-actions",
	.needs = "permissions: id-token: write",
	.find = github_find,
	.fetch = github_fetch,
};

/* ---- Buildkite ---- */

static bool buildkite_find(
	const struct id_token_setting *setting, bool *ret_there, struct err **err)
{
	(void)setting;
	(void)err;
	*ret_there = id_token_variable("BUILDKITE_AGENT_ACCESS_TOKEN") &&
		id_token_variable("BUILDKITE_JOB_ID");
	return true;
}

/* May it stand in a path? */
static bool job_is_valid(const char *job)
{
	static const char letters[] =
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
	size_t len = strspn(job, letters);
	return len > 0 && len <= JOB_MAX && !job[len];
}

static bool buildkite_fetch(
	const struct id_token_setting *setting, struct str *out, struct err **err)
{
	const char *job = id_token_variable("BUILDKITE_JOB_ID");
	const char *endpoint = id_token_variable("BUILDKITE_AGENT_ENDPOINT");
	size_t len = strlen(endpoint ? endpoint : BUILDKITE_ENDPOINT);

	endpoint = endpoint ? endpoint : BUILDKITE_ENDPOINT;
	if (!job_is_valid(job))
		return err_set(err, ERR_USAGE, "the variable BUILDKITE_JOB_ID names no job");
	if (strpbrk(endpoint, "?#"))
		return err_set(err, ERR_USAGE,
			"the variable BUILDKITE_AGENT_ENDPOINT has a query or fragment");
	while (len > 0 && endpoint[len - 1] == '/')
		len--;
	CLEANUP(mem_freep)
	char *url = mem_printf("%.*s/jobs/%s/oidc/tokens", (int)len, endpoint, job);
	const struct question question = {
		.method = "POST",
		.url = url,
		.variable = "BUILDKITE_AGENT_ENDPOINT",
		.scheme = "Token ",
		.secret = id_token_variable("BUILDKITE_AGENT_ACCESS_TOKEN"),
		.body = "{\"audience\":\"" ID_TOKEN_AUDIENCE "\"}",
		.member = "token",
		.advice = "the agent's secret was refused: it counts only while the job runs",
	};
	return ask(setting, &question, out, err);
}

const struct id_token_provider id_token_buildkite = {
	.name = "buildkite-agent",
	.needs = "BUILDKITE_AGENT_ACCESS_TOKEN, BUILDKITE_JOB_ID",
	.find = buildkite_find,
	.fetch = buildkite_fetch,
};

/* ---- GitLab ---- */

/*
 * "id_tokens" of a job names the variables: by custom SIGSTORE_ID_TOKEN (id_token_local.c), but any
 * name will do. So what is looked for is what the variable holds: a token for our audience.
 */
static bool is_for_us(const char *text)
{
	CLEANUP(id_token_freep) struct id_token *token = NULL;
	CLEANUP(err_freep) struct err *failure = NULL;
	/* One that has expired is for us too: that will be the error. */
	return id_token_parse(text, strlen(text), 0, &token, &failure) || err_is(failure, ERR_AUTH);
}

/* The variable's text, and its name up to '='; NULL: none. */
static const char *gitlab_variable(const char **ret_name, bool *ret_several)
{
	const char *found = NULL;

	*ret_several = false;
	for (char **at = environ; at && *at; at++) {
		const char *text = strchr(*at, '=');
		const char *word = strstr(*at, "TOKEN");
		if (!text || !word || word > text || !is_for_us(text + 1))
			continue;
		if (found && strcmp(found, text + 1) != 0)
			*ret_several = true;
		if (!found)
			*ret_name = *at;
		found = found ? found : text + 1;
	}
	return found;
}

static bool gitlab_find(const struct id_token_setting *setting, bool *ret_there, struct err **err)
{
	const char *is_gitlab = id_token_variable("GITLAB_CI"), *name;
	bool several;

	(void)setting;
	(void)err;
	*ret_there = is_gitlab && strcmp(is_gitlab, "true") == 0 &&
		gitlab_variable(&name, &several) != NULL;
	return true;
}

static bool gitlab_fetch(const struct id_token_setting *setting, struct str *out, struct err **err)
{
	const char *name = NULL;
	bool several;
	const char *text = gitlab_variable(&name, &several);

	(void)setting;
	if (several)
		return err_set(err, ERR_USAGE,
			"several variables hold a token for the audience " ID_TOKEN_AUDIENCE
			", %.*s is one: name the one to use SIGSTORE_ID_TOKEN",
			(int)strcspn(name, "="), name);
	return str_add_text(out, text ? text : "");
}

const struct id_token_provider id_token_gitlab = {
	.name = "gitlab",
	.needs = "id_tokens with aud: " ID_TOKEN_AUDIENCE,
	.find = gitlab_find,
	.fetch = gitlab_fetch,
};
