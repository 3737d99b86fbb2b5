/*
 * Units and digit groups for summary and progress. Files for machines get plain numbers elsewhere.
 */
#include "cli/format.h"

void format_count(struct str *out, uint64_t count)
{
	uint64_t unit = 1;

	while (count / unit >= 1000)
		unit *= 1000;
	str_addf(out, "%u", (unsigned)(count / unit));
	for (unit /= 1000; unit; unit /= 1000)
		str_addf(out, ",%03u", (unsigned)(count / unit % 1000));
}

void format_bytes(struct str *out, uint64_t bytes)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double amount = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1000) {
		str_addf(out, "%u B", (unsigned)bytes);
		return;
	}
	/* Not 1024: "1008 KiB" would need a fourth digit. */
	while (amount >= 999.5) {
		amount /= 1024;
		unit++;
	}
	str_addf(out, amount < 9.95 ? "%.1f %s" : "%.0f %s", amount, units[unit]);
}

void format_duration(struct str *out, int64_t ms)
{
	int64_t seconds = (ms + 500) / 1000;

	if (ms < 9950)
		str_addf(out, "%.1f s", (double)ms / 1000);
	else if (seconds < 60)
		str_addf(out, "%d s", (int)seconds);
	else if (seconds < 3600)
		str_addf(out, "%d min %d s", (int)(seconds / 60), (int)(seconds % 60));
	else
		str_addf(out, "%lld h %d min", (long long)(seconds / 3600),
			(int)(seconds % 3600 / 60));
}
