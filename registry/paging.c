/*
 * A page that nobody leads to would be missing without anybody noticing, so whatever is not
 * understood of a Link is an error. What a page holds is its reader's business.
 */
#include "registry/paging.h"

#include <string.h>

#include "base/alloc.h"
#include "registry/linkheader.h"

void paging_release(struct paging *paging)
{
	mem_free(paging->marker);
	*paging = (struct paging){0};
}

bool paging_link(const struct request *request, char **ret_url, struct err **err)
{
	for (size_t n = 0;; n++) {
		CLEANUP(mem_freep) char *value = request_answer_header(request, "Link", n);
		CLEANUP(mem_freep) char *target = NULL;
		enum http_source source;
		if (!value) {
			*ret_url = NULL;
			return true;
		}
		if (!linkheader_next(value, &target, err))
			return err_prefix(err, "%s", request->what);
		if (!target)
			continue;
		CLEANUP(mem_freep) char *url = NULL;
		if (!request_resolve(request, target, &url, &source, err))
			return false;
		if (!host_owns_url(request->host, url))
			return err_set(err, ERR_INVALID,
				"%s: the next page is said to be on another host", request->what);
		*ret_url = steal_ptr(&url);
		return true;
	}
}

/* Brent's way to find a cycle: compare with one earlier URL, moved on at every power of two. */
bool paging_step(
	struct paging *paging, const struct request *request, const char *url, struct err **err)
{
	if (++paging->pages > PAGING_MAX)
		return err_set(
			err, ERR_TOO_LARGE, "%s: more than %d pages", request->what, PAGING_MAX);
	if (paging->marker && strcmp(url, paging->marker) == 0)
		return err_set(err, ERR_INVALID, "%s: the links to next pages run in a circle",
			request->what);
	if ((paging->pages & (paging->pages - 1)) == 0) {
		mem_free(paging->marker);
		paging->marker = mem_strdup(url);
	}
	return true;
}
