/* Which job of a CI system runs us, from the variables it sets. */
#ifndef CIP_RECONCILER_REPORT_JOB_H
#define CIP_RECONCILER_REPORT_JOB_H

#include "reconciler/json_out.h"

/* An object with what the system tells of the job and who started it; null outside of one. */
void report_job_write(struct json_out *out, const char *key);

#endif
