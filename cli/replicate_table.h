/*
 * What `cip replicate-signatures` did or would do, for people and for machines. Text from outside is
 * escaped here.
 */
#ifndef CIP_CLI_REPLICATE_TABLE_H
#define CIP_CLI_REPLICATE_TABLE_H

#include <stdio.h>

#include "reconciler/replicate.h"

/* A line for each object and mirror that is not in place, or was not. False if it could not be written. */
bool replicate_table_text(const struct replicate_result *result, FILE *out);

/* One JSON object; docs/operations.md describes it. False if it could not be written. */
bool replicate_table_json(const struct replicate_result *result, FILE *out);

#endif
