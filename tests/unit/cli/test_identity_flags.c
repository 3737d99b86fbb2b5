#include <criterion/criterion.h>

#include "base/log.h"
#include "cli/identity_flags.h"
#include "tests/fakes/jwt_text.h"

struct target {
	struct identity_flags identity;
	bool other;
};

static const struct flag flags[] = {
	IDENTITY_FLAGS(struct target, identity),
	{.name = "other", .type = FLAG_BOOL, .offset = offsetof(struct target, other)},
};
static const struct flag_set set = {.flags = flags, .count = sizeof(flags) / sizeof(flags[0])};

static char logged[1000];

static void keep_log(void *ctx, enum log_level level, const char *text)
{
	(void)ctx;
	(void)level;
	snprintf(logged, sizeof(logged), "%s", text);
}

Test(identity_flags, a_token_is_overwritten_where_others_can_see_it)
{
	CLEANUP(mem_freep) char *jwt = jwt_text(JWT_TEXT_HEADER, "{}");
	char joined[1000], apart[1000];
	snprintf(joined, sizeof(joined), "--identity-token=%s", jwt);
	snprintf(apart, sizeof(apart), "%s", jwt);
	const char *const forms[][4] = {
		{joined, "--other", NULL}, {"--identity-token", apart, "--other", NULL}};
	for (size_t i = 0; i < 2; i++) {
		struct target target = {0};
		struct flag_given given;
		const char *at = i ? apart : joined + strlen("--identity-token=");
		cr_assert(flag_parse(&set, forms[i], &target, &given, NULL));
		cr_assert_eq((const void *)target.identity.token, (const void *)at);
		identity_flags_hide(&target.identity);
		cr_expect_str_eq(target.identity.token, jwt);
		cr_expect(target.other);
		for (size_t j = 0; j < strlen(jwt); j++)
			cr_assert_eq(at[j], '\0');

		log_set_sink(keep_log, NULL);
		struct id_token_source *source =
			identity_flags_source(&target.identity, NULL, NULL);
		log_set_sink(NULL, NULL);
		cr_expect(source);
		cr_expect(strstr(logged, "better give a file"), "%s", logged);
		cr_expect(!strstr(logged, jwt));
		id_token_source_free(source);
		identity_flags_release(&target.identity);
	}
}

Test(identity_flags, a_file_is_left_alone)
{
	char path[] = "/var/run/token";
	struct identity_flags identity;
	memset(&identity, 0x55, sizeof(identity));
	identity.token = path;
	identity_flags_hide(&identity);
	cr_expect_eq((const void *)identity.token, (const void *)path);
	cr_expect_str_eq(path, "/var/run/token");
	cr_expect_null(identity.hidden);
	cr_expect_null(identity.iam_endpoint);
	identity.provider = identity.signer_account = NULL;
	identity.no_ambient = false;
	logged[0] = '\0';
	log_set_sink(keep_log, NULL);
	struct id_token_source *source = identity_flags_source(&identity, NULL, NULL);
	log_set_sink(NULL, NULL);
	cr_expect(source);
	cr_expect_str_eq(logged, "");
	id_token_source_free(source);
	identity_flags_release(&identity);
}

Test(identity_flags, every_provider_can_be_named)
{
	CLEANUP(str_release) struct str names = STR_INIT(STR_TEXT_MAX);
	for (size_t i = 0; id_token_providers[i]; i++)
		str_addf(&names, "%s%s", i ? "|" : "", id_token_providers[i]);
	cr_expect_str_eq(str_text(&names), IDENTITY_PROVIDERS);
	for (size_t i = 0; id_token_providers[i]; i++) {
		struct identity_flags identity = {.provider = id_token_providers[i]};
		struct id_token_source *source = identity_flags_source(&identity, NULL, NULL);
		cr_expect(source, "%s", identity.provider);
		id_token_source_free(source);
	}
}
