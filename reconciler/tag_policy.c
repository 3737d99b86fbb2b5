/*
 * The schema of tag policies and their patterns. Knows neither projects nor files: what a faulty one
 * means for its project is reconciler/declared_policy.c's, what a mutable tag is good for the plan's.
 */
#include "reconciler/tag_policy.h"

#include <string.h>

#include "base/alloc.h"
#include "base/vec.h"

/* Longer than any name that could match. */
#define IMAGE_PATTERN_MAX 255
#define TAG_PATTERN_MAX 128

#define LETTERS "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"
#define IMAGE_CHARACTERS LETTERS DIGITS "._-/*?"
#define TAG_CHARACTERS LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS "._-*?"

struct rule {
	char *image; /* owned; NULL: every image */
	size_t first_tag, tag_count;
};

struct tag_policy {
	VEC(struct rule) rules;
	VEC(char *) tags; /* owned */
};

struct parse {
	struct tag_policy *policy;
	struct yml *yml;
	const struct yml_sink *sink;
	size_t faults;
};

static void on_fault(void *ctx, uint32_t line, uint32_t column, const char *message)
{
	struct parse *p = ctx;

	if (p->faults == TAG_POLICY_FAULTS_MAX)
		return;
	p->sink->fault(p->sink->ctx, line, column, message);
	if (++p->faults == TAG_POLICY_FAULTS_MAX)
		yml_stop(p->yml);
}

/* In fresh memory; NULL, with a fault, if it can be no pattern of a name. */
static char *parse_pattern(struct parse *p, const struct yml_node *node, const char *what,
	const char *characters, size_t max)
{
	size_t good;

	if (!yml_text(p->yml, node, what))
		return NULL;
	good = strspn(node->text, characters);
	if (!node->len)
		yml_fault(p->yml, node, "expected %s, found empty text", what);
	else if (node->text[good])
		yml_fault(p->yml, node,
			"\"%.140s\": a pattern has the characters that such a name may have, '*' "
			"and '?'",
			node->text);
	else if (node->len > max)
		yml_fault(p->yml, node, "a pattern of %zu characters: at most %zu", node->len, max);
	else
		return mem_strdup(node->text);
	return NULL;
}

static void parse_tags(struct parse *p, const struct yml_node *node, struct rule *rule)
{
	struct yml_node item;

	if (!yml_expect(p->yml, node, YML_SEQUENCE, "tags: a list of tags or patterns"))
		return;
	while (yml_item(p->yml, &item)) {
		char *pattern;

		if (p->policy->tags.len == TAG_POLICY_PATTERNS_MAX) {
			yml_fault(p->yml, &item, "more than %d tags and patterns",
				TAG_POLICY_PATTERNS_MAX);
			yml_stop(p->yml);
			return;
		}
		pattern = parse_pattern(
			p, &item, "a tag or a pattern", TAG_CHARACTERS, TAG_PATTERN_MAX);
		if (pattern)
			*vec_push(&p->policy->tags) = pattern;
	}
	rule->tag_count = p->policy->tags.len - rule->first_tag;
	if (!rule->tag_count)
		yml_fault(p->yml, node, "tags: expected at least one tag or pattern");
}

static void parse_rule(struct parse *p, const struct yml_node *item)
{
	static const char *const fields[] = {"image", "tags", NULL};
	struct rule rule = {.first_tag = p->policy->tags.len};
	struct yml_node value;
	bool has_tags = false;
	size_t field;

	if (!yml_expect(p->yml, item, YML_MAPPING, "a rule (a mapping with tags, and image)"))
		return;
	while (yml_field(p->yml, fields, &field, &value)) {
		if (field == 0) {
			rule.image =
				parse_pattern(p, &value, "image: the name of an image or a pattern",
					IMAGE_CHARACTERS, IMAGE_PATTERN_MAX);
		} else {
			has_tags = true;
			parse_tags(p, &value, &rule);
		}
	}
	if (!has_tags)
		yml_fault(p->yml, item, "rule without tags: expected tags");
	*vec_push(&p->policy->rules) = rule;
}

static void parse_rules(struct parse *p, const struct yml_node *node)
{
	struct yml_node item;

	if (node->kind == YML_NULL || !yml_expect(p->yml, node, YML_SEQUENCE, "mutable: a list"))
		return;
	/* No rule without a pattern, so the bound of these holds for the rules of a good file too. */
	while (yml_item(p->yml, &item))
		parse_rule(p, &item);
}

static void parse_document(struct parse *p)
{
	static const char *const fields[] = {"mutable", NULL};
	struct yml_node root = yml_root(p->yml), value;
	size_t field;

	if (root.kind != YML_NULL &&
		yml_expect(p->yml, &root, YML_MAPPING, "a tag policy (a mapping with mutable)"))
		while (yml_field(p->yml, fields, &field, &value))
			parse_rules(p, &value);
	yml_end(p->yml);
}

struct tag_policy *tag_policy_parse(const char *bytes, size_t len, const struct yml_sink *sink)
{
	CLEANUP(tag_policy_freep) struct tag_policy *policy = mem_new(1, sizeof(*policy));
	struct parse parse = {.policy = policy, .sink = sink};
	const struct yml_sink own = {.fault = on_fault, .ctx = &parse};
	CLEANUP(yml_freep) struct yml *yml = yml_open(bytes, len, &own);

	parse.yml = yml;
	parse_document(&parse);
	return parse.faults ? NULL : steal_ptr(&policy);
}

void tag_policy_free(struct tag_policy *policy)
{
	if (!policy)
		return;
	for (size_t i = 0; i < policy->rules.len; i++)
		mem_free(policy->rules.items[i].image);
	for (size_t i = 0; i < policy->tags.len; i++)
		mem_free(policy->tags.items[i]);
	vec_release(&policy->rules);
	vec_release(&policy->tags);
	mem_free(policy);
}

/*
 * After a mismatch only the last '*' can help: whatever an earlier one could take more of, the last
 * one can take instead.
 */
static bool matches(const char *pattern, const char *text)
{
	const char *star = NULL, *taken = text;

	while (*text) {
		if (*pattern == '*') {
			star = pattern++;
			taken = text;
		} else if (*pattern == '?' || *pattern == *text) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star + 1;
			text = ++taken;
		} else {
			return false;
		}
	}
	return !pattern[strspn(pattern, "*")];
}

bool tag_policy_allows(const struct tag_policy *policy, const char *image, const char *tag)
{
	for (size_t r = 0; r < policy->rules.len; r++) {
		const struct rule *rule = &policy->rules.items[r];

		if (rule->image && !matches(rule->image, image))
			continue;
		for (size_t t = 0; t < rule->tag_count; t++)
			if (matches(policy->tags.items[rule->first_tag + t], tag))
				return true;
	}
	return false;
}
