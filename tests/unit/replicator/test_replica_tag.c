#include "replicator/replica_tag.h"

#include <criterion/criterion.h>

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void expect_round_trip(const char *text, enum replica_kind kind)
{
	char again[REPLICA_TAG_TEXT_SIZE];
	struct replica_tag tag;

	cr_assert(replica_tag_parse(text, &tag), "%s", text);
	cr_assert_eq(tag.kind, kind);
	cr_assert_eq(tag.image[1], 0x11);
	cr_assert_str_eq(replica_tag_format(&tag, again), text);
}

Test(replica_tag, each_kind)
{
	expect_round_trip("sha256-" HEX ".sig", REPLICA_SIG);
	expect_round_trip("sha256-" HEX ".att", REPLICA_ATT);
	expect_round_trip("sha256-" HEX ".sbom", REPLICA_SBOM);
	expect_round_trip("sha256-" HEX, REPLICA_REFERRERS);
}

Test(replica_tag, nothing_else)
{
	static const char *const others[] = {"", "v1", "sha256-", "sha256-.sig", "sha256-" HEX ".",
		"sha256-" HEX ".sigs", "sha256-" HEX ".SIG", "sha256-" HEX "0.sig",
		"sha512-" HEX ".sig", "sha256:" HEX ".sig", "sha256-0011.sig",
		"sha256-00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF.sig"};
	struct replica_tag tag;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		cr_expect_not(replica_tag_parse(others[i], &tag), "%s", others[i]);
}

Test(replica_tag, order_is_by_image_first)
{
	const struct replica_tag a = {{1}, REPLICA_SBOM}, b = {{2}, REPLICA_SIG},
				 c = {{2}, REPLICA_ATT};

	cr_assert_lt(replica_tag_compare(&a, &b), 0);
	cr_assert_lt(replica_tag_compare(&b, &c), 0);
	cr_assert_eq(replica_tag_compare(&c, &c), 0);
}
