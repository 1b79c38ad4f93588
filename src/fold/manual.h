#ifndef FOLD_MANUAL_H
#define FOLD_MANUAL_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "store/row.h"

/*
 * What the owner does by hand, as events of platform "manual": they stand in
 * the log like deliveries, and a rebuild reads them again. The body is JSON:
 * {"do":"link","user":"42"}. An event that is about a platform's subject has
 * the subject "gumroad/subscription:…"; a grant "grant:user:42".
 */
enum manual_kind {
	MANUAL_GRANT, /* a tier, to an identifier */
	MANUAL_REVOKE, /* of a grant's tier, a sale, or all of a subject */
	MANUAL_RESTORE, /* undoes revoke */
	MANUAL_LINK, /* the subject belongs to this user, or address */
	MANUAL_UNLINK, /* undoes link */
	MANUAL_VOID, /* these deliveries do not count */
	MANUAL_UNVOID, /* undoes void */
	MANUAL_CONFIRM, /* of a platform: sales of then count once confirmed */
	MANUAL__MAX
};
extern const char *const manual_words[MANUAL__MAX];

struct manual {
	enum manual_kind kind;
	struct str delivery; /* of the event itself */
	struct str user; /* link: one of the two */
	struct str email;
	struct str sale; /* revoke, restore: of this sale only; link: asked
			    for by this one, and stays with it */
	struct str tier; /* grant; revoke: of this tier only */
	int64_t until; /* grant; STORE_NULL: for ever */
	int by; /* grant: enum store_by, or -1 */
	struct str id; /* grant: as access_key.value */
	struct str note; /* why, for a person */
	const struct str *deliveries; /* void, unvoid: dedupe keys */
	size_t n_deliveries;
	/* confirm: sales from begin on and before end; end STORE_NULL: while
	 * the key "confirm" says so. Of these the later one speaks. Who writes
	 * one with a begin in the past has to fold again what came since */
	int64_t begin;
	int64_t end;
};

/* The subject of the events of kind confirm. */
#define MANUAL_CONFIRM_SUBJECT "confirm"

enum { MANUAL_BODY_MAX = 1024 * 1024, MANUAL_DELIVERIES_MAX = 10000 };

/* The event's body. */
int manual_encode(struct buf *b, const struct manual *m);
/* 0, or -1 with ERR_INPUT for a body this version does not know. */
int manual_decode(struct arena *a, struct str body, struct str delivery,
    struct manual *out, struct err *e);

/* "gumroad/subscription:…" */
struct str
manual_subject(struct arena *a, struct str platform, struct str subject);
/* "grant:user:42" */
struct str manual_grant_subject(struct arena *a, int by, struct str id);

#endif
