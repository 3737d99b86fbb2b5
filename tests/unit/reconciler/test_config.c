#include "reconciler/config.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"

/* A directory with tree/ and cip.yaml, gone after the test. */
struct sandbox {
	char root[32];
	char *config, *tree;
};

static void write_file(const char *path, const char *text)
{
	cr_assert(fs_write_atomic(path, text, strlen(text), 0600, NULL));
}

static struct sandbox sandbox_make(const char *text)
{
	struct sandbox box = {.root = "/tmp/cip-config-XXXXXX"};
	cr_assert_not_null(mkdtemp(box.root));
	box.config = fs_join(box.root, "cip.yaml");
	box.tree = fs_join(box.root, "tree");
	cr_assert(fs_make_directories(box.tree, NULL));
	write_file(box.config, text);
	return box;
}

static void sandbox_remove(struct sandbox *box)
{
	fs_remove_tree(box->root, NULL);
	mem_free(box->config);
	mem_free(box->tree);
}

static void load(const char *text, struct config *ret_config)
{
	CLEANUP(err_freep) struct err *err = NULL;
	CLEANUP(sandbox_remove) struct sandbox box = sandbox_make(text);
	cr_assert(config_load(box.config, box.tree, ret_config, &err), "%s", err ? err->msg : "");
}

/* `faults`: lines of "line:column: message". */
static void expect_faults(const char *text, const char *faults)
{
	CLEANUP(sandbox_remove) struct sandbox box = sandbox_make(text);
	CLEANUP(config_release) struct config config = {0};
	CLEANUP(err_freep) struct err *err = NULL;
	CLEANUP(str_release) struct str wanted = STR_INIT(STR_TEXT_MAX);
	for (const char *line = faults; *line; line += strcspn(line, "\n") + 1)
		str_addf(&wanted, "%s%s:%.*s", line == faults ? "" : "\n", box.config,
			(int)strcspn(line, "\n"), line);
	cr_assert_not(config_load(box.config, box.tree, &config, &err));
	cr_assert(err_is(err, ERR_USAGE));
	cr_assert_str_eq(err->msg, str_text(&wanted));
	cr_assert_eq(config.hosts.len, 0, "untouched on failure");
}

Test(config, everything)
{
	CLEANUP(config_release) struct config config = {0};
	load("registries:\n"
	     "  GCR.io: {endpoint: \"127.0.0.1:5000\", plain_http: true}\n"
	     "  us.gcr.io:443: {ca: /etc/ca.pem, endpoint: m.io, endpoint_credentials: true}\n"
	     "  eu.gcr.io: {tls_verify: false, client_cert: /etc/c.pem, client_key: k.pem}\n"
	     "  asia.gcr.io:\n"
	     "network:\n"
	     "  connections_per_host: 7\n"
	     "  attempts: 3\n"
	     "  retry_budget: 50\n"
	     "  connect_timeout: 1500ms\n"
	     "  first_byte_timeout: 2m\n"
	     "  stall_timeout: 1m30s\n"
	     "  request_timeout: 5m\n"
	     "  minimum_rate: 32KiB\n"
	     "  retry_base: 250ms\n"
	     "  retry_max: 24h\n"
	     "  retry_after_max: 1h\n"
	     "  slow_destination: 250ms\n"
	     "git:\n"
	     "  ca: /etc/git.pem\n",
		&config);
	cr_assert_eq(config.hosts.len, 4);
	cr_assert_str_eq(config.hosts.items[0].host, "gcr.io");
	cr_assert_str_eq(config.hosts.items[0].endpoint, "127.0.0.1:5000");
	cr_assert(config.hosts.items[0].plain_http);
	cr_assert_not(config.hosts.items[0].endpoint_gets_credentials);
	cr_assert(config.hosts.items[1].endpoint_gets_credentials);
	cr_assert_str_eq(config.hosts.items[1].host, "us.gcr.io");
	cr_assert_str_eq(config.hosts.items[1].ca_file, "/etc/ca.pem");
	cr_assert_not(config.hosts.items[1].tls_skip_verify);
	cr_assert(config.hosts.items[2].tls_skip_verify);
	cr_assert_str_eq(config.hosts.items[2].client_cert_file, "/etc/c.pem");
	cr_assert(strstr(config.hosts.items[2].client_key_file, "/k.pem"));
	cr_assert_null(config.hosts.items[3].endpoint);
	cr_assert_eq(config.network.connections_per_host, 7);
	cr_assert_eq(config.network.attempts, 3);
	cr_assert_eq(config.network.retry_budget, 50);
	cr_assert_eq(config.network.connect_timeout_ms, 1500);
	cr_assert_eq(config.network.first_byte_timeout_ms, 120000);
	cr_assert_eq(config.network.stall_timeout_ms, 90000);
	cr_assert_eq(config.network.request_timeout_ms, 300000);
	cr_assert_eq(config.network.minimum_rate, 32768);
	cr_assert_eq(config.network.retry_base_ms, 250);
	cr_assert_eq(config.network.retry_max_ms, 86400000);
	cr_assert_eq(config.network.retry_after_max_ms, 3600000);
	cr_assert_eq(config.slow_destination_ms, 250);
	cr_assert_str_eq(config.git_ca_file, "/etc/git.pem");
}

Test(config, nothing_is_a_configuration_too)
{
	static const char *const texts[] = {"", "# nothing\n", "registries:\nnetwork:\ngit:\n"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		CLEANUP(config_release) struct config config = {0};
		load(texts[i], &config);
		cr_assert_eq(config.hosts.len, 0);
		cr_assert_eq(config.network.attempts, 0, "the default is the room's");
	}
}

Test(config, unknown_and_duplicate_keys)
{
	expect_faults("registry: {}\n"
		      "network: {timeout: 3s, attempts: 2, attempts: 3}\n"
		      "registries: {a.io: {insecure: true}, A.IO: {}, a.io.:443: {}}\n"
		      "network:\n",
		"1:1: unknown key \"registry\": expected registries, network, git, google, "
		"sigstore or signatures\n"
		"2:11: unknown key \"timeout\": expected connections_per_host, attempts, "
		"connect_timeout, first_byte_timeout, stall_timeout, request_timeout, retry_base, "
		"retry_max, retry_after_max, slow_destination, minimum_rate or retry_budget\n"
		"2:37: duplicate key \"attempts\": it stands on line 2 already\n"
		"3:21: unknown key \"insecure\": expected endpoint, plain_http, tls_verify, ca, "
		"endpoint_credentials, client_cert, client_key, credentials, token_server, "
		"chunked_upload, cross_mounts, checks_blobs, referrers_by_tag, tags_page_size, "
		"requests_per_second, "
		"writes_per_second or quota_group\n"
		"3:38: \"A.IO\" is another spelling of a.io, which stands here already\n"
		"3:48: \"a.io.:443\" is another spelling of a.io, which stands here already\n"
		"4:1: duplicate key \"network\": it stands on line 2 already\n");
}

Test(config, hosts_and_endpoints)
{
	expect_faults("registries:\n"
		      "  a.io/b: {}\n"
		      "  nodots: {}\n"
		      "  b.io: {endpoint: \"https://c.io\"}\n"
		      "  c.io: {endpoint: c.io:99999}\n"
		      "  d.io: {endpoint: }\n",
		"2:3: \"a.io/b\": expected the host of a registry alone, without scheme or path\n"
		"3:3: registry 'nodots': 'nodots' is no registry host: a full name with a dot or a "
		"port is needed\n"
		"4:20: endpoint \"https://c.io\": expected host or host:port, without scheme or "
		"path "
		"(plain_http: true chooses http)\n"
		"5:20: endpoint: registry 'c.io:99999': host 'c.io:99999': port '99999' must be a "
		"number from 1 to 65535\n"
		"6:20: expected endpoint: host or host:port, found nothing or null\n");
}

Test(config, habits_of_registries)
{
	CLEANUP(config_release) struct config config = {0};
	load("registries:\n"
	     "  a.io: {token_server: sso.io, chunked_upload: true, cross_mounts: yes}\n"
	     "  b.io: {tags_page_size: 50, checks_blobs: true, referrers_by_tag: true}\n",
		&config);
	cr_assert_str_eq(config.hosts.items[0].token_server, "sso.io");
	cr_assert(config.hosts.items[0].chunked_upload && config.hosts.items[0].cross_mounts);
	cr_assert_eq(config.hosts.items[0].tags_page_size, 0);
	cr_assert_not(config.hosts.items[0].checks_blobs || config.hosts.items[0].referrers_by_tag);
	cr_assert(config.hosts.items[1].checks_blobs && config.hosts.items[1].referrers_by_tag);
	cr_assert_not(config.hosts.items[1].chunked_upload || config.hosts.items[1].cross_mounts);
	cr_assert_eq(config.hosts.items[1].tags_page_size, 50);

	expect_faults("registries:\n"
		      "  a.io: {token_server: \"sso.io:8443\"}\n"
		      "  b.io: {token_server: \"https://sso.io\"}\n"
		      "  c.io: {tags_page_size: 10001}\n",
		"2:24: token_server \"sso.io:8443\": expected a host without port, without "
		"scheme or path\n"
		"3:24: token_server \"https://sso.io\": expected a host without port, without "
		"scheme or path\n"
		"4:26: expected tags_page_size: a number from 1 to 10000, found \"10001\"\n");
}

Test(config, limits_of_registries)
{
	CLEANUP(config_release) struct config config = {0};
	load("registries:\n"
	     "  a.io: {requests_per_second: 83, writes_per_second: 0.25, quota_group: prod}\n"
	     "  b.io: {requests_per_second: 12.5}\n",
		&config);
	cr_assert_eq(config.hosts.items[0].rates.requests_per_second, 83);
	cr_assert_eq(config.hosts.items[0].rates.writes_per_second, 0.25);
	cr_assert_str_eq(config.hosts.items[0].quota_group, "prod");
	cr_assert_eq(config.hosts.items[1].rates.requests_per_second, 12.5);
	cr_assert_eq(config.hosts.items[1].rates.writes_per_second, 0);
	cr_assert_null(config.hosts.items[1].quota_group);

	expect_faults("registries:\n"
		      "  a.io: {requests_per_second: 0}\n"
		      "  b.io: {requests_per_second: 1.2345}\n"
		      "  c.io: {writes_per_second: 100001}\n"
		      "  d.io: {writes_per_second: 5.}\n"
		      "  e.io: {quota_group: \"a b\"}\n",
		"2:31: expected requests_per_second: a number such as 83 or 0.5, up to 100000, "
		"found \"0\"\n"
		"3:31: expected requests_per_second: a number such as 83 or 0.5, up to 100000, "
		"found \"1.2345\"\n"
		"4:29: expected writes_per_second: a number such as 83 or 0.5, up to 100000, "
		"found \"100001\"\n"
		"5:29: expected writes_per_second: a number such as 83 or 0.5, up to 100000, "
		"found \"5.\"\n"
		"6:23: quota_group \"a b\": expected up to 64 letters, digits, '-', '_' and '.'\n");
}

Test(config, settings_that_contradict_each_other)
{
	expect_faults("registries:\n"
		      "  a.io: {plain_http: true, ca: /x}\n"
		      "  b.io: {tls_verify: false, ca: /x}\n"
		      "  c.io: {tls_verify: false, plain_http: true}\n"
		      "  d.io: {endpoint_credentials: true}\n"
		      "  e.io: {client_cert: /x}\n"
		      "  f.io: {client_key: /x, ca: /y}\n"
		      "  g.io: {client_cert: /x, client_key: /y, plain_http: true}\n",
		"2:3: a.io: plain_http: true leaves nothing for ca to do: remove one\n"
		"3:3: b.io: with tls_verify: false no certificate is checked: remove it, or ca\n"
		"4:3: c.io: plain_http: true leaves nothing for tls_verify: false to do: remove "
		"one\n"
		"5:3: d.io: endpoint_credentials: true says something about an endpoint, and "
		"there is none\n"
		"6:3: e.io: client_cert and client_key go together: add client_key\n"
		"7:3: f.io: client_cert and client_key go together: add client_cert\n"
		"8:3: g.io: plain_http: true leaves nothing for client_cert to do: remove one\n");
}

Test(config, numbers_and_durations)
{
	static const char *const durations[] = {
		"5", "-5s", "5 s", "5x", "s", "0s", "25h", "1.5s", "99999999999999999999s", "''"};
	for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
		CLEANUP(mem_freep)
		char *text = mem_printf("network: {retry_base: %s}\n", durations[i]);
		CLEANUP(mem_freep)
		char *fault =
			mem_printf("1:23: expected retry_base: a duration such as 500ms, 30s or "
				   "1m30s, up to 24h, found \"%s\"\n",
				strcmp(durations[i], "''") == 0 ? "" : durations[i]);
		expect_faults(text, fault);
	}
	expect_faults("network: {attempts: 0, connections_per_host: 1001}\n",
		"1:21: expected attempts: a number from 1 to 20, found \"0\"\n"
		"1:46: expected connections_per_host: a number from 1 to 1000, found \"1001\"\n");
	static const char *const rates[] = {"0B", "16", "KiB", "16kb", "1025MiB", "-1B"};
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		CLEANUP(mem_freep)
		char *text = mem_printf("network: {minimum_rate: %s}\n", rates[i]);
		CLEANUP(mem_freep)
		char *fault =
			mem_printf("1:25: expected minimum_rate: bytes a second, such as 512B, "
				   "16KiB or 1MiB, found \"%s\"\n",
				rates[i]);
		expect_faults(text, fault);
	}
}

Test(config, faults_are_bounded)
{
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);
	for (int i = 0; i < 200; i++)
		str_addf(&text, "k%d: 0\n", i);
	CLEANUP(sandbox_remove) struct sandbox box = sandbox_make(str_text(&text));
	CLEANUP(config_release) struct config config = {0};
	CLEANUP(err_freep) struct err *err = NULL;
	cr_assert_not(config_load(box.config, NULL, &config, &err));
	cr_assert(strstr(err->msg, "100:1: unknown key"));
	cr_assert(strstr(err->msg, "more than 100 faults"));
	cr_assert_not(strstr(err->msg, ":101:"));
}

/* ---- Trust rule 18 ---- */

static void expect_refused(const char *path, const char *tree)
{
	CLEANUP(config_release) struct config config = {0};
	CLEANUP(err_freep) struct err *err = NULL;
	cr_assert_not(config_load(path, tree, &config, &err), "%s", path);
	cr_assert(err_is(err, ERR_USAGE));
	cr_assert(strstr(err->msg, "manifest tree"), "%s", err->msg);
}

Test(config, the_tree_does_not_configure_its_own_run)
{
	CLEANUP(sandbox_remove)
	struct sandbox box = sandbox_make("registries: {a.io: {ca: tree/ca.pem}}\n");
	CLEANUP(mem_freep) char *inside = fs_join(box.tree, "cip.yaml");
	CLEANUP(mem_freep) char *link_out = fs_join(box.tree, "link");
	CLEANUP(mem_freep) char *link_in = fs_join(box.root, "link.yaml");
	CLEANUP(mem_freep) char *tree_link = fs_join(box.root, "same-tree");
	CLEANUP(mem_freep) char *roundabout = mem_printf("%s/../tree/cip.yaml", box.tree);
	write_file(inside, "");
	cr_assert_eq(symlink(box.config, link_out), 0);
	cr_assert_eq(symlink(inside, link_in), 0);
	cr_assert_eq(symlink(box.tree, tree_link), 0);
	expect_refused(inside, box.tree);
	expect_refused(inside, tree_link);
	expect_refused(link_out, box.tree);
	expect_refused(link_in, box.tree);
	expect_refused(roundabout, box.tree);
	expect_refused(inside, box.root);
	expect_refused(box.config, box.tree); /* its ca lies in the tree */
}

Test(config, beside_the_tree_is_fine)
{
	CLEANUP(sandbox_remove)
	struct sandbox box = sandbox_make("registries: {a.io: {ca: ca.pem}}\n");
	CLEANUP(mem_freep) char *beside = fs_join(box.root, "tree.yaml");
	CLEANUP(mem_freep) char *ca = fs_join(box.root, "ca.pem");
	CLEANUP(config_release) struct config config = {0};
	CLEANUP(config_release) struct config other = {0};
	write_file(beside, "");
	cr_assert(config_load(beside, box.tree, &other, NULL));
	cr_assert(config_load(box.config, box.tree, &config, NULL));
	cr_assert_str_eq(config.hosts.items[0].ca_file, ca, "relative to the configuration");
}

Test(config, a_file_that_cannot_be_read)
{
	CLEANUP(sandbox_remove) struct sandbox box = sandbox_make("");
	CLEANUP(config_release) struct config config = {0};
	CLEANUP(err_freep) struct err *err = NULL;
	cr_assert_not(config_load(box.tree, NULL, &config, &err));
	cr_assert(err_is(err, ERR_USAGE));
	cr_assert_not(config_load("/nonexistent/cip.yaml", NULL, &config, &err));
	cr_assert(strstr(err->msg, "/nonexistent/cip.yaml"));
}

Test(config, warnings)
{
	CLEANUP(config_release) struct config config = {0};
	CLEANUP(str_release) struct str text = STR_INIT(STR_TEXT_MAX);
	load("registries:\n"
	     "  a.io: {endpoint: \"127.0.0.1:5000\", plain_http: true}\n"
	     "  b.io: {tls_verify: false}\n"
	     "  c.io: {endpoint: d.io, ca: /x, tls_verify: true, plain_http: false}\n",
		&config);
	config_warnings(&config, &text);
	cr_assert_str_eq(str_text(&text),
		"a.io: plain_http: everything to and from 127.0.0.1:5000, credentials too, can be "
		"read and changed on the way\n"
		"b.io: tls_verify: false: whoever answers for b.io is believed, credentials "
		"included\n");
}
