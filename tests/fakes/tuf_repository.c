/*
 * Writes and signs the documents, and serves them.
 */
#include "tests/fakes/tuf_repository.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/enc.h"

static EVP_PKEY *key(struct tuf_repository *repository, int number)
{
	if (!repository->keys[number])
		repository->keys[number] = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	return repository->keys[number];
}

char *tuf_repository_key_id(int number)
{
	return mem_printf("%064x", (unsigned)number + 0xa0);
}

char *tuf_repository_key(struct tuf_repository *repository, int number)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem, *text;
	long len;

	PEM_write_bio_PUBKEY(bio, key(repository, number));
	len = BIO_get_mem_data(bio, &pem);
	text = mem_printf("{\"keytype\":\"ecdsa\",\"keyval\":{\"public\":\"%.*s\"},"
			  "\"scheme\":\"ecdsa-sha2-nistp256\",\"x-unknown\":true}",
		(int)len, pem);
	BIO_free(bio);
	return text;
}

static char *sign(struct tuf_repository *repository, int number, const char *text)
{
	unsigned char bytes[128];
	char hex[2 * sizeof(bytes) + 1];
	size_t len = sizeof(bytes);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	char *id = tuf_repository_key_id(number), *signature;

	if (EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key(repository, number)) <= 0 ||
		EVP_DigestSign(context, bytes, &len, (const unsigned char *)text, strlen(text)) <=
			0) {
		fprintf(stderr, "tuf_repository: cannot sign\n");
		exit(1);
	}
	EVP_MD_CTX_free(context);
	hex_encode(bytes, len, hex);
	signature = mem_printf("{\"keyid\":\"%s\",\"sig\":\"%s\"}", id, hex);
	mem_free(id);
	return signature;
}

/* What canonical form leaves as it is, JSON must escape: line breaks of PEM. */
static char *escape(const char *canonical)
{
	struct str text = STR_INIT(STR_TEXT_MAX);

	for (; *canonical; canonical++) {
		if (*canonical == '\n')
			str_add_text(&text, "\\n");
		else
			str_add_char(&text, *canonical);
	}
	return str_steal(&text, NULL);
}

static void publish_signed(struct tuf_repository *repository, const char *path, const char *body,
	int first, int second)
{
	CLEANUP(mem_freep) char *one = sign(repository, first, body);
	CLEANUP(mem_freep) char *two = second < 0 ? NULL : sign(repository, second, body);
	CLEANUP(mem_freep) char *escaped = escape(body);
	CLEANUP(mem_freep)
	char *document = mem_printf("{ \"signatures\": [%s%s%s],\n\"signed\": %s }\n", one,
		two ? "," : "", two ? two : "", escaped);

	tuf_publish_file(repository, path, document);
}

void tuf_publish_root_signed(struct tuf_repository *repository, unsigned version, int number)
{
	static const char *const roles[] = {"root", "timestamp", "snapshot", "targets"};
	CLEANUP(mem_freep) char *path = mem_printf("/metadata/%u.root.json", version);
	struct str keys = STR_INIT(STR_TEXT_MAX), body = STR_INIT(STR_TEXT_MAX);

	for (int i = 0; i < TUF_REPOSITORY_KEYS; i++) {
		CLEANUP(mem_freep) char *id = tuf_repository_key_id(i);
		CLEANUP(mem_freep) char *text = tuf_repository_key(repository, i);
		str_addf(&keys, "%s\"%s\":%s", i ? "," : "", id, text);
	}
	str_addf(&body,
		"{\"_type\":\"root\",\"consistent_snapshot\":true,\"expires\":\"%s\",\"keys\":{%s},"
		"\"roles\":{",
		repository->expires, str_text(&keys));
	/* Sorted, as canonical form wants it. */
	for (int i = 0; i < 4; i++) {
		static const int sorted[] = {0, 2, 3, 1};
		CLEANUP(mem_freep)
		char *id = tuf_repository_key_id(repository->signer[sorted[i]]);
		str_addf(&body, "%s\"%s\":{\"keyids\":[\"%s\"],\"threshold\":1}", i ? "," : "",
			roles[sorted[i]], id);
	}
	str_addf(&body, "},\"spec_version\":\"1.0.31\",\"version\":%u}", version);
	publish_signed(repository, path, str_text(&body), number, repository->signs_root_too);
	str_release(&keys);
	str_release(&body);
}

void tuf_publish_root(struct tuf_repository *repository, unsigned version)
{
	tuf_publish_root_signed(repository, version, repository->signer[0]);
}

void tuf_publish_timestamp(struct tuf_repository *repository, unsigned version, unsigned snapshot)
{
	CLEANUP(mem_freep)
	char *body =
		mem_printf("{\"_type\":\"timestamp\",\"expires\":\"%s\",\"meta\":{\"snapshot."
			   "json\":{\"version\":%u}},\"spec_version\":\"1.0.31\",\"version\":%u}",
			repository->expires, snapshot, version);

	publish_signed(repository, "/metadata/timestamp.json", body, repository->signer[1], -1);
}

void tuf_publish_snapshot(struct tuf_repository *repository, unsigned version, const char *meta)
{
	CLEANUP(mem_freep) char *path = mem_printf("/metadata/%u.snapshot.json", version);
	CLEANUP(mem_freep)
	char *body = mem_printf("{\"_type\":\"snapshot\",\"expires\":\"%s\",\"meta\":{%s},"
				"\"spec_version\":\"1.0.31\",\"version\":%u}",
		repository->expires, meta, version);

	publish_signed(repository, path, body, repository->signer[2], -1);
}

void tuf_publish_targets(struct tuf_repository *repository, const char *role, int number,
	unsigned version, const char *targets, const char *delegations)
{
	CLEANUP(mem_freep) char *path = mem_printf("/metadata/%u.%s.json", version, role);
	CLEANUP(mem_freep)
	char *body =
		mem_printf("{\"_type\":\"targets\",%s\"expires\":\"%s\",\"spec_version\":\"1.0."
			   "31\",\"targets\":{%s},\"version\":%u}",
			delegations, repository->expires, targets, version);

	publish_signed(repository, path, body, number, -1);
}

/* ---- Files ---- */

void tuf_publish_file(struct tuf_repository *repository, const char *path, const char *text)
{
	pthread_mutex_lock(&repository->lock);
	char *owned = strmap_get(&repository->files, path);
	if (owned) {
		/* The path lies in front of the text. */
		strmap_remove(&repository->files, path);
		mem_free(owned - strlen(path) - 1);
	}
	if (text) {
		char *pair = mem_printf("%s%c%s", path, '\n', text);
		pair[strlen(path)] = '\0';
		*strmap_put(&repository->files, pair) = pair + strlen(path) + 1;
	}
	pthread_mutex_unlock(&repository->lock);
}

char *tuf_published(struct tuf_repository *repository, const char *path)
{
	pthread_mutex_lock(&repository->lock);
	const char *text = strmap_get(&repository->files, path);
	char *copy = text ? mem_strdup(text) : NULL;
	pthread_mutex_unlock(&repository->lock);
	return copy;
}

static void serve(struct tiny_exchange *x, void *ctx)
{
	struct tuf_repository *repository = ctx;
	CLEANUP(mem_freep) char *text = tuf_published(repository, x->target);

	pthread_mutex_lock(&repository->lock);
	str_addf(&repository->requests, "%s\n", x->target);
	pthread_mutex_unlock(&repository->lock);
	tiny_reply(x, text ? 200 : 404, "", text ? text : "nothing here");
}

unsigned tuf_repository_asked(struct tuf_repository *repository, const char *path)
{
	CLEANUP(mem_freep) char *line = mem_printf("%s\n", path);
	unsigned count = 0;

	pthread_mutex_lock(&repository->lock);
	for (const char *at = str_text(&repository->requests); *at; at = strchr(at, '\n') + 1)
		count += strncmp(at, line, strlen(line)) == 0;
	pthread_mutex_unlock(&repository->lock);
	return count;
}

void tuf_repository_forget_requests(struct tuf_repository *repository)
{
	pthread_mutex_lock(&repository->lock);
	str_clear(&repository->requests);
	pthread_mutex_unlock(&repository->lock);
}

void tuf_repository_open(struct tuf_repository *repository)
{
	*repository = (struct tuf_repository){
		.expires = "2040-01-01T00:00:00Z", .signer = {0, 1, 2, 3}, .signs_root_too = -1};
	str_init(&repository->requests, STR_TEXT_MAX);
	pthread_mutex_init(&repository->lock, NULL);
	repository->server = tiny_server_new(serve, repository);
	repository->metadata_url = mem_printf("%s/metadata", tiny_server_url(repository->server));
	repository->targets_url = mem_printf("%s/targets", tiny_server_url(repository->server));
}

void tuf_repository_close(struct tuf_repository *repository)
{
	const char *path;
	void *text;

	tiny_server_free(repository->server);
	for (size_t i = 0; strmap_next(&repository->files, &i, &path, &text);)
		mem_free((char *)(uintptr_t)path);
	strmap_release(&repository->files);
	for (int i = 0; i < TUF_REPOSITORY_KEYS; i++)
		EVP_PKEY_free(repository->keys[i]);
	mem_free(repository->metadata_url);
	mem_free(repository->targets_url);
	str_release(&repository->requests);
	pthread_mutex_destroy(&repository->lock);
}
