/*
 * What `cip login-check` found, for people and for machines. Text from outside is escaped here.
 */
#ifndef CIP_CLI_LOGIN_TABLE_H
#define CIP_CLI_LOGIN_TABLE_H

#include <stdio.h>

#include "base/str.h"
#include "reconciler/access_check.h"

/* A row for each registry and side, and below what is missing and what can be done about it. */
void login_table_text(const struct access_check *check, struct str *out);

/* One JSON object; docs/registries.md describes it. False if it could not be written. */
bool login_table_json(const struct access_check *check, FILE *out);

#endif
