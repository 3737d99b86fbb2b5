/*
 * `network:` of cip.yaml: numbers for net/, which knows the defaults and what they do.
 */
#include <string.h>

#include "base/enc.h"
#include "reconciler/config_private.h"

#define RATE_MAX ((uint64_t)1 << 30)

/* "16KiB". *ret_rate stays as it is after a fault. */
static void parse_rate(
	struct config_parse *p, const struct yml_node *node, const char *name, uint64_t *ret_rate)
{
	static const struct {
		const char *name;
		uint64_t bytes;
	} units[] = {{"B", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}};
	CLEANUP(mem_freep)
	char *what = mem_printf("%s: bytes a second, such as 512B, 16KiB or 1MiB", name);
	uint64_t number = 0, unit = 0;
	if (!yml_text(p->yml, node, what))
		return;
	size_t digits = strspn(node->text, "0123456789");
	CLEANUP(mem_freep) char *count = mem_strndup(node->text, digits);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(units[i].name, node->text + digits) == 0)
			unit = units[i].bytes;
	if (!unit || !number_parse(count, RATE_MAX / unit, &number) || number == 0)
		yml_fault(p->yml, node, "expected %s, found \"%.40s\"", what, node->text);
	else
		*ret_rate = number * unit;
}

void config_network(struct config_parse *p, const struct yml_node *node)
{
	static const char *const fields[] = {"connections_per_host", "attempts", "connect_timeout",
		"first_byte_timeout", "stall_timeout", "request_timeout", "retry_base", "retry_max",
		"retry_after_max", "slow_destination", "minimum_rate", "retry_budget", NULL};
	struct http_options *network = &p->config->network;
	int64_t *const durations[] = {&network->connect_timeout_ms, &network->first_byte_timeout_ms,
		&network->stall_timeout_ms, &network->request_timeout_ms, &network->retry_base_ms,
		&network->retry_max_ms, &network->retry_after_max_ms,
		&p->config->slow_destination_ms};
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
		else if (field - 2 == sizeof(durations) / sizeof(durations[0]))
			parse_rate(p, &value, fields[field], &network->minimum_rate);
		else if (field - 2 > sizeof(durations) / sizeof(durations[0]))
			config_count(p, &value, fields[field], 1000000, &network->retry_budget);
		else
			config_duration(p, &value, fields[field], durations[field - 2]);
	}
}
