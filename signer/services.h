/*
 * Which services sign with us: certificate authority, transparency logs, timestamp authorities. From flags,
 * or chosen from a SigningConfig (v0.2; sigstore-wire facts 7.3). A plain value with one owner.
 */
#ifndef CIP_SIGNER_SERVICES_H
#define CIP_SIGNER_SERVICES_H

#include <stdint.h>

#include "base/err.h"
#include "base/vec.h"

#define SIGNING_CONFIG_MAX_SIZE ((size_t)1 << 20)

struct signing_services {
	char *fulcio_url;	 /* NULL: none */
	VEC(char *) rekor1_urls; /* usually one */
	VEC(char *) rekor2_urls;
	VEC(char *) timestamp_urls; /* whole endpoints */
};
void signing_services_release(struct signing_services *services);

/*
 * Chooses from the JSON of a SigningConfig what counts at `now` (seconds since 1970), by its selectors.
 * `max_rekor_version`: 1 where only Rekor v1 will do (cosign's older form), else 2. ERR_INVALID, ERR_TOO_LARGE, ERR_UNSUPPORTED (media type);
 * ERR_NOT_FOUND: nothing in it is usable now.
 */
bool signing_services_choose(const char *text, size_t len, int64_t now, unsigned max_rekor_version,
	struct signing_services *ret_services, struct err **err);

#endif
