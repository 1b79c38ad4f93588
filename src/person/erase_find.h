#ifndef PERSON_ERASE_FIND_H
#define PERSON_ERASE_FIND_H

#include "person/erase.h"

/* Where a person stands in the database; for erase_person.c. */

struct erase_subject {
	struct str platform, subject;
};

struct erase_subjects {
	struct arena *arena;
	struct erase_subject *v;
	size_t n, size;
};

/* Adds a copy where it is new. -1 without memory. */
int erase_subjects_add(struct erase_subjects *all, struct str platform,
    struct str subject, struct err *e);
int erase_subjects_has(
    const struct erase_subjects *all, struct str platform, struct str subject);

/* The subjects of purchases that carry the identifier, at most FIND_MAX at a
 * time: call until there are no more. */
enum { ERASE_FIND_MAX = 1000 };
int erase_find(struct store *s, const struct erase_who *who,
    struct erase_subjects *out, struct err *e);

enum erase_how {
	ERASE_NOT,
	ERASE_SUBJECT, /* it is the person's, and so is its subject */
	ERASE_MENTION, /* it is about another, and holds the address */
	ERASE_BY_HAND, /* an event by hand about another that names the
			  person: a link, a note */
};

enum { ERASE_BATCH = 64 };
struct erase_hits {
	struct {
		int64_t id;
		enum erase_how how;
	} v[ERASE_BATCH];
	size_t n;
	int64_t last; /* the id looked at last */
	int done;
};

/* Looks at the next events after h->last, every one, whatever its status. */
int erase_scan(struct store *s, const struct config *c,
    const struct erase_who *who, struct arena *a, struct erase_hits *h,
    struct err *e);

/* One event with its texts in the arena. */
int erase_get(struct store *s, int64_t id, struct arena *a,
    struct store_event *out, struct err *e);

/* A sale of the person, which may be read again: that must not bring the person
 * back. */
int erase_sale(struct store *s, const struct platform *p, const struct fact *f,
    int64_t now, struct arena *a, struct err *e);
/* The same of the buyer's entries in a list of members: one that will be read
 * is dropped. Those that are there are the person's own: adds their subject. */
int erase_entries(struct store *s, const struct platform *p,
    const struct fact *f, int64_t now, struct erase_subjects *out,
    struct arena *a, struct err *e);
/* The same of a sale that is another's and names the person beside. */
int erase_address(struct store *s, const struct platform *p,
    const struct fact *f, struct str address, int64_t now, struct arena *a,
    struct err *e);
/* Folds what a subject has become; its old rows go first, so that nobody's
 * access seems to change. */
int erase_project(struct store *s, const struct config *c, struct str platform,
    struct str was, struct str is, int64_t now, struct arena *a, struct err *e);
/* Of a buyer's entries in a list of members, which are gone: folds what is left
 * of his memberships, which may be somebody else's by now. */
int erase_project_others(struct store *s, const struct config *c,
    const struct platform *p, struct str entries, int64_t now, struct arena *a,
    struct err *e);

#endif
