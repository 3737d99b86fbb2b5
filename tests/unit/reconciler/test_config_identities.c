#include "reconciler/config_identities.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"

static struct config config;
static struct trusted_signers signers;

static void tear_down(void)
{
	trusted_signers_release(&signers);
	config_release(&config);
}

TestSuite(config_identities, .fini = tear_down);

/* Loads a cip.yaml with this list; `fault` is part of what is wrong with it. */
static void load(const char *pairs, const char *fault)
{
	char root[] = "/tmp/cip-config-XXXXXX";
	CLEANUP(err_freep) struct err *err = NULL;
	bool loaded;

	cr_assert_not_null(mkdtemp(root));
	CLEANUP(mem_freep) char *path = fs_join(root, "cip.yaml");
	FILE *file = fopen(path, "w");
	cr_assert_not_null(file);
	fprintf(file, "signatures:\n  trusted_identities:\n%s", pairs);
	fclose(file);
	loaded = config_load(path, NULL, &config, &err);
	fs_remove_tree(root, NULL);
	cr_assert_eq(loaded, !fault, "%s", err ? err->msg : "loaded");
	if (fault)
		cr_assert(strstr(err->msg, fault), "%s", err->msg);
}

static bool accepts(const char *identity, const char *issuer)
{
	struct policy policy = POLICY_INIT;
	bool accepted = false;

	policy.signers = signers.all.items;
	policy.signer_count = signers.all.len;
	cr_assert(policy_accepts_signer(&policy, identity, issuer, &accepted, NULL));
	return accepted;
}

#define ISSUER "https://accounts.example.com"

Test(config_identities, pairs_of_texts_and_patterns)
{
	load("  - {identity: a@example.com, issuer: \"" ISSUER "\"}\n"
	     "  - identity_regexp: b[0-9]@example[.]com\n"
	     "    issuer_regexp: https://(one|two)[.]example[.]com\n",
		NULL);
	cr_assert_eq(config.trusted_identities.len, 2);
	for (size_t i = 0; i < 2; i++)
		cr_assert(trusted_signers_add(&signers, &config.trusted_identities.items[i], NULL));
	cr_expect(accepts("a@example.com", ISSUER));
	cr_expect(accepts("b7@example.com", "https://two.example.com"));
	/* Both of one pair, and patterns match the whole. */
	cr_expect_not(accepts("a@example.com", "https://two.example.com"));
	cr_expect_not(accepts("b7@example.com.evil.example", "https://two.example.com"));
	cr_expect_not(accepts("b7@example.com", "http://x/https://two.example.com"));
}

Test(config_identities, nobody_by_default)
{
	load("", NULL);
	cr_assert_eq(config.trusted_identities.len, 0);
	cr_expect_not(accepts("a@example.com", ISSUER));
}

Test(config_identities, what_is_wrong_has_its_place)
{
	load("  - {identity: a@b, identity_regexp: a, issuer: c}\n",
		":3:5: identity and identity_regexp exclude each other");
	load("  - {identity: a@b}\n", ":3:5: issuer or issuer_regexp is missing");
	load("  - {issuer: a@b}\n", ":3:5: identity or identity_regexp is missing");
	load("  - {identity_regexp: \"(?=a)\", issuer: c}\n", ":3:5: identity_regexp: regular");
	load("  - {identity: \"\", issuer: c}\n", "expected identity, found empty text");
	load("  - {identity: a, issuer: c, key: d}\n", "unknown key");
	load("  - a@b\n", "expected an identity with its issuer");
	load("    a: b\n", "expected trusted_identities: a list");
}
