/*
 * Start and stop of the services, and how a request goes through one: read, met by a fault or not,
 * answered, logged. What a service says is in its own file.
 */
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "tests/fakes/sigstore/fake.h"

#define BODY_MAX ((size_t)8 << 20)
#define HUGE_SIZE ((size_t)256 << 20)

const char *const fake_service_names[FAKE_SERVICES] = {
	[FAKE_OIDC] = "oidc",
	[FAKE_FULCIO] = "fulcio",
	[FAKE_REKOR1] = "rekor1",
	[FAKE_REKOR2] = "rekor2",
	[FAKE_TSA] = "tsa",
};

/* ---- Answers ---- */

bool fake_call_is(const struct fake_call *call, const char *method, const char *path)
{
	return strcmp(call->exchange->method, method) == 0 && strcmp(call->path, path) == 0;
}

void fake_answer_text(struct fake_call *call, int status, const char *type, const char *text)
{
	call->status = status;
	str_addf(&call->headers, "Content-Type: %s\r\n", type);
	str_add_text(&call->answer, text);
}

void fake_answer_json(struct fake_call *call, int status, json_t *tree)
{
	char *text = json_dumps(tree, JSON_COMPACT);

	fake_must(text != NULL);
	fake_answer_text(call, status, "application/json", text);
	mem_free(text);
	json_decref(tree);
}

/* google.golang.org/grpc/codes, as far as these services use them. */
static int grpc_code(int status)
{
	enum { INVALID_ARGUMENT = 3, NOT_FOUND = 5, ALREADY_EXISTS = 6, UNIMPLEMENTED = 12 };
	enum { INTERNAL = 13, UNAVAILABLE = 14, UNAUTHENTICATED = 16, RESOURCE_EXHAUSTED = 8 };

	switch (status) {
	case 400:
		return INVALID_ARGUMENT;
	case 401:
		return UNAUTHENTICATED;
	case 404:
		return NOT_FOUND;
	case 501:
		return UNIMPLEMENTED;
	case 409:
		return ALREADY_EXISTS;
	case 429:
		return RESOURCE_EXHAUSTED;
	case 503:
		return UNAVAILABLE;
	default:
		return INTERNAL;
	}
}

void fake_refuse_grpc(struct fake_call *call, int status, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	CLEANUP(mem_freep) char *message = mem_vprintf(fmt, args);
	va_end(args);
	fake_answer_json(call, status,
		json_pack("{s:i,s:s,s:[]}", "code", grpc_code(status), "message", message,
			"details"));
}

json_t *fake_call_json(struct fake_call *call)
{
	json_t *tree =
		json_loadb(str_text(&call->body), call->body.len, JSON_REJECT_DUPLICATES, NULL);

	if (json_is_object(tree))
		return tree;
	json_decref(tree);
	return NULL;
}

int64_t fake_now_s(const struct fake_sigstore *fake)
{
	return clock_unix_ms(fake->clock) / 1000;
}

char *fake_canonical(const json_t *tree)
{
	char *text = json_dumps(tree, JSON_COMPACT | JSON_SORT_KEYS);

	fake_must(text != NULL);
	return text;
}

json_t *fake_json_base64(const struct str *bytes)
{
	CLEANUP(mem_freep) char *text = fake_base64(bytes);

	return json_string(text);
}

/* ---- Sending, rightly or not ---- */

/* Until the client or the server's end closes the connection. */
static void stall(struct fake_call *call)
{
	char byte;

	while (recv(call->exchange->fd, &byte, 1, 0) > 0)
		continue;
	tiny_close(call->exchange);
}

static void send_huge(struct fake_call *call)
{
	static const char text[64 * 1024] = {[0 ... sizeof(text) - 1] = ' '};
	struct tiny_exchange *exchange = call->exchange;
	bool ok = tiny_sendf(exchange,
		"HTTP/1.1 200 Status\r\nContent-Type: application/json\r\n"
		"Content-Length: %zu\r\n\r\n",
		HUGE_SIZE);

	for (size_t sent = 0; ok && sent < HUGE_SIZE; sent += sizeof(text))
		ok = tiny_send(exchange, text, sizeof(text));
	if (!ok)
		tiny_close(exchange);
}

static void send_answer(struct fake_call *call)
{
	bool is_head = strcmp(call->exchange->method, "HEAD") == 0;
	bool is_cut = call->fault.action == FAKE_TRUNCATE;
	size_t len = is_head ? 0 : is_cut ? call->answer.len / 2 : call->answer.len;

	tiny_sendf(call->exchange, "HTTP/1.1 %d Status\r\nContent-Length: %zu\r\n%s\r\n",
		call->status, call->answer.len, str_text(&call->headers));
	tiny_send(call->exchange, str_text(&call->answer), len);
	if (is_cut)
		tiny_close(call->exchange);
}

/* "CODE [Header: value]" */
static void answer_status(struct fake_call *call)
{
	char *rest;
	int status = (int)strtol(call->fault.argument, &rest, 10);

	rest += strspn(rest, " ");
	if (*rest)
		str_addf(&call->headers, "%s\r\n", rest);
	fake_refuse_grpc(call, status, "a fault was asked for");
}

static void answer_garbage(struct fake_call *call)
{
	str_clear(&call->answer);
	str_add_text(&call->answer, "{\"signedCertificateEmbeddedSct\":[{]}");
}

typedef void service_handler(struct fake_call *call);

static void run(struct fake_call *call)
{
	static service_handler *const handlers[FAKE_SERVICES] = {
		[FAKE_OIDC] = fake_oidc,
		[FAKE_FULCIO] = fake_fulcio,
		[FAKE_REKOR1] = fake_rekor1,
		[FAKE_REKOR2] = fake_rekor2,
		[FAKE_TSA] = fake_tsa,
	};
	if (call->fault.action == FAKE_DELAY)
		poll(NULL, 0, (int)fake_fault_number(&call->fault));
	if (call->fault.action == FAKE_STATUS)
		answer_status(call);
	else
		handlers[call->service](call);
	if (call->fault.action == FAKE_GARBAGE)
		answer_garbage(call);
	if (call->status == 0)
		fake_refuse_grpc(call, 404, "Not Found");
}

static void deliver(struct fake_call *call)
{
	switch (call->fault.action) {
	case FAKE_RESET:
		tiny_reset(call->exchange);
		return;
	case FAKE_STALL:
		stall(call);
		return;
	case FAKE_HUGE:
		send_huge(call);
		return;
	case FAKE_RESET_AFTER:
		run(call);
		tiny_reset(call->exchange);
		return;
	default:
		run(call);
		send_answer(call);
	}
}

/* ---- Requests ---- */

enum { METHOD_GET, METHOD_POST, METHOD_OTHER, METHOD_ANY };

static unsigned method_index(const char *method)
{
	return strcmp(method, "GET") == 0     ? METHOD_GET
		: strcmp(method, "POST") == 0 ? METHOD_POST
					      : METHOD_OTHER;
}

/* Bodies above the maximum are cut off, and then malformed. */
static void read_body(struct fake_call *call)
{
	char bytes[16 * 1024];
	size_t len;

	while ((len = tiny_read_body(call->exchange, bytes, sizeof(bytes))) > 0)
		str_add(&call->body, bytes, len);
}

static void log_request(struct fake_call *call)
{
	struct fake_sigstore *fake = call->fake;

	if (!fake->options.request_log)
		return;
	pthread_mutex_lock(&fake->request_log_lock);
	FILE *file = fopen(fake->options.request_log, "ae");
	fake_must(file != NULL);
	fprintf(file, "%s %s %s %d\n", fake_service_names[call->service], call->exchange->method,
		call->exchange->target, call->status);
	fclose(file);
	pthread_mutex_unlock(&fake->request_log_lock);
}

/* Counted before it is answered: whoever has the answer finds it counted. */
static void count(struct fake_listener *listener, const char *method)
{
	listener->requests[METHOD_ANY]++;
	listener->requests[method_index(method)]++;
}

static bool administer(struct fake_call *call)
{
	if (strncmp(call->path, "/admin/", 7) != 0)
		return false;
	if (fake_call_is(call, "POST", "/admin/faults") &&
		fake_sigstore_fault(call->fake, str_text(&call->body)))
		call->status = 204;
	else if (fake_call_is(call, "DELETE", "/admin/faults"))
		call->status = 204;
	else
		fake_refuse_grpc(call, 400, "no fault");
	if (fake_call_is(call, "DELETE", "/admin/faults"))
		fake_sigstore_forget_faults(call->fake);
	send_answer(call);
	return true;
}

static void handle(struct tiny_exchange *exchange, void *ctx)
{
	struct fake_listener *listener = ctx;
	CLEANUP(mem_freep)
	char *path = mem_strndup(exchange->target, strcspn(exchange->target, "?"));
	struct fake_call call = {
		.fake = listener->fake,
		.service = listener->service,
		.exchange = exchange,
		.path = path,
		.query = exchange->target + strlen(path) + (exchange->target[strlen(path)] == '?'),
		.body = STR_INIT(BODY_MAX),
		.headers = STR_INIT(BODY_MAX),
		.answer = STR_INIT(FAKE_BYTES_MAX),
	};

	if (listener->service == FAKE_OIDC && fake_oidc_is_googles(exchange)) {
		count(listener, exchange->method);
		google_api_handle(exchange, &listener->fake->google);
		return;
	}
	read_body(&call);
	if (!administer(&call)) {
		count(listener, exchange->method);
		call.fault = fake_faults_match(
			&listener->fake->faults, listener->service, exchange->method);
		deliver(&call);
		log_request(&call);
	}
	str_release(&call.body);
	str_release(&call.headers);
	str_release(&call.answer);
}

unsigned fake_sigstore_requests(
	struct fake_sigstore *fake, enum fake_service service, const char *method)
{
	return fake->listeners[service].requests[method ? method_index(method) : METHOD_ANY];
}

/* ---- Start and stop ---- */

static void make_authorities(struct fake_sigstore *fake)
{
	int64_t now = fake->start_ms;

	fake_authority_init(&fake->fulcio_root, "Fulcio root", NULL, false, now);
	fake_authority_init(&fake->fulcio, "Fulcio", &fake->fulcio_root, false, now);
	fake_authority_init(&fake->strange_root, "Strange root", NULL, false, now);
	fake_authority_init(&fake->strange, "Strange", &fake->strange_root, false, now);
	fake_authority_init(&fake->tsa_root, "Timestamp root", NULL, false, now);
	fake_authority_init(&fake->tsa, "Timestamps", &fake->tsa_root, true, now);
	fake_authority_init(&fake->strange_tsa_root, "Strange timestamp root", NULL, false, now);
	fake_authority_init(
		&fake->strange_tsa, "Strange timestamps", &fake->strange_tsa_root, true, now);
	fake->ct_key = EVP_EC_gen("P-256");
	fake->strange_ct_key = EVP_EC_gen("P-256");
	fake_must(fake->ct_key && fake->strange_ct_key);
}

static void make_issuers(struct fake_sigstore *fake)
{
	static const char *const paths[FAKE_ISSUERS] = {
		"", "/actions", "/buildkite", "/kubernetes", "/spiffe"};

	for (unsigned i = 0; i < FAKE_ISSUERS; i++)
		fake->issuers[i] = mem_printf("%s%s", fake_sigstore_url(fake, FAKE_OIDC), paths[i]);
}

struct fake_sigstore *fake_sigstore_start(const struct fake_sigstore_options *options)
{
	struct fake_sigstore *fake = mem_new(1, sizeof(*fake));

	fake->options = options ? *options : (struct fake_sigstore_options){0};
	fake->clock = fake->options.clock ? fake->options.clock : &clock_system;
	fake->start_ms = clock_unix_ms(fake->clock);
	fake->start_monotonic_ms = clock_monotonic_ms(&clock_system);
	pthread_mutex_init(&fake->faults.lock, NULL);
	pthread_mutex_init(&fake->request_log_lock, NULL);
	fake_oidc_init(fake);
	make_authorities(fake);
	fake_log_init(&fake->rekor1, "127.0.0.1", FAKE_REKOR1_TREE);
	fake_rekor1_fill(&fake->rekor1);
	fake_log_init(&fake->rekor2, "127.0.0.1", 0);
	fake_rekor2_fill(&fake->rekor2);
	for (unsigned i = 0; i < FAKE_SERVICES; i++) {
		struct fake_listener *listener = &fake->listeners[i];
		listener->fake = fake;
		listener->service = (enum fake_service)i;
		listener->server = tiny_server_new(handle, listener);
	}
	/* Ports are known only now. Every call asks for faults first, and so sees what is written here. */
	pthread_mutex_lock(&fake->faults.lock);
	fake->tsa_url = mem_printf(
		"%s/api/v1/timestamp", tiny_server_url(fake->listeners[FAKE_TSA].server));
	make_issuers(fake);
	pthread_mutex_unlock(&fake->faults.lock);
	return fake;
}

static void free_keys(struct fake_sigstore *fake)
{
	struct fake_authority *authorities[] = {&fake->fulcio_root, &fake->fulcio,
		&fake->strange_root, &fake->strange, &fake->tsa_root, &fake->tsa,
		&fake->strange_tsa_root, &fake->strange_tsa};

	for (size_t i = 0; i < sizeof(authorities) / sizeof(authorities[0]); i++)
		fake_authority_release(authorities[i]);
	EVP_PKEY_free(fake->ct_key);
	EVP_PKEY_free(fake->strange_ct_key);
	EVP_PKEY_free(fake->token_key);
	mem_free(fake->token_key_id);
}

void fake_sigstore_stop(struct fake_sigstore *fake)
{
	if (!fake)
		return;
	for (unsigned i = 0; i < FAKE_SERVICES; i++)
		tiny_server_free(fake->listeners[i].server);
	fake_log_release(&fake->rekor1);
	fake_log_release(&fake->rekor2);
	free_keys(fake);
	fake_faults_release(&fake->faults);
	google_api_release(&fake->google);
	pthread_mutex_destroy(&fake->request_log_lock);
	for (unsigned i = 0; i < FAKE_ISSUERS; i++)
		mem_free(fake->issuers[i]);
	mem_free(fake->tsa_url);
	mem_free(fake);
}

const char *fake_sigstore_url(const struct fake_sigstore *fake, enum fake_service service)
{
	return service == FAKE_TSA ? fake->tsa_url
				   : tiny_server_url(fake->listeners[service].server);
}

const char *fake_sigstore_issuer(const struct fake_sigstore *fake, enum fake_issuer issuer)
{
	return fake->issuers[issuer];
}
