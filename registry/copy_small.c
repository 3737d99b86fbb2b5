/*
 * Small blobs, of which many images have several: collected from the source, hashed, and sent to
 * all destinations, each step in flight together, so that they cost a few round trips an image and
 * not several a blob. One attempt; copy_stream.c repeats and reports. A worker holds at most
 * BATCH bytes of them.
 */
#include <stdlib.h>
#include <string.h>

#include "registry/copy_private.h"

#define BATCH ((int64_t)1 << 20)
/* A registry that does not read a body may close the connection behind a longer one. */
#define PROBE ((int64_t)64 * 1024)

/* One blob and the jobs that want it. */
struct parcel {
	struct blob_job *const *jobs;
	size_t count;
	struct request get;
	const char *bytes; /* NULL: could not be had */
};

struct batch {
	VEC(struct parcel *) parcels; /* owned */
	int64_t size;
};

static void batch_release(struct batch *batch)
{
	for (size_t i = 0; i < batch->parcels.len; i++) {
		request_release(&batch->parcels.items[i]->get);
		mem_free(batch->parcels.items[i]);
	}
	vec_release(&batch->parcels);
	batch->size = 0;
}

static bool is_open(const struct blob_job *job)
{
	return blob_job_is_open(job) && !blob_job_in_pieces(job);
}

/* ---- Reading ---- */

static const char *good_bytes(const struct parcel *parcel)
{
	const struct http_response *answer = request_answer(&parcel->get);
	const struct descriptor *blob = parcel->jobs[0]->blob;
	if (request_status(&parcel->get) != 200 || answer->body.len != (size_t)blob->size)
		return NULL;
	struct digest digest =
		digest_of(blob->digest.algorithm, answer->body.bytes, answer->body.len);
	return digest_equal(&digest, &blob->digest) ? answer->body.bytes : NULL;
}

static void read_all(struct group *group, struct batch *batch)
{
	size_t count = batch->parcels.len;
	struct request **pointers = mem_new(count + 1, sizeof(*pointers));
	for (size_t i = 0; i < count; i++) {
		struct parcel *parcel = batch->parcels.items[i];
		const struct descriptor *blob = parcel->jobs[0]->blob;
		if (parcel->bytes)
			continue;
		blob_get_init(&parcel->get, group->reader, group->source, &blob->digest,
			group->source_tally);
		parcel->get.http.response_max = blob->size > 4096 ? (size_t)blob->size : 4096;
		parcel->get.http.repeatable = false;
		pointers[i] = &parcel->get;
	}
	requests_run(pointers, count);
	for (size_t i = 0; i < count; i++)
		if (pointers[i])
			batch->parcels.items[i]->bytes = good_bytes(batch->parcels.items[i]);
	mem_free(pointers);
}

/* ---- Sending ---- */

struct sending {
	struct blob_job *job;
	struct request request;
};

struct sendings {
	VEC(struct sending *) items; /* owned */
};

static void add_sending(
	struct group *group, struct sendings *sendings, struct blob_job *job, const char *bytes)
{
	struct sending *sending = mem_new(1, sizeof(*sending));
	sending->job = job;
	upload_send_init(group, job, &sending->request);
	sending->request.http.body = bytes;
	sending->request.http.body_streamed = false;
	*vec_push(&sendings->items) = sending;
}

static void send_all(struct group *group, const struct sendings *sendings)
{
	size_t count = sendings->items.len;
	struct request **pointers = mem_new(count + 1, sizeof(*pointers));
	struct target **targets = mem_new(count + 1, sizeof(*targets));
	for (size_t i = 0; i < count; i++) {
		pointers[i] = &sendings->items.items[i]->request;
		targets[i] = sendings->items.items[i]->job->target;
	}
	group_send(group, pointers, targets, count);
	mem_free(targets);
	mem_free(pointers);
}

static void sendings_release(struct sendings *sendings)
{
	for (size_t i = 0; i < sendings->items.len; i++) {
		request_release(&sendings->items.items[i]->request);
		mem_free(sendings->items.items[i]);
	}
	vec_release(&sendings->items);
}

/* Does a host store what a POST brings? Costs nothing but the bytes: if not, it opens an upload. */
static void probe(struct group *group, const struct parcel *parcel)
{
	CLEANUP(sendings_release) struct sendings probes = {0};
	for (size_t i = 0; i < parcel->count && parcel->bytes; i++)
		if (upload_may_probe(parcel->jobs[i]))
			add_sending(group, &probes, parcel->jobs[i], parcel->bytes);
	send_all(group, &probes);
	for (size_t i = 0; i < probes.items.len; i++)
		upload_take_probe(
			group, probes.items.items[i]->job, &probes.items.items[i]->request);
}

static void send_batch(struct group *group, const struct batch *batch, bool last_attempt)
{
	CLEANUP(sendings_release) struct sendings sendings = {0};
	for (size_t p = 0; p < batch->parcels.len; p++) {
		const struct parcel *parcel = batch->parcels.items[p];
		for (size_t i = 0; i < parcel->count && parcel->bytes; i++)
			if (is_open(parcel->jobs[i]))
				add_sending(group, &sendings, parcel->jobs[i], parcel->bytes);
	}
	send_all(group, &sendings);
	for (size_t i = 0; i < sendings.items.len; i++)
		upload_take(group, sendings.items.items[i]->job, &sendings.items.items[i]->request,
			last_attempt);
}

/* ---- Batches ---- */

static void add_parcel(struct batch *batch, struct blob_job *const *jobs, size_t count)
{
	struct parcel *parcel = mem_new(1, sizeof(*parcel));
	parcel->jobs = jobs;
	parcel->count = count;
	parcel->bytes = jobs[0]->bytes;
	*vec_push(&batch->parcels) = parcel;
	batch->size += jobs[0]->blob->size;
}

static size_t same_blob(struct blob_job *const *jobs, size_t count)
{
	size_t n = 1;
	while (n < count && jobs[n]->blob == jobs[0]->blob)
		n++;
	return n;
}

static bool any_job(
	struct blob_job *const *jobs, size_t count, bool (*is_such)(const struct blob_job *job))
{
	for (size_t i = 0; i < count; i++)
		if (is_such(jobs[i]))
			return true;
	return false;
}

/* The smallest blob, for hosts of which something is to be found out. */
static void choose_probe(struct batch *batch, struct blob_job *const *jobs, size_t count)
{
	struct blob_job *const *smallest = NULL;
	for (size_t i = 0, n; i < count; i += n) {
		const struct descriptor *blob = jobs[i]->blob;
		n = same_blob(jobs + i, count - i);
		if (blob->size > 0 && blob->size <= PROBE &&
			(!smallest || blob->size < smallest[0]->blob->size) &&
			any_job(jobs + i, n, upload_may_probe))
			smallest = jobs + i;
	}
	if (smallest)
		add_parcel(batch, smallest, same_blob(smallest, (size_t)(jobs + count - smallest)));
}

/* As many as fit, from *next on. */
static void choose_batch(
	struct batch *batch, struct blob_job *const *jobs, size_t count, size_t *next)
{
	for (size_t n; *next < count; *next += n) {
		const struct descriptor *blob = jobs[*next]->blob;
		n = same_blob(jobs + *next, count - *next);
		bool is_small = jobs[*next]->bytes || blob->size <= SMALL_BLOB;
		if (blob->size == 0 || !is_small || !any_job(jobs + *next, n, is_open))
			continue;
		if (batch->size > 0 && batch->size + blob->size > BATCH)
			return;
		add_parcel(batch, jobs + *next, n);
	}
}

void small_blobs(struct group *group, struct blob_job *const *jobs, size_t count, bool last_attempt)
{
	CLEANUP(batch_release) struct batch batch = {0};
	choose_probe(&batch, jobs, count);
	read_all(group, &batch);
	if (batch.parcels.len > 0)
		probe(group, batch.parcels.items[0]);
	uploads_open(group, jobs, count);
	send_batch(group, &batch, last_attempt);
	for (size_t next = 0; next < count;) {
		batch_release(&batch);
		choose_batch(&batch, jobs, count, &next);
		read_all(group, &batch);
		send_batch(group, &batch, last_attempt);
	}
}
