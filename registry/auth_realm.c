/*
 * Judging realms. Where a server may send us at all (https, addresses) is judged by net/, as for
 * every URL that a server gives; here it is about who may see a secret.
 */
#include "registry/auth_realm.h"

#include <string.h>

#include "base/alloc.h"
#include "image/reference.h"
#include "net/url.h"

void auth_realm_release(struct auth_realm *realm)
{
	mem_free(realm->url);
	*realm = (struct auth_realm){0};
}

static bool has_host(const char *origin, const char *host)
{
	CLEANUP(url_release) struct url url = {0};
	return origin && url_parse(origin, &url, NULL) && strcmp(url.host, host) == 0;
}

bool auth_realm_takes_secrets(const struct host *host, const char *url)
{
	CLEANUP(url_release) struct url realm = {0};
	if (!url_parse(url, &realm, NULL))
		return false;
	if (has_host(host->origin, realm.host) || has_host(host->public_origin, realm.host))
		return true;
	const char *other = host->quirks.token_server;
	return other && strcmp(other, realm.host) == 0 &&
		(realm.is_https || host_is_loopback(realm.host));
}

bool auth_realm_resolve(const struct host *host, const struct http_response *answer,
	const char *reference, struct auth_realm *ret_realm, struct err **err)
{
	CLEANUP(auth_realm_release) struct auth_realm realm = {0};
	if (!http_response_resolve(answer, reference, &realm.url, &realm.source, err)) {
		if (err && *err)
			(*err)->kind = ERR_AUTH;
		return err_prefix(err, "the token server that %s names", host->name);
	}
	char *endpoint_url = host_endpoint_url(host, realm.url);
	if (endpoint_url) {
		mem_free(realm.url);
		realm.url = endpoint_url;
		realm.source = HTTP_SOURCE_CONFIGURED;
	}
	realm.takes_secrets = auth_realm_takes_secrets(host, realm.url);
	*ret_realm = realm;
	realm = (struct auth_realm){0};
	return true;
}
