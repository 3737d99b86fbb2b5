#include "registry/copy_memory.h"

#include <criterion/criterion.h>

#include "base/alloc.h"

static const struct repository app = {.host = "r.example", .path = "prod/app"};
static const struct repository longer = {.host = "r.example", .path = "prod/app2"};
static const struct repository elsewhere = {.host = "r.example:5000", .path = "prod/app"};

static struct digest digest_n(int n)
{
	return digest_of(DIGEST_SHA256, &n, sizeof(n));
}

static void freep(struct copy_memory **memory)
{
	copy_memory_free(*memory);
}

static void finish(struct copy_memory *memory, char *key, bool success)
{
	cr_assert_eq(copy_memory_try(memory, key, NULL), ONCE_MINE);
	copy_memory_finish(memory, key, success);
	cr_assert_eq(copy_memory_is_done(memory, key), success);
}

Test(copy_memory, blobs_and_manifests_are_told_apart)
{
	CLEANUP(freep) struct copy_memory *memory = copy_memory_new();
	struct digest digest = digest_n(1);
	CLEANUP(mem_freep) char *blob = copy_memory_blob_key(&app, &digest);
	CLEANUP(mem_freep) char *manifest = copy_memory_manifest_key(&app, &digest);
	finish(memory, blob, true);
	cr_assert_not(copy_memory_is_done(memory, manifest));
	finish(memory, manifest, false);
	finish(memory, manifest, true);
}

Test(copy_memory, forgets_one_repository)
{
	CLEANUP(freep) struct copy_memory *memory = copy_memory_new();
	struct digest digest = digest_n(1), other = digest_n(2);
	CLEANUP(mem_freep) char *mine = copy_memory_blob_key(&app, &digest);
	CLEANUP(mem_freep) char *theirs = copy_memory_blob_key(&longer, &digest);
	CLEANUP(mem_freep) char *far = copy_memory_blob_key(&elsewhere, &digest);
	finish(memory, mine, true);
	finish(memory, theirs, true);
	finish(memory, far, true);
	copy_memory_note_written(memory, &app, &digest);
	copy_memory_note_written(memory, &longer, &other);
	copy_memory_note_written(memory, &elsewhere, &digest);

	copy_memory_forget(memory, &app);
	cr_assert_not(copy_memory_is_done(memory, mine));
	cr_assert(copy_memory_is_done(memory, theirs));
	cr_assert(copy_memory_is_done(memory, far));
	cr_assert_null(copy_memory_written_at(memory, "r.example", &digest));
	CLEANUP(mem_freep) char *kept = copy_memory_written_at(memory, "r.example", &other);
	cr_assert_str_eq(kept, "prod/app2");
	CLEANUP(mem_freep)
	char *other_port = copy_memory_written_at(memory, "r.example:5000", &digest);
	cr_assert_str_eq(other_port, "prod/app");
}

Test(copy_memory, the_latest_writer_is_the_one_to_mount_from)
{
	CLEANUP(freep) struct copy_memory *memory = copy_memory_new();
	struct digest digest = digest_n(1);
	cr_assert_null(copy_memory_written_at(memory, "r.example", &digest));
	copy_memory_note_written(memory, &app, &digest);
	copy_memory_note_written(memory, &longer, &digest);
	CLEANUP(mem_freep) char *path = copy_memory_written_at(memory, "r.example", &digest);
	cr_assert_str_eq(path, "prod/app2");
}

Test(copy_memory, is_bounded)
{
	CLEANUP(freep) struct copy_memory *memory = copy_memory_new();
	struct digest first = digest_n(0);
	CLEANUP(mem_freep) char *first_key = copy_memory_blob_key(&app, &first);
	finish(memory, first_key, true);
	copy_memory_note_written(memory, &app, &first);
	for (int i = 1; i < 100000; i++) {
		struct digest digest = digest_n(i);
		CLEANUP(mem_freep) char *key = copy_memory_blob_key(&app, &digest);
		cr_assert_eq(copy_memory_try(memory, key, NULL), ONCE_MINE);
		copy_memory_finish(memory, key, true);
	}
	cr_assert_not(copy_memory_is_done(memory, first_key));
	cr_assert_null(copy_memory_written_at(memory, "r.example", &first));
}
