/*
 * `sigstore:` and `signatures:` of cip.yaml: which services sign, whom to trust, and under which
 * names the public knows what is signed. Whether the services fit together is found out where they
 * are put together; which providers of tokens there are, the signer knows.
 */
#include <string.h>

#include "image/reference.h"
#include "reconciler/config_private.h"

#define TIMESTAMP_URLS_MAX 16

void config_sigstore_release(struct config_sigstore *sigstore)
{
	mem_free(sigstore->fulcio_url);
	mem_free(sigstore->rekor_url);
	mem_free(sigstore->rekor_v2_url);
	for (size_t i = 0; i < sigstore->timestamp_urls.len; i++)
		mem_free(sigstore->timestamp_urls.items[i]);
	vec_release(&sigstore->timestamp_urls);
	mem_free(sigstore->trusted_root);
	mem_free(sigstore->signing_config);
	mem_free(sigstore->tuf_mirror);
	mem_free(sigstore->tuf_root);
	mem_free(sigstore->tuf_cache);
	mem_free(sigstore->oidc_provider);
	mem_free(sigstore->signer_account);
	mem_free(sigstore->signature_format);
}

/* Fresh memory; NULL after a fault. */
static char *parse_text(struct config_parse *p, const struct yml_node *node, const char *what)
{
	if (!yml_text(p->yml, node, what))
		return NULL;
	if (node->len == 0) {
		yml_fault(p->yml, node, "expected %s, found empty text", what);
		return NULL;
	}
	return mem_strdup(node->text);
}

static bool has_prefix(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static char *parse_url(struct config_parse *p, const struct yml_node *node, const char *name)
{
	CLEANUP(mem_freep) char *what = mem_printf("%s: a URL such as https://host", name);
	CLEANUP(mem_freep) char *url = parse_text(p, node, what);

	if (!url)
		return NULL;
	if (!has_prefix(url, "https://") && !has_prefix(url, "http://")) {
		yml_fault(p->yml, node, "expected %s, found \"%.100s\"", what, url);
		return NULL;
	}
	return steal_ptr(&url);
}

/* One URL, or a list of them. */
static void parse_timestamp_urls(struct config_parse *p, const struct yml_node *node)
{
	const char *what = "timestamp_urls: a list of URLs";
	struct yml_node item;

	if (!yml_expect(p->yml, node, YML_SEQUENCE, what))
		return;
	while (yml_item(p->yml, &item)) {
		char *url = parse_url(p, &item, "timestamp_urls");

		if (!url)
			continue;
		if (p->config->sigstore.timestamp_urls.len == TIMESTAMP_URLS_MAX) {
			yml_fault(
				p->yml, &item, "timestamp_urls: more than %d", TIMESTAMP_URLS_MAX);
			mem_free(url);
			continue;
		}
		*vec_push(&p->config->sigstore.timestamp_urls) = url;
	}
}

static void parse_tuf(struct config_parse *p, const struct yml_node *node)
{
	static const char *const fields[] = {"mirror", "root", "cache", NULL};
	struct config_sigstore *sigstore = &p->config->sigstore;
	struct yml_node value;
	size_t field;

	if (!yml_expect(p->yml, node, YML_MAPPING, "tuf: a mapping of settings"))
		return;
	while (yml_field(p->yml, fields, &field, &value)) {
		if (field == 0)
			sigstore->tuf_mirror = parse_url(p, &value, "mirror");
		else if (field == 1)
			sigstore->tuf_root =
				config_path(p, &value, "root: the path of a root.json");
		else
			sigstore->tuf_cache =
				config_path(p, &value, "cache: the path of a directory");
	}
}

static char *parse_format(struct config_parse *p, const struct yml_node *node)
{
	const char *what = "signature_format: legacy, bundle or both";

	if (!yml_text(p->yml, node, what))
		return NULL;
	if (strcmp(node->text, "legacy") == 0 || strcmp(node->text, "bundle") == 0 ||
		strcmp(node->text, "both") == 0)
		return mem_strdup(node->text);
	yml_fault(p->yml, node, "expected %s, found \"%.100s\"", what, node->text);
	return NULL;
}

static void parse_require_sct(struct config_parse *p, const struct yml_node *node)
{
	bool required = true;

	yml_bool(p->yml, node, "require_sct: true or false", &required);
	p->config->sigstore.no_sct = !required;
}

static void parse_setting(struct config_parse *p, size_t field, const struct yml_node *value)
{
	struct config_sigstore *sigstore = &p->config->sigstore;

	switch (field) {
	case 0:
		sigstore->fulcio_url = parse_url(p, value, "fulcio_url");
		break;
	case 1:
		sigstore->rekor_url = parse_url(p, value, "rekor_url");
		break;
	case 2:
		sigstore->rekor_v2_url = parse_url(p, value, "rekor_v2_url");
		break;
	case 3:
		parse_timestamp_urls(p, value);
		break;
	case 4:
		sigstore->trusted_root =
			config_path(p, value, "trusted_root: the path of a trusted_root.json");
		break;
	case 5:
		sigstore->signing_config =
			config_path(p, value, "signing_config: the path of a signing_config.json");
		break;
	case 6:
		parse_tuf(p, value);
		break;
	case 7:
		parse_require_sct(p, value);
		break;
	case 8:
		sigstore->oidc_provider =
			parse_text(p, value, "oidc_provider: the name of a provider");
		break;
	case 9:
		sigstore->signer_account =
			parse_text(p, value, "signer_account: a service account");
		break;
	default:
		sigstore->signature_format = parse_format(p, value);
	}
}

void config_sigstore(struct config_parse *p, const struct yml_node *node)
{
	static const char *const fields[] = {"fulcio_url", "rekor_url", "rekor_v2_url",
		"timestamp_urls", "trusted_root", "signing_config", "tuf", "require_sct",
		"oidc_provider", "signer_account", "signature_format", NULL};
	struct yml_node value;
	size_t field;

	if (node->kind == YML_NULL ||
		!yml_expect(p->yml, node, YML_MAPPING, "sigstore: a mapping of settings"))
		return;
	while (yml_field(p->yml, fields, &field, &value))
		parse_setting(p, field, &value);
}

/* ---- signatures: ---- */

/* Canonical host with an optional path, in fresh memory; NULL after a fault. */
static char *parse_registry(struct config_parse *p, const struct yml_node *node, const char *what)
{
	CLEANUP(err_freep) struct err *why = NULL;
	char *name = NULL;

	if (!yml_text(p->yml, node, what))
		return NULL;
	if (registry_name_canonical(node->text, &name, &why))
		return name;
	yml_fault(p->yml, node, "%s", why->msg);
	return NULL;
}

static bool is_known(const struct identities *identities, const char *prefix)
{
	for (size_t i = 0; i < identities->rules.len; i++)
		if (strcmp(identities->rules.items[i].prefix, prefix) == 0)
			return true;
	return false;
}

static void parse_rule(struct config_parse *p, const struct yml_node *key)
{
	struct identities *identities = &p->config->identities;
	const struct yml_node place = *key;
	CLEANUP(mem_freep)
	char *prefix = parse_registry(p, key, "a destination: host, or host/path");
	struct yml_node value = yml_value(p->yml);
	CLEANUP(mem_freep)
	char *identity = parse_registry(p, &value, "an identity: host, or host/path");

	if (!prefix || !identity)
		return;
	if (is_known(identities, prefix)) {
		yml_fault(p->yml, &place, "another spelling of %s stands here already", prefix);
		return;
	}
	*vec_push(&identities->rules) =
		(struct identity_rule){steal_ptr(&prefix), steal_ptr(&identity)};
}

static void parse_rules(struct config_parse *p, const struct yml_node *node)
{
	struct yml_node key;

	if (node->kind == YML_NULL ||
		!yml_expect(p->yml, node, YML_MAPPING,
			"identities: a mapping from destinations to identities"))
		return;
	while (yml_key(p->yml, &key))
		parse_rule(p, &key);
}

static void parse_carry(struct config_parse *p, const struct yml_node *node)
{
	const char *what = "carry: signed, all or none";

	if (!yml_text(p->yml, node, what))
		return;
	p->config->carries_nothing = strcmp(node->text, "none") == 0;
	p->config->carries_all = strcmp(node->text, "all") == 0;
	if (p->config->carries_nothing || p->config->carries_all ||
		strcmp(node->text, "signed") == 0)
		return;
	yml_fault(p->yml, node, "expected %s, found \"%.100s\"", what, node->text);
}

void config_signatures(struct config_parse *p, const struct yml_node *node)
{
	static const char *const fields[] = {
		"identities", "canonical_registry", "trusted_identities", "carry", NULL};
	struct yml_node value;
	size_t field;

	if (node->kind == YML_NULL ||
		!yml_expect(p->yml, node, YML_MAPPING, "signatures: a mapping of settings"))
		return;
	while (yml_field(p->yml, fields, &field, &value)) {
		if (field == 0)
			parse_rules(p, &value);
		else if (field == 2)
			config_trusted_identities(p, &value);
		else if (field == 3)
			parse_carry(p, &value);
		else
			p->config->identities.canonical =
				parse_registry(p, &value, "canonical_registry: host, or host/path");
	}
}
