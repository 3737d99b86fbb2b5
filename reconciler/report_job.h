/* Which job of a CI system runs us, from the variables it sets. */
#ifndef CIP_RECONCILER_REPORT_JOB_H
#define CIP_RECONCILER_REPORT_JOB_H

#include "reconciler/json_out.h"

/* An object with what the system tells of the job and who started it; null outside of one. */
void report_job_write(struct json_out *out, const char *key);

/*
 * One of these facts by its name in the report ("name", "id", "type", "prow_job_id"); NULL if the
 * system does not tell it, or outside of one. Borrowed from the environment.
 */
const char *report_job_fact(const char *name);

#endif
