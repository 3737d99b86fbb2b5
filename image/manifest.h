/*
 * Image manifests and indexes as far as copying needs them (OCI image-spec v1.1, Docker schema 2):
 * which bytes they reference. The bytes themselves are never re-serialised. Pure, any thread.
 */
#ifndef CIP_IMAGE_MANIFEST_H
#define CIP_IMAGE_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/vec.h"
#include "image/digest.h"

#define MEDIA_TYPE_OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define MEDIA_TYPE_OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define MEDIA_TYPE_DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"
#define MEDIA_TYPE_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"

/* One Accept value for every GET and HEAD of a manifest (registry-client facts §4.1). */
extern const char *const manifest_accept;

/* Above this a manifest is refused while it arrives (registries accept 4 MiB; some 8). */
#define MANIFEST_MAX_SIZE ((size_t)8 << 20)

struct descriptor {
	struct digest digest;
	int64_t size;	  /* bytes, never negative */
	char *media_type; /* owned, may be "" */
	/* Layers that registries do not hold by default; decided by media type, never by `urls`. */
	bool nondistributable;
};

enum manifest_shape {
	MANIFEST_IMAGE, /* config and layers, or an artifact's blobs */
	MANIFEST_INDEX, /* children */
};

struct manifest {
	enum manifest_shape shape;
	char *media_type;	      /* what a PUT must say as Content-Type; owned */
	VEC(struct descriptor) blobs; /* config first; each digest once */
	VEC(struct descriptor) children;
};

/*
 * Understands the document by its shape: `manifests` is an index, `config`/`layers`/`blobs` an
 * image; unknown media types of children, configs and layers pass through. `content_type` (may be
 * NULL) is what the server said and must not contradict the document's own mediaType.
 * ERR_INVALID: no JSON, wrong shape, both shapes at once, no or negative size, malformed digest,
 * duplicate keys, one digest with two sizes. ERR_UNSUPPORTED: Docker schema 1, with advice.
 * ERR_TOO_LARGE: more than 10,000 descriptors.
 */
bool manifest_parse(const char *bytes, size_t len, const char *content_type,
	struct manifest *ret_manifest, struct err **err);
void manifest_release(struct manifest *manifest);

#endif
