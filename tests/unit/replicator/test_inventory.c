#include "replicator/inventory.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct inventory inventory;

static void tear_down(void)
{
	inventory_release(&inventory);
}

TestSuite(inventory, .fini = tear_down);

static struct digest content(uint8_t byte)
{
	struct digest digest = {0};

	digest.bytes[0] = byte;
	return digest;
}

static struct replica_tag tag_of(unsigned image, const char *suffix)
{
	char text[REPLICA_TAG_TEXT_SIZE];
	struct replica_tag tag;

	snprintf(text, sizeof(text), "sha256-%064x%s", image, suffix);
	cr_assert(replica_tag_parse(text, &tag));
	return tag;
}

static void add(unsigned image, const char *suffix, uint8_t byte)
{
	const struct digest digest = content(byte);
	const struct replica_tag tag = tag_of(image, suffix);

	inventory_add(&inventory, &tag, byte ? &digest : NULL);
}

static const struct inventory_item *find(unsigned image, const char *suffix)
{
	const struct replica_tag tag = tag_of(image, suffix);

	return inventory_find(&inventory, &tag);
}

Test(inventory, keeps_what_stands_beside_images)
{
	add(2, ".sig", 1);
	add(1, ".att", 2);
	inventory_finish(&inventory);
	cr_assert_eq(inventory.items.len, 2);
	cr_assert_eq(find(2, ".sig")->content[0], 1);
	cr_assert_eq(find(1, ".att")->content[0], 2);
	cr_assert_null(find(1, ".sig"));
}

/* Google says each tag twice. */
Test(inventory, a_name_with_its_digest_is_one)
{
	add(1, ".sig", 0);
	add(1, ".sig", 3);
	inventory_finish(&inventory);
	cr_assert_eq(inventory.items.len, 1);
	cr_assert(find(1, ".sig")->has_content);
	cr_assert_eq(find(1, ".sig")->content[0], 3);
}

Test(inventory, two_digests_are_none)
{
	add(1, ".sig", 3);
	add(1, ".sig", 4);
	inventory_finish(&inventory);
	cr_assert_eq(inventory.items.len, 1);
	cr_assert_not(find(1, ".sig")->has_content);
}

Test(inventory, another_algorithm_is_not_compared)
{
	const struct replica_tag tag = tag_of(1, ".sig");
	struct digest digest = content(1);

	digest.algorithm = DIGEST_SHA512;
	inventory_add(&inventory, &tag, &digest);
	inventory_finish(&inventory);
	cr_assert_not(find(1, ".sig")->has_content);
}

Test(inventory, nothing_is_a_list_too)
{
	inventory_finish(&inventory);
	cr_assert_null(find(1, ".sig"));
}

/* What has been written since the list was read, there or not. */
Test(inventory, what_was_written_is_not_known)
{
	const struct replica_tag known = tag_of(1, ".sig"), added = tag_of(1, ".att");

	add(1, ".sig", 3);
	add(2, ".sig", 3);
	inventory_finish(&inventory);
	inventory_touch(&inventory, &known);
	inventory_touch(&inventory, &added);
	cr_assert_eq(inventory.items.len, 3);
	cr_expect_not(find(1, ".sig")->has_content);
	cr_expect_not(find(1, ".sig")->is_doubtful);
	cr_expect(find(1, ".att")->is_doubtful);
	cr_expect(find(2, ".sig")->has_content);
}
