/*
 * `network:` of cip.yaml: numbers for net/, which knows the defaults and what they do.
 */
#include "reconciler/config_private.h"

void config_network(struct config_parse *p, const struct yml_node *node)
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
			config_count(
				p, &value, fields[field], 1000, &network->connections_per_host);
		else if (field == 1)
			config_count(p, &value, fields[field], 20, &network->attempts);
		else
			config_duration(p, &value, fields[field], durations[field - 2]);
	}
}
