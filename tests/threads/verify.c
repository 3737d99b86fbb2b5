/*
 * One trusted root, many threads: each reads and verifies bundles of its own with it. Without the
 * shared vectors there is nothing to do.
 */
#include "signer/verify.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "image/digest.h"

#define MADE "cosign-made"
#define DIGEST "sha256:305c92a30679cbcbbffdbc7792f57ddf29b91adcb2726fbb52b952ade67563a1"

enum { THREADS = 4, ROUNDS = 25, BUNDLES = 2 };

static const char *const blobs[BUNDLES] = {
	"2cf367df595efc179c21aee3b39c22d0b247c9c909ef0e012fa15f1dc6586eef",
	"fab4fa70853e72ef62c28d293225d4cb2e982e4bc214cc6288d763e3f4a9561e",
};

struct shared {
	struct trust_root *root;
	struct str bundles[BUNDLES];
	struct message artifact;
	struct policy policy;
};

static void *verify_all(void *argument)
{
	const struct shared *shared = argument;

	for (int i = 0; i < ROUNDS * BUNDLES; i++) {
		const struct str *text = &shared->bundles[i % BUNDLES];
		CLEANUP(verify_result_release) struct verify_result result = {0};
		CLEANUP(bundle_freep) struct bundle *bundle = NULL;
		CLEANUP(err_freep) struct err *err = NULL;

		if (!bundle_parse(str_text(text), text->len, &bundle, &err) ||
			!verify_bundle(shared->root, bundle, &shared->artifact, &shared->policy,
				&result, &err)) {
			fprintf(stderr, "%s\n", err->msg);
			return argument;
		}
	}
	return NULL;
}

static char *data_path(const char *name)
{
	const char *data = getenv("CIP_SHARED_DATA");
	const char *source = getenv("CIP_SOURCE_DIR");

	return data ? mem_printf("%s/" MADE "/%s", data, name)
		    : mem_printf("%s/../shared/data/" MADE "/%s", source ? source : ".", name);
}

static bool load(struct shared *shared, struct err **err)
{
	CLEANUP(mem_freep) char *root = data_path("trusted_root.json");
	struct digest digest;

	if (!trust_root_read(root, &shared->root, err) || !digest_parse(DIGEST, &digest, err))
		return false;
	shared->artifact = message_of_sha256(digest.bytes);
	for (int i = 0; i < BUNDLES; i++) {
		CLEANUP(mem_freep) char *name = mem_printf("bundle/blobs/sha256-%s", blobs[i]);
		CLEANUP(mem_freep) char *path = data_path(name);
		str_init(&shared->bundles[i], BUNDLE_MAX_SIZE);
		if (!fs_read_file(path, &shared->bundles[i], err))
			return false;
	}
	return true;
}

int main(void)
{
	static const struct policy_signer signer = {
		{.exact = "promoter@example.com"}, {.exact = "http://localhost:8080"}};
	CLEANUP(mem_freep) char *made = data_path("facts.json");
	CLEANUP(err_freep) struct err *err = NULL;
	struct shared shared = {.policy = POLICY_INIT};
	pthread_t threads[THREADS];
	void *failure = NULL;

	if (access(made, R_OK) != 0) {
		printf("skipped: %s is not here\n", made);
		return 0;
	}
	if (!load(&shared, &err)) {
		fprintf(stderr, "%s\n", err->msg);
		return 1;
	}
	shared.policy.signers = &signer;
	shared.policy.signer_count = 1;
	shared.policy.scts = 0;
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, verify_all, &shared);
	for (int i = 0; i < THREADS; i++) {
		void *result;
		pthread_join(threads[i], &result);
		failure = result ? result : failure;
	}
	trust_root_free(shared.root);
	for (int i = 0; i < BUNDLES; i++)
		str_release(&shared.bundles[i]);
	return failure ? 1 : 0;
}
