/*
 * A table of variables: Prow, GitHub Actions, GitLab CI, Jenkins, Buildkite. Their values are what
 * the environment claims, not facts; nothing is decided by them here.
 */
#include "reconciler/report_job.h"

#include <stdlib.h>
#include <string.h>

struct field {
	const char *name, *variable;
};

struct job_system {
	const char *name, *mark; /* the variable that shows it */
	struct field fields[6];
};

static const struct job_system systems[] = {
	{"prow", "PROW_JOB_ID",
		{{"name", "JOB_NAME"}, {"id", "BUILD_ID"}, {"type", "JOB_TYPE"},
			{"prow_job_id", "PROW_JOB_ID"}, {"repository", "REPO_NAME"}}},
	{"github", "GITHUB_ACTIONS",
		{{"name", "GITHUB_WORKFLOW"}, {"id", "GITHUB_RUN_ID"},
			{"type", "GITHUB_EVENT_NAME"}, {"repository", "GITHUB_REPOSITORY"},
			{"actor", "GITHUB_ACTOR"}}},
	{"gitlab", "GITLAB_CI",
		{{"name", "CI_JOB_NAME"}, {"id", "CI_JOB_ID"}, {"type", "CI_PIPELINE_SOURCE"},
			{"repository", "CI_PROJECT_PATH"}, {"actor", "GITLAB_USER_LOGIN"}}},
	{"jenkins", "JENKINS_URL", {{"name", "JOB_NAME"}, {"id", "BUILD_NUMBER"}}},
	{"buildkite", "BUILDKITE",
		{{"name", "BUILDKITE_PIPELINE_SLUG"}, {"id", "BUILDKITE_JOB_ID"},
			{"actor", "BUILDKITE_BUILD_CREATOR"}}},
};

static bool is_set(const char *variable)
{
	const char *value = getenv(variable);

	return value && *value;
}

static const struct job_system *find_system(void)
{
	for (size_t i = 0; i < sizeof(systems) / sizeof(systems[0]); i++)
		if (is_set(systems[i].mark))
			return &systems[i];
	return NULL;
}

void report_job_write(struct json_out *out, const char *key)
{
	const struct job_system *system = find_system();

	if (!system) {
		json_out_text(out, key, NULL);
		return;
	}
	json_out_open(out, key, '{');
	json_out_text(out, "system", system->name);
	for (const struct field *field = system->fields; field->name; field++)
		if (is_set(field->variable))
			json_out_text(out, field->name, getenv(field->variable));
	json_out_close(out, '}');
}

const char *report_job_fact(const char *name)
{
	const struct job_system *system = find_system();

	for (const struct field *field = system ? system->fields : NULL; field && field->name;
		field++)
		if (strcmp(field->name, name) == 0 && is_set(field->variable))
			return getenv(field->variable);
	return NULL;
}
