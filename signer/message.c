/*
 * Messages and their digests. Files are streamed: an artifact may be larger than memory.
 */
#include "signer/message.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "signer/hash_private.h"

#define CHUNK ((size_t)256 * 1024)

struct message message_of_bytes(const void *bytes, size_t len)
{
	return (struct message){.bytes = bytes ? bytes : "", .len = len};
}

struct message message_of_sha256(const uint8_t digest[HASH_SHA256_SIZE])
{
	struct message message = {.known = 1u << HASH_SHA256};
	memcpy(message.digests[HASH_SHA256], digest, HASH_SHA256_SIZE);
	return message;
}

static bool file_hash(
	int fd, const char *path, EVP_MD_CTX *const contexts[HASH_COUNT], struct err **err)
{
	CLEANUP(mem_freep) uint8_t *chunk = mem_new(CHUNK, 1);
	for (;;) {
		ssize_t got = read(fd, chunk, CHUNK);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, errno, "read %s", path);
		if (got == 0)
			return true;
		for (unsigned i = 0; i < HASH_COUNT; i++)
			if (EVP_DigestUpdate(contexts[i], chunk, (size_t)got) != 1)
				return err_set(err, ERR_INTERNAL, "OpenSSL cannot hash");
	}
}

bool message_of_file(const char *path, struct message *ret_message, struct err **err)
{
	CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return err_set(err, ERR_NOT_FOUND, "there is no file %s", path);
	if (fd < 0)
		return err_set_errno(err, errno, "open %s", path);

	EVP_MD_CTX *contexts[HASH_COUNT];
	bool ok = true;
	for (unsigned i = 0; i < HASH_COUNT; i++) {
		contexts[i] = EVP_MD_CTX_new();
		ok = ok && contexts[i] &&
			EVP_DigestInit_ex(contexts[i], hash_md((enum hash)i), NULL) == 1;
	}
	if (!ok)
		err_set(err, ERR_INTERNAL, "OpenSSL cannot hash");
	ok = ok && file_hash(fd, path, contexts, err);

	struct message message = {.known = (1u << HASH_COUNT) - 1};
	for (unsigned i = 0; i < HASH_COUNT; i++) {
		if (ok && EVP_DigestFinal_ex(contexts[i], message.digests[i], NULL) != 1)
			ok = err_set(err, ERR_INTERNAL, "OpenSSL cannot hash");
		EVP_MD_CTX_free(contexts[i]);
	}
	if (ok)
		*ret_message = message;
	return ok;
}

bool message_digest(const struct message *message, enum hash hash, uint8_t *ret_digest)
{
	if (message->known & 1u << hash)
		memcpy(ret_digest, message->digests[hash], hash_size(hash));
	else if (message->bytes)
		hash_of(hash, message->bytes, message->len, ret_digest);
	else
		return false;
	return true;
}
