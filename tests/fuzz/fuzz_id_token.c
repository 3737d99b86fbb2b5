/*
 * Identity tokens and the answers they come in. The first byte says what the rest is: claims (c) or
 * the header (h) of a token that is made of them, so that their JSON is reached; a whole token, or
 * an answer (anything else). What is accepted can stand in a header, and is accepted again.
 */
#include <stdint.h>
#include <stdlib.h>

#include "signer/id_token_private.h"
#include "tests/fakes/jwt_text.h"

#define NOW 1800000000
#define MESSAGE_MAX 1000
#define CLAIMS "{\"iss\":\"i\",\"sub\":\"s\",\"aud\":\"sigstore\",\"exp\":1800000600}"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_token(const struct id_token *token)
{
	struct id_token *again = NULL;
	size_t dots = 0;

	for (const char *c = token->jwt; *c; c++) {
		dots += *c == '.';
		if (*c <= 0x20 || *c >= 0x7f)
			abort();
	}
	if (dots != 2 || !*token->issuer || token->expires <= NOW ||
		token->not_before > NOW + ID_TOKEN_SKEW_S || (!*token->subject && !*token->email))
		abort();
	if (!id_token_is_literal(token->jwt) ||
		!id_token_parse(token->jwt, strlen(token->jwt), NOW, &again, NULL))
		abort();
	if (strcmp(again->jwt, token->jwt) != 0 || again->expires != token->expires)
		abort();
	id_token_free(again);
}

static void parse(const char *text, size_t len)
{
	CLEANUP(id_token_freep) struct id_token *token = NULL;
	CLEANUP(err_freep) struct err *err = NULL;

	if (id_token_parse(text, len, NOW, &token, &err))
		check_token(token);
	else if (strlen(err->msg) > MESSAGE_MAX)
		abort();
}

static void answer(const char *text, size_t len)
{
	CLEANUP(str_release_secret) struct str token = STR_INIT(ID_TOKEN_MAX_SIZE);

	if (id_token_answer(text, len, "value", &token, NULL))
		parse(str_text(&token), token.len);
	else if (token.len > 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(mem_freep)
	char *text = size > 0 ? mem_strndup((const char *)data + 1, size - 1) : NULL;
	CLEANUP(mem_freep) char *made = NULL;

	if (size > 0 && *data == 'c')
		made = jwt_text(JWT_TEXT_HEADER, text);
	else if (size > 0 && *data == 'h')
		made = jwt_text(text, CLAIMS);
	if (made) {
		parse(made, strlen(made));
	} else {
		parse((const char *)data, size);
		answer((const char *)data, size);
	}
	return 0;
}
