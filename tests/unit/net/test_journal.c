/* net/journal.h. */
#include <criterion/criterion.h>

#include "net/journal.h"

Test(journal, says_the_first_and_counts_the_rest)
{
	struct journal journal = {0};

	cr_expect_eq(journal_due_ms(&journal), INT64_MAX);
	for (unsigned i = 0; i < JOURNAL_FIRST; i++)
		cr_expect(journal_admit(&journal, 1000 + i));
	for (unsigned i = 0; i < 100; i++)
		cr_expect_not(journal_admit(&journal, 2000));
	cr_expect_eq(journal_due_ms(&journal), 1000 + JOURNAL_PERIOD_MS);
	cr_expect_eq(journal_collect(&journal, 1000 + JOURNAL_PERIOD_MS - 1, false), 0);
	cr_expect_eq(journal_collect(&journal, 1000 + JOURNAL_PERIOD_MS, false), 100);
	cr_expect_eq(journal_collect(&journal, 1000 + JOURNAL_PERIOD_MS, false), 0);
	cr_expect_eq(journal_due_ms(&journal), INT64_MAX);
}

Test(journal, begins_anew_after_its_period)
{
	struct journal journal = {0};

	for (unsigned i = 0; i < JOURNAL_FIRST; i++)
		journal_admit(&journal, 0);
	cr_expect_not(journal_admit(&journal, 1));
	cr_expect_eq(journal_collect(&journal, 2, true), 1, "asked for at once");
	cr_expect(journal_admit(&journal, JOURNAL_PERIOD_MS));
}
