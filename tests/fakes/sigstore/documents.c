/* What clients are given to know the services by: TrustedRoot and SigningConfig (protobuf-specs). */
#include <string.h>

#include "base/cleanup.h"
#include "tests/fakes/sigstore/fake.h"

enum { DAY_MS = 24 * 3600 * 1000 };

static json_t *start_of(const struct fake_sigstore *fake)
{
	char text[CLOCK_RFC3339_SIZE];

	clock_format_rfc3339(fake->start_ms - DAY_MS, text);
	return json_pack("{s:s}", "start", text);
}

/* ---- Trusted root ---- */

static json_t *log_tree(const struct fake_sigstore *fake, const char *url, EVP_PKEY *key,
	const char *details, const uint8_t id[FAKE_HASH_SIZE])
{
	CLEANUP(str_release) struct str spki = STR_INIT(4096);
	CLEANUP(str_release) struct str id_bytes = STR_INIT(FAKE_HASH_SIZE);

	fake_spki(key, &spki);
	str_add(&id_bytes, id, FAKE_HASH_SIZE);
	return json_pack("{s:s,s:s,s:{s:o,s:s,s:o},s:{s:o}}", "baseUrl", url, "hashAlgorithm",
		"SHA2_256", "publicKey", "rawBytes", fake_json_base64(&spki), "keyDetails", details,
		"validFor", start_of(fake), "logId", "keyId", fake_json_base64(&id_bytes));
}

static json_t *ct_log_tree(const struct fake_sigstore *fake)
{
	CLEANUP(str_release) struct str spki = STR_INIT(4096);
	CLEANUP(mem_freep) char *url = mem_printf("%s/ct", fake_sigstore_url(fake, FAKE_FULCIO));
	uint8_t id[FAKE_HASH_SIZE];

	fake_spki(fake->ct_key, &spki);
	fake_sha256(spki.bytes, spki.len, id);
	return log_tree(fake, url, fake->ct_key, "PKIX_ECDSA_P256_SHA_256", id);
}

static json_t *certificate_tree(X509 *certificate)
{
	CLEANUP(str_release) struct str der = STR_INIT(64 * 1024);

	fake_der(certificate, &der);
	return json_pack("{s:o}", "rawBytes", fake_json_base64(&der));
}

static json_t *authority_tree(const struct fake_sigstore *fake, const char *url, const char *name,
	const struct fake_authority *first, const struct fake_authority *root)
{
	return json_pack("{s:{s:s,s:s},s:s,s:{s:[o,o]},s:o}", "subject", "organization",
		"cip tests", "commonName", name, "uri", url, "certChain", "certificates",
		certificate_tree(first->certificate), certificate_tree(root->certificate),
		"validFor", start_of(fake));
}

static char *text_of(json_t *tree)
{
	char *text = json_dumps(tree, JSON_INDENT(2));

	fake_must(text != NULL);
	json_decref(tree);
	return text;
}

char *fake_sigstore_trusted_root(const struct fake_sigstore *fake)
{
	json_t *tree = json_pack("{s:s,s:[o,o],s:[o],s:[o],s:[o]}", "mediaType",
		"application/vnd.dev.sigstore.trustedroot+json;version=0.1", "tlogs",
		log_tree(fake, fake_sigstore_url(fake, FAKE_REKOR1), fake->rekor1.key,
			"PKIX_ECDSA_P256_SHA_256", fake->rekor1.id),
		log_tree(fake, fake_sigstore_url(fake, FAKE_REKOR2), fake->rekor2.key,
			"PKIX_ED25519", fake->rekor2.id),
		"certificateAuthorities",
		authority_tree(fake, fake_sigstore_url(fake, FAKE_FULCIO), "Fulcio", &fake->fulcio,
			&fake->fulcio_root),
		"ctlogs", ct_log_tree(fake), "timestampAuthorities",
		authority_tree(fake, fake_sigstore_url(fake, FAKE_TSA), "Timestamps", &fake->tsa,
			&fake->tsa_root));

	fake_must(tree != NULL);
	if (fake->options.without_ct)
		json_object_del(tree, "ctlogs");
	return text_of(tree);
}

/* ---- Signing config ---- */

static json_t *service_tree(const struct fake_sigstore *fake, const char *url, int version)
{
	return json_pack("{s:s,s:i,s:o,s:s}", "url", url, "majorApiVersion", version, "validFor",
		start_of(fake), "operator", "cip tests");
}

char *fake_sigstore_signing_config(const struct fake_sigstore *fake, bool has_rekor2)
{
	json_t *tree = json_pack("{s:s,s:[o],s:[o],s:[o],s:[o],s:{s:s},s:{s:s}}", "mediaType",
		"application/vnd.dev.sigstore.signingconfig.v0.2+json", "caUrls",
		service_tree(fake, fake_sigstore_url(fake, FAKE_FULCIO), 1), "oidcUrls",
		service_tree(fake, fake_sigstore_url(fake, FAKE_OIDC), 1), "rekorTlogUrls",
		service_tree(fake, fake_sigstore_url(fake, has_rekor2 ? FAKE_REKOR2 : FAKE_REKOR1),
			has_rekor2 ? 2 : 1),
		"tsaUrls", service_tree(fake, fake_sigstore_url(fake, FAKE_TSA), 1),
		"rekorTlogConfig", "selector", "ANY", "tsaConfig", "selector", "ANY");

	fake_must(tree != NULL);
	return text_of(tree);
}
