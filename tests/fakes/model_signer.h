/*
 * A signer and a verifier without cryptography, linked instead of the real ones into tests of whole runs:
 * a signature is a text that says whose it is, different each time, and verifies if it says "ours". Only
 * cosign's older form, without certificate and log entries. How signatures are attached, read and judged
 * is the program's own code.
 */
#ifndef CIP_TESTS_FAKES_MODEL_SIGNER_H
#define CIP_TESTS_FAKES_MODEL_SIGNER_H

#include "signer/signer.h"

/* Two signers with different names make different signatures. Any thread. */
struct signer *model_signer_new(const char *name);
void model_signer_free(struct signer *signer);

#endif
