#ifndef CORE_PROJECT_H
#define CORE_PROJECT_H

#include "core/config.h"
#include "store/store.h"

/* Writes what follows from the log into the state tables. */

/* A delivery just decoded, so that it is not decoded again. */
struct project_known {
	int64_t event;
	const struct fact *fact;
};

/* Folds one subject from its applied deliveries and replaces its rows, inside
 * the caller's transaction. known may be NULL. ERR_DB and ERR_BUSY say that
 * the transaction cannot go on; any other error that this subject cannot be
 * folded. */
int project_subject(struct store *s, const struct config *c,
    const struct platform *p, struct str subject,
    const struct project_known *known, struct arena *a, struct err *e);

/* Fills the tiers table from the configuration where it differs, in a
 * transaction of its own. */
int project_tiers(struct store *s, const struct config *c, struct err *e);

/* The decode options a platform gets from the configuration. */
struct decode_opts
project_opts(const struct config *c, const struct platform *p);

/* Text fit for a column: U+FFFD for NUL and for ill-formed bytes. */
struct str project_column(struct arena *a, struct str s);

#endif
