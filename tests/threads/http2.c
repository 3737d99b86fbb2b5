/*
 * HTTP/2 that ends badly: streams that are reset, a server that says goodbye, frames that are none.
 * The server knows just enough of RFC 9113 to do that: what is asked does not matter, so headers
 * are never decoded.
 */
#include <openssl/ssl.h>
#include <stdatomic.h>

#include "tests/fakes/tiny_ca.h"
#include "tests/threads/http_fixture.h"

enum { DATA, HEADERS, RST_STREAM = 3, SETTINGS, GOAWAY = 7 };
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4 };
enum { NO_ERROR, INTERNAL_ERROR = 2, REFUSED_STREAM = 7, ENHANCE_YOUR_CALM = 11 };

/* What the first requests meet; all later ones are answered. */
struct server {
	enum { RESET, REFUSE, CALM, GO, GO_BEFORE, NONSENSE, VANISH } way;
	atomic_uint faults_left;
	atomic_uint requests;
};

static bool send_frame(struct tiny_exchange *x, unsigned type, unsigned flags, unsigned stream,
	const char *bytes, size_t len)
{
	char frame[9 + 64] = {(char)(len >> 16), (char)(len >> 8), (char)len, (char)type,
		(char)flags, (char)(stream >> 24), (char)(stream >> 16), (char)(stream >> 8),
		(char)stream};

	CHECK(len <= 64);
	if (len > 0)
		memcpy(frame + 9, bytes, len);
	return tiny_send(x, frame, 9 + len);
}

static bool receive(struct tiny_exchange *x, unsigned char *bytes, size_t len)
{
	for (size_t at = 0; at < len;) {
		int got = SSL_read(x->tls, bytes + at, (int)(len - at));
		if (got <= 0)
			return false;
		at += (size_t)got;
	}
	return true;
}

static void reset(struct tiny_exchange *x, unsigned stream, unsigned code)
{
	const char bytes[4] = {0, 0, 0, (char)code};

	send_frame(x, RST_STREAM, 0, stream, bytes, sizeof(bytes));
}

/* Streams above `last` will not be answered. */
static void say_goodbye(struct tiny_exchange *x, unsigned last)
{
	const char bytes[8] = {
		(char)(last >> 24), (char)(last >> 16), (char)(last >> 8), (char)last};

	send_frame(x, GOAWAY, 0, 0, bytes, sizeof(bytes));
	tiny_close(x);
}

static void go_wrong(struct tiny_exchange *x, const struct server *s, unsigned stream)
{
	switch (s->way) {
	case RESET:
		reset(x, stream, INTERNAL_ERROR);
		break;
	case REFUSE:
		reset(x, stream, REFUSED_STREAM);
		break;
	case CALM:
		reset(x, stream, ENHANCE_YOUR_CALM);
		break;
	case GO:
		say_goodbye(x, stream);
		break;
	case GO_BEFORE:
		say_goodbye(x, stream > 2 ? stream - 2 : 0);
		break;
	case NONSENSE:
		send_frame(x, DATA, END_STREAM, stream + 2, "x", 1);
		tiny_close(x);
		break;
	case VANISH:
		tiny_close(x);
		break;
	}
}

static void take_request(struct tiny_exchange *x, struct server *s, unsigned stream)
{
	unsigned left = s->faults_left;

	s->requests++;
	while (left > 0 && !atomic_compare_exchange_weak(&s->faults_left, &left, left - 1))
		continue;
	if (left > 0) {
		go_wrong(x, s, stream);
		return;
	}
	/* ":status: 200", an entry of HPACK's static table. */
	send_frame(x, HEADERS, END_HEADERS, stream, "\x88", 1);
	send_frame(x, DATA, END_STREAM, stream, "fine", 4);
}

/* Called with the preface's first line for a request. */
static void serve(struct tiny_exchange *x, void *ctx)
{
	unsigned char head[9], payload[16384];

	CHECK(strcmp(x->method, "PRI") == 0);
	if (!receive(x, payload, strlen("SM\r\n\r\n")) || !send_frame(x, SETTINGS, 0, 0, NULL, 0))
		tiny_close(x);
	while (!x->is_closed && receive(x, head, sizeof(head))) {
		size_t len = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
		unsigned stream = (unsigned)head[6] << 16 | (unsigned)head[7] << 8 | head[8];
		if (len > sizeof(payload) || !receive(x, payload, len))
			break;
		if (head[3] == SETTINGS && !(head[4] & ACK))
			send_frame(x, SETTINGS, ACK, 0, NULL, 0);
		else if (head[3] == HEADERS)
			take_request(x, ctx, stream);
	}
	tiny_close(x);
}

static int choose_http2(SSL *tls, const unsigned char **out, unsigned char *out_len,
	const unsigned char *in, unsigned in_len, void *ctx)
{
	static const unsigned char h2[] = {2, 'h', '2'};

	(void)tls;
	(void)ctx;
	return SSL_select_next_proto((unsigned char **)(uintptr_t)out, out_len, h2, sizeof(h2), in,
		       in_len) == OPENSSL_NPN_NEGOTIATED
		? SSL_TLSEXT_ERR_OK
		: SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* `faults` requests of one call go wrong; three attempts are made. */
static void check(int way, unsigned faults)
{
	const struct http_tls_options blind = {.skip_verify = true};
	struct http_tls *tls = http_tls_new(&blind, NULL);
	struct server s = {.way = way, .faults_left = faults};
	struct http_options options = fixture_options();
	struct tiny_ca *ca = tiny_ca_new();
	SSL_CTX *ctx = tiny_ca_server(ca, "IP:127.0.0.1", 0);
	struct http_request request;
	struct fixture f;

	options.attempts = 3;
	SSL_CTX_set_alpn_select_cb(ctx, choose_http2, NULL);
	fixture_open(&f, serve, &s, options);
	tiny_server_free(f.server);
	f.server = tiny_server_new_tls(serve, &s, ctx);
	mem_free(f.url);
	f.url = mem_printf("%s/x?sig=secret", tiny_server_url(f.server));
	request = fixture_request(&f, "GET");
	request.tls = tls;
	request.repeatable = true;
	if (faults < 3)
		check_answers(&f, &request, 200, "fine");
	else
		check_fails(&f, &request, ERR_TRANSIENT);
	/* Whatever happened, the next one is served. */
	s.faults_left = 0;
	check_answers(&f, &request, 200, "fine");
	fixture_close(&f);
	SSL_CTX_free(ctx);
	tiny_ca_free(ca);
	http_tls_free(tls);
}

int main(void)
{
	check(RESET, 0);
	for (int way = RESET; way <= VANISH; way++) {
		check(way, 1);
		check(way, 100);
	}
	return 0;
}
