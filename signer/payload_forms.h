/*
 * What payloads have been seen to say behind the digest: cosign's annotations, which whoever signs many images
 * signs with all of them. A payload made with one of these is known by its digest alone and need not be fetched. Nothing here is
 * trusted: a form that nobody uses foresees nothing. Any thread.
 */
#ifndef CIP_SIGNER_PAYLOAD_FORMS_H
#define CIP_SIGNER_PAYLOAD_FORMS_H

#include "signer/payload.h"

struct payload_forms;

struct payload_forms *payload_forms_new(void);
void payload_forms_free(struct payload_forms *forms);

/* Keeps the form of this payload, if it names these two as payload_write would. A few are kept, the last ones. */
void payload_forms_learn(struct payload_forms *forms, const char *docker_reference,
	const struct digest *digest, const void *bytes, size_t len);

/* Appends the payload in the form with this number; false past the last one. */
bool payload_forms_write(struct payload_forms *forms, size_t number, const char *docker_reference,
	const struct digest *digest, struct str *out);

#endif
