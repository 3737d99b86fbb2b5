/*
 * Several tags in one PUT, and what a host shows of being able to take them (distribution-spec
 * "Pushing Manifests", end-7b; registry-client facts 4.5; docs/decisions/004). A registry that
 * cannot ignores the query, so whatever its answer does not list is not written.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "registry/manifest_request.h"

/* zot takes 46. Proxies commonly end a request line at 8 KiB. */
#define TAGS_MAX 46
#define QUERY_MAX 6000

/* 1: no more than one, as far as is known. */
static unsigned tags_max(const struct host *host)
{
	unsigned max = host->tags_at_once;
	if (host->multi_tag == MULTI_TAG_NO)
		return 1;
	return max ? max : TAGS_MAX;
}

static size_t tags_that_fit(const char *const *tags, size_t count, size_t max)
{
	size_t len = 0, n = 0;
	while (n < count && n < max && (len += strlen("&tag=") + strlen(tags[n])) <= QUERY_MAX)
		n++;
	return n ? n : 1;
}

/*
 * An unknown host gets the first tag as the reference and the others in the query: there, one that
 * knows nothing of it has done what a PUT of one tag does, and nothing was asked in vain.
 */
size_t manifest_put_tags_init(struct request *request, struct registry *registry,
	const struct repository *repository, const struct document *document,
	const char *const *tags, size_t count, struct http_tally *tally)
{
	CLEANUP(str_release) struct str query = STR_INIT(STR_TEXT_MAX);
	char digest[DIGEST_TEXT_SIZE];
	const struct host *host = host_get(registry, repository->host);
	size_t taken = tags_that_fit(tags, count, tags_max(host));
	bool by_digest = taken > 1 && host->multi_tag != MULTI_TAG_UNKNOWN;
	digest_format(&document->digest, digest);
	for (size_t i = by_digest ? 0 : 1; i < taken; i++)
		str_addf(&query, "%ctag=%s", query.len ? '&' : '?', tags[i]);
	manifest_put_init(request, registry, repository, by_digest ? digest : tags[0],
		str_text(&query), document, tally);
	return taken;
}

/* ---- Answers ---- */

/* Headers may repeat and each may be a list. */
static bool answer_lists(const struct request *request, const char *tag, bool *ret_any)
{
	size_t tag_len = strlen(tag);
	for (size_t n = 0;; n++) {
		CLEANUP(mem_freep) char *value = request_answer_header(request, "OCI-Tag", n);
		if (!value)
			return false;
		*ret_any = true;
		for (const char *at = value; *at;) {
			at += strspn(at, ", \t");
			size_t len = strcspn(at, ", \t");
			if (len == tag_len && memcmp(at, tag, len) == 0)
				return true;
			at += len;
		}
	}
}

/* True for a refusal that a PUT of fewer tags, or in the other form, may not meet. */
static bool may_be_the_form(const struct request *request, const struct err *err)
{
	int status = request_status(request);
	return status == 414 || status == 431 || err_is(err, ERR_INVALID) ||
		err_is(err, ERR_UNSUPPORTED) || err_is(err, ERR_TOO_LARGE) ||
		err_is(err, ERR_CONFLICT);
}

/* The other reference is a tag, which has no colon. */
static bool was_by_digest(const struct request *request)
{
	return strchr(strrchr(request->what, '/'), ':') != NULL;
}

/*
 * True if the next attempt together will differ. Answers of several threads come in any order:
 * each moves a host on from where it was asked, so that attempts come to an end.
 */
static bool learn_refusal(const struct request *request, size_t count)
{
	struct host *host = request->host;
	int status = request_status(request);
	unsigned from = was_by_digest(request) ? MULTI_TAG_BY_DIGEST : MULTI_TAG_UNKNOWN;
	if (status == 409 || status == 412)
		return false;
	if (status != 414 && status != 431) {
		bool moved = atomic_compare_exchange_strong(&host->multi_tag, &from, from + 1);
		return moved || !was_by_digest(request);
	}
	unsigned half = (unsigned)(count / 2), max = host->tags_at_once;
	if (half < 2)
		host->multi_tag = MULTI_TAG_NO;
	else if (max == 0 || half < max)
		host->tags_at_once = half;
	return true;
}

static void learn_success(const struct request *request, size_t count, bool listed)
{
	struct host *host = request->host;
	unsigned unknown = MULTI_TAG_UNKNOWN;
	if (listed)
		host->multi_tag = MULTI_TAG_YES;
	else if (count > 1 && was_by_digest(request))
		host->multi_tag = MULTI_TAG_NO;
	else if (count > 1)
		atomic_compare_exchange_strong(&host->multi_tag, &unknown, MULTI_TAG_NO);
}

bool manifest_put_tags_take(const struct request *request, const struct document *document,
	const char *const *tags, size_t count, bool *ret_written, bool *ret_alone, struct err **err)
{
	CLEANUP(err_freep) struct err *refusal = NULL;
	bool any = false;
	memset(ret_written, 0, count * sizeof(*ret_written));
	*ret_alone = true;
	if (!manifest_put_take(request, document, &refusal)) {
		if (count > 1 && may_be_the_form(request, refusal)) {
			*ret_alone = !learn_refusal(request, count);
			return true;
		}
		err_keep_first(err, &refusal);
		return false;
	}
	for (size_t i = 0; i < count; i++)
		ret_written[i] = answer_lists(request, tags[i], &any);
	/* The reference itself is written, listed or not. */
	if (!was_by_digest(request))
		ret_written[0] = true;
	learn_success(request, count, any);
	return true;
}
