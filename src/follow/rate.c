#include "follow/rate.h"

enum {
	HOUR = 3600,
	NAME_MAX_LEN = 64,
	TEXT_MAX = 128,
	SPELL = 7 * 86400, /* seconds; what waits longer is given up */
};

int64_t
rate_limit(const struct rate *r)
{
	int64_t often = RATE_TIMES * r->usual / 1000;
	return often > RATE_LEAST ? often : RATE_LEAST;
}

int64_t
rate_hourly(const struct rate *r, int64_t now)
{
	int64_t gone = now - r->hour * HOUR;
	if (gone >= 2 * HOUR)
		return 0;
	if (gone >= HOUR)
		return r->count * (2 * HOUR - gone) / HOUR;
	if (gone < 0)
		gone = 0;
	return r->count + r->before * (HOUR - gone) / HOUR;
}

/* An hour has ended. */
static void
close_hour(struct rate *r)
{
	int64_t limit = rate_limit(r);
	int64_t count = r->count < limit ? r->count : limit;
	r->usual += (count * 1000 - r->usual) / RATE_HOURS;
	r->before = r->count;
	r->count = 0;
	r->hour++;
}

void
rate_add(struct rate *r, int64_t now)
{
	int64_t hour = now / HOUR;
	/* after so long nothing of it is left */
	if (hour - r->hour > 10 * RATE_HOURS)
		*r = (struct rate){ .hour = hour };
	while (r->hour < hour)
		close_hour(r);
	r->count++;
	if (rate_hourly(r, now) < rate_limit(r)) {
		r->slot = 0;
		return;
	}
	if (r->slot < now)
		r->slot = now;
	if (r->slot < now + SPELL)
		r->slot += HOUR / rate_limit(r);
}

int64_t
rate_due(const struct rate *r, int64_t now)
{
	return rate_hourly(r, now) < rate_limit(r) || r->slot <= now ? 0
								     : r->slot;
}

/* ---- kept ---------------------------------------------------------------- */

static struct str
name_of(struct str platform, char out[NAME_MAX_LEN])
{
	snprintf(out, NAME_MAX_LEN, "rate %.*s", STR_ARG(platform));
	return str_from(out);
}

/* How many deliveries came since then: the first one by its number. */
static int
events_since(struct store *s, int64_t since, int64_t *out, struct err *e)
{
	int64_t newest, low = 0;
	if (store_event_max(s, &newest, e) != 0)
		return -1;
	int64_t high = newest;
	while (low < high) {
		int64_t mid = low + (high - low) / 2, at;
		if (store_event_received(s, mid + 1, &at, e) != 0)
			return -1;
		if (at == STORE_NULL || at >= since)
			high = mid;
		else
			low = mid + 1;
	}
	return store_event_count_after(s, low, out, e);
}

static int
parse(struct str text, struct rate *out)
{
	int64_t *const fields[] = { &out->hour, &out->count, &out->before,
		&out->usual, &out->slot };
	struct str one;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		str_cut(text, ' ', &one, &text);
		if (str_int64(one, 0, INT64_MAX / 1000, fields[i]) != 0)
			return -1;
	}
	return 0;
}

int
rate_get(struct store *s, struct str platform, struct arena *a,
    struct rate *out, struct err *e)
{
	char name[NAME_MAX_LEN];
	struct str text;
	if (store_meta_text(s, name_of(platform, name), a, &text, e) != 0)
		return -1;
	if (parse(text, out) != 0)
		*out = (struct rate){ .hour = 0 };
	return 0;
}

int
rate_begin(struct store *s, int64_t now, struct rate *out, struct err *e)
{
	int64_t events;
	if (events_since(s, now - RATE_HOURS * HOUR, &events, e) != 0)
		return -1;
	*out = (struct rate){ .hour = now / HOUR,
		.usual = events * 1000 / RATE_HOURS };
	return 0;
}

int
rate_put(
    struct store *s, struct str platform, const struct rate *r, struct err *e)
{
	char name[NAME_MAX_LEN], text[TEXT_MAX];
	snprintf(text, sizeof(text), "%lld %lld %lld %lld %lld",
	    (long long)r->hour, (long long)r->count, (long long)r->before,
	    (long long)r->usual, (long long)r->slot);
	return store_meta_put(s, name_of(platform, name), str_from(text), e);
}
