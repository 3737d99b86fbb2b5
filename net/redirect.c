/*
 * Decides where a redirect may lead. It neither counts hops nor sends anything: net/loop.c does.
 */
#include "net/redirect.h"

#include <string.h>

bool redirect_is_status(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static bool is_localhost(const char *host)
{
	size_t len = strlen(host);

	return strcmp(host, "localhost") == 0 ||
		(len > 10 && strcmp(host + len - 10, ".localhost") == 0);
}

bool redirect_check_url(enum http_source source, const struct url *url, struct err **err)
{
	enum address_class class;

	if (source == HTTP_SOURCE_CONFIGURED)
		return true;
	if (!url->is_https && source != HTTP_SOURCE_LOOPBACK)
		return err_set(err, ERR_INVALID,
			"the server sent us to plain http://%s, which only a server on the "
			"loopback may",
			url->host);
	if (!address_classify_text(url->host, &class)) {
		if (!is_localhost(url->host))
			return true;
		class = ADDRESS_LOOPBACK;
	}
	if (!address_is_allowed(source, url->is_https, class))
		return err_set(err, ERR_INVALID,
			"the server sent us to %s, a %s address, which it may not name", url->host,
			address_class_name(class));
	return true;
}

bool redirect_decide(const struct url *from, enum http_source from_source, enum http_source server,
	const char *location, struct redirect *ret_redirect, struct err **err)
{
	CLEANUP(url_release) struct url to = {0};
	enum http_source source = from_source;
	bool same_origin;

	if (!url_resolve(from, location, &to, err))
		return err_prefix(err, "redirect");
	same_origin = url_same_origin(from, &to);
	if (from->is_https && !to.is_https)
		return err_set(err, ERR_INVALID, "redirect from https to plain http://%s refused",
			to.host);
	if (!same_origin) {
		source = server;
		if (!redirect_check_url(source, &to, err))
			return err_prefix(err, "redirect");
	}
	*ret_redirect =
		(struct redirect){.url = to, .source = source, .keeps_private = same_origin};
	to = (struct url){0};
	return true;
}
