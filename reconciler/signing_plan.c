/*
 * The rules of forms, and nothing about how things are signed or found.
 */
#include "reconciler/signing_plan.h"

static bool is_form_wanted(
	const struct signing_wanted *wanted, const struct signing_found *found, enum sign_form form)
{
	return wanted->forms[form] || (form == SIGN_BUNDLE && found->has_bundle);
}

struct signing_todo signing_plan(
	const struct signing_wanted *wanted, const struct signing_found *found)
{
	struct signing_todo todo = {0};

	for (enum sign_form form = 0; form < SIGN_FORMS; form++) {
		if (!is_form_wanted(wanted, found, form))
			continue;
		todo.sign[form] = !found->is_signed[form];
		for (int i = 0; i < PROMOTION_STATEMENTS; i++)
			todo.state[form][i] = wanted->statements[i] && !found->says[form][i];
	}
	return todo;
}

bool signing_todo_signs(const struct signing_todo *todo)
{
	return todo->sign[SIGN_LEGACY] || todo->sign[SIGN_BUNDLE];
}

bool signing_todo_states(const struct signing_todo *todo)
{
	for (int form = 0; form < SIGN_FORMS; form++)
		for (int i = 0; i < PROMOTION_STATEMENTS; i++)
			if (todo->state[form][i])
				return true;
	return false;
}
