/*
 * converge EXPERIMENT [OPTION VALUE]... -- COMMAND... [-- COMMAND...]
 *
 * Runs commands that bring registries into a state, disturbs them at one request after the other,
 * runs them again undisturbed, and compares the state with that after an undisturbed run. Options
 * are in world.h; besides: --part I/N, every Nth experiment from the Ith (from 0) on; --last-word N: so
 * many runs of the others before two that overlapped are compared; --records yes: what the others record when they
 * are alone is there too.
 *
 *	claims	the state of the destinations as it is; nothing is run
 *	once	an undisturbed run, whose state and requests are printed; another, which writes nothing
 *	kill	SIGKILL before and after every request
 *	faults	every wrong answer at every request
 *	refuse	each destination refuses all writes from its kth write on
 *	down	each server does not answer at all
 *	overlap	the others run while the kth request is held; then that passes, or its sender is killed
 *	together	two run at the same time
 *
 * Exit code 1 and what is different if anything is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/enc.h"
#include "tests/integration/converge/world.h"

static struct world world;
static struct lines recorded; /* by the others, if only they had run */
static uint64_t part, parts = 1, last_word;
static bool compares_records;
static size_t experiments, failures;

static const struct gate_rule undisturbed = {.action = GATE_PASS};

static void usage_exit(void)
{
	fputs("usage: converge claims|once|kill|faults|refuse|down|overlap|together [OPTION "
	      "VALUE]... -- "
	      "COMMAND...\n",
		stderr);
	exit(2);
}

static void take_option(const char *option, const char *value)
{
	CLEANUP(mem_freep) char *first = mem_strndup(value, strcspn(value, "/"));
	const char *slash = strchr(value, '/');

	compares_records |= strcmp(option, "--records") == 0;
	if (strcmp(option, "--records") == 0)
		return;
	if (strcmp(option, "--last-word") == 0 && number_parse(value, 9, &last_word))
		return;
	if (strcmp(option, "--part") != 0 || !slash || !number_parse(first, UINT32_MAX, &part) ||
		!number_parse(slash + 1, UINT32_MAX, &parts) || parts == 0)
		usage_exit();
}

/* Whether the next experiment is in our part. */
static bool is_ours(void)
{
	return experiments++ % parts == part % parts;
}

/* ---- Lines ---- */

static bool is_about(const char *line, const char *server)
{
	size_t len = strlen(server);

	return strncmp(line, server, len) == 0 && line[len] == '/';
}

static bool is_claim(const char *line)
{
	const char *at = strchr(line, '@');

	return at && at < strchr(line, ' ');
}

/* What mirrors lack of that is for the report; the exit code is about the rest. */
static bool is_claim_at_mirror(const char *line, const char *unused)
{
	(void)unused;
	return strncmp(line, "mirror", 6) == 0 && is_claim(line);
}

/* ---- Expectations ---- */

static void failed(const char *name, size_t k, const char *what)
{
	failures++;
	printf("FAILED: %s at request %zu (%s): %s\n", name, k, gate_met(world.gate), what);
}

/* True if the destinations are as they should be; prints what is not. */
static bool is_as_wanted(bool (*skips)(const char *line, const char *server), const char *server)
{
	CLEANUP(lines_release) struct lines lines = {0};

	world_state(&world, &lines);
	return world_differences(&world, &lines, skips, server) == 0;
}

static bool is_as_wanted_quietly(void)
{
	CLEANUP(lines_release) struct lines lines = {0};
	size_t same = 0;

	world_state(&world, &lines);
	if (lines.texts.len != world.wanted.texts.len)
		return false;
	while (same < lines.texts.len &&
		strcmp(lines.texts.items[same], world.wanted.texts.items[same]) == 0)
		same++;
	return same == lines.texts.len;
}

static void expect_converged(const char *name, size_t k, const char *met)
{
	struct world_end end = world_run(&world, &undisturbed);

	if (end.status != 0) {
		failures++;
		printf("FAILED: %s at request %zu (%s): the run afterwards ends with %d\n", name, k,
			met, end.status);
		world_print_output(&world);
	} else if (!is_as_wanted(NULL, NULL)) {
		failures++;
		printf("FAILED: %s at request %zu (%s): the run afterwards leaves another state\n",
			name, k, met);
	}
}

/* Of every fourth experiment: it costs as much as what it follows. */
static void expect_no_write(const char *name)
{
	static size_t count;

	if (count++ % 4)
		return;
	/* Where the others differ, theirs is what is declared now. */
	int status = world.others.len ? world_run_others(&world)
				      : world_run(&world, &undisturbed).status;
	if (status != 0 || gate_writes(world.gate) != 0) {
		CLEANUP(mem_freep) char *log = gate_log(world.gate);
		failures++;
		printf("FAILED: %s: a run more does not end well, or writes:\n%s", name, log);
	}
}

/* The undisturbed run, with which all is compared. */
static void undisturbed_run(void)
{
	if (compares_records) {
		world_empty(&world);
		world_run_others(&world);
		world_state(&world, &recorded);
	}
	world_empty(&world);
	struct world_end end = world_run(&world, &undisturbed);
	if (end.status == 0 && world.others.len)
		end.status = world_run_others(&world);
	if (end.status != 0) {
		printf("the undisturbed run ends with %d:\n", end.status);
		world_print_output(&world);
		exit(1);
	}
	world_state(&world, &world.wanted);
}

/* ---- Experiments ---- */

static void once(void)
{
	undisturbed_run();
	CLEANUP(mem_freep) char *log = gate_log(world.gate);
	for (size_t i = 0; i < world.wanted.texts.len; i++)
		puts(world.wanted.texts.items[i]);
	fputs(log, stderr);
	expect_no_write("once");
	if (!is_as_wanted(NULL, NULL))
		failures++;
}

static void kill_at_each(void)
{
	static const char *const names[] = {"killed before it", "killed after it"};
	bool acted = true;

	undisturbed_run();
	for (size_t k = 1; acted; k++)
		for (int after = 0; after < 2; after++) {
			const struct gate_rule rule = {
				.action = after ? GATE_KILL_AFTER : GATE_KILL_BEFORE, .nth = k};
			if (!is_ours())
				continue;
			world_empty(&world);
			struct world_end end = world_run(&world, &rule);
			acted = gate_acted(world.gate);
			if (!acted)
				break;
			CLEANUP(mem_freep) char *met = mem_strdup(gate_met(world.gate));
			if (!end.is_killed)
				failed(names[after], k, "not killed");
			expect_converged(names[after], k, met);
			expect_no_write(names[after]);
		}
}

static const struct {
	const char *name;
	enum gate_action action;
	int status;
} faults[] = {
	{"400", GATE_STATUS, 400},
	{"401", GATE_STATUS, 401},
	{"403", GATE_STATUS, 403},
	{"404", GATE_STATUS, 404},
	{"409", GATE_STATUS, 409},
	{"413", GATE_STATUS, 413},
	{"429", GATE_STATUS, 429},
	{"500", GATE_STATUS, 500},
	{"502", GATE_STATUS, 502},
	{"503", GATE_STATUS, 503},
	{"reset before it is done", GATE_RESET_BEFORE, 0},
	{"reset when it is done", GATE_RESET_AFTER, 0},
	{"reset in the body", GATE_RESET_MID, 0},
	{"half of the JSON", GATE_TRUNCATE_JSON, 0},
	{"nothing, as 200", GATE_EMPTY, 0},
};
#define FAULTS (sizeof(faults) / sizeof(faults[0]))

/* False: there is no such request, or no such answer that could be spoiled. */
static bool fault_at(size_t f, size_t k)
{
	const struct gate_rule rule = {
		.action = faults[f].action, .status = faults[f].status, .nth = k};

	world_empty(&world);
	struct world_end end = world_run(&world, &rule);
	CLEANUP(mem_freep) char *met = mem_strdup(gate_met(world.gate));
	if (!gate_acted(world.gate))
		return false;
	/* Who is told that a thing was done, and it was not, cannot know; the next run does. */
	if (end.status == 0 && faults[f].action != GATE_EMPTY &&
		!is_as_wanted(is_claim_at_mirror, NULL))
		failed(faults[f].name, k, "it ends with 0, but leaves another state");
	if (end.status != 0 || !is_as_wanted_quietly())
		expect_converged(faults[f].name, k, met);
	return true;
}

static void faults_at_each(void)
{
	undisturbed_run();
	for (size_t f = 0; f < FAULTS; f++) {
		bool acted = true;
		for (size_t k = 1; acted; k++)
			if (is_ours())
				acted = fault_at(f, k);
	}
}

/* ---- What lasts ---- */

/* A server that is none of the destinations, or the first of them, where it is signed: no claim is expected. */
static bool is_hit(const char *line, const char *server)
{
	const struct world_server *first = NULL;

	for (size_t i = 0; i < world.servers.len && !first; i++)
		if (world.servers.items[i].is_destination)
			first = &world.servers.items[i];
	bool signs = strncmp(server, "mirror", 6) != 0;
	return is_about(line, server) || (signs && first && is_claim(line));
}

/* Returns whether it made a difference. */
static bool lasting(
	const char *name, const struct world_server *server, const struct gate_rule *rule)
{
	world_empty(&world);
	struct world_end end = world_run(&world, rule);
	CLEANUP(mem_freep) char *met = mem_strdup(gate_met(world.gate));
	if (!gate_acted(world.gate))
		return false;
	if (end.status == 0 && !is_as_wanted(is_claim_at_mirror, NULL))
		failed(name, rule->nth, "it ends with 0");
	/* Without what is promoted there is nothing. */
	if (strcmp(server->name, "staging") != 0 && !is_as_wanted(is_hit, server->name)) {
		failed(name, rule->nth, "others have not got theirs");
		world_print_output(&world);
	}
	expect_converged(name, rule->nth, met);
	return true;
}

static void refuse_from_each(void)
{
	undisturbed_run();
	for (size_t i = 0; i < world.servers.len; i++) {
		const struct world_server *server = &world.servers.items[i];
		bool acted = server->is_destination;
		CLEANUP(mem_freep) char *name = mem_printf("%s refuses writes", server->name);
		for (size_t k = 1; acted; k++) {
			const struct gate_rule rule = {.action = GATE_STATUS,
				.status = k % 2 ? 405 : 403,
				.nth = k,
				.and_later = true,
				.only_writes = true,
				.server = server->name};
			if (is_ours())
				acted = lasting(name, server, &rule);
		}
	}
}

static void each_down(void)
{
	undisturbed_run();
	for (size_t i = 0; i < world.servers.len; i++) {
		const struct world_server *server = &world.servers.items[i];
		CLEANUP(mem_freep) char *name = mem_printf("%s is down", server->name);
		const struct gate_rule rule = {
			.action = GATE_DOWN, .nth = 1, .and_later = true, .server = server->name};
		if (is_ours())
			lasting(name, server, &rule);
	}
}

/* ---- Two at once ---- */

static size_t count_of(const struct lines *lines, const char *line)
{
	size_t count = 0;

	for (size_t i = 0; i < lines->texts.len; i++)
		count += strcmp(lines->texts.items[i], line) == 0;
	return count;
}

/* Takes out what is the same claim by the same signer, once more than wanted. */
static void forgive_one_more(struct lines *lines)
{
	size_t kept = 0, end;

	for (size_t i = 0; i < lines->texts.len; i = end) {
		char *line = lines->texts.items[i];
		size_t wanted = count_of(&world.wanted, line);
		for (end = i + 1; end < lines->texts.len; end++)
			if (strcmp(lines->texts.items[end], line) != 0)
				break;
		bool forgiven = is_claim(line) && wanted > 0 && end - i == wanted + 1;
		for (size_t k = forgiven ? i + 1 : i; k < end; k++)
			lines->texts.items[kept++] = lines->texts.items[k];
		if (forgiven)
			mem_free(line);
	}
	lines->texts.len = kept;
}

/* Other commits are in other records: see expect_records. */
static bool is_record(const char *line, const char *unused)
{
	(void)unused;
	return world.others.len && is_claim(line) && !strstr(line, "docker-manifest-digest");
}

static const char record_type[] = "\"predicateType\":\"https://k8s.io/promo-tools/promotion/v1\"";

/* Whether somebody has recorded the same tags of the same digest. */
static bool has_record_like(const struct lines *lines, const char *record)
{
	size_t about = strcspn(record, " ");
	const char *tags = strstr(record, "\"tags\":");
	CLEANUP(mem_freep)
	char *wanted = mem_strndup(tags ? tags : "", tags ? strcspn(tags, "]") : 0);
	bool found = false;

	for (size_t i = 0; i < lines->texts.len && !found; i++) {
		const char *line = lines->texts.items[i];
		found = strncmp(line, record, about + 1) == 0 && strstr(line, record_type) &&
			(tags ? strstr(line, wanted) != NULL : !strstr(line, "\"tags\":"));
	}
	return found;
}

/* What the others record when they are alone, whoever has done it. */
static void expect_records(const char *name, size_t k, const struct lines *lines)
{
	for (size_t i = 0; i < recorded.texts.len; i++) {
		const char *record = recorded.texts.items[i];
		if (strstr(record, record_type) && !has_record_like(lines, record)) {
			printf("    lacks %.300s\n", record);
			failed(name, k, "a record is lost");
		}
	}
}

static void expect_nothing_lost(const char *name, size_t k, int status)
{
	CLEANUP(lines_release) struct lines lines = {0};

	world_state(&world, &lines);
	expect_records(name, k, &lines);
	forgive_one_more(&lines);
	if (status != 0) {
		failed(name, k, "it does not end with 0");
		world_print_output(&world);
	}
	if (world_differences(&world, &lines, is_record, NULL))
		failed(name, k, "something is missing, or too much");
	expect_no_write(name);
}

static void overlap_at_each(void)
{
	bool met = true;

	undisturbed_run();
	for (size_t k = 1; met; k++)
		for (int kills = 0; kills < 2 && met; kills++) {
			int status = 0;
			if (!is_ours())
				continue;
			world_empty(&world);
			met = world_overlap(&world, k, kills, &status);
			/* What the others do not declare is not done by them. */
			if (met && kills && world.others.len)
				status = world_run(&world, &undisturbed).status;
			for (uint64_t i = 0; i < last_word && met; i++)
				status = world_run_others(&world);
			if (met)
				expect_nothing_lost(
					kills ? "killed, others meanwhile" : "others meanwhile", k,
					status);
		}
}

/*
 * Of two that write to a mirror at the same moment the later one wins, though it may have read the primary before
 * the other one wrote there: the next run brings the rest. The primary has all of it by then.
 */
static int bring_mirrors_up(size_t round)
{
	int status = world_run(&world, &undisturbed).status;
	CLEANUP(mem_freep) char *log = gate_log(world.gate);

	if (strstr(log, "primary PUT ") || strstr(log, "primary POST "))
		failed("two at once", round, "the next run writes to the primary");
	return status;
}

static void together(void)
{
	undisturbed_run();
	for (size_t round = 1; round <= 24; round++) {
		if (!is_ours())
			continue;
		world_empty(&world);
		int status = world_together(&world), next = bring_mirrors_up(round);
		expect_nothing_lost("two at once", round, status ? status : next);
	}
}

static void claims(void)
{
	CLEANUP(lines_release) struct lines lines = {0};

	world_state(&world, &lines);
	for (size_t i = 0; i < lines.texts.len; i++)
		puts(lines.texts.items[i]);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} modes[] = {{"claims", claims}, {"once", once}, {"kill", kill_at_each},
		{"faults", faults_at_each}, {"refuse", refuse_from_each}, {"down", each_down},
		{"overlap", overlap_at_each}, {"together", together}};
	bool found = false;

	if (argc < 2)
		usage_exit();
	world_init(&world, argc - 2, argv + 2, take_option);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]) && !found; i++) {
		found = strcmp(argv[1], modes[i].name) == 0;
		if (found)
			modes[i].run();
	}
	if (!found)
		usage_exit();
	if (strcmp(argv[1], "claims") != 0)
		fprintf(stderr, "%s, part %u of %u: %zu experiments, %zu failures\n", argv[1],
			(unsigned)part, (unsigned)parts, experiments, failures);
	lines_release(&recorded);
	world_release(&world);
	return failures ? 1 : 0;
}
