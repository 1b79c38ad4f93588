/* How many sales an hour are usual, and what a flood of them does. */

#include "follow/rate.h"
#include "tests/unit/test.h"

enum { HOUR = 3600, DAY = 24 * HOUR };
#define BEGIN (INT64_C(480000) * HOUR)

/* So many sales an hour, evenly, for so many hours. */
static int64_t
sell(struct rate *r, int64_t now, int per_hour, int hours)
{
	for (int h = 0; h < hours; h++, now += HOUR)
		for (int i = 0; i < per_hour; i++)
			rate_add(r, now + (int64_t)i * HOUR / per_hour);
	return now;
}

static void
test_first(void)
{
	struct rate r = { .hour = BEGIN / HOUR };
	test_group("a new shop");
	OK(rate_limit(&r) == 50 && rate_hourly(&r, BEGIN) == 0, "nothing sold");
	for (int i = 0; i < 49; i++)
		rate_add(&r, BEGIN + i);
	OK(rate_hourly(&r, BEGIN + 49) == 49 && rate_due(&r, BEGIN + 49) == 0,
	    "49 within an hour go out at once");
	for (int i = 0; i < 3; i++) {
		rate_add(&r, BEGIN + 100);
		OK(rate_due(&r, BEGIN + 100) == BEGIN + 100 + (i + 1) * 72,
		    "the next ones one after the other: %d", i);
	}
	OK(rate_due(&r, BEGIN + 400) == 0, "until it is their turn");
	rate_add(&r, BEGIN + 2 * HOUR);
	OK(rate_due(&r, BEGIN + 2 * HOUR) == 0 && r.slot == 0,
	    "two hours later they go out at once again");
	for (int i = 0; i < 100000; i++)
		rate_add(&r, BEGIN + 3 * HOUR);
	OK(rate_due(&r, BEGIN + 3 * HOUR) - BEGIN - 3 * HOUR <= 7 * DAY + 72,
	    "not later than they would be given up");
}

static void
test_usual(void)
{
	struct rate r = { .hour = BEGIN / HOUR };
	int64_t now = sell(&r, BEGIN, 20, 720);
	test_group("usual");
	OK(r.usual > 12000 && r.usual < 13500, "of a month: %lld",
	    (long long)r.usual);
	now = sell(&r, now, 20, 4 * 720);
	OK(r.usual > 19000 && r.usual <= 20000, "of many: %lld",
	    (long long)r.usual);
	OK(rate_limit(&r) > 190 && rate_limit(&r) <= 200, "ten times that");
	int64_t before = r.usual;
	now = sell(&r, now, 10000, 10);
	OK(r.usual < before + 3000, "a flood does not make itself usual: %lld",
	    (long long)r.usual);
	OK(rate_due(&r, now - 1) > now, "and waits");
	rate_add(&r, now + INT64_C(400) * DAY);
	OK(r.usual == 0 && r.count == 1, "a year later nothing is left");
	OK(rate_hourly(&r, now) == 1, "a clock set back");
	rate_add(&r, now);
	OK(r.count == 2, "counts where it stood");
}

static void
test_hours(void)
{
	struct rate r = { .hour = BEGIN / HOUR };
	test_group("across the hour");
	for (int i = 0; i < 40; i++)
		rate_add(&r, BEGIN + HOUR - 60);
	for (int i = 0; i < 20; i++)
		rate_add(&r, BEGIN + HOUR + 60);
	OK(rate_hourly(&r, BEGIN + HOUR + 60) == 20 + 40 * 59 / 60,
	    "the hour before counts by what is left of it");
	OK(rate_due(&r, BEGIN + HOUR + 60) > 0, "so it is too fast");
	OK(rate_hourly(&r, BEGIN + 2 * HOUR + HOUR / 2) == 10, "half of it");
	OK(rate_hourly(&r, BEGIN + 3 * HOUR) == 0, "and gone");
}

int
main(void)
{
	test_first();
	test_usual();
	test_hours();
	return test_end();
}
