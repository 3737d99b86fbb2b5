/* cli/format.h */
#include "cli/format.h"

#include <criterion/criterion.h>

#define EXPECT(call, wanted)                                                                       \
	do {                                                                                       \
		CLEANUP(str_release) struct str out = STR_INIT(100);                               \
		call;                                                                              \
		cr_assert_str_eq(str_text(&out), wanted);                                          \
	} while (0)

Test(format, counts)
{
	EXPECT(format_count(&out, 0), "0");
	EXPECT(format_count(&out, 999), "999");
	EXPECT(format_count(&out, 1000), "1,000");
	EXPECT(format_count(&out, 938540), "938,540");
	EXPECT(format_count(&out, 1002003), "1,002,003");
	EXPECT(format_count(&out, UINT64_MAX), "18,446,744,073,709,551,615");
}

Test(format, bytes)
{
	EXPECT(format_bytes(&out, 0), "0 B");
	EXPECT(format_bytes(&out, 999), "999 B");
	EXPECT(format_bytes(&out, 1000), "1.0 KiB");
	EXPECT(format_bytes(&out, 1024 * 1008), "1.0 MiB");
	EXPECT(format_bytes(&out, 10 * 1024), "10 KiB");
	EXPECT(format_bytes(&out, (uint64_t)5 << 40), "5.0 TiB");
	EXPECT(format_bytes(&out, UINT64_MAX), "16 EiB");
}

Test(format, durations)
{
	EXPECT(format_duration(&out, 0), "0.0 s");
	EXPECT(format_duration(&out, 412), "0.4 s");
	EXPECT(format_duration(&out, 9960), "10 s");
	EXPECT(format_duration(&out, 59600), "1 min 0 s");
	EXPECT(format_duration(&out, 130000), "2 min 10 s");
	EXPECT(format_duration(&out, 3600000 + 3 * 60000), "1 h 3 min");
}
