/*
 * Text of a tag to a value and back. Digests have a reader of their own, which decides on digits.
 */
#include "replicator/replica_tag.h"

#include <stdio.h>
#include <string.h>

#define HEX_LEN (2 * DIGEST_SHA256_SIZE)

static const char prefix[] = "sha256-";
static const char *const suffixes[] = {".sig", ".att", ".sbom", ""};

bool replica_tag_parse(const char *text, struct replica_tag *ret_tag)
{
	const size_t start = sizeof(prefix) - 1;
	char name[sizeof("sha256:") + HEX_LEN];
	struct replica_tag tag;
	struct digest digest;

	if (strncmp(text, prefix, start) != 0 || strlen(text) < start + HEX_LEN)
		return false;
	snprintf(name, sizeof(name), "sha256:%.*s", HEX_LEN, text + start);
	if (!digest_parse(name, &digest, NULL))
		return false;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		if (strcmp(text + start + HEX_LEN, suffixes[i]) != 0)
			continue;
		tag.kind = (enum replica_kind)i;
		memcpy(tag.image, digest.bytes, sizeof(tag.image));
		*ret_tag = tag;
		return true;
	}
	return false;
}

const char *replica_tag_format(const struct replica_tag *tag, char ret_text[REPLICA_TAG_TEXT_SIZE])
{
	const struct digest image = digest_from_sha256(tag->image);
	char text[DIGEST_TEXT_SIZE];

	snprintf(ret_text, REPLICA_TAG_TEXT_SIZE, "%s%.*s%s", prefix, HEX_LEN,
		strchr(digest_format(&image, text), ':') + 1, suffixes[tag->kind]);
	return ret_text;
}

int replica_tag_compare(const struct replica_tag *a, const struct replica_tag *b)
{
	int order = memcmp(a->image, b->image, sizeof(a->image));

	return order ? order : (int)a->kind - (int)b->kind;
}
