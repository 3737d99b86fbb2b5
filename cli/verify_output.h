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

/* Of a verification that passed; verify_output_facts is what follows the word "verified". */
void verify_output_text(const struct verify_result *result, struct str *out);
void verify_output_facts(const struct verify_result *result, struct str *out);

/* What was checked, and the facts if it counts, as members of an object that is open. */
struct json_out;
void verify_output_members(const struct verify_result *result, bool counts, struct json_out *out);

/*
 * One JSON object; docs/signing.md describes it. `error` is NULL if it passed. False if it could not
 * be written.
 */
bool verify_output_json(const struct verify_result *result, const struct err *error, FILE *out);

#endif
