/*
 * `registries:` of cip.yaml: one host each, under its canonical name. What a setting does is known
 * by registry/; here is only which of them contradict each other.
 */
#include <string.h>

#include "image/reference.h"
#include "reconciler/config_private.h"

/* Canonical, in fresh memory; NULL after a fault. */
static char *parse_host(struct config_parse *p, const struct yml_node *key)
{
	CLEANUP(err_freep) struct err *why = NULL;
	CLEANUP(mem_freep) char *host = NULL;
	if (!yml_text(p->yml, key, "the host of a registry"))
		return NULL;
	if (strchr(key->text, '/')) {
		yml_fault(p->yml, key,
			"\"%.100s\": expected the host of a registry alone, without scheme or path",
			key->text);
		return NULL;
	}
	if (!registry_name_canonical(key->text, &host, &why)) {
		yml_fault(p->yml, key, "%s", why->msg);
		return NULL;
	}
	for (size_t i = 0; i < p->config->hosts.len; i++) {
		if (strcmp(p->config->hosts.items[i].host, host) == 0) {
			yml_fault(p->yml, key,
				"\"%.100s\" is another spelling of %s, which stands here already",
				key->text, host);
			return NULL;
		}
	}
	return steal_ptr(&host);
}

/* As written: the canonical form would fold Docker Hub's names and drop a port. */
static char *parse_server(
	struct config_parse *p, const struct yml_node *node, const char *key, bool may_have_port)
{
	CLEANUP(err_freep) struct err *why = NULL;
	CLEANUP(mem_freep) char *canonical = NULL;
	const char *wanted = may_have_port ? "host or host:port" : "a host without port";
	CLEANUP(mem_freep) char *what = mem_printf("%s: %s", key, wanted);
	if (!yml_text(p->yml, node, what))
		return NULL;
	if (strchr(node->text, '/') || (!may_have_port && strchr(node->text, ':'))) {
		yml_fault(p->yml, node, "%s \"%.100s\": expected %s, without scheme or path%s", key,
			node->text, wanted,
			may_have_port ? " (plain_http: true chooses http)" : "");
		return NULL;
	}
	if (!registry_name_canonical(node->text, &canonical, &why)) {
		yml_fault(p->yml, node, "%s: %s", key, why->msg);
		return NULL;
	}
	return mem_strdup(node->text);
}

static void check_host(struct config_parse *p, const struct yml_node *key,
	const struct registry_host_options *host)
{
	const char *with = host->ca_file ? "ca"
		: host->client_cert_file ? "client_cert"
					 : "tls_verify: false";
	if (!host->client_cert_file != !host->client_key_file)
		yml_fault(p->yml, key, "%s: client_cert and client_key go together: add %s",
			host->host, host->client_key_file ? "client_cert" : "client_key");
	else if (host->plain_http &&
		(host->ca_file || host->client_cert_file || host->tls_skip_verify))
		yml_fault(p->yml, key,
			"%s: plain_http: true leaves nothing for %s to do: remove one", host->host,
			with);
	else if (host->endpoint_gets_credentials && !host->endpoint)
		yml_fault(p->yml, key,
			"%s: endpoint_credentials: true says something about an endpoint, and "
			"there is none",
			host->host);
	else if (host->tls_skip_verify && host->ca_file)
		yml_fault(p->yml, key,
			"%s: with tls_verify: false no certificate is checked: remove it, or ca",
			host->host);
}

/* What registry/quirks.h has for the registries it knows. */
static void parse_habit(struct config_parse *p, const char *field, const struct yml_node *value,
	struct registry_host_options *host)
{
	if (strcmp(field, "token_server") == 0)
		host->token_server = parse_server(p, value, field, false);
	else if (strcmp(field, "chunked_upload") == 0)
		yml_bool(p->yml, value, "chunked_upload: true or false", &host->chunked_upload);
	else if (strcmp(field, "checks_blobs") == 0)
		yml_bool(p->yml, value, "checks_blobs: true or false", &host->checks_blobs);
	else if (strcmp(field, "referrers_by_tag") == 0)
		yml_bool(p->yml, value, "referrers_by_tag: true or false", &host->referrers_by_tag);
	else if (strcmp(field, "cross_mounts") == 0)
		yml_bool(p->yml, value, "cross_mounts: true or false", &host->cross_mounts);
	else
		config_count(p, value, field, 10000, &host->tags_page_size);
}

/* One word: it stands behind the host in the name of the quota. */
static char *parse_group(struct config_parse *p, const struct yml_node *node)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	if (!yml_text(p->yml, node, "quota_group: a name"))
		return NULL;
	if (node->len == 0 || node->len > 64 || strspn(node->text, letters) != node->len) {
		yml_fault(p->yml, node,
			"quota_group \"%.64s\": expected up to 64 letters, digits, '-', '_' and "
			"'.'",
			node->text);
		return NULL;
	}
	return mem_strdup(node->text);
}

/* What the registry allows (net/limiter.h). */
static void parse_limit(struct config_parse *p, const char *field, const struct yml_node *value,
	struct registry_host_options *host)
{
	if (strcmp(field, "quota_group") == 0)
		host->quota_group = parse_group(p, value);
	else if (strcmp(field, "writes_per_second") == 0)
		config_rate(p, value, field, &host->rates.writes_per_second);
	else
		config_rate(p, value, field, &host->rates.requests_per_second);
}

static void parse_host_options(struct config_parse *p, const struct yml_node *key)
{
	static const char *const fields[] = {"endpoint", "plain_http", "tls_verify", "ca",
		"endpoint_credentials", "client_cert", "client_key", "credentials", "token_server",
		"chunked_upload", "cross_mounts", "checks_blobs", "referrers_by_tag",
		"tags_page_size", "requests_per_second", "writes_per_second", "quota_group", NULL};
	const size_t first_limit = 14;
	struct yml_node place = *key, value;
	size_t field;
	char *name = parse_host(p, key);
	struct yml_node options = yml_value(p->yml);
	bool verify = true;
	/* Pushed at once, also when it is faulty: the config then owns the strings. */
	struct registry_host_options *host = vec_push(&p->config->hosts);
	host->host = name ? name : mem_strdup("");

	if (options.kind == YML_NULL ||
		!yml_expect(
			p->yml, &options, YML_MAPPING, "the settings of a registry (a mapping)"))
		return;
	while (yml_field(p->yml, fields, &field, &value)) {
		switch (field) {
		case 0:
			host->endpoint = parse_server(p, &value, "endpoint", true);
			break;
		case 1:
			yml_bool(p->yml, &value, "plain_http: true or false", &host->plain_http);
			break;
		case 2:
			yml_bool(p->yml, &value, "tls_verify: true or false", &verify);
			break;
		case 4:
			yml_bool(p->yml, &value, "endpoint_credentials: true or false",
				&host->endpoint_gets_credentials);
			break;
		case 3:
			host->ca_file = config_path(p, &value, "ca: the path of a PEM file");
			break;
		case 5:
			host->client_cert_file =
				config_path(p, &value, "client_cert: the path of a PEM file");
			break;
		case 6:
			host->client_key_file =
				config_path(p, &value, "client_key: the path of a PEM file");
			break;
		case 7:
			config_credentials(p, &value, host->credentials);
			break;
		default:
			(field < first_limit ? parse_habit : parse_limit)(
				p, fields[field], &value, host);
		}
	}
	host->tls_skip_verify = !verify;
	check_host(p, &place, host);
}

void config_registries(struct config_parse *p, const struct yml_node *node)
{
	struct yml_node key;
	if (node->kind == YML_NULL ||
		!yml_expect(
			p->yml, node, YML_MAPPING, "registries: a mapping from hosts to settings"))
		return;
	while (yml_key(p->yml, &key))
		parse_host_options(p, &key);
}
