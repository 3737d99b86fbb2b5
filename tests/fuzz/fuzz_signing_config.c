/* SigningConfigs: any bytes, at a moment and with the versions that the first byte chooses. */
#include <stdint.h>
#include <stdlib.h>

#include "signer/services.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(signing_services_release) struct signing_services services = {0};
	CLEANUP(err_freep) struct err *err = NULL;
	unsigned max_version = size > 0 && data[0] & 1 ? 2 : 1;

	bool ok = signing_services_choose(
		(const char *)data, size, 1795000000, max_version, &services, &err);
	if (ok == (err != NULL))
		abort();
	/* Only one version of logs is ever chosen, and nothing without a URL. */
	if (services.rekor1_urls.len && services.rekor2_urls.len)
		abort();
	if (max_version == 1 && services.rekor2_urls.len)
		abort();
	for (size_t i = 0; i < services.timestamp_urls.len; i++)
		if (!services.timestamp_urls.items[i] || !*services.timestamp_urls.items[i])
			abort();
	if (!ok && services.fulcio_url)
		abort();
	return 0;
}
