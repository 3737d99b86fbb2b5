#include "tests/unit/reconciler/schema_check.h"

#include <jansson.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

struct check {
	json_t *root;
	const char *where; /* the member being looked at */
	bool quiet;	   /* another alternative may fit */
};

static bool matches(struct check *check, json_t *schema, json_t *value);

static bool fail(const struct check *check, const char *what)
{
	if (!check->quiet)
		fprintf(stderr, "%s: %s\n", check->where, what);
	return false;
}

static bool is_type(const char *name, json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return strcmp(name, "object") == 0;
	case JSON_ARRAY:
		return strcmp(name, "array") == 0;
	case JSON_STRING:
		return strcmp(name, "string") == 0;
	case JSON_INTEGER:
		return strcmp(name, "integer") == 0 || strcmp(name, "number") == 0;
	case JSON_REAL:
		return strcmp(name, "number") == 0;
	case JSON_TRUE:
	case JSON_FALSE:
		return strcmp(name, "boolean") == 0;
	case JSON_NULL:
		return strcmp(name, "null") == 0;
	default:
		return false;
	}
}

static bool type_matches(json_t *type, json_t *value)
{
	size_t i;
	json_t *one;

	if (!type || (json_is_string(type) && is_type(json_string_value(type), value)))
		return true;
	json_array_foreach(type, i, one) if (is_type(json_string_value(one), value)) return true;
	return false;
}

static bool pattern_matches(json_t *pattern, json_t *value)
{
	regex_t expression;
	bool matched;

	if (!pattern || !json_is_string(value))
		return true;
	if (regcomp(&expression, json_string_value(pattern), REG_EXTENDED | REG_NOSUB) != 0)
		return false;
	matched = regexec(&expression, json_string_value(value), 0, NULL, 0) == 0;
	regfree(&expression);
	return matched;
}

static bool listed(json_t *values, json_t *value)
{
	size_t i;
	json_t *one;

	if (!values)
		return true;
	json_array_foreach(values, i, one) if (json_equal(one, value)) return true;
	return false;
}

static bool any_matches(struct check *check, json_t *schemas, json_t *value)
{
	struct check quiet = {.root = check->root, .where = check->where, .quiet = true};
	size_t i;
	json_t *one;

	if (!schemas)
		return true;
	json_array_foreach(schemas, i, one) if (matches(&quiet, one, value)) return true;
	return false;
}

static bool members_match(struct check *check, json_t *schema, json_t *value)
{
	json_t *properties = json_object_get(schema, "properties");
	json_t *rest = json_object_get(schema, "additionalProperties");
	json_t *names = json_object_get(schema, "propertyNames");
	const char *name, *outer = check->where;
	json_t *member, *required;
	bool good = true;
	size_t i;

	json_array_foreach(json_object_get(schema, "required"), i,
		required) if (!json_object_get(value,
				      json_string_value(required))) return fail(check,
		json_string_value(required));
	json_object_foreach(value, name, member)
	{
		json_t *known = json_object_get(properties, name);
		json_t *text = json_string(name);

		check->where = name;
		if (names)
			good = matches(check, names, text) && good;
		if (known)
			good = matches(check, known, member) && good;
		else if (json_is_false(rest))
			good = fail(check, "unknown member");
		else if (rest)
			good = matches(check, rest, member) && good;
		json_decref(text);
	}
	check->where = outer;
	return good;
}

static bool matches(struct check *check, json_t *schema, json_t *value)
{
	json_t *reference = json_object_get(schema, "$ref");
	json_t *constant = json_object_get(schema, "const"), *item;
	size_t i;

	if (reference)
		return matches(check,
			json_object_get(json_object_get(check->root, "$defs"),
				json_string_value(reference) + strlen("#/$defs/")),
			value);
	if (!json_is_object(schema))
		return fail(check, "no such definition");
	if (!type_matches(json_object_get(schema, "type"), value))
		return fail(check, "wrong type");
	if (constant && !json_equal(constant, value))
		return fail(check, "wrong constant");
	if (!listed(json_object_get(schema, "enum"), value))
		return fail(check, "not one of the words");
	if (!pattern_matches(json_object_get(schema, "pattern"), value))
		return fail(check, "does not match the pattern");
	if (json_object_get(schema, "minimum") && json_integer_value(value) < 0)
		return fail(check, "negative");
	if (!any_matches(check, json_object_get(schema, "anyOf"), value))
		return fail(check, "matches nothing of anyOf");
	if (json_is_object(value) && !members_match(check, schema, value))
		return false;
	if (json_object_get(schema, "items"))
		json_array_foreach(
			value, i, item) if (!matches(check, json_object_get(schema, "items"),
						    item)) return false;
	return true;
}

bool schema_check(const char *schema, const char *document)
{
	json_error_t error;
	json_t *rules = json_loads(schema, JSON_REJECT_DUPLICATES, &error);
	json_t *value = rules ? json_loads(document, JSON_REJECT_DUPLICATES, &error) : NULL;
	struct check check = {.root = rules, .where = "document"};
	bool good = value && matches(&check, rules, value);

	if (!value)
		fprintf(stderr, "line %d: %s\n", error.line, error.text);
	json_decref(value);
	json_decref(rules);
	return good;
}
