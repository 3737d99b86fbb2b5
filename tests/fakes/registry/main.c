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

#include "base/enc.h"
#include "tests/fakes/registry/fake.h"

struct fake_options fake_options;

static const char usage[] =
	"usage: fake-registry [--port N] [--google] [--answer-404] [--delay-ms N] [--faults FILE]\n"
	"                     [--access-log FILE] [--single-post yes|no] [--no-mount]\n"
	"                     [--relative-location] [--page-size N] [--until-eof]\n"
	"Serves an empty registry on 127.0.0.1 and prints its port. With --until-eof it ends with "
	"its\n"
	"standard input, so that it does not outlive a test that failed.\n";

static const struct option options[] = {
	{"port", required_argument, NULL, 'p'},
	{"google", no_argument, NULL, 'g'},
	{"answer-404", no_argument, NULL, '4'},
	{"delay-ms", required_argument, NULL, 'd'},
	{"faults", required_argument, NULL, 'f'},
	{"access-log", required_argument, NULL, 'l'},
	{"single-post", required_argument, NULL, 's'},
	{"no-mount", no_argument, NULL, 'm'},
	{"relative-location", no_argument, NULL, 'r'},
	{"page-size", required_argument, NULL, 'n'},
	{"until-eof", no_argument, NULL, 'u'},
	{0},
};

static void usage_exit(void)
{
	fputs(usage, stderr);
	exit(2);
}

static unsigned number(const char *text, unsigned max)
{
	uint64_t value = 0;
	if (!number_parse(text, max, &value))
		usage_exit();
	return (unsigned)value;
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

static void set_option(int option)
{
	switch (option) {
	case 'p':
		fake_options.port = (int)number(optarg, 65535);
		break;
	case 'g':
		fake_options.google = true;
		break;
	case '4':
		fake_options.answer_404 = true;
		break;
	case 'd':
		fake_options.delay_ms = number(optarg, 60000);
		break;
	case 'f':
		fake_options.faults = optarg;
		break;
	case 'l':
		fake_options.access_log = optarg;
		break;
	case 's':
		fake_options.single_post = strcmp(optarg, "yes") == 0;
		break;
	case 'm':
		fake_options.no_mount = true;
		break;
	case 'r':
		fake_options.relative_location = true;
		break;
	case 'n':
		fake_options.page_size = number(optarg, 1000000);
		break;
	case 'u':
		end_with_input();
		break;
	default:
		usage_exit();
	}
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
		.sin_port = htons((uint16_t)fake_options.port),
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

static void accept_for_ever(int listener)
{
	pthread_attr_t attributes;
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	for (;;) {
		pthread_t thread;
		int on = 1, fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0) {
			if (errno == EMFILE)
				usleep(1000);
			continue;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		if (pthread_create(&thread, &attributes, connection_run, (void *)(intptr_t)fd) != 0)
			close(fd);
	}
}

int main(int argc, char **argv)
{
	int option, port = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		set_option(option);
	if (optind != argc)
		usage_exit();
	if (fake_options.faults)
		faults_load(fake_options.faults);
	int listener = listen_on_loopback(&port);
	printf("%d\n", port);
	fflush(stdout);
	accept_for_ever(listener);
}
