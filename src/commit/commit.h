#ifndef COMMIT_COMMIT_H
#define COMMIT_COMMIT_H

/*
 * The room commit: the way of a delivery into the database. In: the bytes of a
 * request. Out: an event on disk, and everything that follows from it. intake.h
 * verifies and decodes, commit.h queues and writes, project.h folds the subject
 * and replaces its rows (replace.h), refile.h moves a sale to the subject it
 * belongs to, rebuild.h does so for all, sweep.h notes what ends by time,
 * manual_put.h writes what the owner does.
 * Keeps the promises that a 2xx means: it is on disk; that what cannot be
 * stored is answered 503 in time; that the same delivery counts once; and that
 * nothing verified is thrown away.
 */

#include "base/histogram.h"
#include "config/config.h"
#include "store/store.h"

/*
 * The one writer of a process. Callers of any thread hand in a decoded
 * delivery and come back when it is on disk, synced. What arrives while a
 * commit runs is the next batch; there is no timer, so a lone caller waits
 * for nobody.
 */
struct commit;

enum {
	/* after this long a caller is told "try again": Gumroad gives up
	 * after 5 s (app/sidekiq/post_to_individual_ping_endpoint_worker.rb) */
	COMMIT_WAIT_MS = 3000,
	COMMIT_BATCH_MAX = 64, /* deliveries in one transaction */
};

struct commit_delivery {
	const struct platform *platform;
	const struct fact *fact;
	struct str status; /* applied, kept, test */
	struct str reason; /* STR_NONE when applied */
	struct str body;
	struct str content_type;
	struct str peer;
	struct str verified_by;
	int64_t received_at; /* of a reading: when it was asked for */
	int64_t sent_at; /* FACT_NO_TIME: nothing was signed */
	int64_t came; /* time_micros() when it was here; 0: just now */
};

struct commit_answer {
	int64_t event; /* of a duplicate: the first one's */
	int duplicate;
	int kept; /* also when it only turned out while folding */
};

/* The database is opened at the first delivery, and again after an error: a
 * disk that was full or missing serves again when it is back. */
int commit_new(const struct config *config, struct commit **out, struct err *e);
void commit_free(struct commit *c);

/* 0: on disk. -1: not stored; ERR_BUSY, ERR_DB, ERR_ABSENT, ERR_CONFIG or
 * ERR_MEMORY say why; the sender should come again. Returns within
 * COMMIT_WAIT_MS of d->came and the time of one transaction. */
int commit_put(struct commit *c, const struct commit_delivery *d,
    struct commit_answer *out, struct err *e);

/* Opens, creates what is missing and fills the tiers table: at start, so that
 * the first delivery finds all ready. */
int commit_prepare(struct commit *c, struct err *e);

/* When a transaction was on disk, and when the first of its deliveries came;
 * time_micros(). came is 0 where none did. */
struct commit_mark {
	int64_t came;
	int64_t committed;
};

/* fn is called after each transaction that may have written `changes`, by the
 * thread that wrote it, before its callers are answered: it may not block.
 * Once, before the first delivery. */
typedef void commit_watch_fn(void *arg, const struct commit_mark *mark);
void commit_watch(struct commit *c, commit_watch_fn *fn, void *arg);

/* For plain CGI, where each process writes once: fn is called before the
 * database is opened for writing, to wait its turn among several processes for
 * at most ms. 0, or -1 with *e. Once, before the first delivery. */
typedef int commit_turn_fn(const char *database, int ms, struct err *e);
void commit_turn(struct commit *c, commit_turn_fn *fn);

/* Work between two batches, by the writer's own connection; it should be short,
 * deliveries wait for it. fn returns 0; 1 when it left all as it was, of which
 * nobody is told; or -1 with *e set. commit_chore: 0 or -1. */
typedef int commit_chore_fn(struct store *s, void *arg, struct err *e);
int
commit_chore(struct commit *c, commit_chore_fn *fn, void *arg, struct err *e);

/* From now on nothing is stored: in place of each commit fn sees what would
 * be there, then all is undone. For one that tries things out alone. */
void commit_dry(struct commit *c, commit_chore_fn *fn, void *arg);

/* Of the transactions that deliveries are in and that were committed; chores
 * have none. Lives as long as c. */
struct commit_stats {
	struct histogram batch; /* deliveries */
	struct histogram time; /* microseconds from taking a batch off the queue
				  to the end of its commit, waiting for
				  another process's lock included */
	struct histogram lag; /* microseconds, from came to the commit */
};
struct commit_stats *commit_stats(struct commit *c);

/* Deliveries that wait for their commit now, queued or being written, and for
 * how long the first of them has, in microseconds. */
struct commit_queue {
	int64_t waiting;
	int64_t oldest; /* 0: none waits */
};
void commit_queue(struct commit *c, struct commit_queue *out);

#endif
