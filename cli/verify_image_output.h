/*
 * What the verification of images found, for people and for machines: what counts and its facts, what
 * does not and why. Text from outside is escaped here.
 */
#ifndef CIP_CLI_VERIFY_IMAGE_OUTPUT_H
#define CIP_CLI_VERIFY_IMAGE_OUTPUT_H

#include <stdio.h>

#include "cli/verify_image.h"

/* Of an image with something that counts. */
void verify_image_text(const struct verified_image *image, struct str *out);

/* Why another has nothing that counts: lines for standard error. `what`: "signature", "attestation". */
void verify_image_why(const struct verified_image *image, const char *what, struct str *out);

/* One JSON object for all; docs/signing.md describes it. False if it could not be written. */
bool verify_image_json(const struct verified_image *images, size_t count, FILE *stream);

#endif
