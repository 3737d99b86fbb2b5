/*
 * From page to page of a list, by the Link header. Internal to registry/. A paging belongs to one
 * list that is being read.
 */
#ifndef CIP_REGISTRY_PAGING_H
#define CIP_REGISTRY_PAGING_H

#include "registry/request.h"

/* More pages of one list are ERR_TOO_LARGE. */
#define PAGING_MAX 10000

/* Zero is the first page. */
struct paging {
	unsigned pages; /* behind us */
	char *marker;	/* an earlier URL, to notice a circle of links; owned */
};
void paging_release(struct paging *paging);

/*
 * The URL of the page behind the answer, in fresh memory, NULL on the last. ERR_INVALID: a Link that
 * does not parse, or leads to another host.
 */
bool paging_link(const struct request *request, char **ret_url, struct err **err);

/* Before `url` is asked for: ERR_INVALID if the pages run in a circle, ERR_TOO_LARGE past the bound. */
bool paging_step(
	struct paging *paging, const struct request *request, const char *url, struct err **err);

#endif
