/*
 * The ring behind streamed bodies. Knows neither threads nor libcurl.
 */
#include "net/channel.h"

#include <string.h>

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

void channel_release(struct channel *channel)
{
	mem_free(channel->bytes);
	*channel = (struct channel){0};
}

size_t channel_room(const struct channel *channel)
{
	return HTTP_CHANNEL_BYTES - channel->len;
}

char *channel_free_region(struct channel *channel, size_t want, size_t *ret_len)
{
	size_t end;

	/* From the front again if it can be: most bodies never touch the rest of the memory. */
	if (!channel->len)
		channel->start = 0;
	end = (channel->start + channel->len) % HTTP_CHANNEL_BYTES;
	if (!channel->bytes)
		channel->bytes = mem_resize(NULL, HTTP_CHANNEL_BYTES, 1);
	*ret_len = least(least(want, channel_room(channel)), HTTP_CHANNEL_BYTES - end);
	return channel->bytes + end;
}

void channel_commit(struct channel *channel, size_t len)
{
	channel->len += len;
}

const char *channel_filled_region(const struct channel *channel, size_t want, size_t *ret_len)
{
	*ret_len = least(least(want, channel->len), HTTP_CHANNEL_BYTES - channel->start);
	return channel->bytes + channel->start;
}

void channel_consume(struct channel *channel, size_t len)
{
	channel->start = (channel->start + len) % HTTP_CHANNEL_BYTES;
	channel->len -= len;
}

void channel_add(struct channel *channel, const void *bytes, size_t len)
{
	const char *from = bytes;

	while (len) {
		size_t piece;
		char *to = channel_free_region(channel, len, &piece);
		memcpy(to, from, piece);
		channel_commit(channel, piece);
		from += piece;
		len -= piece;
	}
}
