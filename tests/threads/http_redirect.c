/*
 * Redirects between real servers on the loopback, and URLs that a server gave: where we go, what we
 * take along, and where we refuse to go.
 */
#include <stdlib.h>

#include "tests/threads/http_fixture.h"

/* Two servers are two origins, because their ports differ. */
struct place {
	char *other;	     /* URL of the other server */
	char *authorization; /* that the target saw; NULL: none */
	char *accept;
};

static char *copy_header(const struct tiny_exchange *x, const char *name)
{
	const char *value = tiny_header(x, name);

	return value ? mem_strdup(value) : NULL;
}

static void redirect_to(struct tiny_exchange *x, int status, const char *location)
{
	char *header = mem_printf("Location: %s\r\n", location);

	tiny_reply(x, status, header, "moved");
	mem_free(header);
}

/*
 * /to/STATUS/LOCATION redirects, where %s stands for the other server; /loop to itself; else
 * answers.
 */
static void place_handler(struct tiny_exchange *x, void *ctx)
{
	struct place *place = ctx;

	if (strncmp(x->target, "/to/", 4) == 0) {
		const char *location = x->target + strlen("/to/302/");
		char *full = strncmp(location, "OTHER", 5) == 0
			? mem_printf("%s%s", place->other, location + 5)
			: mem_strdup(location);
		redirect_to(x, (int)strtol(x->target + 4, NULL, 10), full);
		mem_free(full);
	} else if (strcmp(x->target, "/loop") == 0) {
		redirect_to(x, 302, "/loop");
	} else if (strcmp(x->target, "/huge") == 0) {
		tiny_sendf(x,
			"HTTP/1.1 302 Found\r\nLocation: /end\r\nContent-Length: "
			"999999999\r\n\r\n");
		while (tiny_sendf(x, "%01000d", 0))
			continue;
		tiny_close(x);
	} else {
		mem_free(place->authorization);
		mem_free(place->accept);
		place->authorization = copy_header(x, "Authorization");
		place->accept = copy_header(x, "Accept");
		tiny_reply(x, 200, "", x->target);
	}
}

static struct http_header headers[] = {
	{.name = "Authorization", .value = "Bearer hidden", .is_private = true},
	{.name = "Accept", .value = "a/b"},
};

struct scene {
	struct fixture f;
	struct place near, far;
	struct tiny_server *other;
};

static void scene_open(struct scene *scene)
{
	*scene = (struct scene){0};
	fixture_open(&scene->f, place_handler, &scene->near, fixture_options());
	scene->other = tiny_server_new(place_handler, &scene->far);
	scene->near.other = mem_strdup(tiny_server_url(scene->other));
	scene->far.other = mem_strdup(tiny_server_url(scene->f.server));
}

static void scene_close(struct scene *scene)
{
	struct place *places[] = {&scene->near, &scene->far};

	tiny_server_free(scene->other);
	fixture_close(&scene->f);
	for (size_t i = 0; i < 2; i++) {
		mem_free(places[i]->other);
		mem_free(places[i]->authorization);
		mem_free(places[i]->accept);
	}
}

static struct http_request scene_request(
	struct scene *scene, const char *method, const char *target)
{
	struct http_request request = fixture_request(&scene->f, method);

	mem_free(scene->f.url);
	scene->f.url = mem_printf("%s%s", tiny_server_url(scene->f.server), target);
	request.url = scene->f.url;
	request.headers = headers;
	request.header_count = 2;
	return request;
}

static void test_same_origin(void)
{
	struct scene scene;
	struct http_request request;

	scene_open(&scene);
	request = scene_request(&scene, "GET", "/to/307//end?x=1");
	check_answers(&scene.f, &request, 200, "/end?x=1");
	CHECK(strcmp(scene.near.authorization, "Bearer hidden") == 0);
	request = scene_request(&scene, "HEAD", "/to/302//end");
	check_answers(&scene.f, &request, 200, "");
	CHECK(scene.f.tally.requests == 4);
	CHECK(tiny_server_connections(scene.f.server) == 1);
	request = scene_request(&scene, "GET", "/huge");
	check_answers(&scene.f, &request, 200, "/end");
	scene_close(&scene);
}

static void test_other_origin(void)
{
	struct scene scene;
	struct http_request request;
	struct http_response response = {0};

	scene_open(&scene);
	request = scene_request(&scene, "GET", "/to/307/OTHER/blob?sig=secret");
	CHECK(http_do(scene.f.http, &request, &response, NULL));
	CHECK(strcmp(str_text(&response.body), "/blob?sig=secret") == 0);
	CHECK(strncmp(response.url, tiny_server_url(scene.other), strlen(scene.near.other)) == 0);
	CHECK(response.source == HTTP_SOURCE_LOOPBACK);
	http_response_release(&response);
	CHECK(!scene.far.authorization && strcmp(scene.far.accept, "a/b") == 0);
	/* Not on the next hop either, though it stays where we are, and not when the way leads home. */
	request = scene_request(&scene, "GET", "/to/307/OTHER/to/307//end");
	check_answers(&scene.f, &request, 200, "/end");
	CHECK(!scene.far.authorization);
	request = scene_request(&scene, "GET", "/to/307/OTHER/to/307/OTHER/home");
	check_answers(&scene.f, &request, 200, "/home");
	CHECK(!scene.near.authorization);
	scene_close(&scene);
}

static void test_streamed(void)
{
	struct scene scene;
	struct http_request request;
	struct http_call *call;
	char bytes[64];
	size_t len;

	scene_open(&scene);
	request = scene_request(&scene, "GET", "/to/307/OTHER/blob");
	request.response_streamed = true;
	call = http_start(scene.f.http, &request);
	CHECK(http_call_read(call, bytes, sizeof(bytes), &len, NULL));
	CHECK(len == 5 && memcmp(bytes, "/blob", 5) == 0);
	CHECK(http_call_read(call, bytes, sizeof(bytes), &len, NULL) && len == 0);
	http_call_free(call);
	CHECK(!scene.far.authorization);
	scene_close(&scene);
}

static void test_refused(const char *method, const char *target, unsigned requests)
{
	struct scene scene;
	struct http_request request;

	scene_open(&scene);
	request = scene_request(&scene, method, target);
	check_fails(&scene.f, &request, ERR_INVALID);
	CHECK(scene.f.tally.requests == requests);
	CHECK(tiny_server_requests(scene.other) == 0);
	scene_close(&scene);
}

/* A URL that some server gave, to our server's port. Nothing may be sent, or even connected. */
static void test_given(enum http_source source, const char *origin)
{
	struct scene scene;
	struct http_request request;

	scene_open(&scene);
	request = scene_request(&scene, "GET", "/");
	mem_free(scene.f.url);
	scene.f.url = mem_printf("%s:%u/", origin, (unsigned)tiny_server_port(scene.f.server));
	request.url = scene.f.url;
	request.source = source;
	check_fails(&scene.f, &request, ERR_INVALID);
	CHECK(scene.f.tally.requests == 0 && tiny_server_connections(scene.f.server) == 0);
	scene_close(&scene);
}

static void test_resolve(void)
{
	struct scene scene;
	struct http_request request;
	struct http_response response = {0};
	enum http_source source;
	char *url = NULL, *expected;

	scene_open(&scene);
	request = scene_request(&scene, "GET", "/v2/a/list?n=1");
	CHECK(http_do(scene.f.http, &request, &response, NULL));
	CHECK(http_response_resolve(&response, "list?last=b", &url, &source, NULL));
	expected = mem_printf("%s/v2/a/list?last=b", tiny_server_url(scene.f.server));
	CHECK(strcmp(url, expected) == 0 && source == HTTP_SOURCE_CONFIGURED);
	mem_free(url);
	mem_free(expected);
	CHECK(http_response_resolve(&response, "https://example.com/t", &url, &source, NULL));
	CHECK(strcmp(url, "https://example.com/t") == 0 && source == HTTP_SOURCE_LOOPBACK);
	mem_free(url);
	CHECK(!http_response_resolve(&response, "http://10.0.0.1/", &url, &source, NULL));
	http_response_release(&response);
	scene_close(&scene);
}

int main(void)
{
	test_same_origin();
	test_other_origin();
	test_streamed();
	test_refused("GET", "/loop", 6);
	test_refused("POST", "/to/307/OTHER/x", 1);
	test_refused("PUT", "/to/307/OTHER/x", 1);
	test_refused("PATCH", "/to/308//end", 1);
	test_refused("GET", "/to/302/http://169.254.169.254/latest/meta-data/", 1);
	test_refused("GET", "/to/302/https://[::ffff:169.254.169.254]/", 1);
	test_refused("GET", "/to/302/http://10.0.0.1/", 1);
	test_refused("GET", "/to/302/ftp://127.0.0.1/", 1);
	test_refused("GET", "/to/302/http://user:pw@127.0.0.1/", 1);
	test_given(HTTP_SOURCE_PUBLIC, "http://127.0.0.1");
	test_given(HTTP_SOURCE_PRIVATE, "https://127.0.0.1");
	test_given(HTTP_SOURCE_PRIVATE, "https://localhost");
	/* Only the resolver knows what these are. */
	test_given(HTTP_SOURCE_PUBLIC, "https://127.1");
	test_given(HTTP_SOURCE_PRIVATE, "https://0x7f000001");
	test_resolve();
	return 0;
}
