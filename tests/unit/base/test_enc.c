/* base/enc.h. Base64 vectors are those of RFC 4648 section 10. */
#include "base/enc.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/cleanup.h"

Test(hex, round_trip)
{
	uint8_t bytes[256], back[256];
	char text[513];

	for (size_t i = 0; i < 256; i++)
		bytes[i] = (uint8_t)i;
	hex_encode(bytes, 256, text);
	cr_assert_eq(strlen(text), 512);
	cr_assert(strncmp(text, "000102", 6) == 0);
	cr_assert_str_eq(text + 506, "fdfeff");
	cr_assert(hex_decode(text, 256, back));
	cr_assert_arr_eq(bytes, back, 256);
}

Test(hex, refuses_other_texts)
{
	uint8_t bytes[2] = {7, 7};

	cr_assert_not(hex_decode("00FF", 2, bytes));
	cr_assert_not(hex_decode("00f", 2, bytes));
	cr_assert_not(hex_decode("", 2, bytes));
	cr_assert_not(hex_decode("00g0", 2, bytes));
	cr_assert_not(hex_decode("0x00", 2, bytes));
	cr_assert_not(hex_decode(" 000", 2, bytes));
	cr_assert_eq(bytes[0], 7, "touched on failure");
	cr_assert(hex_decode("00ff and more", 2, bytes));
	cr_assert_eq(bytes[1], 255);
}

static const char *const vectors[][2] = {
	{"", ""},
	{"f", "Zg=="},
	{"fo", "Zm8="},
	{"foo", "Zm9v"},
	{"foob", "Zm9vYg=="},
	{"fooba", "Zm9vYmE="},
	{"foobar", "Zm9vYmFy"},
};

Test(base64, rfc_4648)
{
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		const char *plain = vectors[i][0], *coded = vectors[i][1];
		CLEANUP(mem_freep) char *text = base64_encode(plain, strlen(plain));
		CLEANUP(mem_freep) uint8_t *bytes = NULL;
		size_t len = 99;

		cr_assert_str_eq(text, coded);
		bytes = base64_decode(coded, strlen(coded), &len);
		cr_assert(bytes);
		cr_assert_eq(len, strlen(plain));
		cr_assert_str_eq((char *)bytes, plain);
	}
}

Test(base64, round_trip_of_all_bytes)
{
	uint8_t bytes[257];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + 3);
	for (size_t size = 0; size <= sizeof(bytes); size++) {
		CLEANUP(mem_freep) char *text = base64_encode(bytes, size);
		CLEANUP(mem_freep) uint8_t *back = NULL;
		size_t len = 0;

		back = base64_decode(text, strlen(text), &len);
		cr_assert(back);
		cr_assert_eq(len, size);
		cr_assert(memcmp(back, bytes, size) == 0);
		cr_assert_eq(back[len], 0);
	}
}

Test(base64, refuses_malformed)
{
	static const char *const bad[] = {
		"Z",
		"Zg",
		"Zg=",
		"Zg===",
		"====",
		"=",
		"Z===",
		"Zg==Zg==",
		"Zm9v\n",
		"Zm 9v",
		" Zm9v",
		"Zm9-",
		"Zm9_",
		"Zm9\x80",
		"Z=8=",
		"=m8=",
		"Zh==",
		"Zm9=",
		"Zm9vYg=",
		"Zm9vYg==\n",
		"Zm9v====",
		"Zm9v=",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		size_t len = 99;

		cr_assert_null(base64_decode(bad[i], strlen(bad[i]), &len), "%s", bad[i]);
		cr_assert_eq(len, 99);
	}
	cr_assert_null(base64_decode("Zm\09v", 4, &(size_t){0}));
}

Test(number, decimal_only)
{
	static const char *const bad[] = {
		"",
		" 1",
		"1 ",
		"+1",
		"-1",
		"0x1",
		"1.0",
		"a",
		"1a",
		"18446744073709551616",
		"99999999999999999999999",
	};
	uint64_t number = 7;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_not(number_parse(bad[i], UINT64_MAX, &number), "%s", bad[i]);
	cr_assert_eq(number, 7, "touched on failure");
	cr_assert(number_parse("0", UINT64_MAX, &number));
	cr_assert_eq(number, 0);
	cr_assert(number_parse("007", UINT64_MAX, &number));
	cr_assert_eq(number, 7);
	cr_assert(number_parse("18446744073709551615", UINT64_MAX, &number));
	cr_assert_eq(number, UINT64_MAX);
}

Test(number, maximum)
{
	uint64_t number = 7;

	cr_assert(number_parse("65535", 65535, &number));
	cr_assert_eq(number, 65535);
	cr_assert_not(number_parse("65536", 65535, &number));
	cr_assert_not(number_parse("655350", 65535, &number));
	cr_assert(number_parse("3", 3, &number));
	cr_assert_not(number_parse("4", 3, &number));
	cr_assert(number_parse("0", 0, &number));
	cr_assert_not(number_parse("1", 0, &number));
	cr_assert_eq(number, 0);
}
