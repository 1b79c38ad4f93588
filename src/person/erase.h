#ifndef PERSON_ERASE_H
#define PERSON_ERASE_H

/*
 * The room person: somebody's right to be forgotten. In: a user or an address.
 * Out: a database that holds neither. erase_find.c looks for it, erase_person.c
 * takes it out.
 * Keeps the promise that sums and other people's access stay as they were.
 */

#include "config/config.h"
#include "store/store.h"

/*
 * Takes a person out of the database: the deliveries of their purchases are
 * rewritten to the same facts without who it was, so that sums stay and a
 * rebuild gives the same rows; what keeps a repeat of a delivery a repeat
 * stays too. Deliveries about somebody else that name the address beside (a
 * gifter, an affiliate, a custom field) lose just that text. What was done by
 * hand for the person goes; so do the identifiers in `changes` and jobs in
 * `outbox` that hold the address.
 *
 * Subject by subject, each in a transaction of its own; run again, it goes on
 * where it was interrupted. Backups made before are not reached.
 */
struct erase_who {
	enum store_by by; /* STORE_BY_USER or STORE_BY_EMAIL */
	struct str id; /* as stored: an address lower-cased */
};

struct erase_result {
	int64_t subjects; /* whose deliveries are the person's */
	int64_t events; /* rewritten as a whole */
	int64_t mentions; /* of others, that lost the address only */
	int64_t by_hand; /* events by hand emptied */
	int64_t jobs; /* of outbox deleted */
	int resumed; /* an earlier run was interrupted; its end is done now */
};

/* dry_run: counts, and writes nothing; jobs are not counted. ERR_BUSY at the
 * end: all is rewritten, but the old text is still in the write-ahead log. */
int erase_person(struct store *s, const struct config *c,
    const struct erase_who *who, int dry_run, int64_t now,
    struct erase_result *r, struct err *e);

#endif
