/*
 * libyaml's events behind a strict pull reader. Knows YAML and positions; knows no schema and no
 * file names: faults go to the sink of whoever opened the file. Builds nothing: only the keys of
 * the mappings that are open are kept, to find duplicates.
 */
#include "reconciler/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/str.h"
#include "base/strmap.h"
#include "base/vec.h"

/* Below this many keys comparing them one by one is cheaper than hashing. */
#define KEYS_HASHED 16

struct seen_key {
	uint32_t hash, line;
	size_t offset, len; /* in keys.text */
};

/* The keys of one open mapping. */
struct keys {
	VEC(struct seen_key) list;
	struct str text;
	uint32_t *slots; /* index into list + 1, 0 is empty; valid from KEYS_HASHED keys on */
	size_t capacity; /* power of two */
};

struct yml {
	yaml_parser_t parser;
	yaml_event_t event; /* the last one; owns the text of the last scalar */
	bool have_event;
	bool failed; /* syntax error or stopped: no more events are read */
	const char *bytes;
	size_t len;
	struct yml_sink sink;
	unsigned depth; /* of open collections */
	struct keys keys[YML_DEPTH_MAX + 1];
};

/* ---- Faults ---- */

static void fault_at(struct yml *yml, uint32_t line, uint32_t column, const char *message)
{
	yml->sink.fault(yml->sink.ctx, line, column, message);
}

void yml_fault(struct yml *yml, const struct yml_node *node, const char *fmt, ...)
{
	if (yml->failed)
		return;
	va_list args;
	va_start(args, fmt);
	CLEANUP(mem_freep) char *message = mem_vprintf(fmt, args);
	va_end(args);
	fault_at(yml, node->line, node->column, message);
}

static uint32_t position(size_t mark)
{
	return mark < UINT32_MAX ? (uint32_t)mark + 1 : UINT32_MAX;
}

/* The decoder tells a byte offset instead of a mark. */
static void fault_encoding(struct yml *yml)
{
	const yaml_parser_t *parser = &yml->parser;
	size_t offset = parser->problem_offset < yml->len ? parser->problem_offset : yml->len;
	uint32_t line = 1, column = 1;
	for (size_t i = 0; i < offset; i++) {
		column = yml->bytes[i] == '\n' ? 1 : column + 1;
		line += yml->bytes[i] == '\n';
	}
	CLEANUP(mem_freep)
	char *message = mem_printf("not a YAML text: %s (byte %zu)", parser->problem, offset);
	fault_at(yml, line, column, message);
}

static void fault_syntax(struct yml *yml)
{
	const yaml_parser_t *parser = &yml->parser;
	if (parser->error == YAML_READER_ERROR && parser->problem) {
		fault_encoding(yml);
		return;
	}
	CLEANUP(mem_freep)
	char *context = parser->context && parser->context_mark.line != parser->problem_mark.line
		? mem_printf(" (%s that begins on line %u)", parser->context,
			  position(parser->context_mark.line))
		: mem_printf("%s%s", parser->context ? " " : "",
			  parser->context ? parser->context : "");
	CLEANUP(mem_freep)
	char *message = mem_printf("not valid YAML: %s%s; the rest of this file is not read",
		parser->problem ? parser->problem : "the parser gave up", context);
	fault_at(yml, position(parser->problem_mark.line), position(parser->problem_mark.column),
		message);
}

/* ---- Events ---- */

static void drop_event(struct yml *yml)
{
	if (yml->have_event)
		yaml_event_delete(&yml->event);
	yml->have_event = false;
}

static yaml_event_type_t next_event(struct yml *yml)
{
	if (yml->failed)
		return YAML_NO_EVENT;
	drop_event(yml);
	if (!yaml_parser_parse(&yml->parser, &yml->event)) {
		yml->failed = true;
		fault_syntax(yml);
		return YAML_NO_EVENT;
	}
	yml->have_event = true;
	return yml->event.type;
}

struct yml *yml_open(const char *bytes, size_t len, const struct yml_sink *sink)
{
	struct yml *yml = mem_new(1, sizeof(*yml));
	yml->bytes = bytes;
	yml->len = len;
	yml->sink = *sink;
	/* Decoding makes at most three bytes of two. */
	for (size_t i = 0; i <= YML_DEPTH_MAX; i++)
		str_init(&yml->keys[i].text, 2 * len + 2);
	if (!yaml_parser_initialize(&yml->parser)) {
		/* Only memory can lack here; the parser then says so at the first event. */
		yml->failed = true;
		fault_at(yml, 0, 0, "libyaml cannot work");
		return yml;
	}
	yaml_parser_set_input_string(&yml->parser, (const unsigned char *)bytes, len);
	return yml;
}

void yml_free(struct yml *yml)
{
	if (!yml)
		return;
	drop_event(yml);
	yaml_parser_delete(&yml->parser);
	for (size_t i = 0; i <= YML_DEPTH_MAX; i++) {
		vec_release(&yml->keys[i].list);
		str_release(&yml->keys[i].text);
		mem_free(yml->keys[i].slots);
	}
	mem_free(yml);
}

void yml_stop(struct yml *yml)
{
	yml->failed = true;
}

bool yml_is_over(const struct yml *yml)
{
	return yml->failed;
}

/* ---- Nodes ---- */

static bool is_null(const char *text, size_t len)
{
	if (len == 4)
		return memcmp(text, "null", 4) == 0 || memcmp(text, "Null", 4) == 0 ||
			memcmp(text, "NULL", 4) == 0;
	return len == 0 || (len == 1 && text[0] == '~');
}

static void scalar_node(const yaml_event_t *event, struct yml_node *node)
{
	node->text = (const char *)event->data.scalar.value;
	node->len = event->data.scalar.length;
	node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	node->kind = node->plain && is_null(node->text, node->len) ? YML_NULL : YML_SCALAR;
}

static void refuse_properties(struct yml *yml, const struct yml_node *node,
	const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor)
		yml_fault(yml, node,
			"anchor &%.40s: anchors and aliases are not supported; write the value out",
			(const char *)anchor);
	if (tag)
		yml_fault(yml, node,
			"tag %.80s: explicit tags are not supported; quote the value instead",
			(const char *)tag);
}

static void clear_keys(struct keys *keys)
{
	vec_clear(&keys->list);
	str_clear(&keys->text);
}

static bool enter(struct yml *yml, const struct yml_node *node)
{
	if (yml->depth == YML_DEPTH_MAX) {
		yml_fault(yml, node,
			"nested deeper than %d levels; the rest of this file is not read",
			YML_DEPTH_MAX);
		yml->failed = true;
		return false;
	}
	yml->depth++;
	if (node->kind == YML_MAPPING)
		clear_keys(&yml->keys[yml->depth]);
	return true;
}

/*
 * The node that the next event begins. False if the innermost collection ends instead, or there is
 * nothing more to read.
 */
static bool next_node(struct yml *yml, struct yml_node *node)
{
	yaml_event_type_t type = next_event(yml);
	const yaml_event_t *event = &yml->event;
	if (type == YAML_NO_EVENT)
		return false;
	*node = (struct yml_node){.kind = YML_BAD,
		.line = position(event->start_mark.line),
		.column = position(event->start_mark.column)};

	switch (type) {
	case YAML_SCALAR_EVENT:
		scalar_node(event, node);
		refuse_properties(yml, node, event->data.scalar.anchor, event->data.scalar.tag);
		return true;
	case YAML_SEQUENCE_START_EVENT:
		node->kind = YML_SEQUENCE;
		refuse_properties(yml, node, event->data.sequence_start.anchor,
			event->data.sequence_start.tag);
		return enter(yml, node);
	case YAML_MAPPING_START_EVENT:
		node->kind = YML_MAPPING;
		refuse_properties(
			yml, node, event->data.mapping_start.anchor, event->data.mapping_start.tag);
		return enter(yml, node);
	case YAML_ALIAS_EVENT:
		yml_fault(yml, node,
			"alias *%.40s: anchors and aliases are not supported; write the value out",
			(const char *)event->data.alias.anchor);
		return true;
	default: /* the end of a sequence or mapping */
		if (yml->depth > 0)
			yml->depth--;
		return false;
	}
}

struct yml_node yml_root(struct yml *yml)
{
	struct yml_node node = {.kind = YML_BAD};
	yaml_event_type_t type = next_event(yml);
	if (type == YAML_STREAM_START_EVENT)
		type = next_event(yml);
	if (type == YAML_DOCUMENT_START_EVENT)
		next_node(yml, &node);
	else if (type == YAML_STREAM_END_EVENT)
		node = (struct yml_node){.kind = YML_NULL, .line = 1, .column = 1};
	return node;
}

bool yml_end(struct yml *yml)
{
	if (yml->have_event && yml->event.type == YAML_STREAM_END_EVENT)
		return !yml->failed;
	yaml_event_type_t type = next_event(yml);
	if (type == YAML_DOCUMENT_END_EVENT)
		type = next_event(yml);
	if (type == YAML_DOCUMENT_START_EVENT) {
		struct yml_node place = {.line = position(yml->event.start_mark.line),
			.column = position(yml->event.start_mark.column)};
		yml_fault(
			yml, &place, "a second document begins here: expected one document a file");
		yml->failed = true;
	}
	return !yml->failed;
}

bool yml_item(struct yml *yml, struct yml_node *ret_item)
{
	return next_node(yml, ret_item);
}

struct yml_node yml_value(struct yml *yml)
{
	struct yml_node node = {.kind = YML_BAD};
	if (!next_node(yml, &node))
		node.kind = YML_BAD;
	return node;
}

/* Passes over a collection; nothing for other nodes. */
static void skip(struct yml *yml, const struct yml_node *node)
{
	if (node->kind != YML_SEQUENCE && node->kind != YML_MAPPING)
		return;
	struct yml_node inner;
	for (unsigned outside = yml->depth - 1; yml->depth > outside && !yml->failed;)
		next_node(yml, &inner);
}

/* ---- Keys ---- */

static bool same_key(const struct keys *keys, const struct seen_key *key, uint32_t hash,
	const struct yml_node *node)
{
	return key->hash == hash && key->len == node->len &&
		memcmp(keys->text.bytes + key->offset, node->text, node->len) == 0;
}

static void hash_keys(struct keys *keys)
{
	keys->capacity = 4 * KEYS_HASHED;
	while (keys->capacity < 4 * keys->list.len)
		keys->capacity *= 2;
	keys->slots = mem_resize(keys->slots, keys->capacity, sizeof(*keys->slots));
	memset(keys->slots, 0, keys->capacity * sizeof(*keys->slots));
	for (size_t i = 0; i < keys->list.len; i++) {
		size_t at = keys->list.items[i].hash & (keys->capacity - 1);
		while (keys->slots[at])
			at = (at + 1) & (keys->capacity - 1);
		keys->slots[at] = (uint32_t)i + 1;
	}
}

static const struct seen_key *find_key(
	const struct keys *keys, uint32_t hash, const struct yml_node *node)
{
	if (keys->list.len < KEYS_HASHED) {
		for (size_t i = 0; i < keys->list.len; i++)
			if (same_key(keys, &keys->list.items[i], hash, node))
				return &keys->list.items[i];
		return NULL;
	}
	for (size_t at = hash & (keys->capacity - 1); keys->slots[at];
		at = (at + 1) & (keys->capacity - 1)) {
		const struct seen_key *key = &keys->list.items[keys->slots[at] - 1];
		if (same_key(keys, key, hash, node))
			return key;
	}
	return NULL;
}

static void add_key(struct keys *keys, uint32_t hash, const struct yml_node *node)
{
	*vec_push(&keys->list) = (struct seen_key){
		.hash = hash, .line = node->line, .offset = keys->text.len, .len = node->len};
	str_add(&keys->text, node->text, node->len);
	if (keys->list.len < KEYS_HASHED)
		return;
	if (keys->list.len == KEYS_HASHED || 2 * keys->list.len > keys->capacity) {
		hash_keys(keys);
		return;
	}
	size_t at = hash & (keys->capacity - 1);
	while (keys->slots[at])
		at = (at + 1) & (keys->capacity - 1);
	keys->slots[at] = (uint32_t)keys->list.len;
}

/* True if the key may be used; otherwise it has been reported. */
static bool accept_key(struct yml *yml, const struct yml_node *node)
{
	if (node->kind == YML_BAD)
		return false;
	if (node->kind != YML_SCALAR) {
		yml_fault(yml, node, "expected a key, found %s",
			node->kind == YML_NULL ? "nothing or null" : "a collection");
		skip(yml, node);
		return false;
	}
	if (node->plain && node->len == 2 && memcmp(node->text, "<<", 2) == 0) {
		yml_fault(yml, node, "merge keys (<<) are not supported; write the keys out");
		return false;
	}

	struct keys *keys = &yml->keys[yml->depth];
	uint32_t hash = strmap_hash(node->text, node->len);
	const struct seen_key *first = find_key(keys, hash, node);
	if (first) {
		yml_fault(yml, node, "duplicate key \"%.100s\": it stands on line %u already",
			node->text, first->line);
		return false;
	}
	add_key(keys, hash, node);
	return true;
}

bool yml_key(struct yml *yml, struct yml_node *ret_key)
{
	while (next_node(yml, ret_key)) {
		if (accept_key(yml, ret_key))
			return true;
		struct yml_node value = yml_value(yml);
		skip(yml, &value);
	}
	return false;
}

static void fault_unknown_key(struct yml *yml, const struct yml_node *key, const char *const *names)
{
	CLEANUP(str_release) struct str known = STR_INIT(1024);
	for (size_t i = 0; names[i]; i++)
		str_addf(&known, "%s%s", i == 0 ? "" : names[i + 1] ? ", " : " or ", names[i]);
	yml_fault(yml, key, "unknown key \"%.100s\": expected %s", key->text, str_text(&known));
}

bool yml_field(
	struct yml *yml, const char *const *names, size_t *ret_field, struct yml_node *ret_value)
{
	struct yml_node key;
	while (yml_key(yml, &key)) {
		for (size_t i = 0; names[i]; i++) {
			if (strlen(names[i]) == key.len &&
				memcmp(names[i], key.text, key.len) == 0) {
				*ret_value = yml_value(yml);
				*ret_field = i;
				return true;
			}
		}
		fault_unknown_key(yml, &key, names);
		struct yml_node value = yml_value(yml);
		skip(yml, &value);
	}
	return false;
}

/* ---- Types ---- */

static const char *kind_text(enum yml_kind kind)
{
	switch (kind) {
	case YML_NULL:
		return "nothing or null";
	case YML_SCALAR:
		return "a single value";
	case YML_SEQUENCE:
		return "a list";
	case YML_MAPPING:
		return "a mapping";
	default:
		return "nothing";
	}
}

bool yml_expect(struct yml *yml, const struct yml_node *node, enum yml_kind kind, const char *what)
{
	if (node->kind == kind)
		return true;
	if (node->kind != YML_BAD)
		yml_fault(yml, node, "expected %s, found %s", what, kind_text(node->kind));
	skip(yml, node);
	return false;
}

bool yml_text(struct yml *yml, const struct yml_node *node, const char *what)
{
	if (!yml_expect(yml, node, YML_SCALAR, what))
		return false;
	if (memchr(node->text, '\0', node->len)) {
		yml_fault(yml, node, "expected %s, found text with a NUL byte", what);
		return false;
	}
	return true;
}

bool yml_bool(struct yml *yml, const struct yml_node *node, const char *what, bool *ret_value)
{
	static const struct {
		const char *spellings[3];
		bool value;
	} booleans[] = {
		{{"true", "True", "TRUE"}, true},
		{{"yes", "Yes", "YES"}, true},
		{{"on", "On", "ON"}, true},
		{{"y", "Y", "Y"}, true},
		{{"false", "False", "FALSE"}, false},
		{{"no", "No", "NO"}, false},
		{{"off", "Off", "OFF"}, false},
		{{"n", "N", "N"}, false},
	};
	if (!yml_text(yml, node, what))
		return false;
	for (size_t i = 0; node->plain && i < 3 * sizeof(booleans) / sizeof(booleans[0]); i++) {
		if (strcmp(booleans[i / 3].spellings[i % 3], node->text) == 0) {
			*ret_value = booleans[i / 3].value;
			return true;
		}
	}
	yml_fault(yml, node, "expected %s, found %s \"%.40s\"", what,
		node->plain ? "text" : "the quoted text", node->text);
	return false;
}
