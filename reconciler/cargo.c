/* What goes along with one image, on its way: counted, loaded beside ours, told in the end. */
#include <string.h>

#include "base/log.h"
#include "reconciler/carry_private.h"
#include "signer/bundle_manifest.h"

static bool is_of(const struct attached_item *item, enum attached_kind kind)
{
	return item->kind == kind && item->parts;
}

size_t cargo_count(const struct cargo *cargo, enum attached_kind kind)
{
	size_t count = 0;

	for (size_t i = 0; i < cargo->attached.items.len; i++)
		count += is_of(&cargo->attached.items.items[i], kind);
	return count;
}

/* As its manifest says: a signature rather than a statement of something else. */
static bool is_signature(const struct attached_item *item)
{
	CLEANUP(bundle_labels_release) struct bundle_labels labels = {0};
	const struct document *manifest = &item->parts->manifest;

	if (manifest->bytes)
		bundle_labels_read(manifest->bytes, manifest->len, &labels);
	return labels.is_message ||
		(labels.predicate_type &&
			strcmp(labels.predicate_type, ATTACHED_SIGNATURE_PREDICATE) == 0);
}

/* Signatures are first: some may be ours, and a statement of ours never stands without one. */
static struct attach_item *add(const struct cargo *cargo, enum attached_kind kind, bool signatures,
	struct attach_item *next)
{
	for (size_t i = 0; i < cargo->attached.items.len; i++) {
		const struct attached_item *item = &cargo->attached.items.items[i];

		if (is_of(item, kind) && is_signature(item) == signatures)
			*next++ = (struct attach_item){.parts = item->parts};
	}
	return next;
}

/*
 * Layers that were there before ours stand before them. A bundle goes after ours: while there is none of
 * ours, a client that looks at bundles alone would not see our signature.
 */
struct attach_item *cargo_load(const struct cargo *cargo, enum attached_kind kind,
	const struct attach_item *items, size_t count)
{
	size_t carried = cargo_count(cargo, kind);
	struct attach_item *all = mem_new(count + carried + 1, sizeof(*all));
	struct attach_item *ours = all + (kind == ATTACHED_BUNDLE ? 0 : carried);
	struct attach_item *theirs = all + (kind == ATTACHED_BUNDLE ? count : 0);

	for (size_t i = 0; i < count; i++)
		ours[i] = items[i];
	add(cargo, kind, false, add(cargo, kind, true, theirs));
	return all;
}

static void unload(struct cargo *cargo, enum attached_kind kind)
{
	struct attached *attached = &cargo->attached;
	size_t kept = 0;

	for (size_t i = 0; i < attached->items.len; i++) {
		if (attached->items.items[i].kind == kind)
			attached_item_release(&attached->items.items[i]);
		else
			attached->items.items[kept++] = attached->items.items[i];
	}
	attached->items.len = kept;
}

void cargo_arrived(struct cargo *cargo, enum attached_kind kind)
{
	enum carried_kind carried = kind == ATTACHED_SIG ? CARRIED_SIGNATURES
		: kind == ATTACHED_ATT			 ? CARRIED_ATTESTATIONS
							 : CARRIED_BUNDLES;

	cargo->report.brought[carried] += cargo_count(cargo, kind);
	unload(cargo, kind);
}

void cargo_stayed(struct cargo *cargo, enum attached_kind kind, const struct err *why)
{
	carry_fail(&cargo->report, cargo_count(cargo, kind), why);
	unload(cargo, kind);
}

void cargo_finish(struct cargo *cargo, const char *image, struct record_carried *ret_carried)
{
	carry_turn_end(cargo);
	if (cargo->attached.items.len > 0)
		carry_leave(&cargo->report, cargo->attached.items.len,
			"the image could not be signed: the next run tries again");
	*ret_carried = cargo->report;
	if (ret_carried->failed && !cargo->is_told)
		log_warning("%s: not everything that its source has beside it was carried: %s",
			image, ret_carried->why);
	else if (ret_carried->left > 0)
		log_info("%s: %zu of what its source has beside it is left there: %s", image,
			ret_carried->left, ret_carried->why);
	attached_release(&cargo->attached);
	*cargo = (struct cargo){0};
}
