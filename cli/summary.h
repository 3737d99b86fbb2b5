/*
 * The table at the end of a run: what became of every project. Fed with events; keeps a few numbers
 * a project. One thread.
 */
#ifndef CIP_CLI_SUMMARY_H
#define CIP_CLI_SUMMARY_H

#include "base/intern.h"
#include "base/str.h"
#include "base/strmap.h"
#include "base/vec.h"
#include "reconciler/event.h"

/* What the project of a plain manifest, which has no name, is called. */
#define SUMMARY_UNNAMED "(manifest)"

struct summary_project {
	const char *name;
	uint64_t outcomes[OUTCOMES];	 /* images */
	uint64_t reasons[FINDING_KINDS]; /* why some were not promoted */
};

struct summary {
	struct intern *names;
	struct strmap index; /* name -> index + 1 */
	VEC(struct summary_project) projects;
};

void summary_init(struct summary *summary);
void summary_release(struct summary *summary);

void summary_event(struct summary *summary, const struct event *event);

/*
 * Appends the table: projects sorted by name, a line of totals, columns that are zero everywhere left
 * out. Text from outside is escaped. Nothing if there is no project.
 */
void summary_print(const struct summary *summary, struct str *out);

#endif
