#ifndef FOLLOW_OUTBOX_H
#define FOLLOW_OUTBOX_H

/*
 * The room follow: what shall happen when something happened, and doing it. In:
 * a delivery, or a change of access. Out: rows of the table outbox, in the
 * transaction of their cause; and later mails, requests and programs. effect.h
 * is what is told, outbox.h queues it, courier.h carries it out, with
 * share.h; rate.h slows down a flood, link_facts.h adds links.
 * Keeps the promise that a follow-up is neither forgotten nor, by a rebuild,
 * done again.
 */

#include "config/config.h"
#include "follow/effect.h"
#include "store/store.h"

/*
 * What has to be done about what happened: rows of the table outbox, written
 * in the transaction of their cause, one per effect and never a second time.
 * Here they are queued; follow/courier.h carries them out.
 *
 * Nothing here makes its cause fail: what cannot be queued (no memory, too
 * large) leaves a note for `gatepost check`. -1 only where the transaction
 * cannot go on: ERR_DB, ERR_BUSY, ERR_ABSENT.
 */

/* A new delivery, after it was folded or kept. */
struct outbox_delivery {
	const struct platform *platform;
	const struct fact *fact;
	struct str subject; /* as stored */
	struct str status; /* applied, kept, test */
	struct str reason; /* of kept and test */
	int64_t event;
	int64_t at; /* received */
};
int outbox_delivered(struct store *s, const struct config *c,
    const struct outbox_delivery *d, struct arena *a, struct err *e);

/* A reading, after it was folded: what the delivery would have made happen that
 * tells the same. Each is queued once, whichever of the two comes first. */
struct outbox_reading {
	const struct platform *platform;
	const struct fact *fact;
	struct str subject; /* as stored */
	/* as they stood before; NULL: none */
	const struct store_purchase *sale; /* that the reading is of */
	const struct store_subscription *membership;
	int64_t event;
	int64_t at;
};
int outbox_read(struct store *s, const struct config *c,
    const struct outbox_reading *d, struct arena *a, struct err *e);

/* Follow-ups of sales that could not be confirmed for a day go out, and the
 * owner is told. Outside a transaction. */
int outbox_let_go(struct store *s, const struct config *c, int64_t now,
    struct arena *a, struct err *e);

/* The name that a sale has in outbox.awaits. p NULL: no memory. */
struct str outbox_awaits(struct arena *a, struct str platform, struct str sale);

/* Somebody's highest tier differs: by a delivery, by hand, or by the clock
 * (event STORE_NULL), which makes it lapsed too when nothing is left. */
int outbox_changed(struct store *s, const struct config *c,
    const struct store_purchase *row, struct str before, struct str after,
    int64_t at, int64_t event, struct arena *a, struct err *e);

/* Access by that row ends soon. */
int outbox_expiring(struct store *s, const struct config *c,
    const struct store_purchase *row, const struct rule *rule, int64_t at,
    struct arena *a, struct err *e);

/* What would be queued, by the rules and without the table: for a person. fn
 * is called per action with the key its row has; with action NULL and the
 * filter's name for a rule that is about it and does not let it pass. What
 * follows from changed access is not among it. */
typedef void outbox_plan_fn(void *arg, const struct effect *f,
    const struct rule *rule, const struct action *action, const char *text);
int outbox_plan(struct store *s, const struct config *c,
    const struct outbox_delivery *d, outbox_plan_fn *fn, void *arg,
    struct arena *a, struct err *e);

/* One mail to the owner, and what the sections on 'alert' say: at most once per
 * `once`, for ever. */
int outbox_alert(struct store *s, const struct config *c, const char *once,
    const char *text, int64_t at, struct arena *a, struct err *e);

/* Seconds until the next attempt after so many (1: the first) have failed,
 * with up to a fifth more, chosen by random; -1: there is none. The steps are
 * those of Standard Webhooks (spec/standard-webhooks.md, retry schedule). */
enum { OUTBOX_ATTEMPTS_MAX = 10, OUTBOX_EXPIRES = 7 * 86400 };
int64_t outbox_delay(int64_t attempts, uint32_t random);

#endif
