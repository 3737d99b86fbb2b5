/*
 * Attaching to images over the wire: layers of .sig and .att images and bundles as referrers, with other
 * writers in between, things of others in the place, and many threads at once.
 */
#include <pthread.h>

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

static void scene_open(struct scene *scene, const char *options)
{
	char text[DIGEST_TEXT_SIZE];

	*scene = (struct scene){0};
	client_open(&scene->client);
	fake_open(&scene->fake, NULL, options);
	scene->registry = registry_for_signing(scene->client.registry);
	scene->repository = (struct repository){.host = scene->fake.host, .path = "prod/app"};
	scene->image = push_image(&scene->client, &scene->repository, "v1", "a", 1, 100);
	snprintf(scene->tag, sizeof(scene->tag), "sha256-%.64s.sig",
		digest_format(&scene->image, text) + 7);
	fake_forget_log(&scene->fake);
}

static void scene_close(struct scene *scene)
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
static void signature_make(const struct scene *scene, const char *name, struct signature *signature)
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

static void attestation_make(const char *type, struct signature *signature)
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
static void bundle_make(const char *type, struct signature *signature)
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

static void signature_release(struct signature *signature)
{
	bundle_free(signature->bundle);
	str_release(&signature->payload);
}

static bool attach_named(struct scene *scene, const char *name, bool is_absent, struct err **err)
{
	CLEANUP(signature_release) struct signature signature;

	signature_make(scene, name, &signature);
	return attach_legacy(scene->registry, &scene->repository, &scene->image, ATTACHED_SIG,
		is_absent, &signature.item, 1, NULL, err);
}

static void must_attach(struct scene *scene, const char *name, bool is_absent)
{
	struct err *err = NULL;

	must(attach_named(scene, name, is_absent, &err), &err);
}

static void read_kinds(struct scene *scene, unsigned kinds, struct attached *attached)
{
	const struct attached_query query = {.kinds = kinds};
	struct err *err = NULL;

	must(attached_read(scene->registry, &scene->repository, &scene->image, &query, NULL,
		     attached, &err),
		&err);
}

static size_t count_named(const struct attached *attached, const char *name)
{
	size_t count = 0;

	for (size_t i = 0; i < attached->items.len; i++) {
		const struct bundle *bundle = attached->items.items[i].bundle;
		count += bundle && bytes_equal(bundle_signature(bundle), name, strlen(name));
	}
	return count;
}

/* Exactly these, once each. */
static void expect_signatures(struct scene *scene, const char *const *names, size_t count)
{
	CLEANUP(attached_release) struct attached attached = {0};

	read_kinds(scene, ATTACHED_SIG, &attached);
	CHECK(attached.items.len == count);
	for (size_t i = 0; i < count; i++)
		CHECK(count_named(&attached, names[i]) == 1);
}

static void put_text(struct scene *scene, const char *tag, const char *type, const char *text)
{
	CLEANUP(str_release) struct str bytes = STR_INIT(1 << 20);

	str_add_text(&bytes, text);
	push_document(&scene->client, &scene->repository, tag, type, &bytes);
}

static void tag_read(struct scene *scene, struct document *ret_document)
{
	struct err *err = NULL;

	must(registry_manifest_read(
		     scene->registry, &scene->repository, scene->tag, NULL, ret_document, &err),
		&err);
}

static void set_rules(struct scene *scene, const char *text)
{
	CLEANUP(mem_freep) char *rules = fs_join(scene->fake.directory, "faults");

	CHECK(fs_write_atomic(rules, text, strlen(text), 0600, NULL));
}

/*
 * Reads of the tag show this manifest, as often as `times` says: the registry takes none that contradicts
 * its blobs, but what one shows may be anything. `more`: rules behind that.
 */
static void show_instead(
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

/* ---- One writer ---- */

static void test_adding(void)
{
	static const char *const names[] = {"one", "two"};
	struct scene scene;

	scene_open(&scene, NULL);
	/* Two blobs to open and send, the manifest, and a look at it. */
	must_attach(&scene, "one", true);
	CHECK_COUNT(&scene.fake, "*", 6);
	fake_forget_log(&scene.fake);
	/* The payload is there; the config need not be read. */
	must_attach(&scene, "two", false);
	CHECK_COUNT(&scene.fake, "*", 6);
	CHECK_COUNT(&scene.fake, "GET */blobs/*", 0);
	expect_signatures(&scene, names, 2);
	fake_forget_log(&scene.fake);
	/* What is there is not added again. */
	must_attach(&scene, "two", false);
	CHECK_COUNT(&scene.fake, "*", 1);
	expect_signatures(&scene, names, 2);
	scene_close(&scene);
}

static void test_single_posts(void)
{
	struct scene scene;

	scene_open(&scene, "--single-post=yes");
	must_attach(&scene, "one", true);
	CHECK_COUNT(&scene.fake, "POST *", 2);
	CHECK_COUNT(&scene.fake, "*", 4);
	scene_close(&scene);
}

/* Both statements in one PUT; what says another type is not fetched. */
static void test_attestations(void)
{
	struct scene scene;
	struct signature made[2];
	struct err *err = NULL;
	CLEANUP(attached_release) struct attached all = {0};
	CLEANUP(attached_release) struct attached one = {0};
	const struct attached_query query = {
		.kinds = ATTACHED_ATT | ATTACHED_SIG, .predicate_type = "https://a.b/two"};

	scene_open(&scene, NULL);
	attestation_make("https://a.b/one", &made[0]);
	attestation_make("https://a.b/two", &made[1]);
	struct attach_item items[] = {made[0].item, made[1].item};
	must(attach_legacy(scene.registry, &scene.repository, &scene.image, ATTACHED_ATT, true,
		     items, 2, NULL, &err),
		&err);
	CHECK_COUNT(&scene.fake, "PUT */manifests/*", 1);
	/* One envelope in two layers is one blob. */
	CHECK_COUNT(&scene.fake, "*", 6);
	read_kinds(&scene, ATTACHED_ATT, &all);
	CHECK(all.items.len == 2 && all.found == ATTACHED_ATT);
	must(attached_read(
		     scene.registry, &scene.repository, &scene.image, &query, NULL, &one, &err),
		&err);
	CHECK(one.items.len == 1 && one.left_out == 1 && one.items.items[0].layer == 1);
	signature_release(&made[0]);
	signature_release(&made[1]);
	scene_close(&scene);
}

/* A payload that is expected is not fetched, and is the same. */
static void test_expected_payloads(void)
{
	struct scene scene;
	struct err *err = NULL;
	CLEANUP(attached_release) struct attached attached = {0};
	CLEANUP(attached_release) struct attached other = {0};
	struct attached_query query = {
		.kinds = ATTACHED_SIG, .docker_reference = "registry.k8s.io/app"};
	CLEANUP(signature_release) struct signature signature;

	scene_open(&scene, NULL);
	signature_make(&scene, "one", &signature);
	must_attach(&scene, "one", true);
	fake_forget_log(&scene.fake);
	must(attached_read(scene.registry, &scene.repository, &scene.image, &query, NULL, &attached,
		     &err),
		&err);
	CHECK_COUNT(&scene.fake, "*", 1);
	CHECK(bytes_equal(&attached.items.items[0].payload, str_text(&signature.payload),
		signature.payload.len));
	query.docker_reference = "registry.k8s.io/other";
	must(attached_read(
		     scene.registry, &scene.repository, &scene.image, &query, NULL, &other, &err),
		&err);
	CHECK_COUNT(&scene.fake, "*", 1 + 2);
	CHECK(bytes_equal(&other.items.items[0].payload, str_text(&signature.payload),
		signature.payload.len));
	scene_close(&scene);
}

static void test_bundles(const char *options, bool has_api)
{
	struct scene scene;
	struct signature made;
	struct err *err = NULL;
	CLEANUP(attached_release) struct attached attached = {0};
	CLEANUP(attached_release) struct attached listed = {0};
	CLEANUP(attached_release) struct attached other = {0};
	const struct attached_query other_type = {
		.kinds = ATTACHED_BUNDLE, .predicate_type = ATTACHED_SIGNATURE_PREDICATE};

	scene_open(&scene, options);
	bundle_make("https://a.b/one", &made);
	for (int i = 0; i < 2; i++)
		must(attach_bundles(scene.registry, &scene.repository, &scene.image,
			     MEDIA_TYPE_OCI_MANIFEST, 1, &made.item, 1, NULL, &err),
			&err);
	/* The second time it is there already: the same bytes. */
	CHECK_COUNT(&scene.fake, "PUT */blobs/*", 2);
	read_kinds(&scene, ATTACHED_BUNDLE, &attached);
	CHECK(attached.items.len == 1 && attached.items.items[0].bundle);
	CHECK(attached.found == ATTACHED_BUNDLE);
	must(attached_read(scene.registry, &scene.repository, &scene.image, &other_type, NULL,
		     &other, &err),
		&err);
	CHECK(other.items.len == 0 && other.left_out == 1 && other.found == ATTACHED_BUNDLE);
	read_kinds(&scene, ATTACHED_BUNDLE_LISTED, &listed);
	CHECK(listed.items.len == (has_api ? 1 : 0) && listed.no_api == !has_api);
	signature_release(&made);
	scene_close(&scene);
}

#define ATTACHERS 8

struct attacher {
	struct scene *scene;
	pthread_t thread;
	char type[32];
};

static void *attach_one(void *ctx)
{
	struct attacher *attacher = ctx;
	struct scene *scene = attacher->scene;
	struct signature made;
	struct err *err = NULL;

	bundle_make(attacher->type, &made);
	must(attach_bundles(scene->registry, &scene->repository, &scene->image,
		     MEDIA_TYPE_OCI_MANIFEST, 1, &made.item, 1, NULL, &err),
		&err);
	signature_release(&made);
	return NULL;
}

/* Of all the bundles of a repository the config is the same. */
static void test_config_goes_once(void)
{
	struct scene scene;
	struct attacher attachers[ATTACHERS];

	scene_open(&scene, "--referrers=yes");
	for (int i = 0; i < ATTACHERS; i++) {
		attachers[i].scene = &scene;
		snprintf(attachers[i].type, sizeof(attachers[i].type), "https://a.b/%d", i);
		CHECK(pthread_create(&attachers[i].thread, NULL, attach_one, &attachers[i]) == 0);
	}
	for (int i = 0; i < ATTACHERS; i++)
		pthread_join(attachers[i].thread, NULL);
	CHECK_COUNT(&scene.fake, "* */blobs/*44136fa355b3678a1146ad16f7e8649e*", 2);
	scene_close(&scene);
}

/* ---- Others ---- */

#define DIGEST_C "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

static char *foreign_image(struct scene *scene, const char *config_text)
{
	CLEANUP(str_release) struct str config = STR_INIT(1000);

	str_add_text(&config, config_text);
	struct digest digest = push_blob(&scene->client, &scene->repository, &config);
	char text[DIGEST_TEXT_SIZE];
	digest_format(&digest, text);
	return mem_printf("{ \"schemaVersion\":2, \"mediaType\":\"" MEDIA_TYPE_OCI_MANIFEST
			  "\", \"layers\":[ {\"mediaType\":\"application/vnd.in-toto+json\","
			  "\"odd\":1.50,\"size\":%zu,\"digest\":\"%s\"} ],"
			  "\"config\":{\"mediaType\":\"a/b\",\"size\":%zu,\"digest\":\"%s\"}}",
		config.len, text, config.len, text);
}

/* Reads after our write show what another made of it, as often as `times` says. */
static bool attach_against(
	struct scene *scene, const char *text, const char *times, struct err **err)
{
	show_instead(scene, text, times, "");
	fake_forget_log(&scene->fake);
	bool ok = attach_named(scene, "ours", false, err);
	set_rules(scene, "");
	return ok;
}

static void test_other_writers(void)
{
	static const char *const names[] = {"theirs", "ours"};
	struct scene scene;
	struct document theirs = {0};
	struct err *err = NULL;

	scene_open(&scene, NULL);
	must_attach(&scene, "theirs", true);
	tag_read(&scene, &theirs);
	/* One replaced ours with theirs once: both are in the end. */
	must(attach_against(&scene, theirs.bytes, "2", &err), &err);
	CHECK_COUNT(&scene.fake, "PUT */manifests/sha256-* 201 *", 2);
	expect_signatures(&scene, names, 2);

	/* What was seen before and is gone after our write is put back. */
	CLEANUP(mem_freep) char *empty = foreign_image(&scene, "{}");
	put_text(&scene, scene.tag, MEDIA_TYPE_OCI_MANIFEST, theirs.bytes);
	must(attach_against(&scene, empty, "2", &err), &err);
	expect_signatures(&scene, names, 2);

	/* One that does so for ever wins, and we say so. */
	CHECK(!attach_against(&scene, theirs.bytes, "1+", &err));
	CHECK(err_is(err, ERR_CONFLICT) && strstr(err->msg, "other writers"));
	CHECK_COUNT(&scene.fake, "PUT */manifests/sha256-*", 6);
	err_free(err);
	document_release(&theirs);
	scene_close(&scene);
}

static void expect_config(struct scene *scene, const struct document *document, const char *wanted)
{
	CLEANUP(str_release) struct str text = STR_INIT(1000);
	char digest[DIGEST_TEXT_SIZE];

	str_add_text(&text, wanted);
	struct digest found = digest_of(DIGEST_SHA256, str_text(&text), text.len);
	CHECK(strstr(document->bytes, digest_format(&found, digest)));
	CHECK(scene->fake.host[0]);
}

#define EMPTY_HISTORY "{\"created\":\"0001-01-01T00:00:00Z\"}"

/* Unsigned statements, odd spaces and configs of others keep their bytes. */
static void test_bytes_are_kept(void)
{
	static const char *const names[] = {"ours"};
	struct scene scene;
	struct document after = {0};
	char payload[DIGEST_TEXT_SIZE];
	CLEANUP(signature_release) struct signature signature;

	scene_open(&scene, NULL);
	signature_make(&scene, "ours", &signature);
	struct digest digest =
		digest_of(DIGEST_SHA256, str_text(&signature.payload), signature.payload.len);
	CLEANUP(mem_freep)
	char *before = foreign_image(&scene,
		"{\"history\":[" EMPTY_HISTORY "],\"odd\":1.50,\"rootfs\":{\"diff_ids\":[]}}");
	put_text(&scene, scene.tag, MEDIA_TYPE_OCI_MANIFEST, before);
	fake_forget_log(&scene.fake);
	must_attach(&scene, "ours", false);
	CHECK_COUNT(&scene.fake, "*", 8);
	tag_read(&scene, &after);
	const char *odd = strstr(before, ",\"odd\":1.50"), *end = strstr(before, " ],\"config\"");
	CHECK(memcmp(after.bytes, before, (size_t)(end - before)) == 0 && odd < end);
	CLEANUP(mem_freep)
	char *config = mem_printf("{\"history\":[" EMPTY_HISTORY "," EMPTY_HISTORY
				  "],\"odd\":1.50,\"rootfs\":{\"diff_ids\":[\"%s\"]}}",
		digest_format(&digest, payload));
	expect_config(&scene, &after, config);
	expect_signatures(&scene, names, 1);
	document_release(&after);
	scene_close(&scene);
}

/* An index in the place is not replaced; reading passes over it. */
static void test_something_else(void)
{
	struct scene scene;
	struct err *err = NULL;
	CLEANUP(attached_release) struct attached attached = {0};

	scene_open(&scene, NULL);
	put_text(&scene, scene.tag, MEDIA_TYPE_OCI_INDEX,
		"{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_TYPE_OCI_INDEX
		"\",\"manifests\":[]}");
	fake_forget_log(&scene.fake);
	CHECK(!attach_named(&scene, "ours", false, &err));
	CHECK(err_is(err, ERR_CONFLICT) && strstr(err->msg, "not touched"));
	CHECK_COUNT(&scene.fake, "PUT *", 0);
	err_free(err);
	read_kinds(&scene, ATTACHED_SIG, &attached);
	CHECK(attached.items.len == 1 && !attached.items.items[0].bundle);
	CHECK(strstr(attached.items.items[0].error, "image index"));
	scene_close(&scene);
}

/* Blobs that are gone, changed or larger than was said spoil their layers, and no others. */
static void test_broken_blobs(void)
{
	struct scene scene;
	CLEANUP(attached_release) struct attached attached = {0};
	struct document document = {0};

	scene_open(&scene, NULL);
	must_attach(&scene, "good", true);
	tag_read(&scene, &document);
	const char *layers = strstr(document.bytes, "\"layers\":[") + strlen("\"layers\":[");
	CLEANUP(mem_freep)
	char *text = mem_printf("%.*s{\"mediaType\":\"application/vnd.dev.cosign.simplesigning.v1+"
				"json\",\"size\":99999999,\"digest\":\"" DIGEST_C "\"},%s",
		(int)(layers - document.bytes), document.bytes, layers);
	show_instead(&scene, text, "1+", "");
	read_kinds(&scene, ATTACHED_SIG, &attached);
	CHECK(attached.items.len == 2 && count_named(&attached, "good") == 1);
	CHECK(strstr(attached.items.items[0].error, "larger"));
	document_release(&document);
	scene_close(&scene);
}

/* However many there are, and whatever they claim to be, so much is read and no more. */
static void test_bounds(void)
{
	struct scene scene;
	CLEANUP(attached_release) struct attached attached = {0};
	CLEANUP(str_release) struct str text = STR_INIT(1 << 20);
	size_t refused = 0;

	scene_open(&scene, NULL);
	str_add_text(&text, "{\"config\":{\"digest\":\"" DIGEST_C "\"},\"layers\":[");
	for (size_t i = 0; i < 10; i++)
		str_addf(&text,
			"%s{\"mediaType\":\"application/vnd.dsse.envelope.v1+json\",\"size\":%zu,"
			"\"digest\":\"sha256:%064zu\"}",
			i ? "," : "", ATTACHED_BLOB_MAX, i);
	str_add_text(&text, "]}");
	show_instead(&scene, text.bytes, "1+", "GET */blobs/* 1+ gigabyte\n");
	read_kinds(&scene, ATTACHED_ATT, &attached);
	CHECK(attached.items.len == 10);
	for (size_t i = 0; i < 10; i++) {
		CHECK(!attached.items.items[i].bundle);
		refused += strstr(attached.items.items[i].error, "in all") != NULL;
	}
	CHECK(refused == 10 - ATTACHED_TOTAL_MAX / ATTACHED_BLOB_MAX);
	CHECK_COUNT(&scene.fake, "GET */blobs/*", 10 - refused);
	scene_close(&scene);
}

/* A descriptor that says less than there is. */
static void test_understated(void)
{
	struct scene scene;
	CLEANUP(attached_release) struct attached attached = {0};
	CLEANUP(str_release) struct str blob = STR_INIT(1 << 20);
	char text[DIGEST_TEXT_SIZE];

	scene_open(&scene, NULL);
	while (blob.len < 8192)
		str_add_char(&blob, ' ');
	struct digest digest = push_blob(&scene.client, &scene.repository, &blob);
	digest_format(&digest, text);
	CLEANUP(mem_freep)
	char *manifest = mem_printf(
		"{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_TYPE_OCI_MANIFEST
		"\",\"config\":{\"mediaType\":\"a/"
		"b\",\"size\":8192,\"digest\":\"%s\"},\"layers\":[{"
		"\"mediaType\":\"application/vnd.dev.cosign.simplesigning.v1+json\",\"size\":10,"
		"\"digest\":\"%s\"}]}",
		text, text);
	show_instead(&scene, manifest, "1+", "");
	read_kinds(&scene, ATTACHED_SIG, &attached);
	CHECK(strstr(attached.items.items[0].error, "bytes"));
	CHECK(!attached.items.items[0].payload.data);
	scene_close(&scene);
}

/* A registry that cannot be read is no image without signatures. */
static void test_broken_registry(void)
{
	struct scene scene;
	struct err *err = NULL;
	CLEANUP(attached_release) struct attached attached = {0};
	const struct attached_query query = {.kinds = ATTACHED_SIG};

	scene_open(&scene, NULL);
	must_attach(&scene, "good", true);
	set_rules(&scene, "GET */blobs/* 1+ status 403\n");
	CHECK(!attached_read(
		scene.registry, &scene.repository, &scene.image, &query, NULL, &attached, &err));
	CHECK(err_is(err, ERR_AUTH));
	err_free(err);
	scene_close(&scene);
}

/* ---- Threads ---- */

#define THREADS 16

struct worker {
	struct scene *scene;
	char name[16];
	pthread_t thread;
};

static void *work(void *ctx)
{
	struct worker *worker = ctx;

	must_attach(worker->scene, worker->name, false);
	return NULL;
}

/* None takes away what another wrote, and nobody writes twice. */
static void test_threads(void)
{
	struct scene scene;
	struct worker workers[THREADS];
	const char *names[THREADS];

	scene_open(&scene, "--delay-ms=1");
	for (size_t i = 0; i < THREADS; i++) {
		workers[i].scene = &scene;
		snprintf(workers[i].name, sizeof(workers[i].name), "w%zu", i);
		names[i] = workers[i].name;
		CHECK(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
	}
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	CHECK_COUNT(&scene.fake, "PUT */manifests/sha256-*", THREADS);
	expect_signatures(&scene, names, THREADS);
	scene_close(&scene);
}

int main(void)
{
	test_adding();
	test_single_posts();
	test_attestations();
	test_expected_payloads();
	test_bundles("--referrers=yes", true);
	test_bundles(NULL, false);
	test_config_goes_once();
	test_other_writers();
	test_bytes_are_kept();
	test_something_else();
	test_broken_blobs();
	test_bounds();
	test_understated();
	test_broken_registry();
	test_threads();
	return 0;
}
