/* A Range header or a date, and the size of a file: its first eight bytes. */
#include "cgi/web/part.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	int64_t size = 0, t;
	for (size_t i = 0; i < 8 && n > 0; i++, data++, n--)
		size = (int64_t)((uint64_t)size << 8 | data[0]);
	size &= INT64_MAX;
	struct str text = fuzz_input(data, n);
	struct part p = part_range(text, size);
	HOLD(p.status == 200 || p.status == 206 || p.status == 416);
	HOLD(p.status != 200 || (p.first == 0 && p.n == size));
	if (p.status == 206) {
		HOLD(p.first >= 0 && p.n > 0 && p.n <= size);
		HOLD(p.first <= size - p.n);
	}
	if (n > 0 && part_date(text, &t) == 0)
		HOLD(n < 2 * PART_DATE_MAX);
	return 0;
}
