#include <criterion/criterion.h>

#include "signer/id_token.h"
#include "tests/fakes/jwt_text.h"

#define NOW 1800000000
#define REST "\"sub\":\"me\",\"aud\":\"sigstore\",\"exp\":1800000600"
#define GOOD "{\"iss\":\"https://issuer.example\"," REST "}"

static char *token_of(const char *claims)
{
	return jwt_text(JWT_TEXT_HEADER, claims);
}

static struct id_token *parse(const char *text)
{
	struct id_token *token = NULL;
	struct err *err = NULL;
	cr_assert(id_token_parse(text, strlen(text), NOW, &token, &err), "%s", err->msg);
	return token;
}

static struct id_token *parse_claims(const char *claims)
{
	CLEANUP(mem_freep) char *text = token_of(claims);
	return parse(text);
}

static void refuse(const char *text, size_t len, enum err_kind kind, const char *says)
{
	struct id_token *token = NULL;
	struct err *err = NULL;
	cr_assert(!id_token_parse(text, len, NOW, &token, &err), "accepted: %s", text);
	cr_assert_null(token);
	cr_expect_eq(err->kind, kind, "%s: %s", err_kind_name(err->kind), err->msg);
	cr_expect(strstr(err->msg, says), "%s", err->msg);
	cr_expect(!strstr(err->msg, "secret") && !strstr(err->msg, JWT_TEXT_SIGNATURE), "%s",
		err->msg);
	err_free(err);
}

static void refuse_text(const char *text, const char *says)
{
	refuse(text, strlen(text), ERR_INVALID, says);
}

static void refuse_claims(const char *claims, enum err_kind kind, const char *says)
{
	CLEANUP(mem_freep) char *text = token_of(claims);
	refuse(text, strlen(text), kind, says);
}

Test(id_token, claims_are_read)
{
	struct id_token *token =
		parse_claims("{\"iss\":\"https://issuer.example\",\"nbf\":1799999000.5,"
			     "\"email\":\"me@example.com\",\"email_verified\":true," REST "}");
	cr_expect_str_eq(token->issuer, "https://issuer.example");
	cr_expect_str_eq(token->subject, "me");
	cr_expect_str_eq(token->email, "me@example.com");
	cr_expect(token->email_verified);
	cr_expect_eq(token->not_before, 1799999000);
	cr_expect_eq(token->expires, 1800000600);
	id_token_free(token);

	token = parse_claims(GOOD);
	cr_expect_str_eq(token->email, "");
	cr_expect(!token->email_verified);
	cr_expect_eq(token->not_before, 0);
	id_token_free(token);
}

Test(id_token, an_email_is_verified_if_the_token_says_so)
{
	static const struct {
		const char *claim;
		bool verified;
	} cases[] = {{"true", true}, {"\"true\"", true}, {"\"True\"", true}, {"false", false},
		{"\"false\"", false}, {"\"yes\"", false}, {"1", false}, {"null", false},
		{"[true]", false}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP(mem_freep)
		char *claims = mem_printf("{\"iss\":\"i\",\"email\":\"me@example.com\","
					  "\"email_verified\":%s," REST "}",
			cases[i].claim);
		struct id_token *token = parse_claims(claims);
		cr_expect_eq(token->email_verified, cases[i].verified, "%s", cases[i].claim);
		id_token_free(token);
	}
}

Test(id_token, white_space_around_it_does_not_count)
{
	CLEANUP(mem_freep) char *plain = token_of(GOOD);
	CLEANUP(mem_freep) char *text = mem_printf(" \t\r\n%s\r\n\n", plain);
	struct id_token *token = parse(text);
	cr_expect_str_eq(token->jwt, plain);
	id_token_free(token);
}

Test(id_token, the_audience_is_ours)
{
	struct id_token *token = parse_claims("{\"iss\":\"i\",\"sub\":\"me\",\"exp\":1800000600,"
					      "\"aud\":[\"other\",\"sigstore\"]}");
	id_token_free(token);
#define WITH(audience) "{\"iss\":\"i\",\"sub\":\"me\",\"exp\":1800000600" audience "}"
	refuse_claims(WITH(",\"aud\":\"vault\""), ERR_INVALID, "for the audience \"vault\"; it");
	refuse_claims(WITH(",\"aud\":\"sigstore \""), ERR_INVALID, "audience \"sigstore\"");
	refuse_claims(WITH(",\"aud\":[\"a\",\"b\"]"), ERR_INVALID, "\"a\" and others");
	refuse_claims(WITH(""), ERR_INVALID, "for no audience");
	refuse_claims(WITH(",\"aud\":[]"), ERR_INVALID, "for no audience");
	refuse_claims(WITH(",\"aud\":[[\"sigstore\"]]"), ERR_INVALID, "for no audience");
	refuse_claims(WITH(",\"aud\":{\"sigstore\":\"sigstore\"}"), ERR_INVALID, "no audience");
}

Test(id_token, times)
{
#define AT(times) "{\"iss\":\"i\",\"sub\":\"me\",\"aud\":\"sigstore\"," times "}"
	id_token_free(parse_claims(AT("\"exp\":1800000001")));
	refuse_claims(AT("\"exp\":1800000000"), ERR_AUTH, "expired at 2027-01-15T08:00:00");
	refuse_claims(AT("\"exp\":1"), ERR_AUTH, "here it is 2027-01-15T08:00:00");
	id_token_free(parse_claims(AT("\"exp\":1800009000,\"nbf\":1800000300")));
	refuse_claims(AT("\"exp\":1800009000,\"nbf\":1800000301"), ERR_AUTH, "not valid before");
	refuse_claims(AT("\"nbf\":1"), ERR_INVALID, "no time of expiry");
	refuse_claims(AT("\"exp\":null"), ERR_INVALID, "no time of expiry");
	refuse_claims(AT("\"exp\":\"1800000600\""), ERR_INVALID, "\"exp\" is no time");
	refuse_claims(AT("\"exp\":true"), ERR_INVALID, "\"exp\" is no time");
	refuse_claims(AT("\"exp\":-1"), ERR_INVALID, "\"exp\" is no possible time");
	refuse_claims(AT("\"exp\":1e300"), ERR_INVALID, "\"exp\" is no possible time");
	refuse_claims(AT("\"exp\":1e999"), ERR_INVALID, "no JSON");
	refuse_claims(AT("\"exp\":1800000600,\"nbf\":[]"), ERR_INVALID, "\"nbf\" is no time");
	/* As late as can be. */
	id_token_free(parse_claims(AT("\"exp\":9007199254740992")));
	refuse_claims(AT("\"exp\":1800000600,\"nbf\":9007199254740992"), ERR_AUTH, "not valid");
}

Test(id_token, claims_that_are_none)
{
	refuse_claims("{" REST "}", ERR_INVALID, "no issuer");
	refuse_claims("{\"iss\":[\"secret\"]," REST "}", ERR_INVALID, "\"iss\" is no text");
	refuse_claims("{\"iss\":\"i\",\"email\":7," REST "}", ERR_INVALID, "\"email\" is no text");
	refuse_claims("{\"iss\":\"i\",\"aud\":\"sigstore\",\"exp\":1800000600}", ERR_INVALID,
		"names nobody");
	refuse_claims("{\"iss\":\"i\",\"iss\":\"secret\"," REST "}", ERR_INVALID, "no JSON");
	refuse_claims("{\"iss\":\"secret\\u0000\"," REST "}", ERR_INVALID, "no JSON");
	refuse_claims(GOOD "secret", ERR_INVALID, "no JSON");
	refuse_claims("[\"secret\"]", ERR_INVALID, "no JSON");
	refuse_claims("\"secret\"", ERR_INVALID, "no JSON");
	refuse_claims("\xff\xfe", ERR_INVALID, "no JSON");
	CLEANUP(mem_freep) char *deep = mem_new(3 * 1000 + 1, 1);
	memset(deep, '[', 3 * 1000);
	refuse_claims(deep, ERR_INVALID, "no JSON");
}

Test(id_token, shapes_that_are_none)
{
	CLEANUP(mem_freep) char *good = token_of(GOOD);
	CLEANUP(mem_freep) char *twice = mem_printf("%s.%s", good, good);
	CLEANUP(mem_freep) char *padded = mem_printf("%s==", good);
	CLEANUP(mem_freep) char *lines = mem_printf("%s\n%s", good, good);
	CLEANUP(mem_freep)
	char *bare = mem_strndup(good, strlen(good) - strlen(JWT_TEXT_SIGNATURE));
	CLEANUP(mem_freep) char *unsigned_one = jwt_text("{\"alg\":\"None\"}", GOOD);
	CLEANUP(mem_freep) char *no_algorithm = jwt_text("{\"typ\":\"JWT\"}", GOOD);
	static const char *const garbage[] = {"", " \n", "secret", ".", "..", "a..b", ".a.b",
		"a.b.", "a.b.c.d", "a.b/c.d", "a.b c.d", "\xc3\xa4.b.c"};
	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++)
		refuse_text(garbage[i], "three parts");
	refuse_text(twice, "three parts");
	refuse_text(padded, "three parts");
	refuse_text(lines, "three parts");
	refuse_text(bare, "three parts");
	refuse_text("a.b.c", "header is no JSON");
	refuse_text(unsigned_one, "not signed");
	refuse_text(no_algorithm, "not signed");
	/* A byte that ends C's texts is no end. */
	size_t len = strlen(good);
	CLEANUP(mem_freep) char *cut = mem_printf("%s.%s", good, "x");
	cut[len] = '\0';
	refuse(cut, len + 2, ERR_INVALID, "three parts");
}

Test(id_token, a_huge_one)
{
	CLEANUP(mem_freep) char *huge = mem_new(ID_TOKEN_MAX_SIZE + 2, 1);
	memset(huge, 'a', ID_TOKEN_MAX_SIZE + 1);
	refuse(huge, ID_TOKEN_MAX_SIZE + 1, ERR_TOO_LARGE, "larger than 65536 bytes");
	cr_expect(!id_token_is_literal(huge));
	memset(huge, ' ', ID_TOKEN_MAX_SIZE);
	refuse(huge, ID_TOKEN_MAX_SIZE, ERR_INVALID, "three parts");
}

Test(id_token, a_name_is_no_token)
{
	CLEANUP(mem_freep) char *good = token_of("{}");
	CLEANUP(mem_freep) char *other = jwt_text("{\"alg\":\"ES256\"}", "{}");
	cr_expect(id_token_is_literal(good));
	cr_expect(id_token_is_literal(other));
	cr_expect(!id_token_is_literal("token.v1.jwt"));
	cr_expect(!id_token_is_literal("/var/run/token"));
	cr_expect(!id_token_is_literal(""));
}
