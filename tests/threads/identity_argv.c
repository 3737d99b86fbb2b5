/*
 * cli/identity_flags.h: a token among the arguments is gone from where other processes read them. A
 * program of its own, since it starts itself again with such an argument.
 */
#include "cli/identity_flags.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "tests/fakes/jwt_text.h"
#include "tests/threads/check.h"

#define ARGUMENTS_MAX 4096

struct target {
	struct identity_flags identity;
};

static const struct flag flags[] = {IDENTITY_FLAGS(struct target, identity)};
static const struct flag_set set = {.flags = flags, .count = sizeof(flags) / sizeof(flags[0])};

/* Looks for a text in what others see of this process. */
static bool is_seen(const char *text)
{
	char bytes[ARGUMENTS_MAX];
	CLEANUP(fd_closep) int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	ssize_t len = read(fd, bytes, sizeof(bytes));
	CHECK(len > 0);
	return memmem(bytes, (size_t)len, text, strlen(text)) != NULL;
}

static void start_again(const char *program, bool joined)
{
	CLEANUP(mem_freep) char *jwt = jwt_text(JWT_TEXT_HEADER, "{\"sub\":\"me\"}");
	CLEANUP(mem_freep) char *one = mem_printf("--identity-token=%s", jwt);
	if (joined)
		execl(program, program, one, "--oidc-disable-ambient-providers", NULL);
	else
		execl(program, program, "--identity-token", jwt,
			"--oidc-disable-ambient-providers=false", NULL);
	CHECK(!"execl");
}

int main(int argc, char **argv)
{
	struct target target = {0};
	struct flag_given given;

	if (argc == 1)
		start_again(argv[0], true);
	CHECK(flag_parse(&set, (const char *const *)argv + 1, &target, &given, NULL));
	bool was_joined = target.identity.no_ambient;
	CHECK(is_seen(JWT_TEXT_SIGNATURE));
	identity_flags_hide(&target.identity);
	CHECK(!is_seen(JWT_TEXT_SIGNATURE) && !is_seen("eyJ"));
	CHECK(is_seen("--identity-token") && is_seen("--oidc-disable-ambient-providers"));
	CHECK(strstr(target.identity.token, JWT_TEXT_SIGNATURE));
	identity_flags_release(&target.identity);
	if (was_joined)
		start_again(argv[0], false);
	return 0;
}
