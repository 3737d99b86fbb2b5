/* The part of JSON Schema that docs/report.schema.json uses. */
#ifndef CIP_TESTS_UNIT_RECONCILER_SCHEMA_CHECK_H
#define CIP_TESTS_UNIT_RECONCILER_SCHEMA_CHECK_H

#include <stdbool.h>

/* Both are JSON texts; says on standard error where the document breaks the schema. */
bool schema_check(const char *schema, const char *document);

#endif
