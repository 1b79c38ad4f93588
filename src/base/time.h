#ifndef BASE_TIME_H
#define BASE_TIME_H

#include <stdint.h>

#include "base/str.h"

/* Times are seconds since 1970-01-01T00:00:00Z, int64_t, proleptic Gregorian
 * calendar, no leap seconds. Years 0001 to 9999. */

enum { TIME_TEXT_MAX = 32 };

/* RFC 3339 date-time: "2026-03-04T08:38:26Z", with an offset ("+07:00") or a
 * fraction, which is cut off. 't', 'z' and a blank for 'T' are read as well.
 * 0 or -1. */
int time_parse(struct str s, int64_t *out);

/* "2026-03-04T08:38:26Z" into text[TIME_TEXT_MAX]; returns text. A time that
 * has no four-digit year is written as its number. */
const char *time_text(int64_t t, char *text);

/* months calendar months later, same time of day; a day the target month does
 * not have becomes its last (Jan 31 + 1 = Feb 28 or 29). */
int64_t time_add_months(int64_t t, int months);

/* The clocks. Floors below the top take a time as a parameter instead. */
int64_t time_now(void); /* wall clock, seconds */
int64_t time_ticks(void); /* monotonic, milliseconds */
int64_t time_micros(void); /* the same clock, microseconds */

#endif
