/* What whoever asked for a timestamp must see in the answer. Only for this room. */
#ifndef CIP_SIGNER_TIMESTAMP_PRIVATE_H
#define CIP_SIGNER_TIMESTAMP_PRIVATE_H

#include "signer/timestamp.h"

#define TIMESTAMP_NONCE_SIZE 8

/* Imprint and nonce (a positive number, big-endian, without leading zeros) are ours. ERR_INVALID. */
bool timestamp_answers(const struct timestamp *timestamp, const struct message *message,
	const uint8_t nonce[TIMESTAMP_NONCE_SIZE], struct err **err);

#endif
