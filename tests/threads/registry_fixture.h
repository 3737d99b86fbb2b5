/*
 * For the threaded programs over registry/: fake registries as child processes, images in them,
 * and their access logs.
 */
#ifndef CIP_TESTS_THREADS_REGISTRY_FIXTURE_H
#define CIP_TESTS_THREADS_REGISTRY_FIXTURE_H

#include <fnmatch.h>
#include <string.h>
#include <unistd.h>

#include "base/enc.h"
#include "base/fs.h"
#include "base/spawn.h"
#include "base/vec.h"
#include "image/manifest.h"
#include "registry/blob.h"
#include "registry/copy.h"
#include "tests/threads/check.h"

/* ---- A fake registry ---- */

struct fake {
	struct spawn_child child;
	char *directory;
	char *log;
	char host[32];
};

static inline void fake_read_port(struct fake *fake)
{
	char text[16] = "";
	ssize_t len = read(fake->child.output, text, sizeof(text) - 1);
	CHECK(len > 1 && text[len - 1] == '\n');
	text[len - 1] = '\0';
	snprintf(fake->host, sizeof(fake->host), "127.0.0.1:%.10s", text);
}

/* From now on; the fake reads its rules with each request. */
static inline void fake_set_faults(const struct fake *fake, const char *faults)
{
	CLEANUP(mem_freep) char *rules = fs_join(fake->directory, "faults");
	CHECK(fs_write_atomic(rules, faults, strlen(faults), 0600, NULL));
}

#define FAKE_OPTIONS_MAX 8

/* `faults` may be NULL; `options` are more options with single spaces between, or NULL. */
static inline void fake_open(struct fake *fake, const char *faults, const char *options)
{
	char directory[] = "/tmp/cip-fake.XXXXXX";
	CHECK(getenv("CIP_FAKE_REGISTRY") && mkdtemp(directory));
	fake->directory = mem_strdup(directory);
	fake->log = fs_join(directory, "access.log");
	CLEANUP(mem_freep) char *rules = fs_join(directory, "faults");
	fake_set_faults(fake, faults ? faults : "");
	const char *arguments[] = {"fake-registry", "--until-eof", "--access-log", fake->log,
		"--faults", rules, [6 + FAKE_OPTIONS_MAX] = NULL};
	CLEANUP(mem_freep) char *words = mem_strdup(options ? options : "");
	char *rest = words;
	for (size_t i = 6; rest && *rest; i++) {
		CHECK(i < 6 + FAKE_OPTIONS_MAX);
		arguments[i] = strsep(&rest, " ");
	}
	const char *environment[] = {NULL};
	const struct spawn_options spawn = {
		.program = getenv("CIP_FAKE_REGISTRY"),
		.arguments = arguments,
		.environment = environment,
		.keep_stderr = true,
	};
	struct err *err = NULL;
	if (!spawn_start(&spawn, &fake->child, &err)) {
		fprintf(stderr, "%s\n", err->msg);
		exit(1);
	}
	fake_read_port(fake);
}

static inline void fake_close(struct fake *fake)
{
	int status;
	spawn_stop(&fake->child, 0, &status);
	fs_remove_tree(fake->directory, NULL);
	mem_free(fake->directory);
	mem_free(fake->log);
}

/* Requests whose log line ("METHOD target status bytes") matches the glob. */
static inline size_t fake_count(const struct fake *fake, const char *glob)
{
	CLEANUP(str_release) struct str text = STR_INIT(64 << 20);
	size_t count = 0;
	if (access(fake->log, F_OK) != 0)
		return 0;
	CHECK(fs_read_file(fake->log, &text, NULL));
	for (char *line = text.bytes; line && *line;) {
		char *end = strchr(line, '\n');
		*end = '\0';
		count += fnmatch(glob, line, 0) == 0;
		line = end + 1;
	}
	return count;
}

static inline void fake_forget_log(const struct fake *fake)
{
	CHECK(access(fake->log, F_OK) != 0 || truncate(fake->log, 0) == 0);
}

static inline void fake_show_log(const struct fake *fake)
{
	CLEANUP(str_release) struct str text = STR_INIT(64 << 20);
	fs_read_file(fake->log, &text, NULL);
	fprintf(stderr, "%s:\n%s", fake->host, str_text(&text));
}

/* A count that is not as it should be shows the whole log. */
#define CHECK_COUNT(fake, glob, wanted)                                                            \
	do {                                                                                       \
		size_t count_ = fake_count(fake, glob);                                            \
		if (count_ != (size_t)(wanted)) {                                                  \
			fake_show_log(fake);                                                       \
			fprintf(stderr, "%s:%d: %zu requests match '%s', not %zu\n", __FILE__,     \
				__LINE__, count_, glob, (size_t)(wanted));                         \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

/* ---- A client ---- */

struct client {
	struct http *http;
	struct cancel *cancel;
	struct registry *registry;
	struct copier *copier;
};

/* `deadline_ms` for answers and moves; `hosts` and `limits` may be NULL. */
static inline void client_open_with(struct client *client, int64_t deadline_ms,
	const struct registry_host_options *hosts, size_t host_count,
	const struct copy_limits *limits)
{
	client->cancel = cancel_new();
	const struct http_options http_options = {
		.cancel = client->cancel,
		.user_agent = "cip/test",
		.first_byte_timeout_ms = deadline_ms,
		.stall_timeout_ms = deadline_ms,
		.retry_base_ms = 1,
		.retry_max_ms = 4,
	};
	client->http = http_new(&http_options, NULL);
	CHECK(client->http);
	const struct registry_options options = {
		.http = client->http, .hosts = hosts, .host_count = host_count};
	client->registry = registry_new(&options, NULL);
	CHECK(client->registry);
	client->copier = copier_new(client->registry, limits, NULL, client->cancel);
}

static inline void client_open(struct client *client)
{
	client_open_with(client, 500, NULL, 0, NULL);
}

static inline void client_close(struct client *client)
{
	copier_free(client->copier);
	registry_free(client->registry);
	http_free(client->http);
	cancel_free(client->cancel);
}

static inline int64_t now_ms(void)
{
	return clock_monotonic_ms(&clock_system);
}

/* ---- Images ---- */

/* Must succeed; says why not. The address, because arguments are evaluated in any order. */
static inline void must(bool ok, struct err *const *err)
{
	if (!ok) {
		fprintf(stderr, "%s\n", *err ? (*err)->msg : "failed without an error");
		exit(1);
	}
}

static inline struct digest push_blob(
	struct client *client, const struct repository *repository, const struct str *bytes)
{
	struct digest digest = digest_of(DIGEST_SHA256, str_text(bytes), bytes->len);
	CLEANUP(request_release) struct request post, put;
	CLEANUP(blob_upload_release) struct blob_upload upload = {0};
	struct err *err = NULL;
	blob_post_init(&post, client->registry, repository, NULL);
	must(request_do(&post, &err), &err);
	must(blob_upload_take(&post, &upload, &err), &err);
	blob_put_init(&put, client->registry, repository, &digest, bytes->len, &upload, NULL);
	put.http.body = str_text(bytes);
	put.http.body_streamed = false;
	must(request_do(&put, &err), &err);
	must(blob_put_take(&put, &digest, &err), &err);
	return digest;
}

static inline struct digest push_document(struct client *client,
	const struct repository *repository, const char *reference, const char *media_type,
	const struct str *text)
{
	char digest[DIGEST_TEXT_SIZE];
	struct err *err = NULL;
	struct document document = {
		.bytes = text->bytes,
		.len = text->len,
		.media_type = (char *)(uintptr_t)media_type,
		.digest = digest_of(DIGEST_SHA256, text->bytes, text->len),
	};
	digest_format(&document.digest, digest);
	must(registry_manifest_put(client->registry, repository, reference ? reference : digest,
		     &document, NULL, &err),
		&err);
	return document.digest;
}

static inline void add_descriptor(
	struct str *out, const char *type, const struct digest *digest, size_t size)
{
	char text[DIGEST_TEXT_SIZE];
	str_addf(out, "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu}", type,
		digest_format(digest, text), size);
}

/* The bytes of a layer: `size` of them, told apart by the name. */
static inline struct digest push_layer(struct client *client, const struct repository *repository,
	const char *name, size_t size, struct str *descriptors)
{
	CLEANUP(str_release) struct str bytes = STR_INIT(64 << 20);
	while (bytes.len + strlen(name) + 1 < size)
		str_addf(&bytes, "%s ", name);
	while (bytes.len < size)
		str_add_char(&bytes, '.');
	struct digest digest = push_blob(client, repository, &bytes);
	add_descriptor(descriptors, "application/vnd.oci.image.layer.v1.tar", &digest, size);
	return digest;
}

/* An image of `layers` layers; its config and layers are named after `name`. `tag` may be NULL. */
static inline struct digest push_image(struct client *client, const struct repository *repository,
	const char *tag, const char *name, size_t layers, size_t layer_size)
{
	CLEANUP(str_release) struct str text = STR_INIT(1 << 20);
	CLEANUP(mem_freep) char *config = mem_printf("%s config", name);
	str_add_text(&text,
		"{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_TYPE_OCI_MANIFEST "\",\"config\":");
	push_layer(client, repository, config, 100, &text);
	str_add_text(&text, ",\"layers\":[");
	for (size_t i = 0; i < layers; i++) {
		CLEANUP(mem_freep) char *layer = mem_printf("%s layer %zu", name, i);
		if (i > 0)
			str_add_char(&text, ',');
		push_layer(client, repository, layer, layer_size, &text);
	}
	str_add_text(&text, "]}");
	return push_document(client, repository, tag, MEDIA_TYPE_OCI_MANIFEST, &text);
}

static inline struct digest push_index(struct client *client, const struct repository *repository,
	const char *tag, const struct digest *children, size_t count)
{
	CLEANUP(str_release) struct str text = STR_INIT(1 << 20);
	str_add_text(&text,
		"{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_TYPE_OCI_INDEX "\",\"manifests\":[");
	for (size_t i = 0; i < count; i++) {
		struct document child = {0};
		struct err *err = NULL;
		must(registry_manifest_get(
			     client->registry, repository, &children[i], NULL, &child, &err),
			&err);
		if (i > 0)
			str_add_char(&text, ',');
		add_descriptor(&text, child.media_type, &children[i], child.len);
		document_release(&child);
	}
	str_add_text(&text, "]}");
	return push_document(client, repository, tag, MEDIA_TYPE_OCI_INDEX, &text);
}

#endif
