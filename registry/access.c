/*
 * Two requests that cannot change anything, and what their answers say of rights. How requests are
 * authorised is auth.h's business; which repositories are looked at, the reconciler's.
 */
#include "registry/access.h"

#include <string.h>

#include "base/alloc.h"
#include "image/manifest.h"
#include "registry/refusal.h"
#include "registry/request.h"

/* No generator makes this one. */
#define NO_UPLOAD "00000000-0000-0000-0000-000000000000"

static const char never_pushed[] = "cip login-check: nobody pushes this";

static void answer_release(struct access_answer *answer)
{
	mem_free(answer->said);
}

void access_release(struct access *access)
{
	mem_free(access->credential);
	err_free(access->err);
	answer_release(&access->pull);
	answer_release(&access->push);
	*access = (struct access){0};
}

const char *access_right_name(enum access_right right)
{
	static const char *const names[] = {
		[ACCESS_UNKNOWN] = "unknown",
		[ACCESS_GRANTED] = "granted",
		[ACCESS_REFUSED] = "refused",
	};

	return names[right];
}

/* ---- Answers ---- */

static bool is_one_of(const char *code, const char *const *codes)
{
	for (; *codes; codes++)
		if (strcmp(code, *codes) == 0)
			return true;
	return false;
}

static bool is_denial(int status, const char *code)
{
	static const char *const denials[] = {"UNAUTHORIZED", "DENIED", NULL};

	return status == 401 || status == 403 ||
		(status >= 400 && status < 500 && is_one_of(code, denials));
}

/* Who speaks of a manifest lets us ask for manifests. */
static enum access_right right_to_pull(int status, const char *code)
{
	static const char *const grants[] = {"MANIFEST_UNKNOWN", "NAME_UNKNOWN", NULL};

	if (is_denial(status, code))
		return ACCESS_REFUSED;
	return status == 404 && is_one_of(code, grants) ? ACCESS_GRANTED : ACCESS_UNKNOWN;
}

/* Who speaks of the upload or its digest has let us through; a cache or mirror takes no uploads. */
static enum access_right right_to_push(int status, const char *code)
{
	static const char *const grants[] = {
		"BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID", "DIGEST_INVALID", NULL};

	if (is_denial(status, code) || status == 405 || strcmp(code, "UNSUPPORTED") == 0)
		return ACCESS_REFUSED;
	return status >= 400 && status < 500 && is_one_of(code, grants) ? ACCESS_GRANTED
									: ACCESS_UNKNOWN;
}

/* The registry's own answers only: what a redirect led to says nothing of rights. */
static void take_answer(const struct request *request,
	enum access_right (*right_of)(int status, const char *code), struct access *access,
	struct access_answer *answer)
{
	const struct http_response *response = request_answer(request);
	CLEANUP(mem_freep) char *code = NULL;
	CLEANUP(mem_freep) char *text = NULL;

	refusal_words(
		response->status, str_text(&response->body), response->body.len, &code, &text);
	answer->status = response->status;
	answer->said = steal_ptr(&text);
	if (response->url && !host_owns_url(request->host, response->url))
		return;
	access->is_reached = true;
	answer->right = right_of(response->status, code);
}

/* Without an answer of the registry: a token server refused, or nobody could be asked. */
static void take_failure(struct access *access, struct access_answer *answer, struct err **err)
{
	answer->status = (*err)->http;
	answer->said = mem_strdup((*err)->msg);
	if (err_is(*err, ERR_AUTH) && (*err)->http && (*err)->http != 407) {
		/* It was the registry that sent us to the token server. */
		access->is_reached = true;
		answer->right = ACCESS_REFUSED;
	} else {
		err_keep_first(&access->err, err);
	}
}

static void ask(struct request *request,
	enum access_right (*right_of)(int status, const char *code), struct access *access,
	struct access_answer *answer)
{
	CLEANUP(err_freep) struct err *err = NULL;

	if (request_do(request, &err))
		take_answer(request, right_of, access, answer);
	else
		take_failure(access, answer, &err);
}

/* ---- Questions ---- */

static char *never_pushed_digest(void)
{
	char text[DIGEST_TEXT_SIZE];
	struct digest digest = digest_of(DIGEST_SHA256, never_pushed, strlen(never_pushed));

	return mem_strdup(digest_format(&digest, text));
}

static void ask_to_pull(struct registry *registry, const struct repository *repository,
	struct http_tally *tally, struct access *access)
{
	CLEANUP(mem_freep) char *digest = never_pushed_digest();
	CLEANUP(mem_freep) char *path = mem_printf("/manifests/%s", digest);
	CLEANUP(request_release) struct request request;

	request_init(&request, registry, repository, "GET", path, "", tally);
	request_header(&request, "Accept", manifest_accept);
	request.auth.pulls_only = true;
	ask(&request, right_to_pull, access, &access->pull);
}

static void ask_to_push(struct registry *registry, const struct repository *repository,
	struct http_tally *tally, struct access *access)
{
	CLEANUP(mem_freep) char *digest = never_pushed_digest();
	CLEANUP(mem_freep) char *query = mem_printf("?digest=%s", digest);
	CLEANUP(request_release) struct request request;

	request_init(
		&request, registry, repository, "PUT", "/blobs/uploads/" NO_UPLOAD, query, tally);
	request_header(&request, "Content-Type", "application/octet-stream");
	ask(&request, right_to_push, access, &access->push);
}

/* Asked last: only then it is known where it would go. */
static void name_credential(
	struct registry *registry, const struct repository *repository, struct access *access)
{
	CLEANUP(auth_use_release) struct auth_use use;
	CLEANUP(err_freep) struct err *err = NULL;

	auth_use_init(&use, registry->auth, host_get(registry, repository->host), registry->side,
		repository->path, NULL);
	if (!auth_find_credential(&use, &err)) {
		err_keep_first(&access->err, &err);
		return;
	}
	if (use.credential->kind != CREDENTIAL_ANONYMOUS)
		access->credential = mem_strdup(use.credential->origin);
	access->is_withheld = use.is_withheld;
}

void registry_check_access(struct registry *registry, const struct repository *repository,
	struct http_tally *tally, struct access *ret_access)
{
	struct access access = {0};

	ask_to_pull(registry, repository, tally, &access);
	/* Who cannot be reached is not waited for twice. */
	if (registry->side == CREDENTIAL_DESTINATION && !access.err)
		ask_to_push(registry, repository, tally, &access);
	name_credential(registry, repository, &access);
	*ret_access = access;
}

bool registry_credential_number(struct registry *registry, const struct repository *repository,
	unsigned *ret_number, struct err **err)
{
	CLEANUP(auth_use_release) struct auth_use use;

	auth_use_init(&use, registry->auth, host_get(registry, repository->host), registry->side,
		repository->path, NULL);
	if (!auth_find_credential(&use, err))
		return false;
	*ret_number = use.credential->id;
	return true;
}
