/* Rules of faults: reading them, and which one a request meets. What they do is known where they act. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/enc.h"
#include "tests/fakes/sigstore/fake.h"

enum {
	OIDC = 1 << FAKE_OIDC,
	FULCIO = 1 << FAKE_FULCIO,
	REKOR1 = 1 << FAKE_REKOR1,
	REKOR2 = 1 << FAKE_REKOR2,
	TSA = 1 << FAKE_TSA,
	ANY = OIDC | FULCIO | REKOR1 | REKOR2 | TSA,
};

static const struct {
	const char *name;
	enum fake_action action;
	unsigned services;
	bool has_argument;
} actions[] = {
	{"status", FAKE_STATUS, ANY, true},
	{"reset", FAKE_RESET, ANY, false},
	{"stall", FAKE_STALL, ANY, false},
	{"delay", FAKE_DELAY, ANY, true},
	{"truncate", FAKE_TRUNCATE, ANY, false},
	{"garbage", FAKE_GARBAGE, ANY, false},
	{"huge", FAKE_HUGE, ANY, false},
	{"reset-after", FAKE_RESET_AFTER, ANY, false},
	{"wrong-identity", FAKE_WRONG_IDENTITY, FULCIO, false},
	{"wrong-issuer", FAKE_WRONG_ISSUER, FULCIO, false},
	{"wrong-key", FAKE_WRONG_KEY, FULCIO, false},
	{"expired", FAKE_EXPIRED, FULCIO, false},
	{"not-yet-valid", FAKE_NOT_YET_VALID, FULCIO, false},
	{"wrong-authority", FAKE_WRONG_AUTHORITY, FULCIO, false},
	{"no-sct", FAKE_NO_SCT, FULCIO, false},
	{"bad-sct", FAKE_BAD_SCT, FULCIO, false},
	{"unknown-sct", FAKE_UNKNOWN_SCT, FULCIO, false},
	{"static-sct", FAKE_STATIC_SCT, FULCIO, false},
	{"detached", FAKE_DETACHED, FULCIO, false},
	{"wrong-entry", FAKE_WRONG_ENTRY, REKOR1 | REKOR2, false},
	{"bad-proof", FAKE_BAD_PROOF, REKOR1 | REKOR2, false},
	{"bad-set", FAKE_BAD_SET, REKOR1, false},
	{"no-set", FAKE_NO_SET, REKOR1, false},
	{"bad-checkpoint", FAKE_BAD_CHECKPOINT, REKOR1 | REKOR2, false},
	{"wrong-hint", FAKE_WRONG_HINT, REKOR1 | REKOR2, false},
	{"wrong-root", FAKE_WRONG_ROOT, REKOR1 | REKOR2, false},
	{"wrong-origin", FAKE_WRONG_ORIGIN, REKOR2, false},
	{"unknown-log", FAKE_UNKNOWN_LOG, REKOR1 | REKOR2, false},
	{"witnesses", FAKE_WITNESSES, REKOR2, false},
	{"wrong-imprint", FAKE_WRONG_IMPRINT, TSA, false},
	{"wrong-nonce", FAKE_WRONG_NONCE, TSA, false},
	{"no-nonce", FAKE_NO_NONCE, TSA, false},
	{"bad-signature", FAKE_BAD_SIGNATURE, TSA, false},
	{"unknown-authority", FAKE_UNKNOWN_AUTHORITY, TSA, false},
	{"rejected", FAKE_REJECTED, TSA, false},
	{"late", FAKE_LATE, REKOR1 | TSA, true},
};

/* The next word of *text in fresh memory, "" at the end. */
static char *next_word(const char **text)
{
	const char *start = *text + strspn(*text, " \t");
	size_t len = strcspn(start, " \t\r\n");

	*text = start + len;
	return mem_strndup(start, len);
}

static bool service_read(const char *name, enum fake_service *ret_service)
{
	for (unsigned i = 0; i < FAKE_SERVICES; i++) {
		if (strcmp(name, fake_service_names[i]) == 0) {
			*ret_service = (enum fake_service)i;
			return true;
		}
	}
	return false;
}

static bool action_read(const char *name, const char *argument, struct fake_rule *rule)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (strcmp(name, actions[i].name) != 0)
			continue;
		rule->fault.action = actions[i].action;
		return actions[i].services & 1u << rule->service &&
			actions[i].has_argument == (*argument != '\0');
	}
	return false;
}

static bool nth_read(char *text, struct fake_rule *rule)
{
	size_t digits = strspn(text, "0123456789");

	rule->and_later = text[digits] == '+' && !text[digits + 1];
	if (rule->and_later)
		text[digits] = '\0';
	return number_parse(text, UINT32_MAX, &rule->nth) && rule->nth > 0;
}

bool fake_sigstore_fault(struct fake_sigstore *fake, const char *text)
{
	CLEANUP(mem_freep) char *service = next_word(&text);
	CLEANUP(mem_freep) char *method = next_word(&text);
	CLEANUP(mem_freep) char *nth = next_word(&text);
	CLEANUP(mem_freep) char *action = next_word(&text);
	struct fake_rule rule = {0};

	text += strspn(text, " \t");
	CLEANUP(mem_freep) char *argument = mem_strndup(text, strcspn(text, "\r\n"));
	if (!service_read(service, &rule.service) || !*method || !nth_read(nth, &rule) ||
		!action_read(action, argument, &rule))
		return false;
	rule.method = steal_ptr(&method);
	rule.fault.argument = steal_ptr(&argument);
	pthread_mutex_lock(&fake->faults.lock);
	*vec_push(&fake->faults.rules) = rule;
	pthread_mutex_unlock(&fake->faults.lock);
	return true;
}

/* They stay in memory: a call may still look at one. */
void fake_sigstore_forget_faults(struct fake_sigstore *fake)
{
	pthread_mutex_lock(&fake->faults.lock);
	for (size_t i = 0; i < fake->faults.rules.len; i++)
		fake->faults.rules.items[i].is_forgotten = true;
	pthread_mutex_unlock(&fake->faults.lock);
}

static bool rule_fires(struct fake_rule *rule, enum fake_service service, const char *method)
{
	if (rule->is_forgotten || rule->service != service ||
		(strcmp(rule->method, "*") != 0 && strcmp(rule->method, method) != 0))
		return false;
	rule->seen++;
	return rule->seen == rule->nth || (rule->and_later && rule->seen > rule->nth);
}

struct fake_fault fake_faults_match(
	struct fake_faults *faults, enum fake_service service, const char *method)
{
	struct fake_fault found = {.action = FAKE_NOTHING};

	pthread_mutex_lock(&faults->lock);
	for (size_t i = 0; i < faults->rules.len; i++) {
		bool fires = rule_fires(&faults->rules.items[i], service, method);
		if (fires && found.action == FAKE_NOTHING)
			found = faults->rules.items[i].fault;
	}
	pthread_mutex_unlock(&faults->lock);
	return found;
}

void fake_faults_release(struct fake_faults *faults)
{
	for (size_t i = 0; i < faults->rules.len; i++) {
		mem_free(faults->rules.items[i].method);
		mem_free(faults->rules.items[i].fault.argument);
	}
	vec_release(&faults->rules);
	pthread_mutex_destroy(&faults->lock);
}

int64_t fake_fault_number(const struct fake_fault *fault)
{
	return strtoll(fault->argument, NULL, 10);
}
