/*
 * For the programs over signer/attached.h: a fake registry with an image, signatures that are different by
 * name (nothing is verified), and what a registry shows instead of what it has.
 */
#ifndef CIP_TESTS_THREADS_ATTACH_FIXTURE_H
#define CIP_TESTS_THREADS_ATTACH_FIXTURE_H

#include "signer/attached.h"
#include "tests/threads/registry_fixture.h"

/* A leaf of a Fulcio; nothing is verified here. */
static const char certificate[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIICajCCAg+gAwIBAgIUfTnqfVBZgE/DqZYy8+zXE2Id8hAwCgYIKoZIzj0EAwIw\n"
	"aDEMMAoGA1UEBhMDVVNBMQswCQYDVQQIEwJXQTERMA8GA1UEBxMIS2lya2xhbmQx\n"
	"FTATBgNVBAkTDDc2NyA2dGggU3QgUzEOMAwGA1UEERMFOTgwMzMxETAPBgNVBAoT\n"
	"CHNpZ3N0b3JlMB4XDTI2MTEyMTEzMzg1NloXDTI2MTEyMTEzNDg1NlowADBZMBMG\n"
	"ByqGSM49AgEGCCqGSM49AwEHA0IABK7GU5qpvDjn4qDreNHzXysbkfrN7jeNECZl\n"
	"i2KMwuNkrvTs8Y7uU2UVOfToaHrP3sAa5hVDvaqbqqr9j4sBqryjgf4wgfswDgYD\n"
	"VR0PAQH/BAQDAgeAMBMGA1UdJQQMMAoGCCsGAQUFBwMDMB0GA1UdDgQWBBQFG7QY\n"
	"U5eO5xVW50e5EqNJT2eelzAfBgNVHSMEGDAWgBRnktoq7yRG3G+Nf743QoCd8/df\n"
	"TjAiBgNVHREBAf8EGDAWgRRwcm9tb3RlckBleGFtcGxlLmNvbTAjBgorBgEEAYO/\n"
	"MAEBBBVodHRwOi8vbG9jYWxob3N0OjgwODAwJQYKKwYBBAGDvzABCAQXDBVodHRw\n"
	"Oi8vbG9jYWxob3N0OjgwODAwJAYKKwYBBAGDvzABGAQWDBRwcm9tb3RlckBleGFt\n"
	"cGxlLmNvbTAKBggqhkjOPQQDAgNJADBGAiEAqgc7KHz8hYp9iEVu2eH3Pusn2WN3\n"
	"qcuNbjALN46qjjoCIQD2PnLGOg1n+TwebqKB1AGULJhG78YlgZin8QVsKeIdQg==\n"
	"-----END CERTIFICATE-----\n";

/* {"apiVersion":"0.0.1","kind":"hashedrekord"} */
#define BODY "eyJhcGlWZXJzaW9uIjoiMC4wLjEiLCJraW5kIjoiaGFzaGVkcmVrb3JkIn0="
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
static const char log_entry[] = "{\"SignedEntryTimestamp\":\"AAAA\",\"Payload\":{\"body\":\"" BODY
				"\",\"integratedTime\":1,\"logIndex\":2,\"logID\":\"" ZEROS "\"}}";

struct scene {
	struct client client;
	struct fake fake;
	struct registry *registry; /* the signing view */
	struct repository repository;
	struct digest image;
	char tag[100];
};

static inline void scene_open(struct scene *scene, const char *options)
{
	char text[DIGEST_TEXT_SIZE];

	*scene = (struct scene){0};
	client_open(&scene->client);
	fake_open(&scene->fake, NULL, options);
	scene->registry = registry_for_signing(scene->client.registry);
	scene->repository = (struct repository){.host = scene->fake.host, .path = "prod/app"};
	/* That it is there does not matter; pushing it has shown the client what the registry is like. */
	if (options && strstr(options, "--chunked-only"))
		scene->image = digest_of(DIGEST_SHA256, "image", 5);
	else
		scene->image = push_image(&scene->client, &scene->repository, "v1", "a", 1, 100);
	snprintf(scene->tag, sizeof(scene->tag), "sha256-%.64s.sig",
		digest_format(&scene->image, text) + 7);
	fake_forget_log(&scene->fake);
}

static inline void scene_close(struct scene *scene)
{
	client_close(&scene->client);
	fake_close(&scene->fake);
}

/* ---- Signatures ---- */

struct signature {
	struct bundle *bundle;
	struct str payload;
	struct attach_item item;
};

/* Signatures with different names differ. */
static inline void signature_make(
	const struct scene *scene, const char *name, struct signature *signature)
{
	CLEANUP(mem_freep) char *text = base64_encode(name, strlen(name));
	struct err *err = NULL;

	*signature = (struct signature){.payload = STR_INIT(PAYLOAD_MAX_SIZE)};
	payload_write("registry.k8s.io/app", &scene->image, NULL, 0, &signature->payload);
	const struct legacy_layer layer = {
		.blob = str_text(&signature->payload),
		.len = signature->payload.len,
		.signature = text,
		.log_entry = log_entry,
		.certificate = certificate,
	};
	must(bundle_of_legacy(&layer, &signature->bundle, &err), &err);
	signature->item = (struct attach_item){
		.bundle = signature->bundle,
		.payload = str_text(&signature->payload),
		.payload_len = signature->payload.len,
	};
}

static inline void attestation_make(const char *type, struct signature *signature)
{
	static const char envelope[] =
		"{\"payloadType\":\"application/vnd.in-toto+json\",\"payload\":\"e30=\","
		"\"signatures\":[{\"sig\":\"AAAA\"}]}";
	const struct legacy_layer layer = {
		.blob = envelope,
		.len = strlen(envelope),
		.is_envelope = true,
		.log_entry = log_entry,
		.certificate = certificate,
	};
	struct err *err = NULL;

	*signature = (struct signature){0};
	must(bundle_of_legacy(&layer, &signature->bundle, &err), &err);
	signature->item = (struct attach_item){.bundle = signature->bundle, .predicate_type = type};
}

/* An envelope in a bundle v0.3; the base64 of the certificate is what its PEM has between the lines. */
static inline void bundle_make(const char *type, struct signature *signature)
{
	CLEANUP(str_release) struct str text = STR_INIT(1 << 20);
	struct err *err = NULL;

	str_add_text(&text,
		"{\"mediaType\":\"application/vnd.dev.sigstore.bundle.v0.3+json\","
		"\"verificationMaterial\":{\"certificate\":{\"rawBytes\":\"");
	for (const char *at = strchr(certificate, '\n') + 1; *at != '-';) {
		size_t len = strcspn(at, "\n");
		str_add(&text, at, len);
		at += len + 1;
	}
	str_add_text(&text,
		"\"}},\"dsseEnvelope\":{\"payloadType\":\"application/vnd.in-toto+json\","
		"\"payload\":\"e30=\",\"signatures\":[{\"sig\":\"AAAA\"}]}}");
	*signature = (struct signature){0};
	must(bundle_parse(str_text(&text), text.len, &signature->bundle, &err), &err);
	signature->item = (struct attach_item){.bundle = signature->bundle, .predicate_type = type};
}

static inline void signature_release(struct signature *signature)
{
	bundle_free(signature->bundle);
	str_release(&signature->payload);
}

static inline bool attach_named(
	struct scene *scene, const char *name, bool is_absent, struct err **err)
{
	CLEANUP(signature_release) struct signature signature;

	signature_make(scene, name, &signature);
	return attach_legacy(scene->registry, &scene->repository, &scene->image, ATTACHED_SIG,
		is_absent, &signature.item, 1, NULL, err);
}

static inline void must_attach(struct scene *scene, const char *name, bool is_absent)
{
	struct err *err = NULL;

	must(attach_named(scene, name, is_absent, &err), &err);
}

static inline void read_kinds(struct scene *scene, unsigned kinds, struct attached *attached)
{
	const struct attached_query query = {.kinds = kinds};
	struct err *err = NULL;

	must(attached_read(scene->registry, &scene->repository, &scene->image, &query, NULL,
		     attached, &err),
		&err);
}

static inline size_t count_named(const struct attached *attached, const char *name)
{
	size_t count = 0;

	for (size_t i = 0; i < attached->items.len; i++) {
		const struct bundle *bundle = attached->items.items[i].bundle;
		count += bundle && bytes_equal(bundle_signature(bundle), name, strlen(name));
	}
	return count;
}

/* Exactly these, once each. */
static inline void expect_signatures(struct scene *scene, const char *const *names, size_t count)
{
	CLEANUP(attached_release) struct attached attached = {0};

	read_kinds(scene, ATTACHED_SIG, &attached);
	CHECK(attached.items.len == count);
	for (size_t i = 0; i < count; i++)
		CHECK(count_named(&attached, names[i]) == 1);
}

static inline void put_text(
	struct scene *scene, const char *tag, const char *type, const char *text)
{
	CLEANUP(str_release) struct str bytes = STR_INIT(1 << 20);

	str_add_text(&bytes, text);
	push_document(&scene->client, &scene->repository, tag, type, &bytes);
}

static inline void tag_read(struct scene *scene, struct document *ret_document)
{
	struct err *err = NULL;

	must(registry_manifest_read(
		     scene->registry, &scene->repository, scene->tag, NULL, ret_document, &err),
		&err);
}

static inline void set_rules(struct scene *scene, const char *text)
{
	CLEANUP(mem_freep) char *rules = fs_join(scene->fake.directory, "faults");

	CHECK(fs_write_atomic(rules, text, strlen(text), 0600, NULL));
}

/*
 * Reads of the tag show this manifest, as often as `times` says: the registry takes none that contradicts
 * its blobs, but what one shows may be anything. `more`: rules behind that.
 */
static inline void show_instead(
	struct scene *scene, const char *manifest, const char *times, const char *more)
{
	CLEANUP(mem_freep) char *file = fs_join(scene->fake.directory, "other");
	CLEANUP(mem_freep)
	char *rules = mem_printf("GET */manifests/sha256-* %s file 200 " MEDIA_TYPE_OCI_MANIFEST
				 " %s\n%s",
		times, file, more);

	CHECK(fs_write_atomic(file, manifest, strlen(manifest), 0600, NULL));
	set_rules(scene, rules);
}

#define DIGEST_C "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

#endif
