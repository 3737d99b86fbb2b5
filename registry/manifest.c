/*
 * Manifests: GET, HEAD, PUT of exact bytes (distribution-spec "Pulling manifests", "Pushing
 * manifests"; registry-client facts 4). Documents are hashed here and parsed elsewhere.
 */
#include "registry/manifest_request.h"

#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "image/manifest.h"

void document_release(struct document *document)
{
	mem_free(document->bytes);
	mem_free(document->media_type);
	*document = (struct document){0};
}

static char *reference_path(const char *reference)
{
	return mem_printf("/manifests/%s", reference);
}

/* ---- GET ---- */

static void get_init(struct request *request, struct registry *registry,
	const struct repository *repository, const char *reference, struct http_tally *tally)
{
	CLEANUP(mem_freep) char *path = reference_path(reference);
	request_init(request, registry, repository, "GET", path, "", tally);
	request_header(request, "Accept", manifest_accept);
	request->http.response_max = MANIFEST_MAX_SIZE;
}

void manifest_get_init(struct request *request, struct registry *registry,
	const struct repository *repository, const struct digest *digest, struct http_tally *tally)
{
	char text[DIGEST_TEXT_SIZE];
	get_init(request, registry, repository, digest_format(digest, text), tally);
	request->http.takes_encoded = true;
}

/* The type without parameters; "" for types that say nothing about a manifest. */
static char *media_type_of(const struct request *request)
{
	CLEANUP(mem_freep) char *type = request_answer_header(request, "Content-Type", 0);
	if (!type)
		return mem_strdup("");
	size_t len = strcspn(type, "; \t");
	bool says_something = strncasecmp(type, "application/vnd.", 16) == 0;
	return mem_strndup(type, says_something ? len : 0);
}

/*
 * A signed one hashes to something else than its digest, by its specification: what is wrong with
 * it is its age. True with the error set.
 */
static bool is_schema1(const struct request *request, struct err **err)
{
	CLEANUP(manifest_release) struct manifest manifest = {0};
	CLEANUP(err_freep) struct err *why = NULL;
	CLEANUP(mem_freep) char *type = media_type_of(request);
	const struct str *body = &request_answer(request)->body;
	if (manifest_parse(str_text(body), body->len, type, &manifest, &why) ||
		!err_is(why, ERR_UNSUPPORTED))
		return false;
	err_keep_first(err, &why);
	err_prefix(err, "%s", request->what);
	return true;
}

bool manifest_get_take(const struct request *request, const struct digest *digest,
	struct document *ret, struct err **err)
{
	if (!request_succeeded(request, err))
		return false;
	const struct str *body = &request_answer(request)->body;
	struct digest actual = digest_of(digest->algorithm, str_text(body), body->len);
	if (!digest_equal(&actual, digest)) {
		char text[DIGEST_TEXT_SIZE];
		if (is_schema1(request, err))
			return false;
		return err_set(err, ERR_DIGEST,
			"%s: the %zu bytes received hash to %s: the registry or something on the "
			"way "
			"changed them",
			request->what, body->len, digest_format(&actual, text));
	}
	*ret = (struct document){
		.bytes = mem_dup(str_text(body), body->len + 1),
		.len = body->len,
		.media_type = media_type_of(request),
		.digest = actual,
	};
	return true;
}

/* Damage on the way passes, damage in the store does not: one more try tells. */
bool registry_manifest_get(struct registry *registry, const struct repository *repository,
	const struct digest *digest, struct http_tally *tally, struct document *ret_document,
	struct err **err)
{
	CLEANUP(request_release) struct request request;
	CLEANUP(err_freep) struct err *first = NULL;
	manifest_get_init(&request, registry, repository, digest, tally);
	if (request_do(&request, &first) &&
		manifest_get_take(&request, digest, ret_document, &first))
		return true;
	if (err_is(first, ERR_DIGEST))
		return request_do(&request, err) &&
			manifest_get_take(&request, digest, ret_document, err);
	err_keep_first(err, &first);
	return false;
}

bool registry_manifest_read(struct registry *registry, const struct repository *repository,
	const char *reference, struct http_tally *tally, struct document *ret_document,
	struct err **err)
{
	CLEANUP(request_release) struct request request;
	get_init(&request, registry, repository, reference, tally);
	if (!request_do(&request, err) || !request_succeeded(&request, err))
		return false;
	const struct str *body = &request_answer(&request)->body;
	*ret_document = (struct document){
		.bytes = mem_dup(str_text(body), body->len + 1),
		.len = body->len,
		.media_type = media_type_of(&request),
		.digest = digest_of(DIGEST_SHA256, str_text(body), body->len),
	};
	return true;
}

/* ---- HEAD ---- */

void manifest_head_init(struct request *request, struct registry *registry,
	const struct repository *repository, const char *reference, struct http_tally *tally)
{
	CLEANUP(mem_freep) char *path = reference_path(reference);
	request_init(request, registry, repository, "HEAD", path, "", tally);
	request_header(request, "Accept", manifest_accept);
}

bool manifest_head_take(
	const struct request *request, struct digest *ret_digest, bool *ret_said, struct err **err)
{
	if (!request_succeeded(request, err))
		return false;
	CLEANUP(mem_freep) char *said = request_answer_header(request, "Docker-Content-Digest", 0);
	*ret_said = said && digest_parse(said, ret_digest, NULL);
	return true;
}

bool registry_manifest_head(struct registry *registry, const struct repository *repository,
	const char *reference, struct http_tally *tally, struct digest *ret_digest,
	struct err **err)
{
	CLEANUP(request_release) struct request request;
	bool said = false;
	manifest_head_init(&request, registry, repository, reference, tally);
	if (!request_do(&request, err) || !manifest_head_take(&request, ret_digest, &said, err))
		return false;
	if (said)
		return true;
	/* For servers that do not say the digest: the bytes do. */
	CLEANUP(document_release) struct document document = {0};
	if (!registry_manifest_read(registry, repository, reference, tally, &document, err))
		return false;
	*ret_digest = document.digest;
	return true;
}

/* ---- PUT ---- */

void manifest_put_init(struct request *request, struct registry *registry,
	const struct repository *repository, const char *reference, const char *query,
	const struct document *document, struct http_tally *tally)
{
	CLEANUP(mem_freep) char *path = reference_path(reference);
	request_init(request, registry, repository, "PUT", path, query, tally);
	if (*document->media_type)
		request_header(request, "Content-Type", document->media_type);
	request->http.body = document->bytes;
	request->http.body_len = document->len;
	/* Nobody brings what is missing meanwhile, whatever the status: see registry/refusal.c. */
	request->http.final_words = "MANIFEST_BLOB_UNKNOWN";
}

/* "algorithm:encoded" by the grammar of descriptor.md, of an algorithm we do not know. */
static bool is_foreign_digest(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	static const char encoded[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789=_-";
	size_t len = strcspn(text, ":");
	if (text[len] != ':' || strncmp(text, "sha256:", 7) == 0 ||
		strncmp(text, "sha512:", 7) == 0)
		return false;
	for (const char *at = text; at < text + len; at += *at == ':' ? 0 : 1) {
		size_t part = strspn(at, letters);
		at += part;
		if (part == 0 || (at < text + len && !strchr("+._-", *at)))
			return false;
	}
	size_t rest = strspn(text + len + 1, encoded);
	return len > 0 && rest > 0 && text[len + 1 + rest] == '\0';
}

bool manifest_put_take(
	const struct request *request, const struct document *document, struct err **err)
{
	struct digest stored;
	char text[DIGEST_TEXT_SIZE];
	if (!request_succeeded(request, err))
		return false;
	CLEANUP(mem_freep) char *said = request_answer_header(request, "Docker-Content-Digest", 0);
	if (!said || is_foreign_digest(said))
		return true;
	if (!digest_parse(said, &stored, NULL))
		return err_set(err, ERR_INVALID,
			"%s: the registry took it, but says it stored '%.160s', which is no digest",
			request->what, said);
	if (stored.algorithm != document->digest.algorithm ||
		digest_equal(&stored, &document->digest))
		return true;
	return err_set(err, ERR_DIGEST, "%s: %s was sent, the registry says it stored %s",
		request->what, digest_format(&document->digest, text), said);
}

bool manifest_put_subject(const struct request *request, struct digest *ret_subject)
{
	CLEANUP(mem_freep) char *said = request_answer_header(request, "OCI-Subject", 0);
	return said && digest_parse(said, ret_subject, NULL);
}

bool registry_manifest_put(struct registry *registry, const struct repository *repository,
	const char *reference, const struct document *document, struct http_tally *tally,
	struct err **err)
{
	CLEANUP(request_release) struct request request;
	manifest_put_init(&request, registry, repository, reference, "", document, tally);
	return request_do(&request, err) && manifest_put_take(&request, document, err);
}
