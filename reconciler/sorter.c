/*
 * An external merge sort in its simplest form: sorted runs in one file each, one look-ahead entry a
 * run, the smallest of them goes out. It knows nothing of what the lines mean.
 */
#include "reconciler/sorter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/vec.h"

enum {
	/* A little less than a power of two, to which the buffer grows. */
	MEMORY_DEFAULT = (4 << 20) - 64,
	RUNS_BEFORE_GROWTH = 128,
};

/* Followed by the bytes of key and text. */
struct entry {
	uint32_t key_len, text_len;
};

struct run {
	FILE *file;
	struct str head; /* the next entry; empty: the run is over */
};

struct sorter {
	size_t memory;
	struct str bytes;
	VEC(size_t) offsets; /* of entries in bytes */
	VEC(struct run) runs;
};

struct sorter *sorter_new(size_t memory)
{
	struct sorter *sorter = mem_new(1, sizeof(*sorter));

	sorter->memory = memory ? memory : MEMORY_DEFAULT;
	str_init(&sorter->bytes, SIZE_MAX / 2);
	return sorter;
}

void sorter_free(struct sorter *sorter)
{
	if (!sorter)
		return;
	for (size_t i = 0; i < sorter->runs.len; i++) {
		fclose(sorter->runs.items[i].file);
		str_release(&sorter->runs.items[i].head);
	}
	vec_release(&sorter->runs);
	vec_release(&sorter->offsets);
	str_release(&sorter->bytes);
	mem_free(sorter);
}

static int compare_bytes(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return order ? order : (a_len > b_len) - (a_len < b_len);
}

/* Entries are not aligned. */
static struct entry read_header(const char *bytes)
{
	struct entry header;

	memcpy(&header, bytes, sizeof(header));
	return header;
}

static int compare_entries(const char *a, const char *b)
{
	struct entry x = read_header(a), y = read_header(b);
	int order;

	a += sizeof(x);
	b += sizeof(y);
	order = compare_bytes(a, x.key_len, b, y.key_len);
	return order ? order : compare_bytes(a + x.key_len, x.text_len, b + y.key_len, y.text_len);
}

static int compare_offsets(const void *left, const void *right, void *ctx)
{
	const char *bytes = ctx;

	return compare_entries(bytes + *(const size_t *)left, bytes + *(const size_t *)right);
}

static void sort_memory(struct sorter *sorter)
{
	if (sorter->offsets.len)
		qsort_r(sorter->offsets.items, sorter->offsets.len, sizeof(size_t), compare_offsets,
			sorter->bytes.bytes);
}

static size_t entry_size(const char *bytes)
{
	struct entry header = read_header(bytes);

	return sizeof(header) + header.key_len + header.text_len;
}

static FILE *open_temporary(struct err **err)
{
	const char *directory = getenv("TMPDIR");
	CLEANUP(mem_freep) char *path = NULL;
	CLEANUP(fd_closep) int fd = -1;
	FILE *file;

	if (!directory || !*directory)
		directory = "/tmp";
	path = fs_join(directory, "cip-sort.XXXXXX");
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0) {
		err_set_errno(err, errno, "cannot create a temporary file in %s", directory);
		return NULL;
	}
	unlink(path);
	file = fdopen(fd, "w+");
	if (!file) {
		err_set_errno(err, errno, "cannot create a temporary file in %s", directory);
		return NULL;
	}
	steal_fd(&fd);
	return file;
}

static bool put_aside(struct sorter *sorter, struct err **err)
{
	CLEANUP(file_closep) FILE *file = open_temporary(err);

	if (!file)
		return false;
	sort_memory(sorter);
	for (size_t i = 0; i < sorter->offsets.len; i++) {
		const char *entry = sorter->bytes.bytes + sorter->offsets.items[i];

		if (fwrite(entry, 1, entry_size(entry), file) == 0)
			break;
	}
	if (fflush(file) != 0 || ferror(file))
		return err_set_errno(err, errno, "cannot write a temporary file");
	*vec_push(&sorter->runs) = (struct run){.file = steal_ptr(&file)};
	str_clear(&sorter->bytes);
	vec_clear(&sorter->offsets);
	/* So many lines are unusual; the number of open files must stay small. */
	if (sorter->runs.len % RUNS_BEFORE_GROWTH == 0)
		sorter->memory *= 2;
	return true;
}

bool sorter_add(struct sorter *sorter, const void *key, size_t key_len, const void *text,
	size_t text_len, struct err **err)
{
	const struct entry header = {(uint32_t)key_len, (uint32_t)text_len};

	/* Before the bound is passed: the buffer grows by doubling. */
	if (sorter->offsets.len &&
		sorter->bytes.len + sizeof(header) + key_len + text_len > sorter->memory &&
		!put_aside(sorter, err))
		return false;
	*vec_push(&sorter->offsets) = sorter->bytes.len;
	str_add(&sorter->bytes, &header, sizeof(header));
	str_add(&sorter->bytes, key, key_len);
	str_add(&sorter->bytes, text, text_len);
	return true;
}

static bool read_into(struct run *run, void *bytes, size_t len, struct err **err)
{
	if (fread(bytes, 1, len, run->file) == len)
		return true;
	return err_set_errno(err, ferror(run->file) ? errno : EIO, "cannot read a temporary file");
}

static bool advance(struct run *run, struct err **err)
{
	struct entry header;
	CLEANUP(mem_freep) char *rest = NULL;
	int next = fgetc(run->file);

	str_clear(&run->head);
	if (next == EOF && !ferror(run->file))
		return true;
	ungetc(next, run->file);
	if (!read_into(run, &header, sizeof(header), err))
		return false;
	rest = mem_new((size_t)header.key_len + header.text_len + 1, 1);
	if (!read_into(run, rest, (size_t)header.key_len + header.text_len, err))
		return false;
	str_add(&run->head, &header, sizeof(header));
	str_add(&run->head, rest, (size_t)header.key_len + header.text_len);
	return true;
}

static bool begin_merge(struct sorter *sorter, struct err **err)
{
	for (size_t i = 0; i < sorter->runs.len; i++) {
		struct run *run = &sorter->runs.items[i];

		str_init(&run->head, SIZE_MAX / 2);
		rewind(run->file);
		if (!advance(run, err))
			return false;
	}
	return true;
}

/* The run with the smallest entry; NULL if all are over. */
static struct run *smallest_run(struct sorter *sorter)
{
	struct run *smallest = NULL;

	for (size_t i = 0; i < sorter->runs.len; i++) {
		struct run *run = &sorter->runs.items[i];

		if (run->head.len &&
			(!smallest || compare_entries(run->head.bytes, smallest->head.bytes) < 0))
			smallest = run;
	}
	return smallest;
}

bool sorter_finish(struct sorter *sorter,
	bool (*take)(void *ctx, const char *text, size_t len, struct err **err), void *ctx,
	struct err **err)
{
	size_t next = 0;

	sort_memory(sorter);
	if (!begin_merge(sorter, err))
		return false;
	for (;;) {
		struct run *run = smallest_run(sorter);
		const char *kept = next < sorter->offsets.len
			? sorter->bytes.bytes + sorter->offsets.items[next]
			: NULL;
		bool from_run = run && (!kept || compare_entries(run->head.bytes, kept) < 0);
		const char *entry = from_run ? run->head.bytes : kept;
		struct entry header;

		if (!entry)
			return true;
		header = read_header(entry);
		if (!take(ctx, entry + sizeof(header) + header.key_len, header.text_len, err))
			return false;
		if (!from_run)
			next++;
		else if (!advance(run, err))
			return false;
	}
}
