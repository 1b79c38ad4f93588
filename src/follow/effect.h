#ifndef FOLLOW_EFFECT_H
#define FOLLOW_EFFECT_H

#include "action/action.h"
#include "access/access.h"
#include "config/config.h"
#include "config/rule.h"

/*
 * One effect: what happened, to whom, and what is told of it. It is written
 * as JSON when it happens and read again when it goes out, so that every
 * attempt says the same. The payload is what an http target gets:
 *
 *	{"type":"purchase","timestamp":"…","data":{
 *	 "event":12,"person":{"user":…,"email":…,"buyer":…,"license":…},
 *	 "purchase":{…},"before":…,"after":…,"access":{…}}}
 */
enum { EFFECT_PAYLOAD_MAX = 256 * 1024 };

struct effect {
	enum rule_event what;
	int64_t at; /* seconds */
	int64_t event; /* events.id; STORE_NULL: the clock */
	struct str platform;
	struct str subject; /* as in events */
	const struct store_purchase *row; /* whom and what it is about; NULL */
	struct str before, after; /* tier names, of tier_changed and lapsed */
	struct str reason; /* of kept */
	struct str text; /* of alert */
	/* Tells this happening from all others of its kind, for ever: with
	 * the rule's action it is the row's dedupe key. */
	struct str once;
};

/* Appends the payload. access may be NULL. */
int effect_write(struct buf *b, const struct effect *f,
    const struct access *access, const struct access_key *key, struct err *e);

/* Reads facts from a payload; texts in the arena. out has room for
 * ACTION_FACTS_MAX. 0, or -1 with ERR_INPUT. */
int effect_read(struct arena *a, struct str payload, struct str *type,
    struct action_fact *out, size_t *n, struct err *e);

/* The key of outbox.dedupe, which is the id other ends see: "purchase_" and
 * 40 hex digits of SHA-256 over what happened and where it goes. */
enum { EFFECT_ID_MAX = 64 };
int effect_id(const struct effect *f, enum action_kind kind, struct str target,
    char out[EFFECT_ID_MAX], struct err *e);

#endif
