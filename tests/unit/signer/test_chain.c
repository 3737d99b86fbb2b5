/* Chains with the certificates of the public instance: uses, order, signatures, and both ends of validity. */
#include "signer/chain.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

#include "tests/unit/signer/data.h"

#define ROOT "sigstore-public-good/trusted_root.json"
#define BUNDLE "sigstore-conformance/bundle-verify/happy-path-v0.3/bundle.sigstore.json"

static json_t *document;

static void setup(void)
{
	CLEANUP(str_release) struct str text = STR_INIT(DATA_MAX_SIZE);

	if (!data_has(ROOT))
		return;
	data_read(ROOT, &text);
	document = json_loads(str_text(&text), 0, NULL);
}

static void teardown(void)
{
	json_decref(document);
}

TestSuite(chain, .init = setup, .fini = teardown);

static struct certificate *certificate(const char *sort, size_t entry, size_t index, bool damaged)
{
	json_t *chain = json_object_get(
		json_array_get(json_object_get(document, sort), entry), "certChain");
	const char *text = json_string_value(json_object_get(
		json_array_get(json_object_get(chain, "certificates"), index), "rawBytes"));
	CLEANUP(bytes_release) struct bytes der = {0};
	struct certificate *certificate = NULL;

	cr_assert(bytes_from_base64(text, &der));
	der.data[der.len - 1] ^= damaged;
	cr_assert(certificate_parse(der.data, der.len, &certificate, NULL));
	return certificate;
}

static struct bundle *leaf_bundle(void)
{
	CLEANUP(str_release) struct str text = STR_INIT(DATA_MAX_SIZE);
	struct bundle *bundle = NULL;

	data_read(BUNDLE, &text);
	cr_assert(bundle_parse(str_text(&text), text.len, &bundle, NULL));
	return bundle;
}

Test(chain, a_leaf_is_for_the_use_of_its_chain)
{
	DATA_REQUIRE(ROOT);
	CLEANUP(certificate_freep)
	struct certificate *stamper = certificate("timestampAuthorities", 0, 0, false);
	struct certificate *root = certificate("timestampAuthorities", 0, 1, false);
	CLEANUP(err_freep) struct err *err = NULL;
	const struct certificate *issuer;
	struct chain *chain = NULL;

	cr_assert(chain_new(&root, 1, CERTIFICATE_CODE_SIGNING, &chain, &err), "%s",
		err ? err->msg : "");
	cr_assert_not(chain_issued(chain, stamper, &issuer, &err));
	cr_assert(strstr(err->msg, "not for code signing"), "%s", err->msg);
	chain_free(chain);
}

Test(chain, links_must_hold)
{
	DATA_REQUIRE(ROOT);
	struct certificate *between = certificate("certificateAuthorities", 1, 0, false);
	struct certificate *damaged = certificate("certificateAuthorities", 1, 0, true);
	struct certificate *root = certificate("certificateAuthorities", 1, 1, false);
	struct certificate *reversed[] = {root, between}, *wrong[] = {damaged, root};
	CLEANUP(err_freep) struct err *order = NULL;
	CLEANUP(err_freep) struct err *signature = NULL;
	CLEANUP(err_freep) struct err *use = NULL;
	struct chain *chain = NULL;

	cr_assert_not(chain_new(reversed, 2, CERTIFICATE_CODE_SIGNING, &chain, &order));
	cr_assert_not(chain_new(wrong, 2, CERTIFICATE_CODE_SIGNING, &chain, &signature));
	cr_assert(strstr(signature->msg, "signature"), "%s", signature->msg);
	/* Fulcio's intermediate may issue for code signing alone. */
	cr_assert_not(chain_new(&between, 1, CERTIFICATE_TIME_STAMPING, &chain, &use));
	cr_assert(strstr(use->msg, "may not issue"), "%s", use->msg);
	certificate_free(between);
	certificate_free(damaged);
	certificate_free(root);
}

Test(chain, both_ends_of_validity_belong_to_it)
{
	DATA_REQUIRE(ROOT);
	DATA_REQUIRE(BUNDLE);
	CLEANUP(bundle_freep) struct bundle *bundle = leaf_bundle();
	const struct certificate *leaf = bundle->certificate, *issuer = NULL;
	struct certificate *links[] = {certificate("certificateAuthorities", 1, 0, false),
		certificate("certificateAuthorities", 1, 1, false)};
	int64_t from = certificate_not_before(leaf), to = certificate_not_after(leaf);
	struct chain *chain = NULL;

	cr_assert(chain_new(links, 2, CERTIFICATE_CODE_SIGNING, &chain, NULL));
	cr_assert(chain_issued(chain, leaf, &issuer, NULL));
	cr_assert_eq(issuer, links[0]);
	cr_assert(chain_is_valid_at(chain, issuer, leaf, from, NULL));
	cr_assert(chain_is_valid_at(chain, issuer, leaf, to, NULL));
	cr_assert_not(chain_is_valid_at(chain, issuer, leaf, from - 1, NULL));
	cr_assert_not(chain_is_valid_at(chain, issuer, leaf, to + 1, NULL));
	chain_free(chain);
}

/* Found out once for one chain, it is nothing that another chain would believe. */
Test(chain, a_known_leaf_is_nobody_elses)
{
	DATA_REQUIRE(ROOT);
	DATA_REQUIRE(BUNDLE);
	CLEANUP(bundle_freep) struct bundle *bundle = leaf_bundle();
	struct certificate *links[] = {certificate("certificateAuthorities", 1, 0, false),
		certificate("certificateAuthorities", 1, 1, false)};
	struct certificate *other_root = certificate("certificateAuthorities", 0, 0, false);
	struct chain *chain = NULL, *other = NULL;
	CLEANUP(err_freep) struct err *err = NULL;
	const struct certificate *issuer = NULL;

	cr_assert(chain_new(links, 2, CERTIFICATE_CODE_SIGNING, &chain, NULL));
	cr_assert(chain_new(&other_root, 1, CERTIFICATE_CODE_SIGNING, &other, NULL));
	for (int i = 0; i < 3; i++) {
		CLEANUP(err_freep) struct err *why = NULL;
		issuer = NULL;
		cr_assert(chain_issued(chain, bundle->certificate, &issuer, NULL));
		cr_assert_eq(issuer, links[0]);
		cr_assert_not(chain_issued(other, bundle->certificate, &issuer, &why));
		cr_assert(err_is(why, ERR_NOT_FOUND));
	}
	chain_free(chain);
	/* A new chain may lie where the old one was; its links are its own. */
	struct certificate *again[] = {certificate("certificateAuthorities", 1, 0, false),
		certificate("certificateAuthorities", 1, 1, false)};
	cr_assert(chain_new(again, 2, CERTIFICATE_CODE_SIGNING, &chain, NULL));
	cr_assert(chain_issued(chain, bundle->certificate, &issuer, &err));
	cr_assert_eq(issuer, again[0]);
	chain_free(chain);
	chain_free(other);
}

/* ---- Certificates that come again ---- */

Test(chain, a_certificate_is_known_by_all_of_its_bytes)
{
	DATA_REQUIRE(BUNDLE);
	CLEANUP(bundle_freep) struct bundle *bundle = leaf_bundle();
	CLEANUP(bundle_freep) struct bundle *second = leaf_bundle();
	const struct bytes *der = certificate_der(bundle->certificate);
	CLEANUP(mem_freep) uint8_t *changed = mem_dup(der->data, der->len);

	cr_assert_eq(bundle->certificate, second->certificate);
	for (size_t i = 0; i < der->len; i++) {
		CLEANUP(certificate_freep) struct certificate *other = NULL;
		changed[i] ^= 1;
		if (certificate_parse(changed, der->len, &other, NULL))
			cr_assert_neq(other, bundle->certificate, "byte %zu", i);
		changed[i] ^= 1;
	}
	cr_assert_not(
		certificate_parse(der->data, der->len - 1, &(struct certificate *){NULL}, NULL));
	/* By now others have taken its place: it is read anew, and means the same. */
	CLEANUP(bundle_freep) struct bundle *later = leaf_bundle();
	cr_assert_neq(later->certificate, bundle->certificate);
	cr_assert_str_eq(certificate_identity(later->certificate),
		certificate_identity(bundle->certificate));
	certificate_forget_known();
	CLEANUP(bundle_freep) struct bundle *last = leaf_bundle();
	cr_assert_neq(last->certificate, later->certificate);
}
