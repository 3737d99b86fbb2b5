/* For the plain threaded programs: say what does not hold and stop the whole program. */
#ifndef CIP_TESTS_THREADS_CHECK_H
#define CIP_TESTS_THREADS_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);            \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

#endif
