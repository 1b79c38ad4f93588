#include "cgi/ask/metrics_truth.h"

#include "base/time.h"
#include "platform/platform.h"
#include "store/truth.h"

enum { LAST, FAILED, DRIFT, ANSWERS, WORD_MAX = 64 };

/* What was read at the platforms, as the database knows it: who reads is
 * another process. */
static const struct openmetrics_family families[] = {
	[LAST] = { "gatepost_last_reading_timestamp_seconds", "gauge",
	    "seconds", "platform kind",
	    "When a pass over a platform's API last ended." },
	[FAILED] = { "gatepost_readings_failed", "gauge", "", "platform kind",
	    "Passes that ended with an error." },
	[DRIFT] = { "gatepost_drift", "gauge", "", "platform what",
	    "Differences found between a platform and the database." },
	[ANSWERS] = { "gatepost_api_answers", "gauge", "", "platform status",
	    "Answers of a platform's API today." },
};

struct truth {
	struct openmetrics *m;
	int failed; /* the family FAILED is written, else LAST */
};

static void
add(struct openmetrics *m, struct str platform, struct str word, int64_t n)
{
	char texts[2][WORD_MAX];
	const char *const values[] = { texts[0], texts[1] };
	snprintf(texts[0], WORD_MAX, "%.*s", STR_ARG(platform));
	snprintf(texts[1], WORD_MAX, "%.*s", STR_ARG(word));
	openmetrics_add(m, values, n);
}

static int
take_reading(void *arg, const struct store_reading_count *row)
{
	struct truth *t = arg;
	if (t->failed)
		add(t->m, row->platform, row->kind, row->failed);
	else if (row->whole_at != STORE_NULL)
		add(t->m, row->platform, row->kind, row->whole_at);
	return 0;
}

static int
take_drift(
    void *arg, struct str platform, struct str what, int64_t count, int64_t at)
{
	struct truth *t = arg;
	(void)at;
	add(t->m, platform, what, count);
	return 0;
}

/* "2026-12-01 1234 0 1200 …": of today, or none. truth/pass.c writes it. */
static int
add_answers(
    struct openmetrics *m, struct store *s, struct arena *a, struct err *e)
{
	static const char *const words[] = { "none", "2xx", "3xx", "4xx",
		"5xx" };
	char today[TIME_TEXT_MAX];
	time_text(time_now(), today);
	openmetrics_begin(m, &families[ANSWERS]);
	for (size_t i = 0; i < PLATFORM__MAX; i++) {
		struct str name = str_from(
			       arena_printf(a, "asked:%s", platforms[i]->name)),
			   text, day, rest, one;
		int64_t n;
		if (name.p == NULL ||
		    store_meta_text(s, name, a, &text, e) != 0)
			return -1;
		if (!str_cut(text, ' ', &day, &rest) ||
		    !str_eq(day, (struct str){ today, 10 }) ||
		    !str_cut(rest, ' ', &one, &rest))
			continue;
		for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++) {
			str_cut(rest, ' ', &one, &rest);
			if (str_int64(one, 0, INT64_MAX, &n) == 0)
				add(m, str_from(platforms[i]->name),
				    str_from(words[k]), n);
		}
	}
	return 0;
}

int
metrics_truth(
    struct openmetrics *m, struct store *s, struct arena *a, struct err *e)
{
	struct truth t = { m, 0 };
	openmetrics_begin(m, &families[LAST]);
	if (store_reading_counts(s, take_reading, &t, e) != 0)
		return -1;
	t.failed = 1;
	openmetrics_begin(m, &families[FAILED]);
	if (store_reading_counts(s, take_reading, &t, e) != 0)
		return -1;
	openmetrics_begin(m, &families[DRIFT]);
	if (store_drift_counts(s, take_drift, &t, e) != 0)
		return -1;
	return add_answers(m, s, a, e);
}
