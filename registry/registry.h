/*
 * A client of OCI distribution registries (distribution-spec 1.1; how real servers differ:
 * registry-client facts). Manifests, tags and blobs of one repository at a time; copying whole
 * images is registry/copy.h. All functions may be called from any thread.
 *
 * Identity, limits and reports use the logical host of a reference; only the connection goes to
 * its `endpoint`. What a host can do is learned once a run and remembered.
 *
 * Errors: ERR_NOT_FOUND only for a clean 404 of the registry itself; ERR_AUTH for 401 and 403;
 * ERR_THROTTLED, ERR_TRANSIENT, ERR_TIMEOUT, ERR_TLS, ERR_DIGEST, ERR_TOO_LARGE, ERR_INVALID,
 * ERR_CANCELLED. Messages name verb, repository, reference, status and what the server said.
 */
#ifndef CIP_REGISTRY_REGISTRY_H
#define CIP_REGISTRY_REGISTRY_H

#include "image/digest.h"
#include "image/reference.h"
#include "net/http.h"
#include "registry/credential_options.h"

struct registry;

/* One entry of `registries:` in cip.yaml. Strings are borrowed during registry_new only. */
struct registry_host_options {
	const char *host;     /* canonical logical host */
	const char *endpoint; /* "host:port" to connect to instead; NULL: host itself */
	bool plain_http; /* http instead of https; on the loopback that is so without any of the next */
	bool tls_skip_verify;
	const char *ca_file; /* PEM added to the system store; NULL: none */
	/* PEM files, both or neither. With these or a ca_file no directory (cert_dir) is looked at. */
	const char *client_cert_file, *client_key_file;
	bool endpoint_gets_credentials; /* those of `host`; otherwise the endpoint is asked anonymously */
	struct credential_options credentials[CREDENTIAL_SIDES];
	/*
	 * What the registry allows, for all of `quota_group` together, or for each credential where
	 * no group is named. What is not known (0) is learned.
	 */
	struct http_rates rates;
	const char *quota_group; /* a word; NULL: none */
	/* Over registry/quirks.h; NULL, 0 and false leave what is said there. */
	const char *token_server; /* a host that may see the secrets of this one */
	bool chunked_upload;
	size_t chunk_bytes;
	bool cross_mounts;
	bool checks_blobs;
	bool referrers_by_tag;
	unsigned tags_page_size;
};

struct registry_options {
	struct http *http; /* borrowed, outlives the client */
	const struct registry_host_options *hosts;
	size_t host_count;
	bool read_only; /* nothing will be written: only pull is ever asked for */
	/* Files of credentials that go before all others (registry/credentials.h); NULL: none. */
	const char *source_authfile;
	const char *destination_authfile;
	/* Certificates of registries, before docker's and containers' (registry/trust.h); NULL: none. */
	const char *cert_dir;
	struct google_account_options google;
	const struct credential_account *accounts; /* of the manifests; copied as far as needed */
	size_t account_count;
};

/* ERR_USAGE for unusable host options (CA file, endpoint), certificates and credentials. */
struct registry *registry_new(const struct registry_options *options, struct err **err);
void registry_free(struct registry *registry);
DEFINE_CLEANUP(struct registry, registry_freep, registry_free)

/*
 * The same client for reading sources: it shows the source side's credentials and asks for pull
 * only, where the client itself shows those that write. Belongs to the client.
 */
struct registry *registry_for_sources(struct registry *registry);

/*
 * The same client for what is attached to images: it shows the credentials that write, and its requests
 * are of the signing class (net/http.h). Belongs to the client.
 */
struct registry *registry_for_signing(struct registry *registry);

/*
 * Images will go from one repository to another; if both are on one host, one token is asked for
 * both. Said before either is looked at. Without it a host costs more token requests.
 */
void registry_expect_promotion(struct registry *registry, const struct repository *source,
	const struct repository *destination);

/* ---- Manifests ---- */

/* Exact bytes of a manifest or index with what identifies them. */
struct document {
	char *bytes; /* NUL-terminated; owned */
	size_t len;
	char *media_type;     /* owned; "" if neither server nor document says */
	struct digest digest; /* computed from the bytes */
};
void document_release(struct document *document);

/*
 * GET by digest; the bytes are hashed and compared (ERR_DIGEST). `tally` may be NULL in all verbs.
 */
bool registry_manifest_get(struct registry *registry, const struct repository *repository,
	const struct digest *digest, struct http_tally *tally, struct document *ret_document,
	struct err **err);

/* GET by tag or digest text, whatever is there; its digest is the sha256 of the bytes. */
bool registry_manifest_read(struct registry *registry, const struct repository *repository,
	const char *reference, struct http_tally *tally, struct document *ret_document,
	struct err **err);

/*
 * HEAD by tag or digest text. *ret_digest is the server's Docker-Content-Digest; if it sent none,
 * the body is fetched and hashed instead. ERR_NOT_FOUND if the reference does not exist.
 */
bool registry_manifest_head(struct registry *registry, const struct repository *repository,
	const char *reference, struct http_tally *tally, struct digest *ret_digest,
	struct err **err);

/*
 * PUT under a tag or digest text; a Docker-Content-Digest in the answer that differs is ERR_DIGEST.
 * ERR_CONFLICT: the registry refuses to change the tag. ERR_NOT_FOUND: something it references is
 * missing ("blob unknown"), or the repository cannot be made.
 */
bool registry_manifest_put(struct registry *registry, const struct repository *repository,
	const char *reference, const struct document *document, struct http_tally *tally,
	struct err **err);

/*
 * For what is read under a tag, extended and written again, since registries have no lock: of several
 * threads with one tag the others wait. ERR_CANCELLED. Every success is followed by an unlock.
 */
bool registry_tag_lock(struct registry *registry, const struct repository *repository,
	const char *tag, struct err **err);
void registry_tag_unlock(
	struct registry *registry, const struct repository *repository, const char *tag);

/* Waits before what was tried `attempt` times is tried again. ERR_CANCELLED. */
bool registry_pause(const struct registry *registry, unsigned attempt, struct err **err);

/* ---- Tags ---- */

enum tags_kind {
	TAGS_PLAIN,  /* names only: says nothing about digests or untagged manifests */
	TAGS_GOOGLE, /* Google's extension: every manifest with its tags */
};

/* Called while the list arrives, on the calling thread. Strings are valid during the call only. */
struct tags_visitor {
	void (*on_tag)(void *ctx, const char *tag);		     /* an element of `tags` */
	void (*on_manifest)(void *ctx, const struct digest *digest); /* a key of `manifest` */
	void (*on_manifest_tag)(void *ctx, const struct digest *digest, const char *tag);
	void *ctx;
};

/*
 * GET tags/list with all pages. What was visited may be used only if this returns true: the list
 * ended cleanly, no page was missing, the JSON was closed. ERR_NOT_FOUND: the registry knows no
 * such repository, or none with tags. ERR_TOO_LARGE: among others, a list as long as the registry
 * cuts lists off, so that what it does not show may exist: look at references one by one. A tag may
 * be visited twice. Streams: memory does not grow with the list.
 */
bool registry_tags_list(struct registry *registry, const struct repository *repository,
	const struct tags_visitor *visitor, struct http_tally *tally, enum tags_kind *ret_kind,
	struct err **err);

/* True once an answer of this host carried Google's extension; a list is then the cheapest look. */
bool registry_host_is_google(struct registry *registry, const char *host);

#endif
