/*
 * What a verification found, for people and for machines. Text from outside is escaped here. Facts
 * are shown only if everything was verified; otherwise where it failed, and why.
 */
#ifndef CIP_CLI_VERIFY_OUTPUT_H
#define CIP_CLI_VERIFY_OUTPUT_H

#include <stdio.h>

#include "base/err.h"
#include "base/str.h"
#include "signer/verify.h"

/* Of a verification that passed. */
void verify_output_text(const struct verify_result *result, struct str *out);

/*
 * One JSON object; docs/signing.md describes it. `error` is NULL if it passed. False if it could not
 * be written.
 */
bool verify_output_json(const struct verify_result *result, const struct err *error, FILE *out);

#endif
