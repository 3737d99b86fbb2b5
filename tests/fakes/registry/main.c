/* Options, the listening socket, and a thread for every connection. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/enc.h"
#include "tests/fakes/registry/fake.h"
#include "tests/fakes/registry/world.h"

struct fake_options fake_options;

static bool until_eof;
static unsigned port;
static const char *single_post;

static const struct choice {
	const char *name, *argument, *meaning;
	bool *flag; /* one of these */
	unsigned *number;
	const char **text;
} choices[] = {
	{"port", "N", "listen there; else a free port is chosen", .number = &port},
	{"until-eof", NULL, "end with standard input, so as not to outlive a test that failed",
		.flag = &until_eof},
	{"access-log", "FILE", "a line a request: METHOD TARGET STATUS BYTES",
		.text = &fake_options.access_log},
	{"faults", "FILE", "rules, see faults.c", .text = &fake_options.faults},
	{"issued", "FILE", "take only the tokens in it: a line each, TOKEN r or TOKEN w",
		.text = &fake_options.issued},
	{"delay-ms", "N", "before every response", .number = &fake_options.delay_ms},
	{"quota", "N", "429 above so many requests in a second", .number = &fake_options.quota},
	{"retry-after", "S", "seconds that such a 429 asks for",
		.number = &fake_options.retry_after},
	{"google", NULL, "Google's extended tags list", .flag = &fake_options.google},
	{"answer-404", NULL, "404 to everything", .flag = &fake_options.answer_404},
	{"page-size", "N", "tags or referrers a page", .number = &fake_options.page_size},
	{"no-page-size", NULL, "400 to a list with `n`", .flag = &fake_options.no_page_size},
	{"link", "absolute|plain|query|several|repeated", "how the next page of tags is named",
		.text = &fake_options.link},
	{"relative-location", NULL, "uploads have a Location without host",
		.flag = &fake_options.relative_location},
	{"single-post", "yes|no", "take a blob with the POST", .text = &single_post},
	{"no-mount", NULL, "a mount opens an upload", .flag = &fake_options.no_mount},
	{"anonymous-mount", NULL, "mount without `from`", .flag = &fake_options.anonymous_mount},
	{"cross-mount", "DIR", "mount with `origin` from fakes that share the directory",
		.text = &fake_options.family},
	{"name", "HOST", "`origin` of this one; else its address", .text = &fake_options.name},
	{"chunked-only", NULL, "refuse a blob in one PUT; pieces need Content-Range",
		.flag = &fake_options.chunked_only},
	{"chunk-max", "N", "refuse longer pieces", .number = &fake_options.chunk_max},
	{"chunk-min", "N", "ask for pieces of at least that", .number = &fake_options.chunk_min},
	{"cut-patch", "N", "the nth PATCH breaks off in the middle",
		.number = &fake_options.cut_patch},
	{"no-missing-list", NULL, "a manifest PUT does not name what it misses",
		.flag = &fake_options.no_missing_list},
	{"multi-tag", "N", "take up to N tags with one manifest PUT",
		.number = &fake_options.multi_tag},
	{"world", "TREE", "hold all that it declares, on a port for each host; prints HOST PORT",
		.text = &fake_options.world},
	{"world-out", "DIR", "write the tree there, with the digests that are held, see world.h",
		.text = &fake_options.world_out},
	{"referrers", "yes|filter|lie", "the referrers API, see referrers.c",
		.text = &fake_options.referrers},
};
#define CHOICES (sizeof(choices) / sizeof(choices[0]))

static void usage_exit(void)
{
	fputs("usage: fake-registry [OPTION...]\n"
	      "Serves an empty registry on 127.0.0.1 and prints its port.\n",
		stderr);
	for (size_t i = 0; i < CHOICES; i++)
		fprintf(stderr, "  --%s %s\n        %s\n", choices[i].name,
			choices[i].argument ? choices[i].argument : "", choices[i].meaning);
	exit(2);
}

static void *await_eof(void *unused)
{
	char byte;

	(void)unused;
	while (read(STDIN_FILENO, &byte, 1) > 0)
		continue;
	_exit(0);
}

static void end_with_input(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, await_eof, NULL) == 0)
		pthread_detach(thread);
}

static void set(const struct choice *choice)
{
	uint64_t value = 0;
	if (choice->flag)
		*choice->flag = true;
	else if (choice->text)
		*choice->text = optarg;
	else if (number_parse(optarg, INT32_MAX, &value))
		*choice->number = (unsigned)value;
	else
		usage_exit();
}

static void read_options(int argc, char **argv)
{
	struct option options[CHOICES + 1] = {0};
	int found, index = 0;
	for (size_t i = 0; i < CHOICES; i++)
		options[i] = (struct option){.name = choices[i].name,
			.has_arg = choices[i].argument ? required_argument : no_argument};
	while ((found = getopt_long(argc, argv, "", options, &index)) != -1) {
		if (found != 0)
			usage_exit();
		set(&choices[index]);
	}
	if (optind != argc || port > UINT16_MAX)
		usage_exit();
	fake_options.single_post = single_post && strcmp(single_post, "yes") == 0;
	if (until_eof)
		end_with_input();
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int listen_on_loopback(int *ret_port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)port),
	};
	socklen_t len = sizeof(address);
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0)
		die("socket");
	if (bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, 512) != 0 ||
		getsockname(fd, (struct sockaddr *)&address, &len) != 0)
		die("listen on 127.0.0.1");
	*ret_port = ntohs(address.sin_port);
	return fd;
}

struct listener {
	int fd;
	const char *host;
};

static void *accept_for_ever(void *of)
{
	const struct listener *listener = of;
	pthread_attr_t attributes;
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	for (;;) {
		pthread_t thread;
		int on = 1, fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0) {
			if (errno == EMFILE)
				usleep(1000);
			continue;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		const struct connection_start given = {fd, listener->host};
		struct connection_start *start = mem_dup(&given, sizeof(given));
		if (pthread_create(&thread, &attributes, connection_run, start) != 0) {
			close(fd);
			mem_free(start);
		}
	}
	return NULL;
}

static void serve_world(void)
{
	const char *const *hosts;
	pthread_t thread;
	size_t count;

	world_load(fake_options.world, fake_options.world_out);
	count = world_hosts(&hosts);
	for (size_t i = 0; i < count; i++) {
		struct listener *listener = mem_new(1, sizeof(*listener));
		int port_taken;

		listener->host = hosts[i];
		listener->fd = listen_on_loopback(&port_taken);
		printf("%s %d\n", hosts[i], port_taken);
		if (pthread_create(&thread, NULL, accept_for_ever, listener) != 0)
			die("thread");
	}
	puts("ready");
	fflush(stdout);
	pause();
}

int main(int argc, char **argv)
{
	struct listener listener = {0};
	int port_taken = 0;
	read_options(argc, argv);
	if (fake_options.faults)
		faults_load(fake_options.faults);
	if (fake_options.world && fake_options.world_out)
		serve_world();
	listener.fd = listen_on_loopback(&port_taken);
	if (!fake_options.name)
		fake_options.name = mem_printf("127.0.0.1:%d", port_taken);
	printf("%d\n", port_taken);
	fflush(stdout);
	accept_for_ever(&listener);
}
