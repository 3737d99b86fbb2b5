/* base/cleanup.h */
#include "base/cleanup.h"

#include <criterion/criterion.h>
#include <fcntl.h>

static int released;

struct thing {
	int number;
};

static void thing_free(struct thing *thing)
{
	released += thing->number;
}
DEFINE_CLEANUP(struct thing, thing_freep, thing_free)

Test(cleanup, runs_at_the_end_of_the_scope)
{
	struct thing thing = {.number = 5};

	{
		CLEANUP(thing_freep) struct thing *owner = &thing;
		cr_assert_eq(owner->number, 5);
	}
	cr_assert_eq(released, 5);
}

Test(cleanup, does_nothing_for_null)
{
	{
		CLEANUP(thing_freep) struct thing *owner = NULL;
		(void)owner;
	}
	cr_assert_eq(released, 0);
}

Test(cleanup, stolen_pointers_survive)
{
	struct thing thing = {.number = 5}, *kept;

	{
		CLEANUP(thing_freep) struct thing *owner = &thing;
		kept = steal_ptr(&owner);
		cr_assert_null(owner);
	}
	cr_assert_eq(kept, &thing);
	cr_assert_eq(released, 0);
}

Test(cleanup, descriptors)
{
	int number, kept;

	{
		CLEANUP(fd_closep) int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		number = fd;
		cr_assert_geq(number, 0);
	}
	cr_assert_lt(fcntl(number, F_GETFD), 0);
	{
		CLEANUP(fd_closep) int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		kept = steal_fd(&fd);
		cr_assert_eq(fd, -1);
	}
	cr_assert_geq(fcntl(kept, F_GETFD), 0);
	close(kept);
}

Test(cleanup, files)
{
	int number;

	{
		CLEANUP(file_closep) FILE *file = fopen("/dev/null", "r");
		cr_assert(file);
		number = fileno(file);
	}
	cr_assert_lt(fcntl(number, F_GETFD), 0);
}
