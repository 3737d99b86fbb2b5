#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "reconciler/config.h"

/* Writes the text to a file, loads it, and compares the faults (without the path) if it has any. */
static void load(const char *text, struct config *ret_config, const char *faults)
{
	char root[] = "/tmp/cip-config-XXXXXX";
	CLEANUP(err_freep) struct err *err = NULL;
	bool loaded;

	cr_assert_not_null(mkdtemp(root));
	CLEANUP(mem_freep) char *path = fs_join(root, "cip.yaml");
	FILE *file = fopen(path, "w");
	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
	loaded = config_load(path, NULL, ret_config, &err);
	fs_remove_tree(root, NULL);
	cr_assert_eq(loaded, !faults, "%s", err ? err->msg : "loaded");
	if (!faults)
		return;
	CLEANUP(str_release) struct str found = STR_INIT(STR_TEXT_MAX);
	for (const char *line = err->msg; *line; line += strcspn(line, "\n")) {
		line += *line == '\n';
		cr_assert(strncmp(line, path, strlen(path)) == 0);
		line += strlen(path) + 1;
		str_addf(&found, "%.*s\n", (int)strcspn(line, "\n"), line);
	}
	cr_assert_str_eq(str_text(&found), faults);
}

Test(config_sigstore, everything)
{
	CLEANUP(config_release) struct config config = {0};
	const struct config_sigstore *sigstore = &config.sigstore;

	load("sigstore:\n"
	     "  fulcio_url: https://fulcio.example.com\n"
	     "  rekor_url: https://rekor.example.com\n"
	     "  rekor_v2_url: https://log.example.com\n"
	     "  timestamp_urls: [https://a.example.com/t, https://b.example.com/t]\n"
	     "  trusted_root: /etc/root.json\n"
	     "  signing_config: /etc/signing.json\n"
	     "  tuf: {mirror: https://tuf.example.com, root: /etc/1.root.json, cache: /var/tuf}\n"
	     "  require_sct: false\n"
	     "  oidc_provider: filesystem\n"
	     "  signer_account: a@b.iam.gserviceaccount.com\n"
	     "  signature_format: both\n"
	     "signatures:\n"
	     "  identities:\n"
	     "    US-docker.pkg.dev/team/prod: registry.example.com/team\n"
	     "    quay.io: images.example.com\n"
	     "  canonical_registry: us-docker.pkg.dev/team\n",
		&config, NULL);
	cr_assert_str_eq(sigstore->fulcio_url, "https://fulcio.example.com");
	cr_assert_str_eq(sigstore->rekor_url, "https://rekor.example.com");
	cr_assert_str_eq(sigstore->rekor_v2_url, "https://log.example.com");
	cr_assert_eq(sigstore->timestamp_urls.len, 2);
	cr_assert_str_eq(sigstore->timestamp_urls.items[1], "https://b.example.com/t");
	cr_assert_str_eq(sigstore->trusted_root, "/etc/root.json");
	cr_assert_str_eq(sigstore->signing_config, "/etc/signing.json");
	cr_assert_str_eq(sigstore->tuf_mirror, "https://tuf.example.com");
	cr_assert_str_eq(sigstore->tuf_root, "/etc/1.root.json");
	cr_assert_str_eq(sigstore->tuf_cache, "/var/tuf");
	cr_assert(sigstore->no_sct);
	cr_assert_str_eq(sigstore->oidc_provider, "filesystem");
	cr_assert_str_eq(sigstore->signer_account, "a@b.iam.gserviceaccount.com");
	cr_assert_str_eq(sigstore->signature_format, "both");
	cr_assert_eq(config.identities.rules.len, 2);
	cr_assert_str_eq(config.identities.rules.items[0].prefix, "us-docker.pkg.dev/team/prod");
	cr_assert_str_eq(config.identities.rules.items[0].identity, "registry.example.com/team");
	cr_assert_str_eq(config.identities.rules.items[1].prefix, "quay.io");
	cr_assert_str_eq(config.identities.canonical, "us-docker.pkg.dev/team");
}

Test(config_sigstore, nothing_is_a_configuration_too)
{
	CLEANUP(config_release) struct config config = {0};

	load("sigstore:\nsignatures: {identities: }\n", &config, NULL);
	cr_assert_null(config.sigstore.fulcio_url);
	cr_assert_not(config.sigstore.no_sct, "a certificate must have been published");
	cr_assert_eq(config.identities.rules.len, 0);
}

Test(config_sigstore, what_is_carried)
{
	CLEANUP(config_release) struct config none = {0};
	CLEANUP(config_release) struct config all = {0};
	CLEANUP(config_release) struct config usual = {0};
	struct config wrong;

	load("signatures: {carry: none}\n", &none, NULL);
	cr_assert(none.carries_nothing && !none.carries_all);
	load("signatures: {carry: all}\n", &all, NULL);
	cr_assert(!all.carries_nothing && all.carries_all);
	load("signatures: {carry: signed}\n", &usual, NULL);
	cr_assert(!usual.carries_nothing && !usual.carries_all);
	load("signatures: {carry: everything}\n", &wrong,
		"1:21: expected carry: signed, all or none, found \"everything\"\n");
}

Test(config_sigstore, faults_of_services)
{
	struct config config;

	load("sigstore:\n"
	     "  fulcio_url: fulcio.example.com\n"
	     "  rekor_url: ''\n"
	     "  timestamp_urls: https://a.example.com\n"
	     "  tuf: {url: x}\n"
	     "  require_sct: 'no'\n"
	     "  signature_format: cosign\n"
	     "  fulcio: x\n",
		&config,
		"2:15: expected fulcio_url: a URL such as https://host, found "
		"\"fulcio.example.com\"\n"
		"3:14: expected rekor_url: a URL such as https://host, found empty text\n"
		"4:19: expected timestamp_urls: a list of URLs, found a single value\n"
		"5:9: unknown key \"url\": expected mirror, root or cache\n"
		"6:16: expected require_sct: true or false, found the quoted text \"no\"\n"
		"7:21: expected signature_format: legacy, bundle or both, found \"cosign\"\n"
		"8:3: unknown key \"fulcio\": expected fulcio_url, rekor_url, rekor_v2_url, "
		"timestamp_urls, trusted_root, signing_config, tuf, require_sct, oidc_provider, "
		"signer_account or signature_format\n");
}

Test(config_sigstore, faults_of_identities)
{
	struct config config;

	load("signatures:\n"
	     "  identities:\n"
	     "    nodots/a: registry.example.com\n"
	     "    quay.io/a: https://registry.example.com\n"
	     "    quay.io/b: registry.example.com\n"
	     "    QUAY.io:443/b: registry.example.com\n"
	     "  canonical_registry: [quay.io]\n",
		&config,
		"3:5: registry 'nodots/a': 'nodots' is no registry host: a full name with a dot "
		"or a port is needed\n"
		"4:16: registry 'https://registry.example.com': host 'https:': port '' "
		"must be a number from 1 to 65535\n"
		"6:5: another spelling of quay.io/b stands here already\n"
		"7:23: expected canonical_registry: host, or host/path, found a list\n");
}
