/*
 * `trusted_identities:` of cip.yaml. A pair is made once while it is read, so that what is wrong with
 * it is said with its place; who uses the list makes it again.
 */
#include "reconciler/config_identities.h"

#include "reconciler/config_private.h"

#define IDENTITIES_MAX 1000

void config_identity_release(struct config_identity *identity)
{
	mem_free(identity->identity);
	mem_free(identity->identity_pattern);
	mem_free(identity->issuer);
	mem_free(identity->issuer_pattern);
	*identity = (struct config_identity){0};
}

/* ---- In the verifier's form ---- */

void trusted_signers_release(struct trusted_signers *signers)
{
	for (size_t i = 0; i < signers->patterns.len; i++)
		pattern_free(signers->patterns.items[i]);
	vec_release(&signers->patterns);
	vec_release(&signers->all);
}

/* One side of a pair; a new pattern is in ret_pattern. */
static bool make_name(const char *what, const char *exact, const char *text,
	struct pattern **ret_pattern, struct err **err)
{
	if (exact && text)
		return err_set(err, ERR_USAGE, "%s and %s_regexp exclude each other", what, what);
	if (!exact && !text)
		return err_set(err, ERR_USAGE, "%s or %s_regexp is missing", what, what);
	if (exact)
		return true;
	return pattern_new(text, PATTERN_WHOLE, ret_pattern, err) ||
		err_prefix(err, "%s_regexp", what);
}

bool trusted_signers_add(
	struct trusted_signers *signers, const struct config_identity *identity, struct err **err)
{
	CLEANUP(pattern_freep) struct pattern *who = NULL;
	CLEANUP(pattern_freep) struct pattern *voucher = NULL;

	if (!make_name("identity", identity->identity, identity->identity_pattern, &who, err) ||
		!make_name("issuer", identity->issuer, identity->issuer_pattern, &voucher, err))
		return false;
	*vec_push(&signers->all) =
		(struct policy_signer){{identity->identity, who}, {identity->issuer, voucher}};
	if (who)
		*vec_push(&signers->patterns) = steal_ptr(&who);
	if (voucher)
		*vec_push(&signers->patterns) = steal_ptr(&voucher);
	return true;
}

/* ---- From cip.yaml ---- */

static char *parse_text(struct config_parse *p, const struct yml_node *node, const char *what)
{
	if (!yml_text(p->yml, node, what))
		return NULL;
	if (node->len > 0)
		return mem_strdup(node->text);
	yml_fault(p->yml, node, "expected %s, found empty text", what);
	return NULL;
}

static void parse_pair(struct config_parse *p, const struct yml_node *node)
{
	static const char *const fields[] = {
		"identity", "identity_regexp", "issuer", "issuer_regexp", NULL};
	CLEANUP(config_identity_release) struct config_identity pair = {0};
	CLEANUP(trusted_signers_release) struct trusted_signers made = {0};
	CLEANUP(err_freep) struct err *why = NULL;
	char **const texts[] = {
		&pair.identity, &pair.identity_pattern, &pair.issuer, &pair.issuer_pattern};
	const unsigned faults = p->fault_count;
	struct yml_node value;
	size_t field;

	if (!yml_expect(p->yml, node, YML_MAPPING, "an identity with its issuer"))
		return;
	while (yml_field(p->yml, fields, &field, &value))
		*texts[field] = parse_text(p, &value, fields[field]);
	if (p->fault_count > faults)
		return;
	if (!trusted_signers_add(&made, &pair, &why)) {
		yml_fault(p->yml, node, "%s", why->msg);
		return;
	}
	*vec_push(&p->config->trusted_identities) = pair;
	pair = (struct config_identity){0};
}

void config_trusted_identities(struct config_parse *p, const struct yml_node *node)
{
	struct yml_node item;

	if (node->kind == YML_NULL ||
		!yml_expect(p->yml, node, YML_SEQUENCE,
			"trusted_identities: a list of identities with their issuers"))
		return;
	while (yml_item(p->yml, &item)) {
		if (p->config->trusted_identities.len == IDENTITIES_MAX) {
			yml_fault(
				p->yml, &item, "trusted_identities: more than %d", IDENTITIES_MAX);
			yml_stop(p->yml);
			return;
		}
		parse_pair(p, &item);
	}
}
