/*
 * Sorts libcurl's error codes by what a caller can do about them. Anything that is not known to be
 * permanent counts as transient: attempts are bounded, and a wrong "permanent" loses an entry.
 */
#include "net/failure.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>

/* A handshake that was cut off says nothing about certificates; libcurl uses one code for both. */
static bool handshake_was_cut_off(const struct failure *failure)
{
	return failure->os_errno == ECONNRESET || failure->os_errno == EPIPE ||
		strstr(failure->detail, "SSL_ERROR_SYSCALL") ||
		strstr(failure->detail, "Connection reset") ||
		strstr(failure->detail, "unexpected eof");
}

static enum err_kind failure_kind(const struct failure *failure)
{
	switch (failure->code) {
	case CURLE_OPERATION_TIMEDOUT:
		return ERR_TIMEOUT;
	case CURLE_SSL_CONNECT_ERROR:
		return handshake_was_cut_off(failure) ? ERR_TRANSIENT : ERR_TLS;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_CLIENTCERT:
		return ERR_TLS;
	case CURLE_UNSUPPORTED_PROTOCOL: /* also an answer that is not HTTP */
	case CURLE_URL_MALFORMAT:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_BAD_CONTENT_ENCODING:
	case CURLE_TOO_MANY_REDIRECTS:
		return ERR_INVALID;
	case CURLE_OUT_OF_MEMORY: /* libcurl's own bound of a header line, in this version */
	case CURLE_FILESIZE_EXCEEDED:
		return ERR_TOO_LARGE;
	case CURLE_FAILED_INIT:
	case CURLE_NOT_BUILT_IN:
	case CURLE_BAD_FUNCTION_ARGUMENT:
	case CURLE_UNKNOWN_OPTION:
		return ERR_INTERNAL;
	default:
		return ERR_TRANSIENT;
	}
}

bool failure_set_proxy_auth(const struct proxy *proxy, struct err **err)
{
	if (proxy->username)
		return err_set_http(err, ERR_AUTH, 407,
			"the proxy %s refused the user and password in %s (407)", proxy->name,
			proxy->variable);
	return err_set_http(err, ERR_AUTH, 407,
		"the proxy %s wants a user and password (407): put them into %s", proxy->name,
		proxy->variable);
}

bool failure_set(const struct failure *failure, struct err **err)
{
	const char *text =
		failure->detail[0] ? failure->detail : curl_easy_strerror((CURLcode)failure->code);
	enum err_kind kind = failure_kind(failure);

	if (failure->proxy_status == 407)
		return failure_set_proxy_auth(failure->proxy, err);
	if (failure->proxy_status >= 400)
		return err_set_http(err, ERR_TRANSIENT, failure->proxy_status,
			"the proxy %s answered %d to CONNECT", failure->proxy->name,
			failure->proxy_status);
	if (failure->proxy)
		return err_set_http(err, kind, failure->status, "%s (through the proxy %s)", text,
			failure->proxy->name);
	return err_set_http(err, kind, failure->status, "%s", text);
}
