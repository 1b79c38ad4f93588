#ifndef SETUP_ACCOUNT_H
#define SETUP_ACCOUNT_H

#include "setup/setup_own.h"
#include "truth/progress.h"

/* What the platforms are asked, as the user of the database. */

struct account {
	struct setup *setup;
	const struct config *config;
	const struct platform *platform;
	struct store *store;
	struct commit *commit;
	struct pass pass;
	struct progress progress;
};

/* For a user_fn: opens the database, and asks whose account it is. setup, config
 * and platform are given. account_close returns rc. */
int account_open(struct account *k, struct err *e);
int account_close(struct account *k, int rc);
int account_has_token(const struct setup *s, const struct platform *p);
int account_can(const struct platform *p, enum platform_ask what);

/* Is it a token of the account that the settings and the database know, which
 * may read sales? ERR_AUTH: it is not, ERR_BUSY: it could not be asked. What the
 * account sells is noted in the database. */
int account_check(
    struct setup *s, const struct platform *p, struct str token, struct err *e);

/* Registers at each platform with a token for what its ping URL does not carry,
 * and imports what was sold before. */
int account_register(struct setup *s, struct err *e);
int account_import(struct setup *s, struct err *e);

#endif
