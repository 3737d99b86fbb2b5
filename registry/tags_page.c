/*
 * The shape of a tags list over the token reader. Whether pages follow is for tags.c; it does not
 * remember anything it has seen.
 */
#include "registry/tags_page.h"

#include <string.h>

#include "base/alloc.h"

struct page_reader {
	struct json_reader *json;
	const struct tags_visitor *visitor;
	struct tags_page page;
	bool saw_tags;
	bool saw_manifest;
};

static bool wrong_shape(const char *what, struct err **err)
{
	return err_set(err, ERR_INVALID, "tags list: %s", what);
}

static bool is_tag(const struct json_reader *json)
{
	return strlen(json->text) == json->text_len && tag_is_valid(json->text);
}

/* The elements of an array of tags up to its end; `digest` NULL: of the repository's own list. */
static bool read_tags(struct page_reader *reader, const struct digest *digest, struct err **err)
{
	const struct tags_visitor *visitor = reader->visitor;
	enum json_token token;
	if (!json_reader_next(reader->json, &token, err))
		return false;
	if (token == JSON_READ_NULL)
		return true;
	if (token != JSON_READ_ARRAY)
		return wrong_shape("tags are no list", err);
	for (;;) {
		if (!json_reader_next(reader->json, &token, err))
			return false;
		if (token == JSON_READ_ARRAY_END)
			return true;
		if (token != JSON_READ_STRING)
			return wrong_shape("a tag that is no string", err);
		if (!digest)
			reader->page.tags++;
		if (!is_tag(reader->json))
			continue;
		if (!digest && visitor->on_tag)
			visitor->on_tag(visitor->ctx, reader->json->text);
		if (digest && visitor->on_manifest_tag)
			visitor->on_manifest_tag(visitor->ctx, digest, reader->json->text);
	}
}

static bool skip_value(struct page_reader *reader, struct err **err)
{
	enum json_token token;
	return json_reader_next(reader->json, &token, err) &&
		json_reader_skip(reader->json, token, err);
}

/* The object a digest maps to. */
static bool read_manifest(struct page_reader *reader, const struct digest *digest, struct err **err)
{
	enum json_token token;
	if (!json_reader_next(reader->json, &token, err))
		return false;
	if (token != JSON_READ_OBJECT)
		return wrong_shape("a manifest that is no object", err);
	for (;;) {
		if (!json_reader_next(reader->json, &token, err))
			return false;
		if (token == JSON_READ_OBJECT_END)
			return true;
		bool tags = digest && strcmp(reader->json->text, "tag") == 0;
		if (!(tags ? read_tags(reader, digest, err) : skip_value(reader, err)))
			return false;
	}
}

static bool read_manifests(struct page_reader *reader, struct err **err)
{
	enum json_token token;
	if (!json_reader_next(reader->json, &token, err))
		return false;
	if (token != JSON_READ_OBJECT)
		return json_reader_skip(reader->json, token, err);
	reader->page.kind = TAGS_GOOGLE;
	for (;;) {
		struct digest digest;
		if (!json_reader_next(reader->json, &token, err))
			return false;
		if (token == JSON_READ_OBJECT_END)
			return true;
		bool known = digest_parse(reader->json->text, &digest, NULL);
		reader->page.manifests++;
		if (known && reader->visitor->on_manifest)
			reader->visitor->on_manifest(reader->visitor->ctx, &digest);
		if (!read_manifest(reader, known ? &digest : NULL, err))
			return false;
	}
}

/* Two lists under one key would be two lists: whom to believe? */
static bool first_time(bool *saw, const char *key, struct err **err)
{
	if (*saw)
		return err_set(err, ERR_INVALID, "tags list: '%s' twice", key);
	*saw = true;
	return true;
}

static bool read_member(struct page_reader *reader, struct err **err)
{
	const char *key = reader->json->text;
	if (strcmp(key, "tags") == 0)
		return first_time(&reader->saw_tags, "tags", err) && read_tags(reader, NULL, err);
	if (strcmp(key, "manifest") == 0)
		return first_time(&reader->saw_manifest, "manifest", err) &&
			read_manifests(reader, err);
	return skip_value(reader, err);
}

static bool read_document(struct page_reader *reader, struct err **err)
{
	enum json_token token;
	if (!json_reader_next(reader->json, &token, err))
		return false;
	if (token != JSON_READ_OBJECT)
		return wrong_shape("no JSON object", err);
	for (;;) {
		if (!json_reader_next(reader->json, &token, err))
			return false;
		if (token == JSON_READ_OBJECT_END)
			break;
		if (!read_member(reader, err))
			return false;
	}
	if (!reader->saw_tags && reader->page.kind != TAGS_GOOGLE)
		return wrong_shape("the object has no tags", err);
	return json_reader_next(reader->json, &token, err);
}

bool tags_page_read(struct json_reader *json, const struct tags_visitor *visitor,
	struct tags_page *ret_page, struct err **err)
{
	struct page_reader reader = {.json = json, .visitor = visitor};
	if (!read_document(&reader, err))
		return false;
	*ret_page = reader.page;
	return true;
}
