/*
 * Listing referrers: the API with its pages, else the tag. Registries without the API say so in
 * many ways, so whatever is no clean list counts as "no API", except refusals and faults that say
 * nothing of it.
 */
#include "registry/referrers.h"

#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "image/manifest.h"
#include "registry/auth_form.h"
#include "registry/manifest_request.h"
#include "registry/paging.h"
#include "registry/referrers_private.h"

/* ---- The API ---- */

static bool is_index(const struct request *request)
{
	CLEANUP(mem_freep) char *type = request_answer_header(request, "Content-Type", 0);
	size_t len = type ? strcspn(type, "; \t") : 0;
	return len == strlen(MEDIA_TYPE_OCI_INDEX) &&
		strncasecmp(type, MEDIA_TYPE_OCI_INDEX, len) == 0;
}

/*
 * go-containerregistry takes 404, 400, 406 and other types for it; 405 and 501 are what gateways
 * say. GitLab once answered with the image itself, GHCR with a page of HTML.
 */
static bool api_is_missing(const struct request *request)
{
	switch (request_status(request)) {
	case 400:
	case 404:
	case 405:
	case 406:
	case 501:
		return true;
	case 200:
		return !is_index(request);
	default:
		return false;
	}
}

/* A registry that has the API says this of a repository that nothing was pushed to yet. */
static bool is_about_repository(const struct request *request)
{
	return request_status(request) == 404 &&
		strstr(str_text(&request_answer(request)->body), "NAME_UNKNOWN");
}

static void learn(const struct request *request, bool is_supported)
{
	unsigned state = REFERRERS_UNKNOWN, none = REFERRERS_NONE, lies = REFERRERS_LIES;
	struct host *host = request->host;
	if (!is_supported) {
		if (!is_about_repository(request))
			atomic_compare_exchange_strong(&host->referrers, &state, REFERRERS_NONE);
		return;
	}
	if (!atomic_compare_exchange_strong(&host->referrers, &state, REFERRERS_API) &&
		!atomic_compare_exchange_strong(&host->referrers, &none, REFERRERS_API))
		atomic_compare_exchange_strong(&host->referrers, &lies, REFERRERS_API);
}

static bool filter_was_applied(const struct request *request)
{
	for (size_t n = 0;; n++) {
		CLEANUP(mem_freep)
		char *value = request_answer_header(request, "OCI-Filters-Applied", n);
		if (!value || strcasestr(value, "artifactType"))
			return value != NULL;
	}
}

static void page_init(const struct referrers_place *place, const char *artifact_type,
	const char *url, struct request *request)
{
	CLEANUP(str_release) struct str query = STR_INIT(STR_TEXT_MAX);
	char text[DIGEST_TEXT_SIZE];
	CLEANUP(mem_freep)
	char *path = mem_printf("/referrers/%s", digest_format(place->subject, text));
	if (artifact_type) {
		auth_form_add(&query, "artifactType", artifact_type);
		CLEANUP(mem_freep) char *parameters = str_steal(&query, NULL);
		str_addf(&query, "?%s", parameters);
	}
	if (url)
		request_init_given(request, place->registry, place->repository, "GET", path, url,
			HTTP_SOURCE_CONFIGURED, place->tally);
	else
		request_init(request, place->registry, place->repository, "GET", path,
			str_text(&query), place->tally);
	request_header(request, "Accept", MEDIA_TYPE_OCI_INDEX);
	request->http.response_max = MANIFEST_MAX_SIZE;
}

static bool read_page(const struct request *request, const char *artifact_type,
	struct referrers_set *set, struct err **err)
{
	const struct str *body = &request_answer(request)->body;
	const char *local_filter = filter_was_applied(request) ? NULL : artifact_type;
	return referrers_set_read(set, str_text(body), body->len, local_filter, err) ||
		err_prefix(err, "%s", request->what);
}

/* Later pages must be lists: a list that breaks off is not the whole. */
static bool read_pages(const struct referrers_place *place, const char *artifact_type,
	struct paging *paging, struct referrers_set *set, bool *ret_supported, struct err **err)
{
	CLEANUP(mem_freep) char *url = NULL;
	do {
		CLEANUP(request_release) struct request request;
		char *next = NULL;
		page_init(place, artifact_type, url, &request);
		if (!request_do(&request, err))
			return false;
		if (!url && api_is_missing(&request)) {
			learn(&request, false);
			*ret_supported = false;
			return true;
		}
		if (!request_succeeded(&request, err))
			return false;
		if (!is_index(&request))
			return err_set(err, ERR_INVALID, "%s: a page that is no image index",
				request.what);
		if (!read_page(&request, artifact_type, set, err) ||
			!paging_link(&request, &next, err))
			return false;
		mem_free(url);
		url = next;
		if (url && !paging_step(paging, &request, url, err))
			return false;
		learn(&request, true);
	} while (url);
	*ret_supported = true;
	return true;
}

bool referrers_from_api(const struct referrers_place *place, const char *artifact_type,
	struct referrers_set *set, bool *ret_supported, struct err **err)
{
	struct paging paging = {0};
	bool ok = read_pages(place, artifact_type, &paging, set, ret_supported, err);
	paging_release(&paging);
	return ok;
}

/* ---- The tag ---- */

static bool not_an_index(
	const struct referrers_place *place, const char *tag, const char *what, struct err **err)
{
	return err_set(err, ERR_CONFLICT,
		"%s/%s:%s should be the index of what refers to that digest, but is %s; it is not "
		"touched: remove the tag if it is a mistake",
		place->repository->host, place->repository->path, tag, what);
}

bool referrers_tag_read(
	const struct referrers_place *place, struct document *ret_document, struct err **err)
{
	CLEANUP(document_release) struct document document = {0};
	CLEANUP(err_freep) struct err *failure = NULL;
	CLEANUP(referrers_set_release) struct referrers_set set = {0};
	char tag[REFERRERS_TAG_SIZE];
	referrers_tag(place->subject, tag);
	if (!registry_manifest_read(
		    place->registry, place->repository, tag, place->tally, &document, &failure)) {
		if (err_is(failure, ERR_NOT_FOUND)) {
			*ret_document = (struct document){0};
			return true;
		}
		err_keep_first(err, &failure);
		return false;
	}
	if (*document.media_type && strcmp(document.media_type, MEDIA_TYPE_OCI_INDEX) != 0)
		return not_an_index(place, tag, document.media_type, err);
	if (!referrers_set_read(&set, document.bytes, document.len, NULL, &failure)) {
		if (err_is(failure, ERR_INVALID))
			return not_an_index(place, tag, failure->msg, err);
		err_keep_first(err, &failure);
		return err_prefix(
			err, "%s/%s:%s", place->repository->host, place->repository->path, tag);
	}
	*ret_document = document;
	document = (struct document){0};
	return true;
}

static bool list_by_tag(const struct referrers_place *place, const char *artifact_type,
	struct referrers_set *set, struct err **err)
{
	CLEANUP(document_release) struct document document = {0};
	set->list.from_tag = true;
	return referrers_tag_read(place, &document, err) &&
		(!document.bytes ||
			referrers_set_read(set, document.bytes, document.len, artifact_type, err));
}

bool referrers_are_by_tag(struct registry *registry, const struct repository *repository)
{
	unsigned state = host_get(registry, repository->host)->referrers;
	return state == REFERRERS_NONE || state == REFERRERS_LIES;
}

static bool list(const struct referrers_place *place, const char *artifact_type, bool only_api,
	bool *ret_supported, struct referrers *ret_referrers, struct err **err)
{
	CLEANUP(referrers_set_release) struct referrers_set set = {0};
	bool supported = !referrers_are_by_tag(place->registry, place->repository);
	if (supported && !referrers_from_api(place, artifact_type, &set, &supported, err))
		return false;
	if (!supported && !only_api && !list_by_tag(place, artifact_type, &set, err))
		return false;
	*ret_supported = supported;
	*ret_referrers = set.list;
	set.list = (struct referrers){0};
	return true;
}

bool referrers_list_api(struct registry *registry, const struct repository *repository,
	const struct digest *subject, const char *artifact_type, struct http_tally *tally,
	bool *ret_supported, struct referrers *ret_referrers, struct err **err)
{
	const struct referrers_place place = {registry, repository, subject, tally};
	return list(&place, artifact_type, true, ret_supported, ret_referrers, err);
}

bool referrers_list(struct registry *registry, const struct repository *repository,
	const struct digest *subject, const char *artifact_type, struct http_tally *tally,
	struct referrers *ret_referrers, struct err **err)
{
	const struct referrers_place place = {registry, repository, subject, tally};
	bool supported;
	return list(&place, artifact_type, false, &supported, ret_referrers, err);
}
