/* A client of RFC 3161 timestamp authorities (sigstore-wire facts 4.4). */
#ifndef CIP_SIGNER_TIMESTAMPING_H
#define CIP_SIGNER_TIMESTAMPING_H

#include "net/http.h"
#include "signer/bytes.h"

/*
 * Asks the authority at `url` (the whole endpoint) for a timestamp of the SHA-256 of the bytes, with a
 * nonce. `ret_response` (empty) gets the TimeStampResp in DER: status, imprint and nonce are checked, trust is
 * timestamp_verify's matter. Any thread. ERR_INVALID, ERR_TOO_LARGE, errors of http_do.
 */
bool timestamping_request(struct http *http, const char *url, const void *bytes, size_t len,
	struct bytes *ret_response, struct err **err);

#endif
