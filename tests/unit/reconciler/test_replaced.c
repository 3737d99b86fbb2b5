/* What a promotion record says of the digests that tags have left. */
#include "reconciler/replaced.h"

#include <criterion/criterion.h>
#include <string.h>

static struct digest digest_number(unsigned char number)
{
	uint8_t bytes[DIGEST_SHA256_SIZE];

	memset(bytes, number, sizeof(bytes));
	return digest_from_sha256(bytes);
}

static void add_tag(struct record *record, const char *name, enum tag_found found,
	enum tag_done done, unsigned char number)
{
	*vec_push(&record->tags) = (struct record_tag){
		.name = name, .found = found, .done = done, .found_digest = digest_number(number)};
}

Test(replaced, what_was_moved_is_said_and_the_primary_is_believed_first)
{
	static const char *const stated[] = {"a", "b", "c", "z"};
	CLEANUP(replaced_release) struct replaced replaced = {0};
	CLEANUP(record_release) struct record primary = {0};
	CLEANUP(record_release) struct record mirror = {0};
	struct digest one = digest_number(1), three = digest_number(3);

	add_tag(&primary, "z", TAG_ELSEWHERE, TAG_DONE_WRITTEN, 1);
	add_tag(&primary, "a", TAG_ABSENT, TAG_DONE_WRITTEN, 0);
	add_tag(&primary, "b", TAG_ELSEWHERE, TAG_DONE_QUARANTINED, 1);
	add_tag(&primary, "x", TAG_ELSEWHERE, TAG_DONE_WRITTEN, 1);
	add_tag(&mirror, "c", TAG_ELSEWHERE, TAG_DONE_WRITTEN, 3);
	add_tag(&mirror, "z", TAG_ELSEWHERE, TAG_DONE_WRITTEN, 2);
	replaced_add(&replaced, &primary, stated, 4);
	replaced_add(&replaced, &mirror, stated, 4);
	cr_assert_eq(replaced.all.len, 2);
	cr_expect_str_eq(replaced.all.items[0].tag, "c");
	cr_expect(digest_equal(&replaced.all.items[0].digest, &three));
	cr_expect_str_eq(replaced.all.items[1].tag, "z");
	cr_expect(digest_equal(&replaced.all.items[1].digest, &one));
}
