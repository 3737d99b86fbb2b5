/*
 * Reading cip.yaml. Knows the schema, its units and its bounds; defaults belong to the rooms that
 * the settings are for, so what is not written stays 0. Whether a CA file or an endpoint works is
 * found out by whoever uses it.
 */
#include "reconciler/config.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"
#include "base/fs.h"
#include "base/str.h"
#include "image/reference.h"
#include "reconciler/yaml.h"

#define CONFIG_FILE_MAX ((size_t)1 << 20)
#define FAULTS_MAX 100
#define DURATION_MAX_MS ((uint64_t)24 * 3600 * 1000)

struct parse {
	struct yml *yml;
	const char *path;
	const char *directory;	  /* of the file; relative paths start there */
	const char *manifest_dir; /* resolved; NULL: none */
	struct config *config;
	struct str faults; /* a line each */
	unsigned fault_count;
};

/* The lending type is const; the strings in a config are its own. */
static void free_text(const char *text)
{
	mem_free((void *)(uintptr_t)text);
}

void config_release(struct config *config)
{
	for (size_t i = 0; i < config->hosts.len; i++) {
		free_text(config->hosts.items[i].host);
		free_text(config->hosts.items[i].endpoint);
		free_text(config->hosts.items[i].ca_file);
	}
	vec_release(&config->hosts);
	mem_free(config->git_ca_file);
	*config = (struct config){0};
}

static void on_fault(void *ctx, uint32_t line, uint32_t column, const char *message)
{
	struct parse *p = ctx;
	str_addf(&p->faults, "%s%s:%u:%u: %s", p->fault_count ? "\n" : "", p->path, line, column,
		message);
	if (++p->fault_count < FAULTS_MAX)
		return;
	str_addf(
		&p->faults, "\n%s: more than %d faults: the rest is not read", p->path, FAULTS_MAX);
	yml_stop(p->yml);
}

/* ---- Paths ---- */

/* True if `path` is `directory` or below it; both resolved. */
static bool is_inside(const char *path, const char *directory)
{
	size_t len = strlen(directory);
	if (len > 0 && directory[len - 1] == '/')
		len--;
	return strncmp(path, directory, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* Fresh memory; NULL if it cannot be resolved. */
static char *resolve(const char *path)
{
	char resolved[PATH_MAX];
	return realpath(path, resolved) ? mem_strdup(resolved) : NULL;
}

static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	if (!slash)
		return mem_strdup(".");
	return slash == path ? mem_strdup("/") : mem_strndup(path, (size_t)(slash - path));
}

/* The file itself, or the link by which it is named, lies in the tree. */
static bool is_in_tree(const char *path, const char *manifest_dir)
{
	CLEANUP(mem_freep) char *directory = directory_of(path);
	CLEANUP(mem_freep) char *there = resolve(directory);
	CLEANUP(mem_freep) char *target = resolve(path);
	return manifest_dir &&
		((there && is_inside(there, manifest_dir)) ||
			(target && is_inside(target, manifest_dir)));
}

/* Fresh memory; NULL after a fault. */
static char *parse_path(struct parse *p, const struct yml_node *node, const char *what)
{
	if (!yml_text(p->yml, node, what))
		return NULL;
	if (node->len == 0) {
		yml_fault(p->yml, node, "expected %s, found empty text", what);
		return NULL;
	}
	CLEANUP(mem_freep)
	char *path =
		node->text[0] == '/' ? mem_strdup(node->text) : fs_join(p->directory, node->text);
	if (is_in_tree(path, p->manifest_dir)) {
		yml_fault(p->yml, node,
			"%s lies in the manifest tree %s: whoever changes manifests could change "
			"it",
			path, p->manifest_dir);
		return NULL;
	}
	return steal_ptr(&path);
}

/* ---- Values ---- */

/* "1m30s": numbers, each with its unit. 0 if it is none. */
static uint64_t duration_ms(const char *text)
{
	static const struct {
		const char *name;
		uint64_t ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 3600 * 1000}};
	uint64_t total = 0;
	while (*text) {
		size_t digits = strspn(text, "0123456789");
		size_t letters = strcspn(text + digits, "0123456789");
		uint64_t number = 0, unit = 0;
		CLEANUP(mem_freep) char *count = mem_strndup(text, digits);
		for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
			if (strlen(units[i].name) == letters &&
				memcmp(units[i].name, text + digits, letters) == 0)
				unit = units[i].ms;
		if (!unit || !number_parse(count, DURATION_MAX_MS, &number))
			return 0;
		total += number * unit;
		if (total > DURATION_MAX_MS)
			return 0;
		text += digits + letters;
	}
	return total;
}

static void parse_duration(
	struct parse *p, const struct yml_node *node, const char *name, int64_t *ret_ms)
{
	CLEANUP(mem_freep)
	char *what = mem_printf("%s: a duration such as 500ms, 30s or 1m30s, up to 24h", name);
	if (!yml_text(p->yml, node, what))
		return;
	uint64_t ms = duration_ms(node->text);
	if (ms == 0)
		yml_fault(p->yml, node, "expected %s, found \"%.40s\"", what, node->text);
	else
		*ret_ms = (int64_t)ms;
}

static void parse_count(struct parse *p, const struct yml_node *node, const char *name,
	unsigned most, unsigned *ret_count)
{
	uint64_t count = 0;
	CLEANUP(mem_freep) char *what = mem_printf("%s: a number from 1 to %u", name, most);
	if (!yml_text(p->yml, node, what))
		return;
	if (!number_parse(node->text, most, &count) || count == 0)
		yml_fault(p->yml, node, "expected %s, found \"%.40s\"", what, node->text);
	else
		*ret_count = (unsigned)count;
}

/* ---- registries: ---- */

/* Canonical, in fresh memory; NULL after a fault. */
static char *parse_host(struct parse *p, const struct yml_node *key)
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
static char *parse_endpoint(struct parse *p, const struct yml_node *node)
{
	CLEANUP(err_freep) struct err *why = NULL;
	CLEANUP(mem_freep) char *canonical = NULL;
	if (!yml_text(p->yml, node, "endpoint: host or host:port"))
		return NULL;
	if (strchr(node->text, '/')) {
		yml_fault(p->yml, node,
			"endpoint \"%.100s\": expected host or host:port, without scheme or path "
			"(plain_http: true chooses http)",
			node->text);
		return NULL;
	}
	if (!registry_name_canonical(node->text, &canonical, &why)) {
		yml_fault(p->yml, node, "endpoint: %s", why->msg);
		return NULL;
	}
	return mem_strdup(node->text);
}

static void check_host(
	struct parse *p, const struct yml_node *key, const struct registry_host_options *host)
{
	const char *with = host->ca_file ? "ca" : "tls_verify: false";
	if (host->plain_http && (host->ca_file || host->tls_skip_verify))
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

static void parse_host_options(struct parse *p, const struct yml_node *key)
{
	static const char *const fields[] = {
		"endpoint", "plain_http", "tls_verify", "ca", "endpoint_credentials", NULL};
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
			host->endpoint = parse_endpoint(p, &value);
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
		default:
			host->ca_file = parse_path(p, &value, "ca: the path of a PEM file");
		}
	}
	host->tls_skip_verify = !verify;
	check_host(p, &place, host);
}

static void parse_registries(struct parse *p, const struct yml_node *node)
{
	struct yml_node key;
	if (node->kind == YML_NULL ||
		!yml_expect(
			p->yml, node, YML_MAPPING, "registries: a mapping from hosts to settings"))
		return;
	while (yml_key(p->yml, &key))
		parse_host_options(p, &key);
}

/* ---- network:, git: ---- */

static void parse_network(struct parse *p, const struct yml_node *node)
{
	static const char *const fields[] = {"connections_per_host", "attempts", "connect_timeout",
		"first_byte_timeout", "stall_timeout", "retry_base", "retry_max", "retry_after_max",
		NULL};
	struct http_options *network = &p->config->network;
	int64_t *const durations[] = {&network->connect_timeout_ms, &network->first_byte_timeout_ms,
		&network->stall_timeout_ms, &network->retry_base_ms, &network->retry_max_ms,
		&network->retry_after_max_ms};
	struct yml_node value;
	size_t field;
	if (node->kind == YML_NULL ||
		!yml_expect(p->yml, node, YML_MAPPING, "network: a mapping of settings"))
		return;
	while (yml_field(p->yml, fields, &field, &value)) {
		if (field == 0)
			parse_count(p, &value, fields[field], 1000, &network->connections_per_host);
		else if (field == 1)
			parse_count(p, &value, fields[field], 20, &network->attempts);
		else
			parse_duration(p, &value, fields[field], durations[field - 2]);
	}
}

static void parse_git(struct parse *p, const struct yml_node *node)
{
	static const char *const fields[] = {"ca", NULL};
	struct yml_node value;
	size_t field;
	if (node->kind == YML_NULL ||
		!yml_expect(p->yml, node, YML_MAPPING, "git: a mapping of settings"))
		return;
	while (yml_field(p->yml, fields, &field, &value))
		p->config->git_ca_file = parse_path(p, &value, "ca: the path of a PEM file");
}

static void parse_file(struct parse *p)
{
	static const char *const fields[] = {"registries", "network", "git", NULL};
	struct yml_node root = yml_root(p->yml), value;
	size_t field;
	if (root.kind != YML_NULL &&
		yml_expect(p->yml, &root, YML_MAPPING, "a mapping of sections")) {
		while (yml_field(p->yml, fields, &field, &value)) {
			if (field == 0)
				parse_registries(p, &value);
			else if (field == 1)
				parse_network(p, &value);
			else
				parse_git(p, &value);
		}
	}
	yml_end(p->yml);
}

static void parse_release(struct parse *p)
{
	yml_free(p->yml);
	str_release(&p->faults);
}

bool config_load(
	const char *path, const char *manifest_dir, struct config *ret_config, struct err **err)
{
	CLEANUP(str_release) struct str text = STR_INIT(CONFIG_FILE_MAX);
	CLEANUP(config_release) struct config config = {0};
	CLEANUP(mem_freep) char *directory = directory_of(path);
	CLEANUP(mem_freep) char *tree = manifest_dir ? resolve(manifest_dir) : NULL;
	CLEANUP(err_freep) struct err *why = NULL;
	if (!fs_read_file(path, &text, &why))
		return err_set(err, ERR_USAGE, "configuration: %s", why->msg);
	if (is_in_tree(path, tree))
		return err_set(err, ERR_USAGE,
			"configuration %s lies in the manifest tree %s, which it governs: keep it "
			"elsewhere",
			path, tree);

	CLEANUP(parse_release)
	struct parse p = {
		.path = path, .directory = directory, .manifest_dir = tree, .config = &config};
	str_init(&p.faults, STR_TEXT_MAX);
	p.yml = yml_open(
		str_text(&text), text.len, &(struct yml_sink){.fault = on_fault, .ctx = &p});
	parse_file(&p);
	if (p.fault_count > 0)
		return err_set(err, ERR_USAGE, "%s", str_text(&p.faults));
	*ret_config = config;
	config = (struct config){0};
	return true;
}

void config_warnings(const struct config *config, struct str *out)
{
	for (size_t i = 0; i < config->hosts.len; i++) {
		const struct registry_host_options *host = &config->hosts.items[i];
		const char *endpoint = host->endpoint ? host->endpoint : host->host;
		if (host->plain_http)
			str_addf(out,
				"%s: plain_http: everything to and from %s, credentials too, can "
				"be read and changed on the way\n",
				host->host, endpoint);
		if (host->tls_skip_verify)
			str_addf(out,
				"%s: tls_verify: false: whoever answers for %s is believed, "
				"credentials included\n",
				host->host, endpoint);
	}
}
