/*
 * Reads the subjects of statements. Names of subjects are not looked at: what is signed is a digest.
 */
#include "signer/statement.h"

#include <jansson.h>
#include <string.h>

#include "base/enc.h"
#include "signer/dsse.h"
#include "signer/json_private.h"

static bool malformed(struct err **err, const char *what)
{
	return err_set(err, ERR_INVALID, "statement: %s", what);
}

static bool type_is_known(const char *type)
{
	return type &&
		(strcmp(type, "https://in-toto.io/Statement/v1") == 0 ||
			strcmp(type, "https://in-toto.io/Statement/v0.1") == 0);
}

static void digest_keep(struct statement *statement, enum hash hash, const json_t *subject_digests)
{
	const json_t *value = json_object_get(subject_digests, hash_name(hash));
	struct statement_digest digest = {.hash = hash};

	/* One that is malformed is no artifact's. */
	if (json_string_length(value) == 2 * hash_size(hash) &&
		hex_decode(json_string_value(value), hash_size(hash), digest.bytes))
		*vec_push(&statement->digests) = digest;
}

static bool subject_read(const json_t *subject, struct statement *statement, struct err **err)
{
	const json_t *digests = json_object_get(subject, "digest");

	if (!json_is_object(digests))
		return malformed(err, "a subject without digests");
	if (json_object_size(digests) > STATEMENT_MAX_DIGESTS)
		return err_set(err, ERR_TOO_LARGE, "statement: a subject with more than %d digests",
			STATEMENT_MAX_DIGESTS);
	for (unsigned hash = 0; hash < HASH_COUNT; hash++)
		digest_keep(statement, (enum hash)hash, digests);
	return true;
}

static bool document_read(const json_t *document, struct statement *statement, struct err **err)
{
	const json_t *subjects = json_object_get(document, "subject");
	const json_t *predicate_type = json_object_get(document, "predicateType");
	const json_t *subject;
	size_t i;

	if (!type_is_known(json_string_value(json_object_get(document, "_type"))))
		return malformed(err, "its _type is neither Statement/v1 nor v0.1");
	if (!json_is_string(predicate_type))
		return malformed(err, "no predicateType");
	if (!json_is_array(subjects) || json_array_size(subjects) == 0)
		return malformed(err, "no subject");
	if (json_array_size(subjects) > STATEMENT_MAX_SUBJECTS)
		return err_set(err, ERR_TOO_LARGE, "statement: more than %d subjects",
			STATEMENT_MAX_SUBJECTS);
	statement->predicate_type = mem_strdup(json_string_value(predicate_type));
	json_array_foreach(subjects, i, subject)
	{
		if (!subject_read(subject, statement, err))
			return false;
	}
	return true;
}

bool statement_parse(
	const void *payload, size_t len, struct statement *ret_statement, struct err **err)
{
	CLEANUP(json_tree_freep) json_t *document = NULL;
	CLEANUP(statement_release) struct statement statement = {0};

	if (!json_load_object(payload, len, DSSE_MAX_SIZE, &document, err))
		return err_prefix(err, "statement");
	if (!document_read(document, &statement, err))
		return false;
	*ret_statement = statement;
	statement = (struct statement){0};
	return true;
}

void statement_release(struct statement *statement)
{
	mem_free(statement->predicate_type);
	vec_release(&statement->digests);
}

bool statement_is_about(const struct statement *statement, const struct message *artifact)
{
	uint8_t wanted[HASH_MAX_SIZE];

	for (size_t i = 0; i < statement->digests.len; i++) {
		const struct statement_digest *digest = &statement->digests.items[i];
		if (message_digest(artifact, digest->hash, wanted) &&
			memcmp(wanted, digest->bytes, hash_size(digest->hash)) == 0)
			return true;
	}
	return false;
}
