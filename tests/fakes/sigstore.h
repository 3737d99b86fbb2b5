/*
 * A Sigstore for tests and the demo, in this process and on loopback ports: an OpenID Connect
 * issuer, Fulcio with a certificate transparency log, Rekor v1, Rekor v2 and a timestamp authority.
 * The cryptography is real and all keys are made anew at each start, so what it issues verifies with
 * its trusted root and with nothing else. It is as strict as the real services are: a request that
 * they would refuse is refused, in their words' form.
 *
 * Each service has a port of its own: clients join paths to the base URL in different ways, and a
 * Rekor v2 log is named by host alone. Plain http; nothing here listens beyond 127.0.0.1.
 *
 * All functions may be called from any thread. Texts that are returned are fresh memory.
 */
#ifndef CIP_TESTS_FAKES_SIGSTORE_H
#define CIP_TESTS_FAKES_SIGSTORE_H

#include <stdbool.h>
#include <stdint.h>

struct clock;
struct fake_sigstore;

enum fake_service { FAKE_OIDC, FAKE_FULCIO, FAKE_REKOR1, FAKE_REKOR2, FAKE_TSA };
#define FAKE_SERVICES 5

struct fake_sigstore_options {
	const struct clock *clock; /* of all services; NULL: clock_system */
	const char *request_log;   /* file, a line a request: SERVICE METHOD TARGET STATUS */
	unsigned rekor2_wait_ms;   /* between checkpoints of Rekor v2, for which entries wait */
	bool without_ct;	   /* no SCTs, and no such log in the trusted root */
	bool static_ct;		   /* SCTs with the extensions of Static CT logs */
};

/* NULL takes everything as zero. Exits the process if anything fails. */
struct fake_sigstore *fake_sigstore_start(const struct fake_sigstore_options *options);
void fake_sigstore_stop(struct fake_sigstore *fake);

/* Base URL without a slash at the end; of the timestamp authority the whole URL to post to. */
const char *fake_sigstore_url(const struct fake_sigstore *fake, enum fake_service service);

/* A TrustedRoot with all of it. */
char *fake_sigstore_trusted_root(const struct fake_sigstore *fake);

/*
 * A SigningConfig v0.2 with the timestamp authority and one log: Rekor v1, as the public instance's
 * default is, or v2.
 */
char *fake_sigstore_signing_config(const struct fake_sigstore *fake, bool has_rekor2);

/*
 * Who vouches for identities: one issuer of each of Fulcio's types, all by the same key. The first
 * one's URL is that of the service, the others' have a path: URL/actions, URL/buildkite,
 * URL/kubernetes, URL/spiffe.
 */
enum fake_issuer {
	FAKE_ISSUER_EMAIL, /* identity promoter@example.com */
	FAKE_ISSUER_ACTIONS,
	FAKE_ISSUER_BUILDKITE,
	FAKE_ISSUER_KUBERNETES,
	FAKE_ISSUER_SPIFFE,
};
#define FAKE_ISSUERS 5

#define FAKE_EMAIL "promoter@example.com"
#define FAKE_ACTIONS_IDENTITY                                                                      \
	"https://github.com/example/images/.github/workflows/promote.yml@refs/heads/main"
#define FAKE_BUILDKITE_IDENTITY "https://buildkite.com/example/promote"
#define FAKE_KUBERNETES_IDENTITY                                                                   \
	"https://kubernetes.io/namespaces/promoter/serviceaccounts/promoter"
#define FAKE_SPIFFE_IDENTITY "spiffe://example.com/promoter"

/* What the token endpoints of GitHub Actions and Buildkite want to see. */
#define FAKE_ACTIONS_SECRET "actions-secret"
#define FAKE_BUILDKITE_SECRET "buildkite-secret"

const char *fake_sigstore_issuer(const struct fake_sigstore *fake, enum fake_issuer issuer);

/* What to put into a token. The zero value: FAKE_EMAIL, verified, for Sigstore, for ten minutes. */
struct fake_claims {
	enum fake_issuer issuer;
	const char *audience; /* NULL: "sigstore" */
	const char *email;   /* NULL: FAKE_EMAIL from that issuer, none from the others; "": none */
	const char *subject; /* NULL: the issuer's usual one */
	bool is_unverified;  /* email_verified is false */
	int64_t lifetime_s;  /* 0: 600; negative: it has expired */
};

/* A JWT signed with RS256. NULL as the zero value. */
char *fake_sigstore_token(const struct fake_sigstore *fake, const struct fake_claims *claims);

/*
 * A fault, as text: "SERVICE METHOD NTH ACTION [ARGUMENT]". SERVICE is oidc, fulcio, rekor1, rekor2
 * or tsa; METHOD may be *; NTH is the number of the matching request after this call (1 is the
 * next), or N+ for it and all later ones. The first rule that matches counts.
 *
 * Of any service:
 *	status CODE [Header: value]	reset		stall		delay MILLISECONDS
 *	truncate	garbage		huge		reset-after (done, but not answered)
 * fulcio POST:
 *	wrong-identity	wrong-issuer	wrong-key	expired		not-yet-valid
 *	wrong-authority	no-sct		bad-sct		unknown-sct	static-sct	detached
 * rekor1 POST and GET:
 *	wrong-entry	bad-proof	bad-set		no-set		bad-checkpoint
 *	wrong-hint	wrong-root	unknown-log	late SECONDS
 * rekor2 POST:
 *	wrong-entry	bad-proof	bad-checkpoint	wrong-hint	wrong-root
 *	wrong-origin	unknown-log	witnesses (of which a client need not know)
 * tsa POST:
 *	wrong-imprint	wrong-nonce	no-nonce	bad-signature	unknown-authority
 *	rejected	late SECONDS (negative: early)
 *
 * False if it is none of these.
 */
bool fake_sigstore_fault(struct fake_sigstore *fake, const char *rule);
void fake_sigstore_forget_faults(struct fake_sigstore *fake);

/* How many requests a service was sent; method NULL: of any. */
unsigned fake_sigstore_requests(
	struct fake_sigstore *fake, enum fake_service service, const char *method);

#endif
