#ifndef STORE_STORE_H
#define STORE_STORE_H

/*
 * The room store: rows in, rows out. In: rows, and questions by name. Out:
 * rows. row.h has them as C structs; sql/query.sql has the statements; db.h is
 * the border to a database: db_sqlite*.c, and db_postgresql.c with pg_*.c.
 * Keeps the promise that tables are made for people: gatepost(7) describes
 * them.
 */

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "store/row.h"

/*
 * Rows in, rows out. gatepost(7) describes the tables. A store is one
 * connection and belongs to one thread at a time; writers queue behind each
 * other in the database. Slices in rows given to a callback are valid during
 * the callback only; "no value" is STR_NONE and STORE_NULL.
 *
 * Errors: ERR_BUSY, ERR_CONFLICT (this row cannot be, the transaction goes
 * on), ERR_ABSENT, ERR_DB; ERR_CONFIG for a database of a newer version.
 */

struct store;

enum store_mode {
	STORE_READ, /* lookups; never waits for a writer */
	STORE_WRITE, /* the database must be there and up to date */
	STORE_STANDBY, /* lookups; a server that only follows another will do */
	STORE_CREATE, /* creates or migrates what is missing */
};

/* where: the path of a file, or postgresql://…, which is ERR_CONFIG where it
 * was not built in. */
int store_open(
    const char *where, enum store_mode mode, struct store **out, struct err *e);
/* As store_open, which waits 2.5 s: waits for locks ms milliseconds at most,
 * whatever there is to bring up to date. */
int store_open_within(const char *where, enum store_mode mode, int ms,
    struct store **out, struct err *e);
void store_close(struct store *s);
/* The connection is one of many that each last a moment, as in plain CGI. */
void store_brief(struct store *s);
/* Milliseconds to wait for a lock from now on. */
void store_patience(struct store *s, int ms);

/* Is the connection gone? What was not committed is not there; open it again.
 * Never with a file. */
int store_lost(struct store *s);

/* Is it a URL, and no file? */
int store_is_url(const char *where);
/* Is it libpq's other form, host=… dbname=…, neither a path nor a URL? */
int store_is_words(const char *where);
enum { STORE_SHOWN_MAX = 256 };
/* where as it may be shown to people: without user, password, parameters. A
 * path is itself. Returns out, or where. */
const char *store_shown(const char *where, char out[STORE_SHOWN_MAX]);

/* Sets the environment's variables by which psql(1) and pg_dump(1) find the
 * database of a URL. */
int store_environment(const char *where, struct err *e);

/* How a connection to that database is protected, by its URL alone. */
enum store_tls {
	STORE_TLS_LOCAL, /* it leaves no machine */
	STORE_TLS_NONE, /* it may be in clear */
	STORE_TLS_UNPROVEN, /* encrypted; who answers has not to prove it */
	STORE_TLS_PROVEN,
};
enum store_tls store_tls(const char *where);

/* Creates what is missing. *made says whether anything was. */
int store_migrate(struct store *s, int *made, struct err *e);

int store_begin(struct store *s, struct err *e); /* takes the write lock */
/* To claim rows of the outbox and to say what became of them, and for nothing
 * else: on a server it does not wait for those who write deliveries. */
int store_begin_claim(struct store *s, struct err *e);
int store_begin_read(struct store *s, struct err *e); /* one snapshot */
int store_commit(struct store *s, struct err *e);
void store_rollback(struct store *s); /* harmless outside a transaction */
int store_savepoint(struct store *s, struct err *e);
int store_release(struct store *s, struct err *e);
int store_rollback_to(struct store *s, struct err *e);

/* ---- what will be asked ----
 * Told before, it comes with other answers, which saves ways to the server and
 * back; nothing else depends on it. Before store_begin, or before a statement
 * inside its transaction. */
int store_is_far(const struct store *s); /* 0: there is no way to save */
/* store_purchase_get, and store_event_beside. */
void store_ahead_sale(struct store *s, struct str platform, struct str sale);
void
store_ahead_beside(struct store *s, struct str platform, struct str subject);
/* Its events and rows; and what `manual` has about it. */
void
store_ahead_subject(struct store *s, struct str platform, struct str subject);
void store_ahead_about(struct store *s, struct str about);
/* store_purchase_by, the user where there is one. */
void store_ahead_person(struct store *s, struct str user_ref, struct str email);

/* ---- events ---- */
typedef int store_event_fn(void *arg, const struct store_event *row);

enum store_added {
	STORE_NEW,
	STORE_AGAIN, /* a repeat: seen is raised */
	STORE_EARLIER, /* a repeat that lowers received_at or sent_at */
};

/* Adds or finds by (platform, delivery); *id is the first one's. */
int store_event_add(struct store *s, const struct store_event *row, int64_t *id,
    enum store_added *added, struct err *e);
int store_event_status(struct store *s, int64_t id, struct str status,
    struct str reason, struct err *e);
/* A kept delivery that is understood now: applied, to that subject. */
int store_event_apply(
    struct store *s, int64_t id, struct str subject, struct err *e);
/* Files it under another subject, where the fold will find it. */
int store_event_refile(
    struct store *s, int64_t id, struct str subject, struct err *e);
/* 0 and fn called once, or -1 with ERR_ABSENT. */
int store_event_get(
    struct store *s, int64_t id, store_event_fn *fn, void *arg, struct err *e);
/* The same for the one with that dedupe key; 0 and fn not called: none. */
int store_event_find(struct store *s, struct str platform, struct str delivery,
    store_event_fn *fn, void *arg, struct err *e);
/* The applied deliveries of one subject, oldest id first, with bodies. */
int store_event_of_subject(struct store *s, struct str platform,
    struct str subject, store_event_fn *fn, void *arg, struct err *e);
/* Is there one of the subject, whatever its status? */
int store_event_beside(struct store *s, struct str platform, struct str subject,
    int *found, struct err *e);
/* How many, kept and test ones too. */
int store_event_count_of_subject(struct store *s, struct str platform,
    struct str subject, int64_t *out, struct err *e);
/* All of one subject, kept and test ones too, and the manual ones about it
 * ("gumroad/sale:…"), in order of arrival, with bodies. */
int store_event_about(struct store *s, struct str platform, struct str subject,
    struct str manual_subject, store_event_fn *fn, void *arg, struct err *e);

/* The highest number, 0 for none; and when the first one that has that number
 * or a higher one was received, STORE_NULL for none. */
int store_event_max(struct store *s, int64_t *out, struct err *e);
int
store_event_received(struct store *s, int64_t id, int64_t *out, struct err *e);
/* How many have a higher number, readings left out. */
int store_event_count_after(
    struct store *s, int64_t id, int64_t *out, struct err *e);
/* Kept ones above an id, oldest first, with bodies. */
int store_event_kept(struct store *s, int64_t after, int64_t limit,
    store_event_fn *fn, void *arg, struct err *e);
/* Kept ones of either subject, with bodies. */
int store_event_kept_of(struct store *s, struct str platform,
    struct str subject, struct str other, store_event_fn *fn, void *arg,
    struct err *e);
/* The same of what a platform delivered and was applied; no readings. */
int store_event_delivered(struct store *s, struct str platform, int64_t after,
    int64_t limit, store_event_fn *fn, void *arg, struct err *e);
/* All above an id, oldest first, with bodies. */
int store_event_all(struct store *s, int64_t after, int64_t limit,
    store_event_fn *fn, void *arg, struct err *e);
/* All, oldest first, without bodies. */
int store_event_heads(
    struct store *s, store_event_fn *fn, void *arg, struct err *e);
/* Those a secret verified (its 12 hex digits), from a time on; no bodies. */
int store_event_by(struct store *s, struct str verified_by, int64_t since,
    store_event_fn *fn, void *arg, struct err *e);
/* Replaces what came, for erasing a person; the peer goes too. */
int store_event_rewrite(struct store *s, int64_t id, struct str body,
    struct str content_type, struct err *e);

typedef int
store_subject_fn(void *arg, struct str platform, struct str subject);
/* The subjects after one, in order; "" and "" begin. */
int store_subjects_after(struct store *s, struct str platform,
    struct str subject, int64_t limit, store_subject_fn *fn, void *arg,
    struct err *e);
int store_subject_count(struct store *s, int64_t *out, struct err *e);

struct store_event_filter {
	int64_t before; /* ids below; STORE_NULL: the newest */
	struct str platform; /* STR_NONE: any */
	struct str kind;
	struct str status;
	int64_t limit;
};
/* Newest first, without bodies. */
int store_event_list(struct store *s, const struct store_event_filter *f,
    store_event_fn *fn, void *arg, struct err *e);

struct store_event_count {
	struct str platform;
	struct str kind;
	struct str status;
	int64_t count;
	int64_t last_seen_at;
};
typedef int store_event_count_fn(void *arg, const struct store_event_count *);
int store_event_counts(
    struct store *s, store_event_count_fn *fn, void *arg, struct err *e);

/* ---- purchases ---- */
/* Do two rows say the same in every column? */
int store_purchase_same(
    const struct store_purchase *a, const struct store_purchase *b);
typedef int store_purchase_fn(void *arg, const struct store_purchase *row);

int store_purchase_drop(
    struct store *s, struct str platform, struct str subject, struct err *e);
int store_purchase_drop_sale(
    struct store *s, struct str platform, struct str sale, struct err *e);
int store_purchase_put(
    struct store *s, const struct store_purchase *row, struct err *e);

/* 0 and fn called once, or -1 with ERR_ABSENT. */
int store_purchase_get(struct store *s, struct str platform, struct str sale,
    store_purchase_fn *fn, void *arg, struct err *e);
int store_purchase_of_subject(struct store *s, struct str platform,
    struct str subject, store_purchase_fn *fn, void *arg, struct err *e);
int store_purchase_of_subscription(struct store *s, struct str subscription,
    store_purchase_fn *fn, void *arg, struct err *e);
/* Those whose access began or ended after one time and not after another. */
int store_purchase_turning(struct store *s, int64_t after, int64_t until,
    int64_t limit, store_purchase_fn *fn, void *arg, struct err *e);

/* Those that give or gave access, in any order: rows_by sorts. */
int store_purchase_by(struct store *s, enum store_by by, struct str platform,
    struct str id, store_purchase_fn *fn, void *arg, struct err *e);
/* Those sold after a time that give nothing, were not read back at the platform
 * and may be yet: no tests, none that was paid back. Newest first. */
int store_purchase_waiting(struct store *s, enum store_by by,
    struct str platform, struct str id, int64_t after, int64_t limit,
    store_purchase_fn *fn, void *arg, struct err *e);
/* The subjects that have such a purchase, the oldest sale's first; those that
 * give nothing included. */
int store_purchase_subjects(struct store *s, enum store_by by,
    struct str platform, struct str id, int64_t limit, store_subject_fn *fn,
    void *arg, struct err *e);
/* How many purchases there are, and how many carry each identifier. */
struct store_carrying {
	int64_t all;
	int64_t by[STORE_BY_LICENSE + 1];
};
int store_purchase_carrying(
    struct store *s, struct store_carrying *out, struct err *e);

struct store_purchase_filter {
	struct str platform; /* STR_NONE: any */
	struct str user_ref;
	struct str email;
	struct str buyer;
	struct str license;
	int64_t limit;
};
/* Newest sale first, those that give nothing included. */
int store_purchase_list(struct store *s, const struct store_purchase_filter *f,
    store_purchase_fn *fn, void *arg, struct err *e);

/* All, by platform and sale; those open at a time, by since. */
int store_purchase_all(
    struct store *s, store_purchase_fn *fn, void *arg, struct err *e);
int store_purchase_open(struct store *s, int64_t at, int64_t limit,
    store_purchase_fn *fn, void *arg, struct err *e);

struct store_product {
	struct str platform;
	struct str product;
	struct str variant;
	struct str product_name;
	struct str tier;
	int64_t count;
	int64_t last_sold_at;
	struct str sale; /* one of them */
};
typedef int store_product_fn(void *arg, const struct store_product *row);
/* What was sold, one row per product, variant and tier. */
int
store_products(struct store *s, store_product_fn *fn, void *arg, struct err *e);

/* ---- subscriptions ---- */
typedef int
store_subscription_fn(void *arg, const struct store_subscription *row);

int store_subscription_drop(
    struct store *s, struct str platform, struct str subject, struct err *e);
int store_subscription_put(
    struct store *s, const struct store_subscription *row, struct err *e);
/* fn is called once, or not at all. */
int store_subscription_of_subject(struct store *s, struct str platform,
    struct str subject, store_subscription_fn *fn, void *arg, struct err *e);
int store_subscription_list(struct store *s, int64_t limit,
    store_subscription_fn *fn, void *arg, struct err *e);

/* All, by platform and subscription. */
int store_subscription_all(
    struct store *s, store_subscription_fn *fn, void *arg, struct err *e);

/* ---- changes ---- */
int store_change_add(
    struct store *s, const struct store_change *row, struct err *e);

/* Those above an id, in the order of ids, which is the order they became
 * visible in: see change.c. */
typedef int store_change_fn(void *arg, const struct store_change *row);
int store_change_after(struct store *s, int64_t after, int64_t limit,
    store_change_fn *fn, void *arg, struct err *e);
/* Whose purchases give nothing, of the subjects of events above one: rows of the
 * form of changes. */
int store_purchase_waiting_after(struct store *s, int64_t after, int64_t limit,
    store_change_fn *fn, void *arg, struct err *e);
/* Those an event made. Reads the whole table. */
int store_change_of_event(struct store *s, int64_t event, store_change_fn *fn,
    void *arg, struct err *e);
/* The newest id, 0 for none. */
int store_change_max(struct store *s, int64_t *out, struct err *e);
/* Of one person above an id, at most limit, the newest first. */
typedef int store_change_id_fn(void *arg, int64_t id);
int store_change_ids_of(struct store *s, enum store_by by, struct str id,
    int64_t after, int64_t limit, store_change_id_fn *fn, void *arg,
    struct err *e);

/* This connection, of a server and straight to it, is told when changes are
 * committed, by whomever; it does nothing else. A hint: the ids are the truth,
 * and what was committed while it was away is not told. */
int store_listen(struct store *s, struct err *e);
/* Waits at most ms. */
int store_heard(struct store *s, int ms, int *heard, struct err *e);

/* ---- erasing a person ---- */

/* From here on what is deleted or overwritten is wiped from its pages. */
int store_forget_begin(struct store *s, struct err *e);
/* Writes the database anew without what earlier deletions left behind, and
 * empties the write-ahead log. Writers wait meanwhile. ERR_BUSY: a reader
 * held the log; call again. */
int store_forget_end(struct store *s, struct err *e);

/* The ids of all events of a subject, whatever their status, oldest first. */
typedef int store_event_id_fn(void *arg, int64_t id);
int store_event_in_subject(struct store *s, struct str platform,
    struct str subject, store_event_id_fn *fn, void *arg, struct err *e);
/* By row->id: sets subject, body, content_type, status and reason; the peer
 * goes. What tells deliveries apart and all times stay. */
int store_event_forget(
    struct store *s, const struct store_event *row, struct err *e);

/* The identifiers of these changes go; the changes stay. buyer: platform:id */
int store_change_forget(
    struct store *s, enum store_by by, struct str id, struct err *e);
int store_change_forget_event(struct store *s, int64_t event, struct err *e);
/* These changes go as a whole. */
int store_change_drop(struct store *s, struct str buyer, struct err *e);

/* Things to do that have a text (lower-cased) somewhere in them. */
typedef int store_outbox_fn(void *arg, int64_t id, struct str target,
    struct str payload, struct str last_error);
int store_outbox_holding(struct store *s, struct str text, store_outbox_fn *fn,
    void *arg, struct err *e);
int store_outbox_drop(struct store *s, int64_t id, struct err *e);

/* ---- sign-in links asked for ---- */
enum { STORE_PEER_MAX = 128 }; /* bytes of store_signin.peer */
int store_signin_add(
    struct store *s, const struct store_signin *row, struct err *e);
/* Those up to a time go, and those after another. */
int
store_signin_trim(struct store *s, int64_t until, int64_t after, struct err *e);
/* Those settled as known; those of a person; those whose peer begins so. */
int store_signin_count(struct store *s, int64_t *out, struct err *e);
int store_signin_count_person(
    struct store *s, struct str person, int64_t *out, struct err *e);
int store_signin_count_peer(
    struct store *s, struct str peer, int64_t *out, struct err *e);
/* Those not settled, oldest first; person and peer are left out. */
typedef int store_signin_fn(void *arg, const struct store_signin *row);
int store_signin_open(struct store *s, int64_t limit, store_signin_fn *fn,
    void *arg, struct err *e);
/* Its e-mail goes, and where that was not known its person. */
int
store_signin_settle(struct store *s, int64_t id, int is_known, struct err *e);
/* Of what is older than the newest so many, all that is settled as unknown
 * goes. */
int store_signin_cut(struct store *s, int64_t newest, struct err *e);
int store_signin_forget(struct store *s, struct str email, struct err *e);

/* ---- the outbox ---- */
typedef int store_outbox_row_fn(void *arg, const struct store_outbox *row);

/* A waiting row, due at row->due_at, 0: at row->added_at; nothing where its
 * dedupe is known. */
int store_outbox_add(
    struct store *s, const struct store_outbox *row, struct err *e);
int store_outbox_max(struct store *s, int64_t *out, struct err *e);
int store_outbox_is_known(
    struct store *s, struct str dedupe, int *known, struct err *e);

/* Is anything due, claims that have run out included? order: nothing of a
 * person of whom an earlier row is not done. */
int store_outbox_is_due(struct store *s, struct str kind, struct str target,
    int order, int64_t now, int *due, struct err *e);
/* The first of those, by due_at, to be claimed in the same transaction: no other
 * gets them meanwhile. order: only among those due longest, some hundreds,
 * beyond which store_outbox_take_heads looks. */
int store_outbox_take(struct store *s, struct str kind, struct str target,
    int order, int64_t now, int64_t limit, store_outbox_row_fn *fn, void *arg,
    struct err *e);
/* In order, where more are due than those: each person's first row if it is
 * due, in no order, and what is about nobody. What store_outbox_take found and
 * was not claimed comes again. */
int store_outbox_take_heads(struct store *s, struct str kind, struct str target,
    int64_t now, int64_t limit, store_outbox_row_fn *fn, void *arg,
    struct err *e);
/* Inside the transaction it was found in: running, attempts raised. */
int
store_outbox_claim(struct store *s, int64_t id, int64_t until, struct err *e);
/* By whoever claimed it as that attempt; nothing where the claim ran out and
 * somebody else has it. last_error STR_NONE: none; done_at may be STORE_NULL. */
int store_outbox_mark(
    struct store *s, const struct store_outbox *row, struct err *e);
/* The claim is given back untried. */
int store_outbox_release(
    struct store *s, int64_t id, int64_t attempts, struct err *e);
/* What waits for its next attempt is due at once, in its old order, unless it
 * had that many attempts. */
int store_outbox_hurry(struct store *s, struct str kind, struct str target,
    int64_t now, int64_t attempts, struct err *e);

/* Waiting rows that were added before a time and are due since one, by target:
 * for store_outbox_expire, which gives one up. */
int store_outbox_old(struct store *s, int64_t before, int64_t limit,
    store_outbox_row_fn *fn, void *arg, struct err *e);
int
store_outbox_expire(struct store *s, int64_t id, int64_t now, struct err *e);
/* What was done before a time forgets whom it was about. */
int store_outbox_tidy(struct store *s, int64_t before, struct err *e);

/* 0 and fn called once, or -1 with ERR_ABSENT. */
int store_outbox_get(struct store *s, int64_t id, store_outbox_row_fn *fn,
    void *arg, struct err *e);
/* Of a state above an id, oldest first; target may be STR_NONE. */
int store_outbox_after(struct store *s, int64_t after, struct str state,
    struct str target, int64_t limit, store_outbox_row_fn *fn, void *arg,
    struct err *e);
/* Newest first; state and target may be STR_NONE. */
int store_outbox_list(struct store *s, struct str state, struct str target,
    int64_t limit, store_outbox_row_fn *fn, void *arg, struct err *e);
int store_outbox_of_event(struct store *s, int64_t event,
    store_outbox_row_fn *fn, void *arg, struct err *e);
/* Waiting again from the first attempt on, unless it runs or is done. */
int store_outbox_again(struct store *s, int64_t id, int64_t now, struct err *e);
/* Dropped, unless it runs or is done. */
int
store_outbox_give_up(struct store *s, int64_t id, int64_t now, struct err *e);
typedef int store_outbox_count_fn(void *arg, struct str kind, struct str target,
    struct str state, int64_t count, int64_t tried);
/* By kind, target and state: how many, and how many of them were tried. */
int store_outbox_counts(
    struct store *s, store_outbox_count_fn *fn, void *arg, struct err *e);

/* ---- tiers, health ---- */
int store_tier_drop_all(struct store *s, struct err *e);
int store_tier_put(struct store *s, struct str name, int64_t rank,
    struct str allows, struct err *e);
/* The tier the newest change of that person told of, in the arena, and when;
 * *at STORE_NULL when there is none. */
int store_change_told(struct store *s, enum store_by by, struct str id,
    struct arena *a, struct str *tier, int64_t *at, struct err *e);
/* The number of the newest change of that person's access, 0 for none; and
 * since when passes are good, -1 where none were taken back. */
int store_change_last_of(struct store *s, enum store_by by, struct str id,
    int64_t *out, int64_t *valid_from, struct err *e);
/* What store_change_last_of is about to be asked: see store_is_far. */
void store_ahead_change(struct store *s, enum store_by by, struct str id);

/* A value kept beside the tables: does it stand there as given? */
int store_meta_is(struct store *s, struct str name, struct str value, int *same,
    struct err *e);
/* A number kept there; STORE_NULL when there is none. */
int store_meta_number(
    struct store *s, struct str name, int64_t *out, struct err *e);
/* A text kept there, in the arena; STR_NONE when there is none. */
int store_meta_text(struct store *s, struct str name, struct arena *a,
    struct str *out, struct err *e);
int store_meta_put(
    struct store *s, struct str name, struct str value, struct err *e);

/* For who watches over it. Each statement is bounded, whatever the size of the
 * tables. */
enum { STORE_WATCH_MAX = 1000 }; /* rows looked at */
struct store_watch {
	int64_t events; /* the newest id: rows are never removed */
	int64_t kept; /* up to STORE_WATCH_MAX */
	/* in the state "waiting", of the newest STORE_WATCH_MAX */
	int64_t outbox;
	int64_t outbox_due_at; /* of the first of them; STORE_NULL: none */
};
int store_watch(struct store *s, struct store_watch *out, struct err *e);
/* The last STORE_WATCH_MAX events but readings and those of status "test", that
 * which was seen last first; STR_NONE: of any platform, of any kind. Bounded only where
 * both are. fn returns not 0 to end it, and asks nothing of the store. */
typedef int store_newest_fn(
    void *arg, int64_t id, struct str platform, int64_t last_seen_at);
int store_event_newest(struct store *s, struct str platform, struct str kind,
    store_newest_fn *fn, void *arg, struct err *e);

/* Of a platform's deliveries since then, but readings and tests: how many came
 * for the first time, and the longest time between two, seconds; of the newest
 * STORE_RHYTHM_MAX. */
enum { STORE_RHYTHM_MAX = 20000 };
int store_event_rhythm(struct store *s, struct str platform, int64_t since,
    int64_t *count, int64_t *gap, struct err *e);

/* Of a standby: seconds since the newest transaction it has taken over was
 * committed, which is how old its answers are at most; 0 of any other. */
int store_age(struct store *s, int64_t *out, struct err *e);
/* Outside a transaction: one without rows, for store_age to go by. */
int store_beat(struct store *s, struct err *e);
/* Was it closed by copy.h, so that its log takes nothing? */
int store_is_moved(struct store *s, int *moved, struct err *e);
/* 0 when the tables answer. */
int store_alive(struct store *s, struct err *e);
/* 0 when the database's own check finds nothing. May take long. */
int store_integrity(struct store *s, struct err *e);
/* A copy at a moment in time, while others write. The target must not exist;
 * it is complete or absent. */
int store_backup(struct store *s, const char *target, struct err *e);

#endif
