#include "signer/signing_key.h"

#include <criterion/criterion.h>
#include <string.h>

static struct signing_key *make(void)
{
	struct err *err = NULL;
	struct signing_key *key = signing_key_new(&err);

	cr_assert(key && !err);
	return key;
}

static struct bytes sign(const struct signing_key *key, const struct message *message)
{
	struct bytes signature = {0};
	struct err *err = NULL;

	cr_assert(signing_key_sign(key, message, &signature, &err), "%s", err->msg);
	return signature;
}

static bool verifies(const struct signing_key *key, const char *text, const struct bytes *signature)
{
	const struct message message = message_of_bytes(text, strlen(text));

	return public_key_verify(
		signing_key_public(key), HASH_SHA256, &message, signature->data, signature->len);
}

Test(signing_key, signatures_verify_with_this_key_over_these_bytes)
{
	struct signing_key *key = make(), *other = make();
	const struct message message = message_of_bytes("hello", 5);
	struct bytes signature = sign(key, &message), again = sign(key, &message);

	cr_expect_eq(public_key_kind(signing_key_public(key)), PUBLIC_KEY_P256);
	cr_expect(verifies(key, "hello", &signature));
	cr_expect(verifies(key, "hello", &again));
	cr_expect_not(bytes_equal(&again, signature.data, signature.len), "ECDSA is randomised");
	cr_expect_not(verifies(key, "hallo", &signature));
	cr_expect_not(verifies(other, "hello", &signature));
	bytes_release(&signature);
	bytes_release(&again);
	signing_key_free(key);
	signing_key_free(other);
}

Test(signing_key, a_digest_is_enough)
{
	struct signing_key *key = make();
	uint8_t digest[HASH_SHA256_SIZE];

	hash_of(HASH_SHA256, "hello", 5, digest);
	const struct message message = message_of_sha256(digest);
	struct bytes signature = sign(key, &message);
	cr_expect(verifies(key, "hello", &signature));
	bytes_release(&signature);
	signing_key_free(key);
}

Test(signing_key, another_digest_is_not)
{
	struct signing_key *key = make();
	const struct message message = {.known = 1u << HASH_SHA512};
	struct bytes signature = {0};
	struct err *err = NULL;

	cr_expect_not(signing_key_sign(key, &message, &signature, &err));
	cr_expect(err_is(err, ERR_INTERNAL));
	cr_expect_null(signature.data);
	err_free(err);
	signing_key_free(key);
}
