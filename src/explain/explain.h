#ifndef EXPLAIN_EXPLAIN_H
#define EXPLAIN_EXPLAIN_H

/*
 * The room explain: why somebody has a tier, or none. In: an identifier. Out:
 * each delivery about it, with a sentence and its rule. explain_read.c gathers,
 * say*.c have the sentences, explain_note.c says what no single delivery tells.
 * Keeps the promise that an owner can follow each decision to a delivery.
 */

#include "access/access.h"
#include "config/config.h"
#include "fold/fold.h"

/*
 * The deliveries behind an answer, each with one sentence on what it did and
 * the rule of gatepost-lifecycle(7) it follows from. The rows are as the fold
 * has left them, and the fold says which rules made them: a sentence works
 * nothing out anew. Texts may hold what buyers typed, as it came:
 * escape them at the exit.
 */
enum {
	EXPLAIN_SUBJECTS_MAX = 1000,
	EXPLAIN_EVENTS_MAX = 10000, /* of all subjects together */
	EXPLAIN_NOTES_MAX = 16,
	EXPLAIN_SAYS_MAX = 64 * 1024, /* bytes of one sentence */
};

struct fact;

struct explain_event {
	int64_t event; /* its number */
	int64_t received_at;
	int64_t sent_at;
	int64_t last_seen_at;
	int64_t seen;
	struct str platform; /* "manual": about the subject, by hand */
	struct str kind;
	struct str status;
	struct str says;
	enum fold_rule rule;

	/* for the sentence */
	struct str reason;
	struct str delivery;
	const struct fact *fact; /* as decoded now; NULL by hand */
	const struct manual *manual; /* NULL: of a platform, or not readable */
	const struct fold_delivery *fold; /* NULL: the fold does not take it */
	int counts; /* applied, and not voided by hand */
};

struct explain_subject {
	struct str platform;
	struct str subject;
	struct rows rows; /* in order of (sold_at, sale) */
	const struct store_subscription *subscription; /* NULL: none */
	struct explain_event *events; /* in order of arrival */
	size_t n_events;
	struct fold_rows fold; /* made from them once more */
};

/* One of the three. */
struct explain_ask {
	const struct access_key *key; /* NULL: not this */
	struct str sale; /* of any platform, or a grant by hand */
	struct str subscription;
	int64_t now;
};

struct explain {
	struct access_key key; /* as asked; word "sale", "subscription" too */
	struct access access; /* of a sale: by that sale alone */
	struct explain_subject *subjects;
	size_t n_subjects;
	struct str notes[EXPLAIN_NOTES_MAX];
	size_t n_notes;
};

/* One snapshot, on a connection outside any transaction; all in the arena.
 * ERR_ABSENT: there is no such sale or subscription. */
int explain_find(struct store *s, const struct config *c,
    const struct explain_ask *ask, struct arena *a, struct explain *out,
    struct err *e);

#endif
