/* An image as people name it: "host/path:tag", "host/path@sha256:…", or both. Pure. */
#ifndef CIP_CLI_IMAGE_ARGUMENT_H
#define CIP_CLI_IMAGE_ARGUMENT_H

#include "image/digest.h"
#include "image/reference.h"

struct image_argument {
	char *name;		      /* owned, canonical: "host/path" */
	struct repository repository; /* points into owned memory */
	char *host;		      /* owned */
	char *tag;		      /* owned; NULL: none, only if there is a digest */
	struct digest digest;
	bool has_digest; /* then the tag does not count */
};

/* ERR_USAGE says what is wrong. Without tag and digest the tag is "latest". */
bool image_argument_parse(const char *text, struct image_argument *ret_argument, struct err **err);
void image_argument_release(struct image_argument *argument);

#endif
