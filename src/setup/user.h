#ifndef SETUP_USER_H
#define SETUP_USER_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

/* Root's work on the database is done as its owner: what root makes beside it
 * the web program could not write. */
struct user {
	char name[64];
	uid_t uid;
	gid_t gid;
	int is_other; /* than who runs this */
};

#define USER_OURS "gatepost" /* made by the package */

/* The owner of that database, or of its folder where there is none yet; of one
 * on a server USER_OURS, where there is such a user. */
void user_of_database(const char *database, struct user *out);
/* -1: there is no such user. */
int user_find(const char *name, struct user *out);

typedef int user_fn(void *arg, struct err *e);

/* Runs fn as that user, in a process of its own where it is another one: then
 * of all that fn writes only the n bytes at result come back. */
int user_run(const struct user *u, user_fn *fn, void *arg, void *result,
    size_t n, struct err *e);

#endif
