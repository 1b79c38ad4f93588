#ifndef STORE_PASS_H
#define STORE_PASS_H

#include "store/store.h"

/* Passes that were taken back, and sign-in links that were used. */

/* who is user:42, email:…, buyer:gumroad:… or license:…. Passes of theirs made
 * up to that time are good no more; a later one that is noted already stays. */
int
store_pass_revoke(struct store *s, struct str who, int64_t at, struct err *e);
/* That time; -1: none were taken back. */
int
store_pass_from(struct store *s, struct str who, int64_t *out, struct err *e);
/* Each has a number; whoever is taken back again gets a new one. The newest, 0
 * for none, and those above one, oldest first. */
int store_pass_max(struct store *s, int64_t *out, struct err *e);
typedef int store_pass_fn(void *arg, struct str who, int64_t valid_from);
int store_pass_after(struct store *s, int64_t after, int64_t limit,
    store_pass_fn *fn, void *arg, struct err *e);
int store_pass_forget(struct store *s, struct str who, struct err *e);

struct store_link {
	int64_t used_at; /* the first time */
	int64_t uses; /* 0: never */
};
int store_link_used(
    struct store *s, struct str link, struct store_link *out, struct err *e);
int store_link_use(struct store *s, struct str link, int64_t now,
    int64_t ends_at, struct err *e);
/* Those that have ended go. */
int store_link_trim(struct store *s, int64_t now, struct err *e);

#endif
