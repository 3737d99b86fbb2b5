/*
 * Which of the bundles that signing makes refer to digests, by what the registry says of their
 * referrers: types that are said in descriptors, nothing that is read or verified. One request for
 * each digest; none where the registry has no API for it and its list shows no index.
 *
 * Part of a look (reconciler/observed.h), which has the questions and their answers.
 */
#ifndef CIP_RECONCILER_OBSERVED_BUNDLES_H
#define CIP_RECONCILER_OBSERVED_BUNDLES_H

#include "reconciler/observed.h"
#include "reconciler/promotion_record.h"

/* Of this digest it will be asked, if it is there. Before observed_list. */
void observed_want_bundles(struct observed *observed, uint32_t digest);

/* At the end of observed_list: adds the questions. */
void observed_bundles_conclude(
	struct observed *observed, struct registry *registry, const struct repository *repository);

/* One question, as observed_ask. */
bool observed_bundles_ask(struct observed *observed, struct registry *registry,
	const struct repository *repository, uint32_t digest, struct err **err);

/* Unknown unless it was asked and answered. */
enum known observed_bundle_signature(const struct observed *observed, uint32_t digest);
enum known observed_bundle_statement(
	const struct observed *observed, uint32_t digest, enum promotion_statement statement);

#endif
