/* net/channel.h. */
#include <criterion/criterion.h>
#include <string.h>

#include "net/channel.h"

Test(channel, bytes_come_out_as_they_went_in)
{
	struct channel channel = {0};
	uint64_t in = 0, out = 0, state = 1;

	while (out < 5 * HTTP_CHANNEL_BYTES) {
		size_t len, want;
		state = state * 6364136223846793005u + 1442695040888963407u;
		want = (state >> 33) % 100000;
		for (size_t room = channel_room(&channel); want <= room && want; want = 0) {
			char *bytes = mem_new(want, 1);
			for (size_t i = 0; i < want; i++)
				bytes[i] = (char)(in++ * 7);
			channel_add(&channel, bytes, want);
			mem_free(bytes);
		}
		if (channel.len == 0)
			continue;
		const char *from = channel_filled_region(&channel, (state >> 13) % 90000 + 1, &len);
		cr_assert_gt(len, 0);
		for (size_t i = 0; i < len; i++)
			cr_assert_eq(from[i], (char)(out++ * 7));
		channel_consume(&channel, len);
	}
	cr_expect_eq(in - out, channel.len);
	channel_release(&channel);
}

Test(channel, is_bounded)
{
	struct channel channel = {0};
	size_t len;

	cr_expect_eq(channel_room(&channel), HTTP_CHANNEL_BYTES);
	channel_free_region(&channel, SIZE_MAX, &len);
	cr_expect_eq(len, HTTP_CHANNEL_BYTES);
	channel_commit(&channel, len);
	channel_free_region(&channel, 1, &len);
	cr_expect_eq(len, 0);
	cr_expect_eq(channel_room(&channel), 0);
	channel_consume(&channel, 10);
	channel_free_region(&channel, SIZE_MAX, &len);
	cr_expect_eq(len, 10);
	channel_release(&channel);
}

/* A writer fills its region without the lock, and the reader may empty the channel meanwhile. */
Test(channel, is_emptied_while_a_region_is_filled)
{
	struct channel channel = {0};
	size_t len;
	char *region;
	const char *read;

	channel_add(&channel, "abc", 3);
	region = channel_free_region(&channel, 3, &len);
	cr_assert_eq(len, 3);
	memcpy(region, "def", 3);
	channel_consume(&channel, 3);
	channel_commit(&channel, 3);
	read = channel_filled_region(&channel, 3, &len);
	cr_assert_eq(len, 3);
	cr_expect_arr_eq(read, "def", 3);
	channel_release(&channel);
}
