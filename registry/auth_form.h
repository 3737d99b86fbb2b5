/*
 * Parameters of queries and of application/x-www-form-urlencoded bodies (RFC 6749 appendix B).
 * Internal to registry/.
 */
#ifndef CIP_REGISTRY_AUTH_FORM_H
#define CIP_REGISTRY_AUTH_FORM_H

#include "base/str.h"

/* Appends "name=value", behind a "&" unless it is the first. */
void auth_form_add(struct str *out, const char *name, const char *value);

#endif
