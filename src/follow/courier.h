#ifndef FOLLOW_COURIER_H
#define FOLLOW_COURIER_H

#include "config/config.h"
#include "follow/share.h"
#include "store/store.h"

/*
 * Carries out what stands in the outbox. Each target has threads of its own,
 * so a slow one delays no other. A thread claims one row for a time (state
 * running, due_at is when the claim ends), so that several processes can do
 * this at once, and what a killed one held is done again, with the same id.
 *
 * A target that fails COURIER_BREAK times in a row is left alone for a while,
 * longer each time; when it answers again, what waits for it is due at once.
 */
enum {
	COURIER_LANES = 4, /* threads of one target */
	COURIER_BREAK = 5,
	COURIER_BREAK_S = 30, /* the first pause; doubled up to … */
	COURIER_BREAK_MAX_S = 900,
	COURIER_LOOK_MS = 1000, /* between two looks at the clock */
};

struct courier_opts {
	const struct config *config;
	struct share *share; /* of a store that may write */
	/* told of each row that was tried in vain; may be NULL. text has no end of
	 * line and nothing of a person */
	void (*say)(const char *text);
};

struct courier;
int
courier_new(const struct courier_opts *o, struct courier **out, struct err *e);
/* Looks once, and starts threads for what is due. *busy: some are at work.
 * Call it every COURIER_LOOK_MS. */
int courier_look(struct courier *c, int64_t now, int *busy, struct err *e);
/* What is at hand is finished. 0, or -1 when that took longer: then it may not
 * be freed, only the process ended, and what was at hand is done again when its
 * claim has run out. */
int courier_stop(struct courier *c, int ms);
void
courier_free(struct courier *c); /* after courier_stop said 0; NULL is fine */

struct courier_counts {
	int64_t done, again, dead;
};
void courier_counts(struct courier *c, struct courier_counts *out);

/* 410 was answered: the target is left alone until this is taken back. The
 * mark names the URL it was answered for, so that a new one counts anew. */
int courier_disable(struct store *s, const struct action *a, struct err *e);
int courier_enable(struct store *s, const struct action *a, struct err *e);
int courier_is_disabled(
    struct store *s, const struct action *a, int *disabled, struct err *e);

#endif
