/*
 * What verifying a bundle costs beside the signatures in it: CPU time of reading and verifying one
 * again and again, and of the bare verifications of the signatures that it needs, with the same keys.
 * The trusted root is read once, as in a run. Twice: as if each bundle had a certificate of its own, and
 * as it is when one certificate signed them all.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/enc.h"
#include "base/fs.h"
#include "signer/verify.h"

static const char usage[] = "usage: bench-verify ROUNDS TRUSTED-ROOT BUNDLE ARTIFACT IDENTITY "
			    "ISSUER SCTS\n";

enum { SIGNATURES_MAX = 64 };

/* Keys in use; ECDSA takes as long for a signature that is somebody else's. */
struct needed {
	const struct public_key *keys[SIGNATURES_MAX];
	size_t count;
};

static void need(struct needed *needed, const struct public_key *key)
{
	if (needed->count < SIGNATURES_MAX)
		needed->keys[needed->count++] = key;
}

static void signatures_of(const struct verify_result *result, struct needed *needed)
{
	need(needed, certificate_key(result->certificate));
	need(needed, certificate_key(result->issuer));
	for (size_t i = 0; i < result->entries.len; i++) {
		const struct verified_entry *entry = &result->entries.items[i];
		if (entry->has_promise)
			need(needed, entry->log->key);
		if (entry->has_proof)
			need(needed, entry->log->key);
	}
	for (size_t i = 0; i < result->sct_count; i++)
		need(needed, result->scts[i]->key);
}

static double cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

struct inputs {
	struct trust_root *root;
	struct str bundle;
	struct message artifact;
	struct policy_signer signer;
	struct policy policy;
};

static bool verify_once(const struct inputs *inputs, struct bundle **ret_bundle,
	struct verify_result *result, struct err **err)
{
	return bundle_parse(str_text(&inputs->bundle), inputs->bundle.len, ret_bundle, err) &&
		verify_bundle(
			inputs->root, *ret_bundle, &inputs->artifact, &inputs->policy, result, err);
}

static double whole_cost(const struct inputs *inputs, uint64_t rounds, bool is_first)
{
	double before = cpu_seconds();

	for (uint64_t i = 0; i < rounds; i++) {
		CLEANUP(bundle_freep) struct bundle *bundle = NULL;
		CLEANUP(verify_result_release) struct verify_result result = {0};
		if (is_first)
			certificate_forget_known();
		verify_once(inputs, &bundle, &result, NULL);
	}
	return (cpu_seconds() - before) / (double)rounds;
}

static double bare_cost(const struct inputs *inputs, const struct bundle *bundle,
	const struct needed *needed, uint64_t rounds)
{
	CLEANUP(checkpoint_release) struct checkpoint checkpoint = {0};
	const struct bytes *ecdsa = bundle_signature(bundle), *ed25519 = ecdsa;
	struct message text = message_of_bytes("text", 4);
	const char *note = bundle->entries.len ? bundle->entries.items[0].checkpoint : NULL;

	if (note && checkpoint_parse(note, strlen(note), &checkpoint, NULL))
		ed25519 = &checkpoint.signatures[0].signature;
	double before = cpu_seconds();
	for (uint64_t i = 0; i < rounds; i++)
		for (size_t j = 0; j < needed->count; j++) {
			const struct public_key *key = needed->keys[j];
			const struct bytes *signature =
				public_key_kind(key) == PUBLIC_KEY_ED25519 ? ed25519 : ecdsa;
			const struct message *message = public_key_kind(key) == PUBLIC_KEY_ED25519
				? &text
				: &inputs->artifact;
			public_key_verify(
				key, HASH_SHA256, message, signature->data, signature->len);
		}
	return (cpu_seconds() - before) / (double)rounds;
}

static double least(double a, double b)
{
	return a < b ? a : b;
}

static int measure(struct inputs *inputs, uint64_t rounds)
{
	CLEANUP(bundle_freep) struct bundle *bundle = NULL;
	CLEANUP(verify_result_release) struct verify_result result = {0};
	CLEANUP(err_freep) struct err *err = NULL;
	struct needed needed = {0};

	if (!verify_once(inputs, &bundle, &result, &err)) {
		fprintf(stderr, "bench-verify: %s\n", err->msg);
		return 1;
	}
	signatures_of(&result, &needed);
	for (size_t i = 0; i < result.times.len; i++)
		for (size_t j = 0; j < inputs->root->timestamp_authorities.len; j++)
			if (!result.times.items[i].log &&
				strcmp(result.times.items[i].by,
					inputs->root->timestamp_authorities.items[j].uri) == 0)
				need(&needed,
					certificate_key(inputs->root->timestamp_authorities.items[j]
								.signer));
	double first = 1e9, again = 1e9, bare = 1e9;
	for (int i = 0; i < 5; i++) {
		first = least(first, whole_cost(inputs, rounds, true));
		again = least(again, whole_cost(inputs, rounds, false));
		bare = least(bare, bare_cost(inputs, bundle, &needed, rounds));
	}
	printf("%zu signatures, bare %.0f us; new certificate: %.0f us, ratio %.2f, %.0f/s; the "
	       "same "
	       "again: %.0f us, ratio %.2f, %.0f/s\n",
		needed.count, bare * 1e6, first * 1e6, first / bare, 1 / first, again * 1e6,
		again / bare, 1 / again);
	return 0;
}

int main(int argc, char **argv)
{
	CLEANUP(err_freep) struct err *err = NULL;
	struct inputs inputs = {.policy = POLICY_INIT};
	uint64_t rounds = 0, scts = 0;
	uint8_t digest[HASH_SHA256_SIZE];

	if (argc != 8 || !number_parse(argv[1], 1000000, &rounds) || rounds == 0 ||
		!number_parse(argv[7], 1, &scts)) {
		fputs(usage, stderr);
		return 2;
	}
	str_init(&inputs.bundle, BUNDLE_MAX_SIZE);
	bool ok = trust_root_read(argv[2], &inputs.root, &err) &&
		fs_read_file(argv[3], &inputs.bundle, &err);
	if (ok && strncmp(argv[4], "sha256:", 7) == 0 && strlen(argv[4]) == 71 &&
		hex_decode(argv[4] + 7, sizeof(digest), digest))
		inputs.artifact = message_of_sha256(digest);
	else
		ok = ok && message_of_file(argv[4], &inputs.artifact, &err);
	if (!ok) {
		fprintf(stderr, "bench-verify: %s\n", err->msg);
		return 1;
	}
	inputs.signer = (struct policy_signer){{.exact = argv[5]}, {.exact = argv[6]}};
	inputs.policy.signers = &inputs.signer;
	inputs.policy.signer_count = 1;
	inputs.policy.scts = scts;
	int status = measure(&inputs, rounds);
	trust_root_free(inputs.root);
	str_release(&inputs.bundle);
	return status;
}
