/*
 * Included in front of every file that tools/check-tidy looks at, except base/err.c. The analyzer sees
 * one file at a time; it must know that these return false, else it takes every failed call for one
 * that succeeded without a result.
 */
#ifndef CIP_TOOLS_TIDY_H
#define CIP_TOOLS_TIDY_H

#include "base/err.h"

#define err_set(...) (err_set(__VA_ARGS__), false)
#define err_set_http(...) (err_set_http(__VA_ARGS__), false)
#define err_set_errno(...) (err_set_errno(__VA_ARGS__), false)
#define err_prefix(...) (err_prefix(__VA_ARGS__), false)

#endif
