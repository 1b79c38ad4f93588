#include "base/time.h"

#include <stdio.h>
#include <time.h>

/* Days and dates: Howard Hinnant, "chrono-Compatible Low-Level Date
 * Algorithms" (days_from_civil, civil_from_days). */

static int64_t
days_from_date(int64_t y, int m, int d)
{
	y -= m <= 2;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
	return era * 146097 + doe - 719468;
}

static void
date_from_days(int64_t z, int64_t *y, int *m, int *d)
{
	z += 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	*d = (int)(doy - (153 * mp + 2) / 5 + 1);
	*m = (int)(mp + (mp < 10 ? 3 : -9));
	*y = yoe + era * 400 + (*m <= 2);
}

static int
days_in_month(int64_t y, int m)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };
	int leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
	return m == 2 && leap ? 29 : days[m - 1];
}

/* n digits at s.p[at] as a number, -1 when they are not all digits. */
static int
digits(struct str s, size_t at, size_t n)
{
	int v = 0;
	if (at + n > s.n)
		return -1;
	for (size_t i = at; i < at + n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return -1;
		v = v * 10 + (s.p[i] - '0');
	}
	return v;
}

static int
is_at(struct str s, size_t i, char c)
{
	return i < s.n && s.p[i] == c;
}

/* The offset from UTC in seconds. RFC 3339 5.6 time-offset. */
static int
parse_offset(struct str s, size_t i, int *offset)
{
	*offset = 0;
	if (i + 1 == s.n && (s.p[i] == 'Z' || s.p[i] == 'z'))
		return 0;
	if (i + 6 != s.n || (s.p[i] != '+' && s.p[i] != '-') ||
	    s.p[i + 3] != ':')
		return -1;
	int h = digits(s, i + 1, 2), m = digits(s, i + 4, 2);
	if (h < 0 || h > 23 || m < 0 || m > 59)
		return -1;
	*offset = (h * 3600 + m * 60) * (s.p[i] == '-' ? -1 : 1);
	return 0;
}

int
time_parse(struct str s, int64_t *out)
{
	int y = digits(s, 0, 4), mo = digits(s, 5, 2), d = digits(s, 8, 2);
	int h = digits(s, 11, 2), mi = digits(s, 14, 2), sec = digits(s, 17, 2);
	if (y < 1 || mo < 1 || mo > 12 || d < 1 || d > days_in_month(y, mo) ||
	    h < 0 || h > 23 || mi < 0 || mi > 59 || sec < 0 || sec > 60)
		return -1;
	if (!is_at(s, 4, '-') || !is_at(s, 7, '-') || !is_at(s, 13, ':') ||
	    !is_at(s, 16, ':') ||
	    !(is_at(s, 10, 'T') || is_at(s, 10, 't') || is_at(s, 10, ' ')))
		return -1;
	size_t i = 19;
	if (is_at(s, i, '.')) {
		size_t from = ++i;
		while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
			i++;
		if (i == from)
			return -1;
	}
	int offset;
	if (i >= s.n || parse_offset(s, i, &offset) != 0)
		return -1;
	*out = days_from_date(y, mo, d) * 86400 + h * 3600 + mi * 60 + sec -
	    offset;
	return 0;
}

static int64_t
floor_days(int64_t t)
{
	return t / 86400 - (t % 86400 < 0);
}

static char *
put_digits(char *p, int value, int digits, char after)
{
	for (int i = digits; i-- > 0; value /= 10)
		p[i] = (char)('0' + value % 10);
	p[digits] = after;
	return p + digits + 1;
}

/* By hand: an answer has five times, and snprintf would be a quarter of it. */
const char *
time_text(int64_t t, char *text)
{
	static const int64_t first = -62135596800, last = 253402300799;
	if (t < first || t > last) {
		snprintf(text, TIME_TEXT_MAX, "%lld", (long long)t);
		return text;
	}
	int64_t day = floor_days(t), y;
	int m, d, s = (int)(t - day * 86400);
	date_from_days(day, &y, &m, &d);
	char *p = put_digits(text, (int)y, 4, '-');
	p = put_digits(p, m, 2, '-');
	p = put_digits(p, d, 2, 'T');
	p = put_digits(p, s / 3600, 2, ':');
	p = put_digits(p, s / 60 % 60, 2, ':');
	p = put_digits(p, s % 60, 2, 'Z');
	*p = '\0';
	return text;
}

int64_t
time_add_months(int64_t t, int months)
{
	int64_t day = floor_days(t), y;
	int m, d;
	date_from_days(day, &y, &m, &d);
	int64_t month = y * 12 + (m - 1) + months;
	y = month / 12 - (month % 12 < 0);
	m = (int)(month - y * 12) + 1;
	if (d > days_in_month(y, m))
		d = days_in_month(y, m);
	return days_from_date(y, m, d) * 86400 + (t - day * 86400);
}

int64_t
time_now(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec;
}

int64_t
time_ticks(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
time_micros(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}
