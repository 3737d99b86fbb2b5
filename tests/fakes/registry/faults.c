/*
 * Fault rules, one a line, the first that matches counts:
 *
 *	METHOD TARGET-GLOB NTH ACTION [ARGUMENT]
 *
 * METHOD may be *. The glob is matched against path and query; * crosses slashes. NTH is the number
 * of the matching request (1 is the first), or N+ for it and all later ones. Actions:
 *
 *	status CODE [Header: value]	reset-before	reset-mid	truncate
 *	flip-bit	wrong-digest-header	no-digest-header	stall	stall-mid
 *	gigabyte	bad-json	encoded	redirect URL	header Name: value	endless-headers
 *	file CODE MEDIA-TYPE PATH (answers with the bytes of a file)
 *	slow-read N (takes N bytes of the body every 10 ms; 0: none)
 *
 * When the file of rules is replaced it is read again, and counting begins anew.
 */
#include <fnmatch.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/enc.h"
#include "base/vec.h"
#include "tests/fakes/registry/fake.h"

struct rule {
	char *method, *glob, *argument;
	uint64_t nth;
	bool and_later;
	enum fault_action action;
	uint64_t seen;
};

static VEC(struct rule) rules;
static struct stat rules_file;
static pthread_mutex_t rules_lock = PTHREAD_MUTEX_INITIALIZER;

static const char *const action_names[] = {
	[FAULT_STATUS] = "status",
	[FAULT_RESET_BEFORE] = "reset-before",
	[FAULT_RESET_MID] = "reset-mid",
	[FAULT_TRUNCATE] = "truncate",
	[FAULT_FLIP_BIT] = "flip-bit",
	[FAULT_WRONG_DIGEST] = "wrong-digest-header",
	[FAULT_NO_DIGEST] = "no-digest-header",
	[FAULT_STALL] = "stall",
	[FAULT_STALL_MID] = "stall-mid",
	[FAULT_GIGABYTE] = "gigabyte",
	[FAULT_BAD_JSON] = "bad-json",
	[FAULT_ENCODED] = "encoded",
	[FAULT_REDIRECT] = "redirect",
	[FAULT_HEADER] = "header",
	[FAULT_ENDLESS_HEADERS] = "endless-headers",
	[FAULT_FILE] = "file",
	[FAULT_SLOW_READ] = "slow-read",
};

static void bad_rule(const char *line)
{
	fprintf(stderr, "fake-registry: bad fault rule: %s\n", line);
	exit(2);
}

static enum fault_action parse_action(const char *name, const char *line)
{
	for (size_t i = 1; i < sizeof(action_names) / sizeof(action_names[0]); i++)
		if (strcmp(name, action_names[i]) == 0)
			return (enum fault_action)i;
	bad_rule(line);
	return FAULT_NONE;
}

/* The next word of *text in fresh memory, "" at the end. */
static char *next_word(const char **text)
{
	const char *start = *text + strspn(*text, " \t");
	size_t len = strcspn(start, " \t\n");
	*text = start + len;
	return mem_strndup(start, len);
}

static void parse_rule(const char *line)
{
	const char *at = line;
	struct rule rule = {.method = next_word(&at), .glob = next_word(&at)};
	CLEANUP(mem_freep) char *nth = next_word(&at);
	CLEANUP(mem_freep) char *action = next_word(&at);
	size_t digits = strspn(nth, "0123456789");
	rule.and_later = nth[digits] == '+';
	nth[digits] = '\0';
	at += strspn(at, " \t");
	rule.argument = mem_strndup(at, strcspn(at, "\n"));
	rule.action = parse_action(action, line);
	if (!number_parse(nth, UINT32_MAX, &rule.nth) || rule.nth == 0)
		bad_rule(line);
	*vec_push(&rules) = rule;
}

void faults_load(const char *path)
{
	CLEANUP(file_closep) FILE *file = fopen(path, "re");
	char line[4096];
	vec_clear(&rules); /* arguments may still be in use */
	if (!file) {
		perror(path);
		exit(2);
	}
	while (fgets(line, sizeof(line), file))
		if (line[strspn(line, " \t\n")] && line[0] != '#')
			parse_rule(line);
	fstat(fileno(file), &rules_file);
}

static bool rule_fires(struct rule *rule, const char *method, const char *target)
{
	if (strcmp(rule->method, "*") != 0 && strcmp(rule->method, method) != 0)
		return false;
	if (fnmatch(rule->glob, target, 0) != 0)
		return false;
	rule->seen++;
	return rule->seen == rule->nth || (rule->and_later && rule->seen > rule->nth);
}

static bool was_replaced(const char *path)
{
	struct stat now;
	return stat(path, &now) == 0 &&
		(now.st_ino != rules_file.st_ino ||
			now.st_mtim.tv_sec != rules_file.st_mtim.tv_sec ||
			now.st_mtim.tv_nsec != rules_file.st_mtim.tv_nsec);
}

struct fault faults_match(const char *method, const char *target)
{
	struct fault fault = {.action = FAULT_NONE};
	if (!fake_options.faults)
		return fault;
	pthread_mutex_lock(&rules_lock);
	if (was_replaced(fake_options.faults))
		faults_load(fake_options.faults);
	for (size_t i = 0; i < rules.len && fault.action == FAULT_NONE; i++)
		if (rule_fires(&rules.items[i], method, target))
			fault = (struct fault){rules.items[i].action, rules.items[i].argument};
	pthread_mutex_unlock(&rules_lock);
	return fault;
}
