/*
 * Reads of whole documents, several in flight. Bytes are judged by their digest, and by nothing else.
 */
#include "registry/fetch.h"

#include "base/alloc.h"
#include "registry/blob.h"
#include "registry/manifest_request.h"

void fetch_release(struct fetch *fetch)
{
	document_release(&fetch->document);
	err_free(fetch->err);
	*fetch = (struct fetch){0};
}

static bool blob_take(const struct request *request, const struct digest *digest,
	struct document *ret_document, struct err **err)
{
	char text[DIGEST_TEXT_SIZE];

	if (!request_succeeded(request, err))
		return false;
	const struct str *body = &request_answer(request)->body;
	struct digest actual = digest_of(digest->algorithm, str_text(body), body->len);
	if (!digest_equal(&actual, digest))
		return err_set(err, ERR_DIGEST,
			"%s: the %zu bytes received hash to %s: the registry or something on the "
			"way changed them",
			request->what, body->len, digest_format(&actual, text));
	*ret_document = (struct document){
		.bytes = mem_dup(str_text(body), body->len + 1),
		.len = body->len,
		.media_type = mem_strdup(""),
		.digest = actual,
	};
	return true;
}

static void fetch_init(struct request *request, struct registry *registry,
	const struct repository *repository, const struct fetch *fetch, struct http_tally *tally)
{
	if (fetch->is_manifest)
		manifest_get_init(request, registry, repository, &fetch->digest, tally);
	else
		blob_get_init(request, registry, repository, &fetch->digest, tally);
	/* Room for what the registry says when it refuses. */
	request->http.response_max = fetch->max > 4096 ? fetch->max : 4096;
}

static void fetch_take(struct fetch *fetch, const struct request *request)
{
	struct document *document = &fetch->document;
	bool ok = fetch->is_manifest
		? manifest_get_take(request, &fetch->digest, document, &fetch->err)
		: blob_take(request, &fetch->digest, document, &fetch->err);

	if (ok && document->len > fetch->max) {
		err_set(&fetch->err, ERR_TOO_LARGE, "%s: more than %zu bytes", request->what,
			fetch->max);
		document_release(document);
	}
}

static bool is_wanted(const struct fetch *fetch, bool again)
{
	return again ? err_is(fetch->err, ERR_DIGEST) : !fetch->err && !fetch->document.bytes;
}

static void fetch_once(struct registry *registry, const struct repository *repository,
	struct fetch *fetches, size_t count, struct http_tally *tally, bool again)
{
	struct request *requests = mem_new(count, sizeof(*requests));
	struct request **pointers = mem_new(count, sizeof(*pointers));

	for (size_t i = 0; i < count; i++) {
		if (!is_wanted(&fetches[i], again))
			continue;
		err_free(steal_ptr(&fetches[i].err));
		fetch_init(&requests[i], registry, repository, &fetches[i], tally);
		pointers[i] = &requests[i];
	}
	requests_run(pointers, count);
	for (size_t i = 0; i < count; i++) {
		if (!pointers[i])
			continue;
		fetch_take(&fetches[i], &requests[i]);
		request_release(&requests[i]);
	}
	mem_free(pointers);
	mem_free(requests);
}

void registry_fetch(struct registry *registry, const struct repository *repository,
	struct fetch *fetches, size_t count, struct http_tally *tally)
{
	bool damaged = false;

	if (count == 0)
		return;
	fetch_once(registry, repository, fetches, count, tally, false);
	for (size_t i = 0; i < count; i++)
		damaged |= err_is(fetches[i].err, ERR_DIGEST);
	if (damaged)
		fetch_once(registry, repository, fetches, count, tally, true);
}
