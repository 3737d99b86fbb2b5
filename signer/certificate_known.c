/*
 * The certificates that were read last, and what was found out about each: one certificate signs
 * whatever is signed in ten minutes, so that who verifies it all meets it again and again, and reading
 * it and the two signatures on it cost more than all else (docs/decisions/043). A certificate is
 * recognised by all of its bytes; what is remembered follows from them and from an immutable asker.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "signer/certificate_private.h"

enum { KNOWN_MAX = 16 };
/* Fulcio's have less than 1 KiB; what is larger is nobody's who signs much. */
#define KNOWN_MAX_SIZE ((size_t)8 * 1024)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct certificate *known[KNOWN_MAX]; /* the last used first */

struct certificate *certificate_known(const void *der, size_t len)
{
	struct certificate *found = NULL;
	size_t i = 0;

	pthread_mutex_lock(&lock);
	while (i < KNOWN_MAX && known[i] && !bytes_equal(certificate_der(known[i]), der, len))
		i++;
	if (i < KNOWN_MAX && known[i]) {
		found = certificate_share(known[i]);
		memmove(known + 1, known, i * sizeof(known[0]));
		known[0] = found;
	}
	pthread_mutex_unlock(&lock);
	return found;
}

void certificate_keep(struct certificate *certificate)
{
	struct certificate *last;

	if (certificate_der(certificate)->len > KNOWN_MAX_SIZE)
		return;
	pthread_mutex_lock(&lock);
	last = known[KNOWN_MAX - 1];
	memmove(known + 1, known, (KNOWN_MAX - 1) * sizeof(known[0]));
	known[0] = certificate_share(certificate);
	pthread_mutex_unlock(&lock);
	certificate_free(last);
}

void certificate_forget_known(void)
{
	for (size_t i = 0; i < KNOWN_MAX; i++) {
		pthread_mutex_lock(&lock);
		struct certificate *certificate = known[i];
		known[i] = NULL;
		pthread_mutex_unlock(&lock);
		certificate_free(certificate);
	}
}

/* ---- What was found out ---- */

enum { FINDINGS_MAX = 4 }; /* of one certificate: a chain and a trust root, and of another pair */

struct certificate_findings {
	struct certificate_finding items[FINDINGS_MAX];
	size_t next;
};

struct certificate_findings *certificate_findings_new(void)
{
	return mem_new(1, sizeof(struct certificate_findings));
}

uint64_t certificate_asker_new(void)
{
	static atomic_uint_fast64_t last;

	return atomic_fetch_add(&last, 1) + 1;
}

bool certificate_recall(
	const struct certificate *certificate, uint64_t asker, struct certificate_finding *ret)
{
	const struct certificate_findings *findings = certificate_findings(certificate);
	bool found = false;

	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < FINDINGS_MAX && !found; i++) {
		found = asker != 0 && findings->items[i].asker == asker;
		if (found)
			*ret = findings->items[i];
	}
	pthread_mutex_unlock(&lock);
	return found;
}

void certificate_remember(
	const struct certificate *certificate, const struct certificate_finding *finding)
{
	struct certificate_findings *findings = certificate_findings(certificate);

	pthread_mutex_lock(&lock);
	size_t i = 0;
	while (i < FINDINGS_MAX && findings->items[i].asker != finding->asker)
		i++;
	if (i == FINDINGS_MAX) {
		i = findings->next;
		findings->next = (findings->next + 1) % FINDINGS_MAX;
	}
	findings->items[i] = *finding;
	pthread_mutex_unlock(&lock);
}
