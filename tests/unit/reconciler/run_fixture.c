#include "tests/unit/reconciler/run_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"

static void die_of(struct err *err)
{
	fprintf(stderr, "%s\n", err->msg);
	abort();
}

void manifest_tree_init(struct manifest_tree *tree)
{
	char directory[] = "/tmp/cip-tree.XXXXXX";

	if (!mkdtemp(directory))
		abort();
	*tree = (struct manifest_tree){.directory = mem_strdup(directory)};
}

void manifest_tree_write(struct manifest_tree *tree, const char *path, const char *text)
{
	CLEANUP(mem_freep) char *full = fs_join(tree->directory, path);
	CLEANUP(mem_freep) char *directory = mem_strdup(full);
	struct err *err = NULL;

	*strrchr(directory, '/') = '\0';
	if (!fs_make_directories(directory, &err) ||
		!fs_write_atomic(full, text, strlen(text), 0644, &err))
		die_of(err);
}

void manifest_tree_project(
	struct manifest_tree *tree, const char *name, const char *registries, const char *images)
{
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);
	CLEANUP(mem_freep) char *list = mem_strdup(registries);
	CLEANUP(mem_freep)
	char *manifest = mem_printf("manifests/%s/promoter-manifest.yaml", name);
	CLEANUP(mem_freep) char *file = mem_printf("images/%s/images.yaml", name);
	char *rest = list, *word;

	str_add_text(&text, "registries:\n");
	while ((word = strsep(&rest, " ")))
		str_addf(&text, "- name: %s\n%s", word + (*word == '*'),
			*word == '*' ? "  src: true\n" : "");
	manifest_tree_write(tree, manifest, str_text(&text));
	manifest_tree_write(tree, file, images);
}

void manifest_tree_load(struct manifest_tree *tree)
{
	struct err *err = NULL;
	CLEANUP(source_freep)
	struct source *source = source_open_directory(tree->directory, &err);

	if (!source || !declared_load_thin(source, NULL, &tree->declared, &err))
		die_of(err);
}

void manifest_tree_release(struct manifest_tree *tree)
{
	declared_free(tree->declared);
	fs_remove_tree(tree->directory, NULL);
	mem_free(tree->directory);
}

static char *describe(const struct record *record)
{
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);

	str_addf(&text, "%s from %s digest %s/%s", outcome_name(record->outcome), record->source,
		known_name(record->digest_found), tag_done_name(record->digest_done));
	for (size_t i = 0; i < record->tags.len; i++)
		str_addf(&text, " %s %s/%s", record->tags.items[i].name,
			tag_found_name(record->tags.items[i].found),
			tag_done_name(record->tags.items[i].done));
	return str_steal(&text, NULL);
}

static char *describe_signing(const struct record_signing *signing)
{
	if (!signing->identity)
		return mem_strdup("");
	return mem_printf("%s %s as %s at %s%s", signed_state_name(signing->signature),
		signed_state_name(signing->attestation), signing->identity, signing->primary,
		signing->leads ? " *" : "");
}

static void keep_record(struct told *told, const struct record *record)
{
	struct told_record *kept = vec_push(&told->records);
	char digest[DIGEST_TEXT_SIZE];

	kept->key = record->digest_malformed
		? mem_printf(
			  "%s@%s:%u", record->destination, record->place.file, record->place.line)
		: mem_printf("%s@%s", record->destination, digest_format(&record->digest, digest));
	kept->text = describe(record);
	kept->error = mem_strdup(record->error ? record->error : "");
	kept->signing = describe_signing(&record->signing);
	kept->outcome = record->outcome;
	kept->reasons = record->reasons;
	kept->requests = record->requests;
	told->requests += record->requests;
}

static void consume(void *ctx, const struct event *event)
{
	struct told *told = ctx;

	if (!event) {
		told->ticks++;
		return;
	}
	switch (event->kind) {
	case EVENT_PHASE:
		told->phases |= 1U << event->phase;
		break;
	case EVENT_TOTALS:
		told->totals = event->totals;
		break;
	case EVENT_FINDING:
		*vec_push(&told->findings) = mem_printf(
			"%s: %s", finding_kind_name(event->finding.kind), event->finding.message);
		break;
	case EVENT_LOOK:
		told->requests += event->look.requests;
		told->looks += !event->look.is_source;
		told->source_looks += event->look.is_source;
		told->look_errors += event->look.error != NULL;
		break;
	case EVENT_RECORD:
		keep_record(told, &event->record);
		break;
	case EVENT_MIRROR:
	case EVENT_LOG:
		break;
	}
}

static int compare_keys(const void *left, const void *right)
{
	const struct told_record *a = left, *b = right;

	return strcmp(a->key, b->key);
}

void tell_run(const struct manifest_tree *tree, struct registry *registry,
	const struct tell_options *options, struct told *told)
{
	struct event_queue *queue;
	struct err *err = NULL;
	struct run_options run = {
		.declared = tree->declared,
		.registry = registry,
		.cancel = options->cancel,
		.threads = options->threads ? options->threads : 3,
		.replicate = options->replicate,
		.confirm = options->confirm,
		.signing = options->signing,
		.records_for_all = options->all,
		.verify_depth = options->depth,
		.sweep = options->sweep,
		.clock = options->clock,
	};

	*told = (struct told){0};
	queue = event_queue_new(consume, told);
	run.events = queue;
	if (!run_execute(&run, &told->result, &err))
		die_of(err);
	event_queue_free(queue);
	if (told->records.len)
		qsort(told->records.items, told->records.len, sizeof(*told->records.items),
			compare_keys);
}

void told_release(struct told *told)
{
	for (size_t i = 0; i < told->records.len; i++) {
		mem_free(told->records.items[i].key);
		mem_free(told->records.items[i].text);
		mem_free(told->records.items[i].error);
		mem_free(told->records.items[i].signing);
	}
	vec_release(&told->records);
	for (size_t i = 0; i < told->findings.len; i++)
		mem_free(told->findings.items[i]);
	vec_release(&told->findings);
}

const struct told_record *told_find_digest(
	const struct told *told, const char *repository, const struct digest *digest)
{
	char text[DIGEST_TEXT_SIZE];
	CLEANUP(mem_freep)
	char *key = mem_printf("%s@%s", repository, digest_format(digest, text));
	const struct told_record wanted = {.key = key};

	if (!told->records.len)
		return NULL;
	return bsearch(&wanted, told->records.items, told->records.len,
		sizeof(*told->records.items), compare_keys);
}

bool told_adds_up(const struct told *told, uint64_t requests)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < OUTCOMES; i++)
		sum += told->result.outcomes[i];
	for (size_t i = 1; i < told->records.len; i++)
		if (compare_keys(&told->records.items[i - 1], &told->records.items[i]) == 0)
			return false;
	if (sum != told->totals.digests)
		fprintf(stderr, "%ju outcomes for %ju pairs\n", (uintmax_t)sum,
			(uintmax_t)told->totals.digests);
	if (told->requests != requests)
		fprintf(stderr, "%ju requests told, %ju seen\n", (uintmax_t)told->requests,
			(uintmax_t)requests);
	return sum == told->totals.digests && told->requests == requests;
}
