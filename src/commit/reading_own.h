#ifndef COMMIT_READING_OWN_H
#define COMMIT_READING_OWN_H

#include "commit/reading.h"

/* What reading_say.c, what it says and whether that is new, shares with
 * reading_put.c, what becomes of it. */

/* One reading on its way. */
struct way {
	struct store *s;
	const struct config *c;
	const struct reading *r;
	struct reading_result *out;
	struct arena *a;
	int careful; /* on a savepoint, as the fold may fail */
	struct fact fact;
	struct str body; /* as it is stored */
	struct str platform;
	struct str object; /* begin of the keys of its readings */
	struct str status, reason;
	int64_t last_seen_at; /* of the newest stored one; STORE_NULL: none */
	int64_t sent_at; /* of its event: when it was asked for */
	int is_same;
	struct str moved; /* of an entry: the membership that it changed */
	int is_erased; /* nothing may be stored of it */
};

/* Decodes it, without the person where that one was erased. */
int reading_decode(struct way *w, struct err *e);
/* Sets out->became, and of the newest stored one out->event, out->subject,
 * last_seen_at. */
int reading_compare(struct way *w, struct err *e);
/* Gives fact.delivery the key it is stored by: no other has it. */
int reading_name(struct way *w, struct err *e);

#endif
