/*
 * The order in which a command is set up and taken down.
 */
#include "cli/session.h"

#include <string.h>

#include "cip_version.h"
#include "reconciler/accounts.h"

void session_init(struct session *session, const struct options *options)
{
	*session = (struct session){.options = options, .output = output_new(options)};
}

void session_release(struct session *session)
{
	manifests_release(&session->manifests);
	http_free(session->http);
	if (session->signals)
		signals_stop(session->signals);
	cancel_free(session->cancel);
	config_release(&session->config);
	output_free(session->output);
}

int session_signal(const struct session *session)
{
	return session->signals ? signals_received(session->signals) : 0;
}

void session_log(enum log_level level, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		if (len)
			log_message(level, "%.*s", (int)len, text);
		text += len + (text[len] == '\n');
	}
}

void session_say_left_out(const struct session *session)
{
	const struct declared *declared = session->manifests.declared;

	for (size_t i = 0; declared && i < declared->findings.len; i++) {
		const struct finding *finding = &declared->findings.items[i];

		if (finding->kind == FINDING_TREE || finding->kind == FINDING_INVALID_FILE)
			output_finding(session->output, finding);
	}
}

/* `tree`: of the manifests, NULL: there are none. */
static bool load_config(struct session *session, const char *tree, struct err **err)
{
	CLEANUP(str_release) struct str warnings = STR_INIT(STR_TEXT_MAX);

	if (!session->options->config)
		return true;
	if (!config_load(session->options->config, tree, &session->config, err))
		return false;
	config_warnings(&session->config, &warnings);
	session_log(LOG_WARNING, str_text(&warnings));
	return true;
}

/* Checking a working tree needs neither threads nor libcurl, and stays as quick as reading it. */
static bool open_network(struct session *session, bool asks_registries, struct err **err)
{
	const struct options *options = session->options;
	struct http_options http = session->config.network;

	if (!asks_registries && !options->manifest_repo)
		return true;
	session->cancel = cancel_new();
	session->signals = signals_start(session->cancel, options->grace_ms);
	if (!asks_registries && !manifests_need_http(options))
		return true;
	http.cancel = session->cancel;
	http.user_agent = "cip/" CIP_VERSION;
	if (http.connections_per_host == 0)
		http.connections_per_host = (unsigned)options->threads;
	session->http = http_new(&http, err);
	return session->http != NULL;
}

bool session_load(struct session *session, bool asks_registries, struct err **err)
{
	CLEANUP(mem_freep) char *tree = manifests_tree(session->options);
	bool loaded;

	if (!load_config(session, tree, err) || !open_network(session, asks_registries, err))
		return false;
	loaded = manifests_load(session->options, &session->config, session->http, session->cancel,
		&session->manifests, err);
	if (session->manifests.directory)
		output_set_directory(session->output, session->manifests.directory);
	return loaded;
}

bool session_open(struct session *session, struct err **err)
{
	return load_config(session, NULL, err) && open_network(session, true, err);
}

struct registry *session_registry(const struct session *session, bool read_only, struct err **err)
{
	CLEANUP(accounts_release) struct accounts accounts = {0};

	if (session->manifests.declared)
		accounts_collect(session->manifests.declared, &accounts);
	const struct registry_options options = {
		.http = session->http,
		.hosts = session->config.hosts.items,
		.host_count = session->config.hosts.len,
		.read_only = read_only,
		.source_authfile = session->options->src_authfile,
		.destination_authfile = session->options->dest_authfile,
		.cert_dir = session->options->cert_dir,
		.google = {.impersonate = session->config.google_accounts.items,
			.impersonate_count = session->config.google_accounts.len,
			.iam_endpoint = session->config.google_iam_endpoint},
		.accounts = accounts.items.items,
		.account_count = accounts.items.len,
	};

	return registry_new(&options, err);
}
