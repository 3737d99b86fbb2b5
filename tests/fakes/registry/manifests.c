/* Manifests: HEAD, GET with distribution's view of Accept, PUT that insists on references. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "image/manifest.h"
#include "tests/fakes/registry/fake.h"
#include "tests/fakes/registry/store.h"

static void get_manifest(const struct fake_request *request, const char *repository,
	const char *reference, struct fake_response *response)
{
	const struct content *content = store_manifest(repository, reference);
	char digest[DIGEST_TEXT_SIZE];
	if (!content || !strstr(request->accept, content->media_type)) {
		respond_error(response, 404, "MANIFEST_UNKNOWN", "manifest unknown");
		return;
	}
	response->status = 200;
	response->body = content->bytes;
	response->body_len = content->len;
	memcpy(digest, content->text, sizeof(digest));
	if (response->wrong_digest_header)
		digest[strlen(digest) - 1] = digest[strlen(digest) - 1] == '0' ? '1' : '0';
	str_addf(&response->headers, "Content-Type: %s\r\n", content->media_type);
	if (!response->no_digest_header)
		str_addf(&response->headers, "Docker-Content-Digest: %s\r\n", digest);
}

/* One error for each thing that is referenced and not in the repository. */
static size_t list_missing(
	const char *repository, const struct manifest *manifest, struct str *errors)
{
	char text[DIGEST_TEXT_SIZE];
	size_t missing = 0;
	for (size_t i = 0; i < manifest->blobs.len + manifest->children.len; i++) {
		bool blob = i < manifest->blobs.len;
		const struct descriptor *descriptor = blob
			? &manifest->blobs.items[i]
			: &manifest->children.items[i - manifest->blobs.len];
		digest_format(&descriptor->digest, text);
		/* As Google's registry; distribution wants to know their URLs. */
		if (descriptor->nondistributable)
			continue;
		if (blob ? store_blob(repository, text) != NULL
			 : store_manifest(repository, text) != NULL)
			continue;
		str_addf(errors,
			"%s{\"code\":\"MANIFEST_BLOB_UNKNOWN\",\"message\":\"blob unknown to "
			"registry\",\"detail\":\"%s\"}",
			missing++ ? "," : "", text);
	}
	return missing;
}

/* ---- PUT ---- */

static void refuse_missing(const char *errors, struct fake_response *response)
{
	if (fake_options.no_missing_list) {
		respond_error(response, 400, "MANIFEST_INVALID", "a reference is missing");
		return;
	}
	response->status = 400;
	str_addf(&response->text, "{\"errors\":[%s]}", errors);
}

/* The tags of the query, as zot takes them; each is told in OCI-Tag. */
static void add_tags(const struct fake_request *request, const char *repository,
	const char *media_type, const struct digest *digest, struct fake_response *response)
{
	for (size_t n = 0;; n++) {
		CLEANUP(mem_freep) char *tag = query_nth(request->query, "tag", n);
		if (!tag)
			break;
		store_add_manifest(
			repository, request->body, request->body_len, media_type, digest, tag);
		str_addf(&response->headers, "OCI-Tag: %s\r\n", tag);
	}
}

/* False, answered, unless the tags of the query can be taken. */
static bool tags_fit(
	const struct fake_request *request, bool by_digest, struct fake_response *response)
{
	CLEANUP(mem_freep) char *first = query_nth(request->query, "tag", 0);
	CLEANUP(mem_freep)
	char *beyond = query_nth(request->query, "tag", fake_options.multi_tag);
	if (!fake_options.multi_tag || !first)
		return true;
	if (!by_digest)
		respond_error(response, 400, "MANIFEST_INVALID", "tags need a digest");
	else if (beyond)
		respond_error(response, 414, "TAG_INVALID", "too many tags");
	return by_digest && !beyond;
}

static void store_manifest_of(const struct fake_request *request, const char *repository,
	const struct manifest *manifest, const struct digest *digest, const char *tag,
	struct fake_response *response)
{
	CLEANUP(mem_freep) char *subject = subject_of(request->body, request->body_len);
	store_add_manifest(
		repository, request->body, request->body_len, manifest->media_type, digest, tag);
	if (fake_options.multi_tag)
		add_tags(request, repository, manifest->media_type, digest, response);
	if (fake_options.referrers && *subject)
		str_addf(&response->headers, "OCI-Subject: %s\r\n", subject);
	respond_created(response, repository, "manifests", digest);
}

static void put_manifest(const struct fake_request *request, const char *repository,
	const char *reference, struct fake_response *response)
{
	CLEANUP(manifest_release) struct manifest manifest = {0};
	CLEANUP(str_release) struct str errors = STR_INIT(1 << 20);
	struct digest named;
	bool by_digest = strchr(reference, ':') != NULL;
	enum digest_algorithm algorithm = DIGEST_SHA256;
	if (by_digest && digest_parse(reference, &named, NULL))
		algorithm = named.algorithm;
	struct digest digest =
		digest_of(algorithm, request->body ? request->body : "", request->body_len);
	if (!manifest_parse(request->body ? request->body : "", request->body_len,
		    request->content_type, &manifest, NULL)) {
		respond_error(response, 400, "MANIFEST_INVALID", "manifest invalid");
	} else if (by_digest && !digest_equal(&digest, &named)) {
		respond_error(response, 400, "DIGEST_INVALID",
			"provided digest did not match uploaded content");
	} else if (list_missing(repository, &manifest, &errors) > 0) {
		refuse_missing(str_text(&errors), response);
	} else if (tags_fit(request, by_digest, response)) {
		store_manifest_of(request, repository, &manifest, &digest,
			by_digest ? NULL : reference, response);
	}
}

void handle_manifest(const struct fake_request *request, const char *repository,
	const char *reference, struct fake_response *response)
{
	if (strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0)
		get_manifest(request, repository, reference, response);
	else if (strcmp(request->method, "PUT") == 0)
		put_manifest(request, repository, reference, response);
	else
		respond_error(response, 405, "UNSUPPORTED", "The operation is unsupported.");
}
