#ifndef STORE_TRUTH_H
#define STORE_TRUTH_H

#include "store/store.h"

/* What was read from the platforms' APIs. */

/* ---- one answer: an event ---- */

/* The event whose delivery begins with prefix, hexadecimal digits, that was
 * seen last; fn is called once, or not at all. */
int store_event_reading(struct store *s, struct str platform, struct str prefix,
    store_event_fn *fn, void *arg, struct err *e);
/* Sets when it was seen last, and adds to how often. */
int store_event_seen(
    struct store *s, int64_t id, int64_t at, int64_t times, struct err *e);

/* Has the subject another event that was sent at that time, or later? */
int store_event_since(struct store *s, const struct store_event *row,
    int64_t at, int *found, struct err *e);

/* ---- one pass: a row of readings ---- */
struct store_reading {
	int64_t id; /* store_reading_add: given by the database */
	struct str platform;
	struct str kind; /* sales, members, registration, import */
	int64_t began_at;
	int64_t ended_at; /* STORE_NULL: it goes on, or was broken off */
	struct str from_day, to_day; /* 2026-11-04; STR_NONE: of no days */
	int64_t read, found, repaired;
	struct str error; /* STR_NONE: none */
};
typedef int store_reading_fn(void *arg, const struct store_reading *row);

/* Of a pass that begins: its end and counts are not looked at. */
int store_reading_add(struct store *s, const struct store_reading *row,
    int64_t *id, struct err *e);
/* By row->id: all but platform, kind and began_at. */
int store_reading_update(
    struct store *s, const struct store_reading *row, struct err *e);
/* The newest of a kind. fn is called once, or not at all. */
enum reading_which {
	READING_ANY,
	READING_WHOLE, /* ended without an error */
	READING_OPEN, /* has no end */
};
int store_reading_newest(struct store *s, struct str platform, struct str kind,
    enum reading_which which, store_reading_fn *fn, void *arg, struct err *e);
/* Newest first; STR_NONE: of any. */
int store_reading_list(struct store *s, struct str platform, struct str kind,
    int64_t limit, store_reading_fn *fn, void *arg, struct err *e);

struct store_reading_count {
	struct str platform;
	struct str kind;
	int64_t passes;
	int64_t failed; /* of them with an error */
	int64_t read, found, repaired;
	int64_t whole_at; /* the last end without an error; STORE_NULL: none */
};
typedef int
store_reading_count_fn(void *arg, const struct store_reading_count *row);
int store_reading_counts(
    struct store *s, store_reading_count_fn *fn, void *arg, struct err *e);

/* When the newest whole pass of that kind ended that went back to that day or
 * further; day STR_NONE: of any days. 0: none. */
int store_reading_covering(struct store *s, struct str platform,
    struct str kind, struct str day, int64_t *at, struct err *e);

/* ---- what is to be read ---- */

/* The newest sale that was read back; STR_NONE: none. */
int store_purchase_confirmed(struct store *s, struct str platform,
    struct arena *a, struct str *sale, struct err *e);
/* How many were, of those sold since. */
int store_purchase_confirmed_count(struct store *s, struct str platform,
    int64_t since, int64_t *n, struct err *e);
/* Memberships that have not ended. */
typedef int store_open_fn(void *arg, struct str id);
int store_subscription_open(struct store *s, struct str platform,
    store_open_fn *fn, void *arg, struct err *e);

/* Sales from `from` on and before `to` that may be a giftee's: they cost nothing.
 */
int store_purchase_given(struct store *s, struct str platform, int64_t from,
    int64_t to, store_open_fn *fn, void *arg, struct err *e);

/* ---- one difference: a row of drift ---- */
struct store_drift {
	int64_t id; /* store_drift_add: given by the database */
	int64_t at;
	struct str platform;
	struct str sale, subscription; /* STR_NONE: it is not about one */
	struct str what;
	struct str had, has; /* STR_NONE: nothing */
	int64_t event; /* STORE_NULL: it was only looked at */
};
typedef int store_drift_fn(void *arg, const struct store_drift *row);

int
store_drift_add(struct store *s, const struct store_drift *row, struct err *e);
/* Newest first; platform STR_NONE: of any; before STORE_NULL: from the newest
 * on, else ids below it. */
int store_drift_list(struct store *s, struct str platform, int64_t before,
    int64_t limit, store_drift_fn *fn, void *arg, struct err *e);
/* How many of each, and the newest's time. */
typedef int store_drift_count_fn(
    void *arg, struct str platform, struct str what, int64_t count, int64_t at);
int store_drift_counts(
    struct store *s, store_drift_count_fn *fn, void *arg, struct err *e);
/* The rows stay without what they had and has: where one of them, or the
 * subscription, is that text; and of a sale, where it is an address. */
int store_drift_forget(struct store *s, struct str text, struct err *e);
int store_drift_forget_sale(
    struct store *s, struct str platform, struct str sale, struct err *e);

/* ---- a lease: one reader at a time of each platform and database ---- */

/* Takes it for so many seconds by the database's clock, or renews it, and says
 * whether the holder has it now. A holder's name is its own. */
int store_lease_take(struct store *s, struct str platform, struct str holder,
    int64_t seconds, int *taken, struct err *e);
/* Nothing where somebody else has it. */
int store_lease_release(
    struct store *s, struct str platform, struct str holder, struct err *e);

/* ---- sales of people who were erased ---- */

/* What is kept of one: a digest, 64 hexadecimal digits, of its id; or that, ":"
 * and a digest of its id with an address, where only the address was erased. */
int store_erased_add(struct store *s, struct str platform, struct str what,
    int64_t at, struct err *e);
/* Those that begin with a digest. */
typedef int store_erased_fn(void *arg, struct str what);
int store_erased_list(struct store *s, struct str platform, struct str digest,
    store_erased_fn *fn, void *arg, struct err *e);

/* ---- follow-ups of a sale that is not confirmed: outbox.awaits ---- */

/* The sale is confirmed: they go out now. */
int store_outbox_confirmed(struct store *s, struct str sale, struct err *e);
/* There is no such sale: they are dropped. */
int store_outbox_unknown(
    struct store *s, struct str sale, int64_t now, struct err *e);
/* Of those added up to a time: how many; and they go out without. */
int
store_outbox_unasked(struct store *s, int64_t added, int64_t *n, struct err *e);
int store_outbox_let_go(struct store *s, int64_t added, struct err *e);

#endif
