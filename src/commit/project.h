#ifndef COMMIT_PROJECT_H
#define COMMIT_PROJECT_H

#include "config/config.h"
#include "store/store.h"

/* Writes what follows from the log into the state tables. */

/* A delivery just decoded, so that it is not decoded again. */
struct project_known {
	int64_t event;
	const struct fact *fact;
	/* it is all there is of its subject, and its sale has no row: neither
	 * is looked for */
	int alone;
	int64_t sent_at; /* of one that is alone */
	int moved; /* set: sales went to another subject, where they belong */
};

/* Because of what and when something is projected: for `changes`. */
struct project_when {
	int64_t at; /* seconds: whose access is open is judged by it */
	int64_t event; /* STORE_NULL: a rebuild */
	int is_old; /* old news: changed access is noted, and nothing follows */
};

/* Folds one subject from its applied deliveries and what was done to it by
 * hand, replaces its rows and notes whose access changed, inside the caller's
 * transaction. A sale that belongs to another subject is filed there, and that
 * one folded as well. known may be NULL. ERR_DB and ERR_BUSY say that the transaction
 * cannot go on; any other error that this subject cannot be folded. */
int project_subject(struct store *s, const struct config *c,
    const struct platform *p, struct str subject, struct project_known *known,
    const struct project_when *when, struct arena *a, struct err *e);

/* The same for a subject of grants by hand. */
int project_grant(struct store *s, const struct config *c, struct str subject,
    const struct project_when *when, struct arena *a, struct err *e);

/* Either of the two, by the platform's name as it stands in events. Manual
 * events about a platform's subject are folded with that subject: nothing. */
int project_any(struct store *s, const struct config *c, struct str platform,
    struct str subject, const struct project_when *when, struct arena *a,
    struct err *e);

/* The events of kind confirm of a platform, for the fold; none where nothing
 * can be confirmed. *n of them in the arena. */
struct fold_delivery;
int project_marks(struct store *s, const struct config *c,
    const struct platform *p, struct arena *a, struct fold_delivery **out,
    size_t *n, struct err *e);

/* What the platform's list of members says of a subject: deliveries of the
 * subject of the buyer's entries that are folded with it; mostly none. */
int project_entries(struct store *s, const struct config *c,
    const struct platform *p, struct str subject, struct arena *a,
    struct fold_delivery **out, size_t *n, struct err *e);

/* How many rows project_any would change; nothing is written. */
int project_differs(struct store *s, const struct config *c,
    struct str platform, struct str subject, struct arena *a, size_t *rows,
    struct err *e);

/* *waits: does this sale give nothing because it has to be confirmed first?
 * Nothing is written. */
int project_waits(struct store *s, const struct config *c,
    const struct store_purchase *sale, struct arena *a, int *waits,
    struct err *e);

/* Fills the tiers table from the configuration where it differs, in a
 * transaction of its own. */
int project_tiers(struct store *s, const struct config *c, struct err *e);

/* What the state tables follow from besides the log: the decoders' versions
 * and every value of the configuration the fold reads, as 64 hex digits. A
 * database that was filled under another digest has to be rebuilt. */
int project_digest(const struct config *c, char hex[65], struct err *e);

#endif
