#ifndef TRUTH_PASS_H
#define TRUTH_PASS_H

#include "commit/reading.h"
#include "store/truth.h"
#include "truth/ask.h"

/*
 * One pass over a platform's API. Before anything is concluded from an answer
 * it knows whose account the token is of, and the products. What it reads goes
 * to commit, page by page; what was read, and how much of it differed, is a row
 * of the table readings.
 */
enum { PASS_PAGE_MAX = 100, PASS_LEASE_S = 90 };

/* What differed: after each page that has such; drift may be empty. */
struct pass;
typedef void pass_tell_fn(
    void *arg, const struct pass *p, const struct reading_result *result);

/* Which sales a walk is for, where it is not for all. */
struct pass_wanted {
	json_t *met; /* ids: those of objects that come are struck out */
	int enough; /* it ends when none is left, … */
	int64_t down_to; /* … at a sale sold before that, … */
	int idle_max; /* … or after so many pages without one; 0: never */
};

/* Between two pages, for what cannot wait for the end of a long pass. */
typedef int pass_between_fn(void *arg, struct pass *p, struct err *e);

struct pass {
	struct asker ask;
	struct store *store; /* for reading, and for what is noted */
	struct commit *commit;
	json_t *account; /* NULL: it cannot be asked for */
	json_t *products; /* by id; the same */
	struct platform_known known;
	char owner[FACT_ID_MAX + 1]; /* the account's id, told by deliveries */
	char verified_by[VERIFIED_BY_LEN + 1];
	char holder[64]; /* of the lease */
	int has_lease;
	int64_t noted; /* time_ticks() */
	int patience_ms; /* for the lease, before pass_open gives up */
	struct store_reading row;
	char days[2][16]; /* row.from_day and row.to_day */
	int dry, import;
	int windows; /* that walk_back came through */
	struct pass_wanted wanted;
	int64_t newest, oldest; /* sale of the last page, by its time */
	int news; /* was something of the last page not known yet? */
	pass_between_fn *between; /* NULL: nothing is done then */
	void *between_arg;
	pass_tell_fn *tell;
	void *arg;
	struct arena *arena; /* of a page */
};

/* Takes the lease, ERR_BUSY where somebody else has it, and asks for account
 * and products, unless both are set. 0 or -1 as asker_ask; pass_close in any
 * case. */
int pass_open(struct pass *p, const struct config *c,
    const struct platform *platform, struct store *store, struct commit *commit,
    struct err *e);
void pass_close(struct pass *p);
/* Whose account it is, and its products: p->account, p->products, p->known, as
 * far as the platform can be asked for them; for pass_open. */
int pass_know(struct pass *p, struct err *e);

/* A row of readings, from the day of from to that of to; FACT_NO_TIME: of no
 * days. It is written at the end, or already by pass_keep. dry: never. */
void pass_begin(struct pass *p, const char *kind, int64_t from, int64_t to);
int pass_keep(struct pass *p, struct err *e);
/* Its row as it is now; pass_note does so now and then. */
int pass_keep_up(struct pass *p, struct err *e);
/* How far it is: keeps the lease, and has the time between two pages used. */
int pass_note(struct pass *p, struct err *e);
/* why NULL or without a code: whole. The first error stays in *e. */
int pass_end(struct pass *p, const struct err *why, struct err *e);

/* An array of objects of that kind, or one object. An object that is not as it
 * should be ends it with ERR_INPUT: none of them is stored. */
int pass_take(struct pass *p, const char *kind, const json_t *objects,
    int64_t requested_at, struct err *e);
/* A chore of commit's, tried again while somebody else writes. */
int pass_chore(struct pass *p, commit_chore_fn *fn, void *arg, struct err *e);
/* What pass_take makes of one object: a reading without the time of its
 * request, and what that says. Both live in p->arena. */
int pass_object(struct pass *p, const char *kind, const json_t *object,
    struct reading *r, struct fact *f, struct err *e);
/* What a sale says, as the API sent it; nothing is stored. e may be NULL. */
int
pass_reads(struct pass *p, const json_t *sale, struct fact *f, struct err *e);
/* Is it the object that was asked for? */
int pass_is(const struct pass *p, const json_t *object, const char *id);
/* There is no such sale. */
int pass_absent(
    struct pass *p, struct str sale, int64_t requested_at, struct err *e);

/* "2026-11-04" */
const char *pass_day(int64_t t, char text[16]);

#endif
