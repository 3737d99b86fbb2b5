/*
 * Hosts: from a logical name and its options to an origin and a trust. The only place that decides
 * between http and https. It sends nothing and knows nothing of repositories.
 */
#include "registry/host.h"

#include <string.h>

#include "base/alloc.h"
#include "net/url.h"

static const char *api_name(const char *name)
{
	const char *api_host = quirks_of(name)->api_host;
	return api_host ? api_host : name;
}

/*
 * `tls` becomes the host's. Whoever says which certificates to trust speaks of https, on the
 * loopback too.
 */
static struct host *host_new(
	const char *name, const char *endpoint, bool plain_http, struct http_tls *tls)
{
	struct host *host = mem_new(1, sizeof(*host));
	const char *address = endpoint ? endpoint : api_name(name);
	bool plain = plain_http || (host_is_loopback(address) && !tls);
	host->tls = tls;
	host->name = mem_strdup(name);
	host->quirks = *quirks_of(name);
	host->origin = mem_printf("%s://%s", plain ? "http" : "https", address);
	host->auth = auth_host_new();
	if (endpoint)
		host->public_origin = mem_printf("https://%s", api_name(name));
	return host;
}

static void host_free(struct host *host)
{
	mem_free(host->name);
	mem_free(host->origin);
	mem_free(host->public_origin);
	mem_free(host->quota_group);
	mem_free(host->token_server);
	http_tls_free(host->tls);
	err_free(host->unusable);
	auth_host_free(host->auth);
	mem_free(host);
}
DEFINE_CLEANUP(struct host, host_freep, host_free)

/* ERR_INVALID unless the text is a host with an optional port and nothing else. */
static bool canonical_host(const char *text, char **ret_name, struct err **err)
{
	CLEANUP(mem_freep) char *name = NULL;
	if (!registry_name_canonical(text, &name, err))
		return false;
	if (strchr(name, '/'))
		return err_set(err, ERR_INVALID, "'%.80s': a host without a path is needed", text);
	*ret_name = steal_ptr(&name);
	return true;
}

/* Always false. */
static bool usage(struct err **err, const struct registry_host_options *options, const char *what)
{
	if (err && *err)
		(*err)->kind = ERR_USAGE;
	return err_prefix(err, "registry %s: %s", options->host, what);
}

/* What cip.yaml says of a host goes over what the table says. */
static bool add_quirks(
	struct host *host, const struct registry_host_options *options, struct err **err)
{
	struct quirks *quirks = &host->quirks;
	if (options->token_server &&
		!canonical_host(options->token_server, &host->token_server, err))
		return usage(err, options, "token_server");
	if (host->token_server)
		quirks->token_server = host->token_server;
	if (options->tags_page_size)
		quirks->tags_page_size = options->tags_page_size;
	if (options->chunk_bytes)
		quirks->chunk_bytes = options->chunk_bytes;
	quirks->chunked_upload |= options->chunked_upload;
	quirks->cross_mounts |= options->cross_mounts;
	quirks->checks_blobs |= options->checks_blobs;
	quirks->referrers_by_tag |= options->referrers_by_tag;
	if (quirks->referrers_by_tag)
		host->referrers = REFERRERS_NONE;
	return true;
}

/* What cip.yaml says; else what lies in a directory for `address`, which is who will be asked. */
static bool find_trust(struct registry *registry, const struct registry_host_options *options,
	const char *address, struct http_tls **ret_tls, struct err **err)
{
	CLEANUP(trust_files_release) struct trust_files files = {0};
	if (options->plain_http)
		return true;
	trust_files_add(
		&files, options->ca_file, options->client_cert_file, options->client_key_file);
	if (files.cas.len == 0 && files.identities.len == 0 &&
		!trust_find(&registry->places, address, &files, err))
		return false;
	return trust_make(&files, options->tls_skip_verify, ret_tls, err);
}

static bool host_configure(
	struct registry *registry, const struct registry_host_options *options, struct err **err)
{
	CLEANUP(mem_freep) char *endpoint = NULL;
	if (options->endpoint && !canonical_host(options->endpoint, &endpoint, err))
		return usage(err, options, "endpoint");

	struct http_tls *tls = NULL;
	if (!find_trust(registry, options, endpoint ? endpoint : options->host, &tls, err))
		return err_prefix(err, "registry %s", options->host);
	CLEANUP(host_freep)
	struct host *host = host_new(options->host, endpoint, options->plain_http, tls);
	host->endpoint_gets_credentials = options->endpoint_gets_credentials;
	host->quota_group = options->quota_group ? mem_strdup(options->quota_group) : NULL;
	if (registry->http)
		http_declare_rates(registry->http, host->name, &options->rates);
	if (!add_quirks(host, options, err))
		return false;
	void **slot = strmap_put(&registry->hosts, host->name);
	if (*slot)
		return err_set(err, ERR_USAGE, "registry %s: configured twice", options->host);
	*slot = steal_ptr(&host);
	return true;
}

static struct registry *view_new(
	struct registry *writer, enum credential_side side, enum http_class quota_class)
{
	struct registry *view = mem_new(1, sizeof(*view));
	*view = (struct registry){
		.http = writer->http,
		.auth = writer->auth,
		.side = side,
		.quota_class = quota_class,
		.writer = writer,
	};
	return view;
}

static bool open_views(
	struct registry *registry, const struct registry_options *options, struct err **err)
{
	const struct http_options *settings = options->http ? http_settings(options->http) : NULL;
	const struct auth_options auth = {.http = options->http,
		.read_only = options->read_only,
		.credentials = {
			.authfile = {[CREDENTIAL_SOURCE] = options->source_authfile,
				[CREDENTIAL_DESTINATION] = options->destination_authfile},
			.hosts = options->hosts,
			.host_count = options->host_count,
			.google = options->google,
			.accounts = options->accounts,
			.account_count = options->account_count,
			.read_only = options->read_only,
			.http = options->http,
			.clock = settings ? settings->clock : &clock_system,
			.cancel = settings ? settings->cancel : NULL,
		}};
	registry->http = options->http;
	registry->side = CREDENTIAL_DESTINATION;
	registry->writer = registry;
	registry->auth = auth_new(&auth, err);
	if (!registry->auth)
		return false;
	registry->sources = view_new(registry, CREDENTIAL_SOURCE, HTTP_CLASS_PROMOTION);
	registry->signing = view_new(registry, CREDENTIAL_DESTINATION, HTTP_CLASS_SIGNING);
	return true;
}

struct registry *registry_new(const struct registry_options *options, struct err **err)
{
	CLEANUP(registry_freep) struct registry *registry = mem_new(1, sizeof(*registry));
	pthread_mutex_init(&registry->lock, NULL);
	registry->tag_writers = once_new();
	registry->shared_blobs = once_new();
	if (!open_views(registry, options, err) ||
		!trust_places_init(&registry->places, options->cert_dir, err))
		return NULL;
	for (size_t i = 0; i < options->host_count; i++)
		if (!host_configure(registry, &options->hosts[i], err))
			return NULL;
	return steal_ptr(&registry);
}

void registry_free(struct registry *registry)
{
	const char *name;
	void *host;
	if (!registry)
		return;
	for (size_t i = 0; strmap_next(&registry->hosts, &i, &name, &host);)
		host_free(host);
	strmap_release(&registry->hosts);
	trust_places_release(&registry->places);
	auth_free(registry->auth);
	mem_free(registry->sources);
	mem_free(registry->signing);
	once_free(registry->tag_writers);
	once_free(registry->shared_blobs);
	pthread_mutex_destroy(&registry->lock);
	mem_free(registry);
}

/* A host that nothing was configured for. What is wrong with it is said when it is asked. */
static struct host *host_discover(struct registry *registry, const char *name)
{
	const struct registry_host_options options = {.host = name};
	struct http_tls *tls = NULL;
	struct err *err = NULL;
	if (!find_trust(registry, &options, name, &tls, &err))
		err_prefix(&err, "registry %s", name);
	struct host *host = host_new(name, NULL, false, tls);
	host->unusable = err;
	return host;
}

struct host *host_get(struct registry *registry, const char *name)
{
	registry = registry->writer;
	pthread_mutex_lock(&registry->lock);
	struct host *host = strmap_get(&registry->hosts, name);
	if (!host) {
		host = host_discover(registry, name);
		*strmap_put(&registry->hosts, host->name) = host;
	}
	pthread_mutex_unlock(&registry->lock);
	return host;
}

struct registry *registry_for_sources(struct registry *registry)
{
	return registry->writer->sources;
}

struct registry *registry_for_signing(struct registry *registry)
{
	return registry->writer->signing;
}

void registry_expect_promotion(struct registry *registry, const struct repository *source,
	const struct repository *destination)
{
	if (strcmp(source->host, destination->host) == 0 &&
		strcmp(source->path, destination->path) != 0)
		auth_expect_mount(registry->auth, host_get(registry, destination->host),
			source->path, destination->path);
}

bool registry_may_mount(struct registry *registry, const char *host)
{
	return auth_may_mount(host_get(registry, host));
}

char *host_quota(const struct host *host, unsigned credential_id)
{
	if (host->quota_group)
		return mem_printf("%s %s", host->name, host->quota_group);
	return mem_printf("%s %u", host->name, credential_id);
}

static bool same_origin(const char *a, const char *b)
{
	CLEANUP(url_release) struct url left = {0};
	CLEANUP(url_release) struct url right = {0};
	return url_parse(a, &left, NULL) && url_parse(b, &right, NULL) &&
		url_same_origin(&left, &right);
}

bool host_owns_url(const struct host *host, const char *url)
{
	return same_origin(host->origin, url) ||
		(host->public_origin && same_origin(host->public_origin, url));
}

char *host_endpoint_url(const struct host *host, const char *url)
{
	CLEANUP(url_release) struct url parsed = {0};
	if (!host->public_origin || !same_origin(host->public_origin, url) ||
		!url_parse(url, &parsed, NULL))
		return NULL;
	return mem_printf("%s%s", host->origin, parsed.target);
}

bool registry_host_is_google(struct registry *registry, const char *host)
{
	return host_get(registry, host)->google;
}
