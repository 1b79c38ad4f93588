#ifndef FAULT_DELIVERIES_H
#define FAULT_DELIVERIES_H

/* Deliveries with numbers, put in through commit/intake, and a look at what
 * became of them. Included once by each program. */

#include "tests/unit/test.h"

#include <unistd.h>

#include "commit/intake.h"
#include "commit/rebuild.h"
#include "store/store.h"

enum { DELIVERIES_MAX = 2000, DELIVERIES_MEMORY = 64 << 20 };

struct deliveries {
	struct config config;
	struct arena *arena;
	char folder[64];
	char database[128];
	int64_t event[DELIVERIES_MAX]; /* as acknowledged; 0: not */
};

static inline void
deliveries_open(struct deliveries *d)
{
	const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	*d = (struct deliveries){ .arena = arena_new(DELIVERIES_MEMORY) };
	snprintf(d->folder, sizeof(d->folder), "%s/gp.fault.XXXXXX", base);
	if (d->arena == NULL || mkdtemp(d->folder) == NULL)
		abort();
	snprintf(d->database, sizeof(d->database), "%s/gatepost.db", d->folder);
	d->config.database = d->database;
	d->config.platforms[0].reference = STR("user_id");
}

static inline void
deliveries_remove(struct deliveries *d)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-journal" };
	char path[160];
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", d->database, ends[i]);
		unlink(path);
	}
	memset(d->event, 0, sizeof(d->event));
}

static inline void
deliveries_close(struct deliveries *d)
{
	deliveries_remove(d);
	rmdir(d->folder);
	arena_free(d->arena);
}

/* Every third is the refund of the sale before. */
static inline struct str
deliveries_body(struct arena *a, int n)
{
	int sale = n % 3 == 2 ? n - 1 : n;
	char *text = arena_printf(a,
	    "sale_id=s%d&sale_timestamp=2026-01-31T10%%3A00%%3A00Z"
	    "&permalink=app&resource_name=%s&email=b%d%%40example.org"
	    "&url_params%%5Buser_id%%5D=u%d&refunded=%s&referrer=%0*d",
	    sale, n == sale ? "sale" : "refund", sale, sale,
	    n == sale ? "false" : "true", 300 + n % 7 * 100, 0);
	return text == NULL ? STR_NONE : str_from(text);
}

/* 0 when it is acknowledged. */
static inline int
deliveries_put(
    struct deliveries *d, struct commit *commit, int n, struct err *e)
{
	arena_reset(d->arena);
	struct intake_answer answer = { 0 };
	struct intake_request in = { .platform = &platform_gumroad,
		.body = deliveries_body(d->arena, n),
		.now = 1770000000 + n };
	struct verify_result proof = { .sent_at = FACT_NO_TIME };
	intake_store(commit, &d->config, &in, &proof, d->arena, &answer, e);
	if (answer.status == INTAKE_UNAVAILABLE)
		return -1;
	int wrong = answer.status != INTAKE_RECORDED &&
	    answer.status != INTAKE_DUPLICATE;
	/* again: as the same event */
	wrong |= d->event[n] != 0 &&
	    (answer.event != d->event[n] || answer.status != INTAKE_DUPLICATE);
	if (wrong)
		return err_set(e, ERR_CONFLICT,
		    "delivery %d: status %d, event %d, before %d", n,
		    (int)answer.status, (int)answer.event, (int)d->event[n]);
	d->event[n] = answer.event;
	return 0;
}

struct deliveries_seen {
	struct str body;
	int found;
};

static inline int
deliveries_take(void *arg, const struct store_event *row)
{
	struct deliveries_seen *seen = arg;
	seen->found = str_eq(row->body, seen->body);
	return 1;
}

/* The events below n that were acknowledged at or before call `until` (by at;
 * NULL: all) are there, the database is sound, its tables are what a rebuild
 * makes. NULL when all is well, else what is wrong. */
static inline const char *
deliveries_wrong(struct deliveries *d, int n, const int *at, int until)
{
	static struct err e;
	static char text[ERR_TEXT_MAX + 64];
	struct store *s = NULL;
	struct rebuild_result r = { 0 };
	const char *wrong = NULL;
	e = (struct err){ 0 };
	arena_reset(d->arena);
	if (store_open(d->database, STORE_CREATE, &s, &e) != 0 ||
	    store_integrity(s, &e) != 0)
		wrong = "open";
	for (int i = 0; i < n && wrong == NULL; i++) {
		struct deliveries_seen seen = { deliveries_body(d->arena, i),
			0 };
		if (d->event[i] == 0 || (at != NULL && at[i] > until))
			continue;
		if (store_event_get(
			s, d->event[i], deliveries_take, &seen, &e) != 0 ||
		    !seen.found)
			wrong = "an acknowledged delivery is lost";
	}
	if (wrong == NULL &&
	    rebuild_diff(s, &d->config, d->arena, NULL, NULL, &r, &e) != 0)
		wrong = "rebuild_diff";
	if (wrong == NULL && r.changed_rows != 0)
		wrong = "the tables are not what a rebuild makes";
	store_close(s);
	if (wrong == NULL)
		return NULL;
	snprintf(text, sizeof(text), "%s: %s", wrong, e.text);
	return text;
}

#endif
