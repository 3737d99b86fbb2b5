/*
 * What a statement about a promotion says, compared with what would be said. The statement is
 * signed by us or by somebody with our identity, but was made by any version of us or of kpromo: an
 * unknown field is passed over, and what cannot be read says something else.
 */
#include <jansson.h>
#include <string.h>

#include "base/enc.h"
#include "reconciler/promotion_record.h"

DEFINE_CLEANUP(json_t, json_freep, json_decref)

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* "name" or "name@digest". */
static bool is_reference(const char *text, const char *name, const struct digest *digest)
{
	char wanted[DIGEST_TEXT_SIZE];
	size_t len = strlen(name);

	if (strncmp(text, name, len) != 0)
		return false;
	return !text[len] ||
		(text[len] == '@' && strcmp(text + len + 1, digest_format(digest, wanted)) == 0);
}

static bool has_digest(const json_t *named, const struct digest *digest)
{
	char wanted[DIGEST_TEXT_SIZE];
	const char *algorithm = digest->algorithm == DIGEST_SHA512 ? "sha512" : "sha256";

	digest_format(digest, wanted);
	return strcmp(text_of(json_object_get(named, "digest"), algorithm),
		       strchr(wanted, ':') + 1) == 0;
}

static bool is_source(const char *text, const struct promotion *promotion)
{
	if (is_reference(text, promotion->source, &promotion->digest))
		return true;
	for (size_t i = 0; i < promotion->source_count && promotion->is_in_place; i++)
		if (is_reference(text, promotion->sources[i], &promotion->digest))
			return true;
	return false;
}

/* Each of ours is there and, unless more may be said, there are as many: ours are distinct. */
static bool has_tags(const json_t *predicate, const struct promotion *promotion)
{
	const json_t *tags = json_object_get(predicate, "tags");
	size_t count = json_array_size(tags);

	if (count < promotion->tag_count ||
		(count > promotion->tag_count && !promotion->is_in_place))
		return false;
	for (size_t i = 0; i < promotion->tag_count; i++) {
		bool found = false;

		for (size_t j = 0; j < count && !found; j++) {
			const char *tag = json_string_value(json_array_get(tags, j));

			found = tag && strcmp(tag, promotion->tags[i]) == 0;
		}
		if (!found)
			return false;
	}
	return true;
}

/* Of a run that moved nothing, and so knows of nothing, whatever was said is right. */
static bool has_replaced(const json_t *predicate, const struct promotion *promotion)
{
	const json_t *replaced = json_object_get(predicate, "replaced");

	if (!promotion->replaced_count)
		return true;
	if (json_array_size(replaced) != promotion->replaced_count)
		return false;
	for (size_t i = 0; i < promotion->replaced_count; i++) {
		const json_t *item = json_array_get(replaced, i);

		if (strcmp(text_of(item, "name"), promotion->replaced[i].tag) != 0 ||
			!has_digest(item, &promotion->replaced[i].digest))
			return false;
	}
	return true;
}

/*
 * A tag that comes back to where it was is moved again: what an older commit said of the way there
 * would make a run at a commit in between believe that it is the newer one (tag_moves.h).
 */
static bool has_commit(const json_t *predicate, const struct promotion *promotion)
{
	const json_t *manifest = json_object_get(predicate, "manifest");

	if (!promotion->replaced_count || !promotion->run->commit)
		return true;
	return strcmp(text_of(json_object_get(manifest, "digest"), "gitCommit"),
		       promotion->run->commit) == 0;
}

static bool says_record(const json_t *predicate, const struct promotion *promotion)
{
	char digest[DIGEST_TEXT_SIZE];

	return is_source(text_of(predicate, "srcRef"), promotion) &&
		is_reference(
			text_of(predicate, "dstRef"), promotion->destination, &promotion->digest) &&
		strcmp(text_of(predicate, "digest"), digest_format(&promotion->digest, digest)) ==
		0 &&
		has_tags(predicate, promotion) && has_replaced(predicate, promotion) &&
		has_commit(predicate, promotion);
}

static bool says_provenance(const json_t *predicate, const struct promotion *promotion)
{
	const json_t *definition = json_object_get(predicate, "buildDefinition");
	const json_t *parameters = json_object_get(definition, "externalParameters");

	return strcmp(text_of(definition, "buildType"), PROMOTION_RECORD_TYPE) == 0 &&
		is_source(text_of(parameters, "source"), promotion) &&
		is_reference(text_of(parameters, "destination"), promotion->destination,
			&promotion->digest) &&
		has_tags(parameters, promotion) && has_replaced(parameters, promotion);
}

static bool has_subject(const json_t *document, const struct promotion *promotion)
{
	const json_t *subjects = json_object_get(document, "subject");

	for (size_t i = 0; i < json_array_size(subjects); i++)
		if (has_digest(json_array_get(subjects, i), &promotion->digest))
			return true;
	return false;
}

/* NULL unless it is a statement of this type. The caller releases it. */
static json_t *load_statement(enum promotion_statement statement, const void *bytes, size_t len)
{
	CLEANUP(json_freep) json_t *document = NULL;

	if (len > PROMOTION_STATEMENT_MAX)
		return NULL;
	document = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, NULL);
	if (strcmp(text_of(document, "predicateType"), promotion_type(statement)) != 0)
		return NULL;
	return steal_ptr(&document);
}

bool promotion_is_said(enum promotion_statement statement, const struct promotion *promotion,
	const void *bytes, size_t len)
{
	CLEANUP(json_freep) json_t *document = load_statement(statement, bytes, len);
	const json_t *predicate = json_object_get(document, "predicate");

	if (!document || !has_subject(document, promotion))
		return false;
	return statement == PROMOTION_SLSA ? says_provenance(predicate, promotion)
					   : says_record(predicate, promotion);
}

bool promotion_names_tag(const void *bytes, size_t len, const char *tag, char **ret_commit)
{
	CLEANUP(json_freep) json_t *document = load_statement(PROMOTION_RECORD, bytes, len);
	const json_t *predicate = json_object_get(document, "predicate");
	const json_t *tags = json_object_get(predicate, "tags");
	const json_t *manifest = json_object_get(predicate, "manifest");
	const char *commit = text_of(json_object_get(manifest, "digest"), "gitCommit");

	for (size_t i = 0; i < json_array_size(tags); i++) {
		const char *name = json_string_value(json_array_get(tags, i));

		if (!name || strcmp(name, tag) != 0)
			continue;
		*ret_commit = *commit ? mem_strdup(commit) : NULL;
		return true;
	}
	return false;
}
