/*
 * Tag policies of the projects of a thin tree. A policy gives leave and nothing else, so one that is
 * missing or wrong costs its project that leave and nobody anything more.
 */
#include "reconciler/declared_private.h"
#include "reconciler/tag_policy.h"

struct policy_file {
	struct declared *declared;
	const char *project, *path;
};

static void on_fault(void *ctx, uint32_t line, uint32_t column, const char *message)
{
	const struct policy_file *file = ctx;
	const struct place place = {
		.file = intern_text(file->declared->strings, file->path),
		.line = line,
		.column = column,
	};

	declared_find(file->declared, FINDING_INVALID_FILE, place, file->project,
		"%s; no tag of this project is moved", message);
}

bool declared_load_policy(
	struct declared *declared, uint32_t index, struct source *source, struct err **err)
{
	struct declared_project *project = &declared->projects.items[index];
	CLEANUP(mem_freep) char *path = mem_printf(DECLARED_POLICY_FILE, project->name);
	CLEANUP(str_release) struct str text = STR_INIT(TAG_POLICY_FILE_MAX);
	CLEANUP(err_freep) struct err *why = NULL;
	struct policy_file file = {declared, project->name, path};
	const struct yml_sink sink = {.fault = on_fault, .ctx = &file};

	if (source_read(source, path, &text, &why))
		project->policy = tag_policy_parse(str_text(&text), text.len, &sink);
	else if (err_is(why, ERR_CANCELLED))
		return err_set(err, ERR_CANCELLED, "%s", why->msg);
	else if (!err_is(why, ERR_NOT_FOUND))
		on_fault(&file, 0, 0, declared_without_path(why->msg, path));
	return true;
}

bool declared_is_mutable(
	const struct declared *declared, const struct declared_image *image, const char *tag)
{
	const struct tag_policy *policy = declared->projects.items[image->project].policy;

	return policy && tag_policy_allows(policy, image->name, tag);
}
