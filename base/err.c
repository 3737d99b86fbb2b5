/*
 * Error values. Knows how to store, prefix and copy them; does not print, translate or judge
 * them, and does not escape: a message may hold bytes from outside until somebody shows it.
 */
#include "base/err.h"

#include <stdarg.h>
#include <string.h>

const char *err_kind_name(enum err_kind kind)
{
	switch (kind) {
	case ERR_INVALID:
		return "invalid";
	case ERR_USAGE:
		return "usage";
	case ERR_NOT_FOUND:
		return "not-found";
	case ERR_AUTH:
		return "auth";
	case ERR_CONFLICT:
		return "conflict";
	case ERR_THROTTLED:
		return "throttled";
	case ERR_TRANSIENT:
		return "transient";
	case ERR_TIMEOUT:
		return "timeout";
	case ERR_DIGEST:
		return "digest";
	case ERR_TOO_LARGE:
		return "too-large";
	case ERR_TLS:
		return "tls";
	case ERR_UNSUPPORTED:
		return "unsupported";
	case ERR_CANCELLED:
		return "cancelled";
	case ERR_IO:
		return "io";
	case ERR_INTERNAL:
		return "internal";
	}
	return "unknown";
}

/* Takes msg. The old error goes last: msg may have been made from its text. */
static bool store(struct err **err, enum err_kind kind, int http, char *msg)
{
	struct err *fresh = mem_new(1, sizeof(*fresh));

	*fresh = (struct err){.kind = kind, .http = http, .msg = msg};
	err_free(*err);
	*err = fresh;
	return false;
}

bool err_set(struct err **err, enum err_kind kind, const char *fmt, ...)
{
	va_list args;
	char *msg;

	if (!err)
		return false;
	va_start(args, fmt);
	msg = mem_vprintf(fmt, args);
	va_end(args);
	return store(err, kind, 0, msg);
}

bool err_set_http(struct err **err, enum err_kind kind, int http, const char *fmt, ...)
{
	va_list args;
	char *msg;

	if (!err)
		return false;
	va_start(args, fmt);
	msg = mem_vprintf(fmt, args);
	va_end(args);
	return store(err, kind, http, msg);
}

bool err_set_errno(struct err **err, int number, const char *fmt, ...)
{
	char buffer[128];
	va_list args;
	char *what;

	if (!err)
		return false;
	va_start(args, fmt);
	what = mem_vprintf(fmt, args);
	va_end(args);
	store(err, ERR_IO, 0,
		mem_printf("%s: %s", what, strerror_r(number, buffer, sizeof(buffer))));
	mem_free(what);
	return false;
}

bool err_prefix(struct err **err, const char *fmt, ...)
{
	va_list args;
	char *context, *joined;

	if (!err || !*err)
		return false;
	va_start(args, fmt);
	context = mem_vprintf(fmt, args);
	va_end(args);
	joined = mem_printf("%s: %s", context, (*err)->msg);
	mem_free(context);
	mem_free((*err)->msg);
	(*err)->msg = joined;
	return false;
}

bool err_is(const struct err *err, enum err_kind kind)
{
	return err && err->kind == kind;
}

struct err *err_copy(const struct err *err)
{
	struct err *copy;

	if (!err)
		return NULL;
	copy = mem_new(1, sizeof(*copy));
	*copy = (struct err){.kind = err->kind, .http = err->http, .msg = mem_strdup(err->msg)};
	return copy;
}

void err_free(struct err *err)
{
	if (!err)
		return;
	mem_free(err->msg);
	mem_free(err);
}

void err_keep_first(struct err **to, struct err **from)
{
	if (!to || *to) {
		err_free(*from);
		*from = NULL;
		return;
	}
	*to = steal_ptr(from);
}
