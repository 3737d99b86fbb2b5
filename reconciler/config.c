/*
 * Reading cip.yaml. Knows the schema, its units and its bounds; defaults belong to the rooms that
 * the settings are for, so what is not written stays 0. Whether a CA file or an endpoint works is
 * found out by whoever uses it.
 */
#include "reconciler/config.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"
#include "base/fs.h"
#include "reconciler/config_private.h"

#define CONFIG_FILE_MAX ((size_t)1 << 20)
#define FAULTS_MAX 100
#define RATE_MAX 100000
#define DURATION_MAX_MS ((uint64_t)24 * 3600 * 1000)

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
		free_text(config->hosts.items[i].client_cert_file);
		free_text(config->hosts.items[i].client_key_file);
		free_text(config->hosts.items[i].token_server);
		for (int side = 0; side < CREDENTIAL_SIDES; side++)
			config_credentials_release(&config->hosts.items[i].credentials[side]);
		free_text(config->hosts.items[i].quota_group);
	}
	vec_release(&config->hosts);
	mem_free(config->git_ca_file);
	for (size_t i = 0; i < config->google_accounts.len; i++)
		free_text(config->google_accounts.items[i]);
	vec_release(&config->google_accounts);
	mem_free(config->google_iam_endpoint);
	config_sigstore_release(&config->sigstore);
	identities_release(&config->identities);
	for (size_t i = 0; i < config->trusted_identities.len; i++)
		config_identity_release(&config->trusted_identities.items[i]);
	vec_release(&config->trusted_identities);
	*config = (struct config){0};
}

static void on_fault(void *ctx, uint32_t line, uint32_t column, const char *message)
{
	struct config_parse *p = ctx;
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

char *config_path(struct config_parse *p, const struct yml_node *node, const char *what)
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

void config_duration(
	struct config_parse *p, const struct yml_node *node, const char *name, int64_t *ret_ms)
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

void config_count(struct config_parse *p, const struct yml_node *node, const char *name,
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

/* Thousandths: "83" is 83000, "0.5" is 500. 0 if it is none. */
static uint64_t rate_milli(const char *text)
{
	CLEANUP(mem_freep) char *whole = mem_strndup(text, strcspn(text, "."));
	const char *rest = text + strlen(whole);
	size_t places = *rest ? strlen(rest + 1) : 0;
	uint64_t number = 0, fraction = 0;

	if (!number_parse(whole, RATE_MAX, &number))
		return 0;
	if (*rest && (places == 0 || places > 3 || !number_parse(rest + 1, 999, &fraction)))
		return 0;
	for (; places > 0 && places < 3; places++)
		fraction *= 10;
	return number * 1000 + fraction;
}

void config_rate(
	struct config_parse *p, const struct yml_node *node, const char *name, double *ret_rate)
{
	CLEANUP(mem_freep)
	char *what = mem_printf("%s: a number such as 83 or 0.5, up to %d", name, RATE_MAX);
	uint64_t milli;
	if (!yml_text(p->yml, node, what))
		return;
	milli = rate_milli(node->text);
	if (milli == 0 || milli > (uint64_t)RATE_MAX * 1000)
		yml_fault(p->yml, node, "expected %s, found \"%.40s\"", what, node->text);
	else
		*ret_rate = (double)milli / 1000;
}

/* ---- Sections ---- */

static void parse_git(struct config_parse *p, const struct yml_node *node)
{
	static const char *const fields[] = {"ca", NULL};
	struct yml_node value;
	size_t field;
	if (node->kind == YML_NULL ||
		!yml_expect(p->yml, node, YML_MAPPING, "git: a mapping of settings"))
		return;
	while (yml_field(p->yml, fields, &field, &value))
		p->config->git_ca_file = config_path(p, &value, "ca: the path of a PEM file");
}

static void parse_file(struct config_parse *p)
{
	static const char *const fields[] = {
		"registries", "network", "git", "google", "sigstore", "signatures", NULL};
	static void (*const sections[])(struct config_parse *, const struct yml_node *) = {
		config_registries, config_network, parse_git, config_google, config_sigstore,
		config_signatures};
	struct yml_node root = yml_root(p->yml), value;
	size_t field;
	if (root.kind != YML_NULL &&
		yml_expect(p->yml, &root, YML_MAPPING, "a mapping of sections")) {
		while (yml_field(p->yml, fields, &field, &value))
			sections[field](p, &value);
	}
	yml_end(p->yml);
}

static void parse_release(struct config_parse *p)
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
	struct config_parse p = {
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
