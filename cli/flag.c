/*
 * The flag parser. Knows types and spellings; which flags there are and which go together is the
 * business of cli/options.c.
 *
 * Where it differs from Go's pflag it is stricter: text flags of a FLAG_CHOICE are checked here, and
 * numbers are decimal.
 */
#include "cli/flag.h"

#include <assert.h>
#include <string.h>

#include "base/enc.h"
#include "cli/nearest.h"

size_t flag_count(const struct flag_set *set)
{
	size_t count = set->count;

	for (size_t i = 0; set->parts && set->parts[i]; i++)
		count += flag_count(set->parts[i]);
	return count;
}

const struct flag *flag_at(const struct flag_set *set, size_t index)
{
	for (size_t i = 0; set->parts && set->parts[i]; i++) {
		size_t count = flag_count(set->parts[i]);

		if (index < count)
			return flag_at(set->parts[i], index);
		index -= count;
	}
	return &set->flags[index];
}

/* The spellings of Go's strconv.ParseBool. */
static bool parse_bool(const char *text, bool *ret_value)
{
	static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
	static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (strcmp(text, yes[i]) == 0) {
			*ret_value = true;
			return true;
		}
		if (strcmp(text, no[i]) == 0) {
			*ret_value = false;
			return true;
		}
	}
	return false;
}

/* One "90s" of "1m90s"; moves *text past it. */
static bool parse_duration_part(const char **text, uint64_t *ret_ms)
{
	static const struct {
		const char *name;
		uint64_t ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 3600 * 1000}};
	char number[12];
	size_t digits = strspn(*text, "0123456789");
	size_t letters = strcspn(*text + digits, "0123456789");
	uint64_t count;

	if (digits == 0 || digits >= sizeof(number))
		return false;
	memcpy(number, *text, digits);
	number[digits] = '\0';
	if (!number_parse(number, UINT32_MAX, &count))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strlen(units[i].name) != letters ||
			strncmp(*text + digits, units[i].name, letters) != 0)
			continue;
		*ret_ms = count * units[i].ms;
		*text += digits + letters;
		return true;
	}
	return false;
}

static bool parse_duration(const char *text, uint64_t *ret_ms)
{
	uint64_t sum = 0;

	if (strcmp(text, "0") == 0) {
		*ret_ms = 0;
		return true;
	}
	do {
		uint64_t part;

		if (!parse_duration_part(&text, &part))
			return false;
		sum += part;
	} while (*text);
	*ret_ms = sum;
	return true;
}

static bool is_choice(const char *choices, const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || strchr(text, '|'))
		return false;
	for (const char *at = choices; at; at = strchr(at, '|')) {
		at += *at == '|';
		if (strncmp(at, text, len) == 0 && (at[len] == '|' || at[len] == '\0'))
			return true;
	}
	return false;
}

static bool set_number(const struct flag *flag, void *field, const char *text, struct err **err)
{
	uint64_t number;

	if (!number_parse(text, flag->max, &number) || number < flag->min)
		return err_set(err, ERR_USAGE, "--%s: \"%s\" is not a number from %llu to %llu",
			flag->name, text, (unsigned long long)flag->min,
			(unsigned long long)flag->max);
	*(uint64_t *)field = number;
	return true;
}

static bool set_duration(const struct flag *flag, void *field, const char *text, struct err **err)
{
	uint64_t ms;

	if (!parse_duration(text, &ms))
		return err_set(err, ERR_USAGE,
			"--%s: \"%s\" is not a duration; write it like 20s, 1m30s or 500ms",
			flag->name, text);
	if (ms < flag->min || ms > flag->max)
		return err_set(err, ERR_USAGE, "--%s: %s is not between %llu ms and %llu s",
			flag->name, text, (unsigned long long)flag->min,
			(unsigned long long)(flag->max / 1000));
	*(int64_t *)field = (int64_t)ms;
	return true;
}

static bool set_value(const struct flag *flag, void *target, const char *text, struct err **err)
{
	void *field = (char *)target + flag->offset;

	switch (flag->type) {
	case FLAG_BOOL:
		if (!parse_bool(text, field))
			return err_set(err, ERR_USAGE, "--%s: \"%s\" is neither true nor false",
				flag->name, text);
		return true;
	case FLAG_NUMBER:
		return set_number(flag, field, text, err);
	case FLAG_DURATION:
		return set_duration(flag, field, text, err);
	case FLAG_CHOICE:
		if (!is_choice(flag->choices, text))
			return err_set(err, ERR_USAGE, "--%s: \"%s\" is none of %s", flag->name,
				text, flag->choices);
		*(const char **)field = text;
		return true;
	case FLAG_TEXT:
	case FLAG_FILE:
	case FLAG_DIRECTORY:
		/* A job template with an empty variable means the same as no flag. */
		*(const char **)field = *text ? text : NULL;
		return true;
	}
	return err_set(err, ERR_INTERNAL, "--%s has no type", flag->name);
}

static void set_initial(const struct flag_set *set, void *target)
{
	for (size_t i = 0; i < flag_count(set); i++) {
		const struct flag *flag = flag_at(set, i);

		if (flag->initial) {
			bool set_ok = set_value(flag, target, flag->initial, NULL);
			assert(set_ok);
			(void)set_ok;
		} else if (flag->type == FLAG_BOOL) {
			*(bool *)((char *)target + flag->offset) = false;
		} else if (flag->type == FLAG_NUMBER || flag->type == FLAG_DURATION) {
			*(uint64_t *)((char *)target + flag->offset) = 0;
		} else {
			*(const char **)((char *)target + flag->offset) = NULL;
		}
	}
}

/* NULL if there is none of that name. */
static const struct flag *find(
	const struct flag_set *set, const char *name, size_t len, size_t *ret_index)
{
	for (size_t i = 0; i < flag_count(set); i++) {
		const struct flag *flag = flag_at(set, i);

		if (strncmp(flag->name, name, len) != 0 || flag->name[len] != '\0')
			continue;
		*ret_index = i;
		return flag;
	}
	return NULL;
}

/* "; did you mean --manifest?", in fresh memory. */
static char *suggestion(const struct flag_set *set, const char *name, size_t len)
{
	struct nearest search;

	nearest_init(&search, name, len);
	for (size_t i = 0; i < flag_count(set); i++) {
		if (flag_at(set, i)->state == FLAG_SHOWN)
			nearest_offer(&search, flag_at(set, i)->name);
	}
	return search.best ? mem_printf("; did you mean --%s?", search.best)
			   : mem_strdup(" (--help lists all flags)");
}

static bool unknown_flag(const struct flag_set *set, const char *argument, struct err **err)
{
	const char *name = argument + strspn(argument, "-");
	size_t len = strcspn(name, "=");
	CLEANUP(mem_freep) char *hint = suggestion(set, name, len);

	return err_set(err, ERR_USAGE, "unknown flag %.*s%s",
		(int)(name - argument + (ptrdiff_t)len), argument, hint);
}

static bool add_positional(const struct flag_set *set, const char *argument, const char *previous,
	struct flag_given *given, struct err **err)
{
	bool value;

	assert(set->max_positional <= FLAG_POSITIONAL_MAX);
	if (given->positional_count < set->max_positional) {
		given->positional[given->positional_count++] = argument;
		return true;
	}
	if (previous && parse_bool(argument, &value))
		return err_set(err, ERR_USAGE, "unexpected argument \"%s\"; write %s=%s", argument,
			previous, argument);
	return err_set(err, ERR_USAGE, "unexpected argument \"%s\"", argument);
}

/* Takes one "--name…" and, if its value stands apart, the argument after it. */
static bool parse_one(const struct flag_set *set, const char *const **cursor, void *target,
	struct flag_given *given, const struct flag **ret_flag, struct err **err)
{
	const char *argument = *(*cursor)++;
	const char *name = strcmp(argument, "-h") == 0 ? "help" : argument + 2;
	size_t len = strcspn(name, "=");
	const struct flag *flag = NULL;
	const char *value;
	size_t index = 0;

	if (strncmp(argument, "--", 2) == 0 || strcmp(argument, "-h") == 0)
		flag = find(set, name, len, &index);
	if (!flag)
		return unknown_flag(set, argument, err);
	/* Its value is not even looked at. */
	if (flag->state == FLAG_SECRET)
		return err_set(err, ERR_USAGE, "--%s: %s", flag->name, flag->help);
	if (name[len] == '=')
		value = name + len + 1;
	else if (flag->type == FLAG_BOOL)
		value = "true";
	else if (**cursor)
		value = *(*cursor)++;
	else
		return err_set(err, ERR_USAGE, "--%s needs a value: --%s=%s", flag->name,
			flag->name, flag->value);
	given->values[index] = value;
	*ret_flag = flag;
	return set_value(flag, target, value, err);
}

bool flag_parse(const struct flag_set *set, const char *const *arguments, void *target,
	struct flag_given *ret_given, struct err **err)
{
	struct flag_given given = {0};
	const char *previous = NULL;
	bool flags_ended = false;

	assert(flag_count(set) <= FLAG_MAX);
	set_initial(set, target);
	while (*arguments) {
		const struct flag *flag = NULL;

		if (flags_ended || **arguments != '-' || strcmp(*arguments, "-") == 0) {
			if (!add_positional(set, *arguments++, previous, &given, err))
				return false;
			continue;
		}
		if (strcmp(*arguments, "--") == 0) {
			flags_ended = true;
			arguments++;
			continue;
		}
		previous = *arguments;
		if (!parse_one(set, &arguments, target, &given, &flag, err))
			return false;
		if (flag->type != FLAG_BOOL || strchr(previous, '='))
			previous = NULL;
		if (flag->ends_parsing)
			break;
	}
	*ret_given = given;
	return true;
}
