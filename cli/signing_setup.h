/*
 * From flags and cip.yaml to what a run signs with: trust root, services, identity token, signer, and
 * what its promotion records say of the run. With --confirm all of it is there, or the run is refused,
 * before anything is promoted; without it nobody is asked. One at a time, on the main thread.
 */
#ifndef CIP_CLI_SIGNING_SETUP_H
#define CIP_CLI_SIGNING_SETUP_H

#include "cli/session.h"
#include "reconciler/config_identities.h"
#include "reconciler/signing.h"
#include "signer/trust_source.h"

struct signing_setup {
	struct signing_options options; /* for run.h; refers to everything below */
	struct promotion_run run;
	struct trusted_signers trusted; /* what of staging may be carried */
	struct trust_source trust;
	struct signing_services services;
	struct id_token_source *tokens;
	struct signer *signer;
};

/*
 * The session is loaded and lives longer. ERR_USAGE: settings that do not go together, or nobody who
 * provides an identity (the message says what to do); errors of id_token_source_get, trust_source_load,
 * signer_new and signer_identity.
 */
bool signing_setup_init(
	struct signing_setup *setup, const struct session *session, struct err **err);
/*
 * For a command that only reads, after signing_setup_init without --confirm: what is attached is to be
 * verified as that of --certificate-identity and --certificate-oidc-issuer, which are given. Errors of
 * trust_flags_load.
 */
bool signing_setup_reader(
	struct signing_setup *setup, const struct session *session, struct err **err);
void signing_setup_release(struct signing_setup *setup);

#endif
