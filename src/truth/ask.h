#ifndef TRUTH_ASK_H
#define TRUTH_ASK_H

#include "base/buf.h"
#include "truth/truth.h"

/*
 * One question after the other, with manners: at most two a second (but to this
 * machine), no more than a day's budget, a pause where the platform asks for
 * one. The token goes into a header, never into a URL or a log line.
 */
enum {
	ASK_A_DAY = 20000, /* requests */
	ASK_SPARE = 4000, /* of them, for what was just sold */
	ASK_PAUSE_MS = 500, /* between two */
	ASK_MS = 30000, /* for one; its own client waits as long */
	ASK_BODY_MAX = 10 * 1024 * 1024, /* bytes of an answer */
	ASK_TRIES = 3, /* while it says: later, or what is no answer */
};

struct asker {
	const struct config *config;
	const struct platform *platform;
	const char *address; /* without a slash at its end */
	struct arena *arena; /* of one answer: reset by the next */
	struct buf body;
	json_t *json; /* of the answer */
	int64_t last; /* time_ticks() of the one before */
	int64_t asked; /* requests so far */
	char day[16]; /* whose budget that is, */
	int64_t left; /* what is left of it, */
	int64_t spare; /* and not to be touched, */
	int64_t singles; /* how many of its requests were for a single sale, */
	int64_t deadline; /* time_ticks(): nothing is asked later; 0: none */
	const volatile int *stop; /* set by a signal; may be NULL */
	int64_t by_status[6]; /* and its answers: none, 1xx … 5xx */
};

/* A new day has a budget of its own. */
void asker_day(struct asker *k);

/* Ends as ERR_CONFIG where the platform has no API or there is no token. */
int asker_open(struct asker *k, const struct config *c,
    const struct platform *p, struct err *e);
void asker_close(struct asker *k);

/*
 * 0 where *said is SAID_FINE or SAID_ABSENT, and with `may` also those of its
 * bits. Else -1 with what is wrong and what to do: ERR_AUTH for a token that is
 * dead or may not ask, ERR_BUSY where it is to be tried later (also: the time
 * is spent), ERR_LIMIT where the budget is, ERR_INPUT for an answer that is none. The answer lives
 * until the next question.
 */
int asker_ask(struct asker *k, const struct platform_question *q, unsigned may,
    struct platform_answer *out, enum platform_said *said, struct err *e);

#endif
