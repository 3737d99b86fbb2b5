/*
 * From the declared state to the few repositories that are worth asking for. How a right is found out
 * is registry/access.c's business, how it is shown that of the command.
 */
#include "reconciler/access_check.h"

#include <stdlib.h>
#include <string.h>

#include "base/pool.h"
#include "reconciler/hosts.h"

/* One declared registry on one side. Filled before the threads start; then its job's alone. */
struct access_place {
	const struct declared_registry *registry;
	uint32_t host; /* number of its host */
	bool is_destination;
	VEC(uint32_t) images; /* of the declared state */
	VEC(struct access_row) rows;
	VEC(unsigned) credentials; /* number of each row's; NO_CREDENTIAL: there was an error */
};

#define NO_CREDENTIAL UINT32_MAX

struct run {
	const struct access_check_options *options;
	struct hosts *hosts;
	VEC(struct access_place *) places;
	struct intern *names;	  /* of hosts */
	struct strmap by_host;	  /* their numbers, from 1 */
	struct strmap by_name[2]; /* by is_destination */
};

bool access_row_suffices(const struct access_row *row)
{
	return row->access.pull.right == ACCESS_GRANTED &&
		(!row->is_destination || row->access.push.right == ACCESS_GRANTED);
}

void access_check_release(struct access_check *check)
{
	for (size_t i = 0; i < check->rows.len; i++) {
		mem_free(check->rows.items[i].repository);
		access_release(&check->rows.items[i].access);
	}
	vec_release(&check->rows);
}

/* ---- What to ask ---- */

/* From 0. */
static uint32_t number_host(struct run *run, const char *registry)
{
	const char *host = intern_bytes(run->names, registry, strcspn(registry, "/"));
	void **slot = strmap_put(&run->by_host, host);

	if (!*slot)
		*slot = (void *)(uintptr_t)run->by_host.len;
	return (uint32_t)((uintptr_t)*slot - 1);
}

static struct access_place *place_of(
	struct run *run, const struct declared_registry *registry, bool is_destination)
{
	void **slot = strmap_put(&run->by_name[is_destination], registry->name);

	if (!*slot) {
		struct access_place *place = mem_new(1, sizeof(*place));

		place->registry = registry;
		place->host = number_host(run, registry->name);
		place->is_destination = is_destination;
		*slot = place;
		*vec_push(&run->places) = place;
	}
	return *slot;
}

static void add_images(struct access_place *place, const struct declared *declared,
	const struct declared_project *project)
{
	for (uint32_t i = 0; i < project->image_count; i++)
		if (!declared->images.items[project->first_image + i].malformed)
			*vec_push(&place->images) = project->first_image + i;
}

static void add_project(struct run *run, const struct declared_project *project)
{
	const struct declared *declared = run->options->declared;

	if (!project->image_count)
		return;
	add_images(place_of(run, &declared->registries.items[project->source_registry], false),
		declared, project);
	for (uint32_t i = 0; i < project->registry_count; i++) {
		const struct declared_registry *registry =
			&declared->registries.items[project->first_registry + i];

		if (declared_is_destination(declared, project, registry))
			add_images(place_of(run, registry, true), declared, project);
	}
}

static uint32_t collect_places(struct run *run)
{
	const struct declared *declared = run->options->declared;
	uint32_t left_out = 0;

	for (size_t i = 0; i < declared->projects.len; i++) {
		if (declared->projects.items[i].quarantined)
			left_out++;
		else
			add_project(run, &declared->projects.items[i]);
	}
	return left_out;
}

/* ---- Asking ---- */

static bool is_stopped(const struct run *run)
{
	return run->options->cancel && cancel_get(run->options->cancel) != CANCEL_NONE;
}

static struct access_row *add_row(
	struct access_place *place, unsigned credential, const char *repository)
{
	struct access_row *row = vec_push(&place->rows);

	*vec_push(&place->credentials) = credential;
	row->registry = place->registry->name;
	row->is_destination = place->is_destination;
	row->repository = mem_strdup(repository);
	row->images = 1;
	return row;
}

/* The row that stands for a credential; NULL: there is none yet. */
static struct access_row *find_row(const struct access_place *place, unsigned credential)
{
	for (size_t i = 0; i < place->rows.len; i++)
		if (place->credentials.items[i] == credential)
			return &place->rows.items[i];
	return NULL;
}

static void ask(struct run *run, const struct repository *repository, struct registry *registry,
	struct access_row *row)
{
	if (!hosts_check(run->hosts, repository->host, &row->access.err))
		return;
	registry_check_access(registry, repository, NULL, &row->access);
	hosts_note(run->hosts, repository->host, row->access.err);
}

static void check_image(
	struct run *run, struct access_place *place, const struct declared_image *image)
{
	CLEANUP(str_release) struct str name = STR_INIT(STR_TEXT_MAX);
	CLEANUP(err_freep) struct err *err = NULL;
	struct registry *registry = place->is_destination
		? run->options->registry
		: registry_for_sources(run->options->registry);
	unsigned credential = NO_CREDENTIAL;
	struct access_row *row;

	declared_repository(place->registry, image, &name);
	CLEANUP(mem_freep)
	char *host = mem_strndup(str_text(&name), strcspn(str_text(&name), "/"));
	const struct repository repository = {host, str_text(&name) + strlen(host) + 1};
	registry_credential_number(registry, &repository, &credential, &err);
	row = find_row(place, credential);
	if (row) {
		row->images++;
		return;
	}
	row = add_row(place, credential, str_text(&name));
	if (err)
		row->access.err = steal_ptr(&err);
	else
		ask(run, &repository, registry, row);
}

static void check_place(void *ctx, void *job)
{
	struct run *run = ctx;
	struct access_place *place = job;

	for (size_t i = 0; i < place->images.len && !is_stopped(run); i++)
		check_image(
			run, place, &run->options->declared->images.items[place->images.items[i]]);
	for (size_t i = 0; i < place->rows.len; i++)
		place->rows.items[i].is_part = place->rows.len > 1;
}

/* ---- The whole ---- */

static int compare_rows(const void *left, const void *right)
{
	const struct access_row *a = left, *b = right;
	int order = strcmp(a->registry, b->registry);

	if (order)
		return order;
	if (a->is_destination != b->is_destination)
		return a->is_destination ? 1 : -1;
	return strcmp(a->repository, b->repository);
}

/* Takes the rows. */
static void gather(struct run *run, struct access_check *check)
{
	for (size_t i = 0; i < run->places.len; i++) {
		struct access_place *place = run->places.items[i];

		for (size_t j = 0; j < place->rows.len; j++)
			*vec_push(&check->rows) = place->rows.items[j];
		vec_release(&place->rows);
		vec_release(&place->credentials);
		vec_release(&place->images);
		mem_free(place);
	}
	vec_release(&run->places);
	if (check->rows.len)
		qsort(check->rows.items, check->rows.len, sizeof(*check->rows.items), compare_rows);
}

void access_check_run(const struct access_check_options *options, struct access_check *ret_check)
{
	CLEANUP(hosts_freep) struct hosts *hosts = hosts_new();
	struct run run = {.options = options, .hosts = hosts, .names = intern_new()};
	struct access_check check = {.left_out = collect_places(&run)};
	struct pool *pool = pool_new("worker", options->threads, check_place, &run);

	pool_expect(pool, true);
	for (size_t i = 0; i < run.places.len; i++)
		pool_add(pool, POOL_NORMAL, (struct pool_keys){&run.places.items[i]->host, 1},
			run.places.items[i]);
	pool_free(pool);
	gather(&run, &check);
	strmap_release(&run.by_name[false]);
	strmap_release(&run.by_name[true]);
	strmap_release(&run.by_host);
	intern_free(run.names);
	check.interrupted = is_stopped(&run);
	*ret_check = check;
}
