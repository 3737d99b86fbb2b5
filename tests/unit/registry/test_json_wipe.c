#include "registry/json_wipe.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

#include "base/alloc.h"

Test(json_wipe, what_jansson_frees_is_overwritten)
{
	json_malloc_t allocate;
	json_free_t release;
	json_t *early = json_pack("{s:s}", "token", "secret");
	json_wipe_install();
	json_wipe_install();
	json_get_alloc_funcs(&allocate, &release);
	cr_expect(release == mem_free_secret_unsized);
	json_decref(early);
	json_t *late = json_pack("{s:s}", "token", "secret");
	cr_assert_str_eq(json_string_value(json_object_get(late, "token")), "secret");
	json_decref(late);
}
