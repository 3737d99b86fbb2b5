#include "registry/auth_scope.h"

#include <criterion/criterion.h>

static void expect_key(const struct auth_scopes *scopes, const char *wanted)
{
	CLEANUP(str_release) struct str key = STR_INIT(4096);
	auth_scopes_key(scopes, &key);
	cr_assert_str_eq(str_text(&key), wanted);
}

Test(auth_scope, a_promotion)
{
	CLEANUP(auth_scopes_release) struct auth_scopes scopes = {0};
	CLEANUP(str_release) struct str first = STR_INIT(4096);
	cr_assert(auth_scopes_add(&scopes, "prod/app", AUTH_PULL));
	cr_assert(auth_scopes_add(&scopes, "attic/app", AUTH_PULL));
	cr_assert(auth_scopes_add(&scopes, "prod/app", AUTH_PUSH));
	cr_assert_eq(scopes.len, 2);
	expect_key(&scopes, "repository:attic/app:pull repository:prod/app:pull,push");
	auth_scope_format(&scopes.items[0], &first);
	cr_assert_str_eq(str_text(&first), "repository:prod/app:pull,push");
}

Test(auth_scope, bounded)
{
	CLEANUP(auth_scopes_release) struct auth_scopes scopes = {0};
	for (char name[2] = "a"; scopes.len < AUTH_SCOPES_MAX; name[0]++)
		cr_assert(auth_scopes_add(&scopes, name, AUTH_PULL));
	cr_assert_not(auth_scopes_add(&scopes, "z", AUTH_PULL));
	cr_assert(auth_scopes_add(&scopes, "a", AUTH_PUSH));
}

Test(auth_scope, of_a_challenge)
{
	CLEANUP(auth_scopes_release) struct auth_scopes scopes = {0};
	cr_assert(auth_scopes_add(&scopes, "a", AUTH_PULL));
	cr_assert_not(auth_scopes_add_text(&scopes, "repository:a:pull", AUTH_PULL));
	/* Nothing that was not allowed, nothing but repositories. */
	cr_assert_not(auth_scopes_add_text(&scopes, "repository:a:pull,push", AUTH_PULL));
	cr_assert_not(auth_scopes_add_text(&scopes, "registry:catalog:*", AUTH_PULL | AUTH_PUSH));
	cr_assert_not(auth_scopes_add_text(&scopes, "repository:b:delete", AUTH_PULL | AUTH_PUSH));
	cr_assert_not(
		auth_scopes_add_text(&scopes, " repository::pull repository:pull x", AUTH_PULL));
	cr_assert(auth_scopes_add_text(
		&scopes, "repository:a:push  repository:h:5000/b:*", AUTH_PULL | AUTH_PUSH));
	expect_key(&scopes, "repository:a:pull,push repository:h:5000/b:pull,push");
}
