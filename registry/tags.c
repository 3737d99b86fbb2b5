/*
 * Listing tags with all pages (distribution-spec "Listing Tags"; registry-client facts 3). A list
 * that may lack a page is never passed off as whole: absence of a tag is what lets us write one.
 */
#include "registry/tags_page.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "net/retry.h"
#include "registry/paging.h"
#include "registry/request.h"

/* A million tags have about 30 MiB, Google's 10,000 manifests 3. */
#define LIST_MAX_BYTES ((uint64_t)128 << 20)

#define TAG_TEXT_SIZE 129

/* Of a page whose answer breaks off; a refusal was repeated by net/ already. */
#define PAGE_ATTEMPTS 3

struct listing {
	struct registry *registry;
	const struct repository *repository;
	const struct tags_visitor *visitor; /* the caller's */
	struct http_tally *tally;
	struct http_call *call; /* whose body is being read; borrowed */
	uint64_t bytes;
	bool is_cut_off;    /* the read itself failed, and its error names the request already */
	unsigned page_size; /* asked for */
	struct paging paging;
	enum tags_kind kind;
	char last[TAG_TEXT_SIZE];  /* last tag of the page */
	char asked[TAG_TEXT_SIZE]; /* the `last` that our own continuation asked with */
};

/* ---- One page ---- */

static bool fill_from_call(void *ctx, void *bytes, size_t max, size_t *ret_len, struct err **err)
{
	struct listing *listing = ctx;
	if (!http_call_read(listing->call, bytes, max, ret_len, err)) {
		listing->is_cut_off = true;
		return false;
	}
	listing->bytes += *ret_len;
	if (listing->bytes > LIST_MAX_BYTES)
		return err_set(err, ERR_TOO_LARGE, "tags list: more than 128 MiB");
	return true;
}

static void pass_tag(void *ctx, const char *tag)
{
	struct listing *listing = ctx;
	memcpy(listing->last, tag, strlen(tag) + 1);
	if (listing->visitor->on_tag)
		listing->visitor->on_tag(listing->visitor->ctx, tag);
}

static void pass_manifest(void *ctx, const struct digest *digest)
{
	const struct tags_visitor *visitor = ((struct listing *)ctx)->visitor;
	if (visitor->on_manifest)
		visitor->on_manifest(visitor->ctx, digest);
}

static void pass_manifest_tag(void *ctx, const struct digest *digest, const char *tag)
{
	const struct tags_visitor *visitor = ((struct listing *)ctx)->visitor;
	if (visitor->on_manifest_tag)
		visitor->on_manifest_tag(visitor->ctx, digest, tag);
}

static void json_reader_freep(struct json_reader **reader)
{
	json_reader_release(*reader);
	mem_free(*reader);
}

static bool read_page(struct listing *listing, struct request *request, struct tags_page *ret_page,
	struct err **err)
{
	const struct tags_visitor visitor = {pass_tag, pass_manifest, pass_manifest_tag, listing};
	CLEANUP(json_reader_freep) struct json_reader *json = mem_new(1, sizeof(*json));
	json_reader_init(json, fill_from_call, listing);
	listing->is_cut_off = false;
	if (!request_open(request, err))
		return false;
	listing->call = request->call;
	listing->last[0] = '\0';
	if (tags_page_read(json, &visitor, ret_page, err))
		return true;
	return listing->is_cut_off ? false : err_prefix(err, "%s", request->what);
}

/* ---- From page to page ---- */

/*
 * A plain page that is exactly full and names no next page: the server may have forgotten the Link
 * header. Asking behind the last tag tells; a server that knows no paging repeats the page.
 */
static char *own_continuation(struct listing *listing, const struct request *request)
{
	if (!listing->last[0] || strcmp(listing->last, listing->asked) == 0)
		return NULL;
	memcpy(listing->asked, listing->last, sizeof(listing->asked));
	return mem_printf("%s/v2/%s/tags/list?n=%u&last=%s", request->host->origin,
		listing->repository->path, listing->page_size, listing->last);
}

static bool next_page(struct listing *listing, const struct request *request,
	const struct tags_page *page, char **ret_url, struct err **err)
{
	CLEANUP(mem_freep) char *url = NULL;
	if (!paging_link(request, &url, err))
		return false;
	if (!url && page->kind == TAGS_PLAIN && listing->page_size &&
		page->tags == listing->page_size)
		url = own_continuation(listing, request);
	if (!url && page->kind == TAGS_GOOGLE && page->manifests >= QUIRKS_GOOGLE_PAGE)
		return err_set(err, ERR_TOO_LARGE,
			"%s: the list ends at %zu manifests, where the registry cuts lists off; "
			"what it "
			"does not show may exist",
			request->what, page->manifests);
	*ret_url = steal_ptr(&url);
	return true;
}

static bool check_kind(struct listing *listing, const struct request *request,
	const struct tags_page *page, struct err **err)
{
	if (listing->paging.pages > 0 && page->kind != listing->kind && page->tags > 0)
		return err_set(err, ERR_INVALID, "%s: pages of different kinds", request->what);
	if (listing->paging.pages == 0)
		listing->kind = page->kind;
	if (page->kind == TAGS_GOOGLE)
		request->host->google = true;
	return true;
}

static void request_init_page(struct listing *listing, struct request *request, const char *url)
{
	char query[32];
	if (url) {
		request_init_given(request, listing->registry, listing->repository, "GET",
			"/tags/list", url, HTTP_SOURCE_CONFIGURED, listing->tally);
		return;
	}
	query[0] = '\0';
	if (listing->page_size)
		snprintf(query, sizeof(query), "?n=%u", listing->page_size);
	request_init(request, listing->registry, listing->repository, "GET", "/tags/list", query,
		listing->tally);
}

/*
 * "Not found" says that there is no such repository. A later page that is not there (some servers
 * answer so when the tag was deleted behind which it should begin) only says that the list is not
 * whole.
 */
static bool cut_short(const struct listing *listing, struct err **err)
{
	if (err && err_is(*err, ERR_NOT_FOUND) && listing->paging.pages > 0)
		(*err)->kind = ERR_INVALID;
	return false;
}

/* What was visited of a page that broke off is visited again. The caller releases the request. */
static bool read_page_at(struct listing *listing, const char *url, struct request *request,
	struct tags_page *ret_page, struct err **err)
{
	for (unsigned attempt = 1;; attempt++) {
		CLEANUP(err_freep) struct err *failure = NULL;
		request_init_page(listing, request, url);
		if (read_page(listing, request, ret_page, &failure))
			return true;
		bool again = listing->is_cut_off && retry_error(failure) && attempt < PAGE_ATTEMPTS;
		if (!again) {
			err_keep_first(err, &failure);
			return false;
		}
		log_info("%s: reading the page again", failure->msg);
		if (!registry_pause(listing->registry, attempt, err))
			return false;
		request_release(request);
	}
}

static bool list_pages(struct listing *listing, struct err **err)
{
	CLEANUP(mem_freep) char *url = NULL;
	do {
		CLEANUP(request_release) struct request request;
		struct tags_page page;
		char *next = NULL;
		if (!read_page_at(listing, url, &request, &page, err))
			return cut_short(listing, err);
		if (!check_kind(listing, &request, &page, err) ||
			!next_page(listing, &request, &page, &next, err))
			return false;
		mem_free(url);
		url = next;
		if (url && !paging_step(&listing->paging, &request, url, err))
			return false;
	} while (url);
	return true;
}

/* Of the first page, so nothing has been visited; distribution has a code of its own for it. */
static bool is_refused_page_size(const struct listing *listing, const struct err *failure)
{
	return listing->page_size && listing->paging.pages == 0 && failure->http == 400 &&
		err_is(failure, ERR_INVALID);
}

bool registry_tags_list(struct registry *registry, const struct repository *repository,
	const struct tags_visitor *visitor, struct http_tally *tally, enum tags_kind *ret_kind,
	struct err **err)
{
	struct listing listing = {
		.registry = registry, .repository = repository, .visitor = visitor, .tally = tally};
	struct host *host = host_get(registry, repository->host);
	CLEANUP(err_freep) struct err *failure = NULL;
	if (!host->refuses_page_size)
		listing.page_size = host->google ? QUIRKS_GOOGLE_PAGE : host->quirks.tags_page_size;
	bool ok = list_pages(&listing, &failure);
	if (!ok && is_refused_page_size(&listing, failure)) {
		err_free(steal_ptr(&failure));
		listing.page_size = 0;
		ok = list_pages(&listing, &failure);
		if (ok)
			host->refuses_page_size = true;
	}
	if (!ok)
		err_keep_first(err, &failure);
	paging_release(&listing.paging);
	if (ok)
		*ret_kind = listing.kind;
	return ok;
}
