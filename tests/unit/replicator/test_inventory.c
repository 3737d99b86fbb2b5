#include "replicator/inventory.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct inventory inventory;

static void tear_down(void)
{
	inventory_release(&inventory);
}

TestSuite(inventory, .fini = tear_down);

static const char *tag_of(unsigned image, const char *suffix)
{
	static char text[REPLICA_TAG_TEXT_SIZE];

	snprintf(text, sizeof(text), "sha256-%064x%s", image, suffix);
	return text;
}

static struct digest content(uint8_t byte)
{
	struct digest digest = {0};

	digest.bytes[0] = byte;
	return digest;
}

static void add(unsigned image, const char *suffix, uint8_t byte)
{
	const struct digest digest = content(byte);

	inventory_add(&inventory, tag_of(image, suffix), byte ? &digest : NULL);
}

static const struct inventory_item *find(unsigned image, const char *suffix)
{
	struct replica_tag tag;

	cr_assert(replica_tag_parse(tag_of(image, suffix), &tag));
	return inventory_find(&inventory, &tag);
}

Test(inventory, keeps_what_stands_beside_images)
{
	add(2, ".sig", 1);
	add(1, ".att", 2);
	inventory_add(&inventory, "v1", NULL);
	inventory_add(&inventory, "sha256-1.sig", NULL);
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
	struct digest digest = content(1);

	digest.algorithm = DIGEST_SHA512;
	inventory_add(&inventory, tag_of(1, ".sig"), &digest);
	inventory_finish(&inventory);
	cr_assert_not(find(1, ".sig")->has_content);
}

Test(inventory, nothing_is_a_list_too)
{
	inventory_finish(&inventory);
	cr_assert_null(find(1, ".sig"));
}
