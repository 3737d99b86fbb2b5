/*
 * Reads what a registry holds as a verifier would find it, but verifies nothing: it is enough that
 * two registries say the same. It knows cosign's layers, bundles, and which parts of them differ
 * from one signature to the next.
 */
#include "tests/integration/converge/claims.h"

#include <jansson.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"
#include "base/str.h"
#include "tests/integration/converge/wire.h"

static void json_freep(json_t **value)
{
	json_decref(*value);
}

void lines_release(struct lines *lines)
{
	for (size_t i = 0; i < lines->texts.len; i++)
		mem_free(lines->texts.items[i]);
	vec_release(&lines->texts);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void lines_sort(struct lines *lines)
{
	if (lines->texts.len)
		qsort(lines->texts.items, lines->texts.len, sizeof(char *), compare);
}

/* ---- JSON ---- */

static const char *text_at(const json_t *object, const char *member)
{
	const char *text = json_string_value(json_object_get(object, member));

	return text ? text : "";
}

static json_t *json_of(const void *bytes, size_t len)
{
	return json_loadb(bytes ? bytes : "", len, JSON_DECODE_ANY, NULL);
}

/* Bytes in base64, the JSON in them. NULL if it is none. */
static json_t *json_in(const char *base64)
{
	size_t len = 0;
	CLEANUP(mem_freep) uint8_t *bytes = base64_decode(base64, strlen(base64), &len);

	return bytes ? json_of(bytes, len) : NULL;
}

/* 2026-01-02T03:04:05... */
static bool is_time(const char *text)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd";

	for (size_t i = 0; form[i]; i++)
		if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
			return false;
	return true;
}

/* 01234567-89ab-... */
static bool is_random(const char *text)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	for (size_t i = 0; i < sizeof(form); i++)
		if (form[i] == 'x' ? !text[i] || !strchr("0123456789abcdef", text[i])
				   : text[i] != form[i])
			return false;
	return true;
}

static void forget_changing(json_t *value)
{
	const char *key, *text = json_string_value(value);
	json_t *member;
	size_t i;

	/* Nobody knows it any more after a run that was killed when it had moved a tag. */
	json_object_del(value, "replaced");
	json_object_foreach(value, key, member)
	{
		forget_changing(member);
	}
	json_array_foreach(value, i, member)
	{
		forget_changing(member);
	}
	if (text && is_time(text))
		json_string_set(value, "TIME");
	else if (text && is_random(text))
		json_string_set(value, "RANDOM");
}

/* Sorted, on one line; fresh memory. */
static char *normal(json_t *value)
{
	forget_changing(value);
	char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);

	return text ? text : mem_strdup("UNREADABLE");
}

/* ---- Certificates ---- */

/* The issuer as its UTF-8 string has it: behind tag and length of less than 128 bytes. */
static char *issuer_of(X509 *certificate)
{
	ASN1_OBJECT *name = OBJ_txt2obj("1.3.6.1.4.1.57264.1.8", 1);
	int at = X509_get_ext_by_OBJ(certificate, name, -1);

	ASN1_OBJECT_free(name);
	if (at < 0)
		return mem_strdup("-");
	const ASN1_OCTET_STRING *bytes = X509_EXTENSION_get_data(X509_get_ext(certificate, at));
	return mem_strndup((const char *)ASN1_STRING_get0_data(bytes) + 2,
		(size_t)ASN1_STRING_length(bytes) - 2);
}

/* "IDENTITY ISSUER", fresh memory. */
static char *signer_of(X509 *certificate)
{
	GENERAL_NAMES *names = certificate
		? X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL)
		: NULL;
	CLEANUP(mem_freep) char *identity = NULL;

	for (int i = 0; i < sk_GENERAL_NAME_num(names) && !identity; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		if (name->type == GEN_EMAIL || name->type == GEN_URI)
			identity = mem_strdup((const char *)ASN1_STRING_get0_data(
				name->d.uniformResourceIdentifier));
	}
	GENERAL_NAMES_free(names);
	if (!identity)
		return mem_strdup("NOBODY -");
	CLEANUP(mem_freep) char *issuer = issuer_of(certificate);
	return mem_printf("%s %s", identity, issuer);
}

static char *signer_of_pem(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	char *signer = signer_of(certificate);

	X509_free(certificate);
	BIO_free(bio);
	return signer;
}

static char *signer_of_der(const char *base64)
{
	size_t len = 0;
	CLEANUP(mem_freep) uint8_t *bytes = base64_decode(base64, strlen(base64), &len);
	const uint8_t *at = bytes;
	X509 *certificate = bytes ? d2i_X509(NULL, &at, (long)len) : NULL;
	char *signer = signer_of(certificate);

	X509_free(certificate);
	return signer;
}

/* ---- Claims ---- */

struct place {
	const char *name; /* of registry and repository */
	const json_t *tags, *manifests, *blobs;
	struct lines *lines;
};

static json_t *manifest_at(const struct place *place, const char *digest)
{
	return json_in(text_at(json_object_get(place->manifests, digest), "bytes"));
}

static json_t *blob_at(const struct place *place, const char *digest)
{
	return json_in(text_at(place->blobs, digest));
}

static void add_claim(const struct place *place, const char *digest, const char *form,
	const char *signer, json_t *signed_text)
{
	CLEANUP(mem_freep) char *text = normal(signed_text);

	*vec_push(&place->lines->texts) =
		mem_printf("%s@%s %s %s %s", place->name, digest, form, signer, text);
}

/* The payload of an envelope, the document itself if it is none. Fresh. */
static json_t *signed_in(json_t *document)
{
	const char *payload = text_at(document, "payload");

	return *payload ? json_in(payload) : json_incref(document);
}

static void add_layers(
	const struct place *place, const char *subject, const char *form, const json_t *manifest)
{
	json_t *layer;
	size_t i;

	json_array_foreach(json_object_get(manifest, "layers"), i, layer)
	{
		const json_t *annotations = json_object_get(layer, "annotations");
		CLEANUP(mem_freep)
		char *signer =
			signer_of_pem(text_at(annotations, "dev.sigstore.cosign/certificate"));
		CLEANUP(json_freep) json_t *document = blob_at(place, text_at(layer, "digest"));
		CLEANUP(json_freep) json_t *text = signed_in(document);
		add_claim(place, subject, form, signer, text);
	}
}

static void add_bundle(const struct place *place, const char *subject, const json_t *manifest)
{
	const json_t *layer = json_array_get(json_object_get(manifest, "layers"), 0);
	CLEANUP(json_freep) json_t *bundle = blob_at(place, text_at(layer, "digest"));
	const json_t *material = json_object_get(bundle, "verificationMaterial");
	CLEANUP(mem_freep)
	char *signer = signer_of_der(text_at(json_object_get(material, "certificate"), "rawBytes"));
	CLEANUP(json_freep) json_t *text = signed_in(json_object_get(bundle, "dsseEnvelope"));

	add_claim(place, subject, "bundle", signer, text);
}

static bool is_bundle(const json_t *manifest)
{
	return strncmp(text_at(manifest, "artifactType"), "application/vnd.dev.sigstore.bundle",
		       35) == 0;
}

/* Whatever else refers to an image is an object like any other. */
static void add_listed(const struct place *place, const char *subject, const json_t *index)
{
	json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(index, "manifests"), i, entry)
	{
		CLEANUP(json_freep) json_t *manifest = manifest_at(place, text_at(entry, "digest"));
		if (is_bundle(manifest))
			add_bundle(place, subject, manifest);
	}
}

/* ---- Tags and images ---- */

/* "sha256-HEX", or that with an ending: the digest and the ending. */
static bool is_beside(const char *tag, char **ret_subject, const char **ret_ending)
{
	static const size_t len = sizeof("sha256-") - 1 + 64;

	if (strncmp(tag, "sha256-", 7) != 0 || strlen(tag) < len)
		return false;
	*ret_subject = mem_printf("sha256:%.64s", tag + 7);
	*ret_ending = tag + len;
	return true;
}

static bool is_signature_layer(const json_t *manifest)
{
	const json_t *layer = json_array_get(json_object_get(manifest, "layers"), 0);
	const char *type = text_at(layer, "mediaType");

	return strstr(type, "simplesigning") || strstr(type, "dsse");
}

static void add_tag(const struct place *place, const char *tag, const char *digest)
{
	CLEANUP(mem_freep) char *subject = NULL;
	CLEANUP(json_freep) json_t *manifest = manifest_at(place, digest);
	const char *ending = "";

	if (!is_beside(tag, &subject, &ending))
		*vec_push(&place->lines->texts) =
			mem_printf("%s tag %s %s", place->name, tag, digest);
	else if (!*ending)
		add_listed(place, subject, manifest);
	else if (is_signature_layer(manifest))
		add_layers(place, subject, ending + 1, manifest);
	else
		*vec_push(&place->lines->texts) =
			mem_printf("%s tag %s %s", place->name, tag, digest);
}

/* An index whose entries are bundles is one of referrers, now or once. */
static bool is_index_of_bundles(const json_t *manifest)
{
	const json_t *first = json_array_get(json_object_get(manifest, "manifests"), 0);

	return *text_at(first, "artifactType") != '\0';
}

static void add_image(const struct place *place, const char *digest, bool has_api)
{
	CLEANUP(json_freep) json_t *manifest = manifest_at(place, digest);

	if (is_bundle(manifest)) {
		if (has_api)
			add_bundle(place, text_at(json_object_get(manifest, "subject"), "digest"),
				manifest);
	} else if (!is_signature_layer(manifest) && !is_index_of_bundles(manifest)) {
		*vec_push(&place->lines->texts) = mem_printf("%s image %s", place->name, digest);
	}
}

static void add_repository(const char *name, json_t *repository, bool has_api, struct lines *lines)
{
	const struct place place = {
		.name = name,
		.tags = json_object_get(repository, "tags"),
		.manifests = json_object_get(repository, "manifests"),
		.blobs = json_object_get(repository, "blobs"),
		.lines = lines,
	};
	const char *key;
	json_t *value;

	json_object_foreach(json_object_get(repository, "tags"), key, value)
	{
		add_tag(&place, key, json_string_value(value));
	}
	json_object_foreach(json_object_get(repository, "manifests"), key, value)
	{
		add_image(&place, key, has_api);
	}
}

void claims_add(const char *name, uint16_t port, struct lines *lines)
{
	CLEANUP(wire_answer_release) struct wire_answer answer = WIRE_ANSWER_INIT;
	const char *key;
	json_t *value;

	wire_request(port, "GET", "/admin/contents", &answer);
	CLEANUP(json_freep) json_t *contents = json_of(str_text(&answer.body), answer.body.len);
	if (!contents) {
		fprintf(stderr, "%s: contents that are no JSON\n", name);
		exit(2);
	}
	bool has_api = json_is_true(json_object_get(contents, "referrers"));
	json_object_foreach(json_object_get(contents, "repositories"), key, value)
	{
		CLEANUP(mem_freep) char *full = mem_printf("%s/%s", name, key);
		add_repository(full, value, has_api, lines);
	}
}
