/* For the threaded programs that sign: the fake Sigstore, a client, its trusted root, who must have signed. */
#ifndef CIP_TESTS_THREADS_SIGSTORE_FIXTURE_H
#define CIP_TESTS_THREADS_SIGSTORE_FIXTURE_H

#include <string.h>

#include "net/http.h"
#include "signer/policy.h"
#include "signer/trust_root.h"
#include "tests/fakes/sigstore.h"
#include "tests/threads/check.h"

struct sigstore_fixture {
	struct fake_sigstore *fake;
	struct http *http;
	struct trust_root *root;
	struct policy_signer signer; /* FAKE_EMAIL by the first issuer */
	struct policy policy;	     /* POLICY_INIT with that signer */
};

static inline void sigstore_fixture_open(
	struct sigstore_fixture *f, const struct fake_sigstore_options *options)
{
	const struct http_options http = {
		.user_agent = "cip/test",
		.retry_base_ms = 1,
		.retry_max_ms = 4,
	};

	f->fake = fake_sigstore_start(options);
	f->http = http_new(&http, NULL);
	CHECK(f->http);
	CLEANUP(mem_freep) char *text = fake_sigstore_trusted_root(f->fake);
	CHECK(trust_root_parse(text, strlen(text), &f->root, NULL));
	CHECK(f->root->skipped.len == 0);
	f->signer = (struct policy_signer){
		{.exact = FAKE_EMAIL},
		{.exact = fake_sigstore_issuer(f->fake, FAKE_ISSUER_EMAIL)},
	};
	f->policy = (struct policy)POLICY_INIT;
	f->policy.signers = &f->signer;
	f->policy.signer_count = 1;
}

static inline void sigstore_fixture_close(struct sigstore_fixture *f)
{
	http_free(f->http);
	fake_sigstore_stop(f->fake);
	trust_root_free(f->root);
}

#endif
