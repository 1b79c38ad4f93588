#ifndef PLATFORM_GUMROAD_GUMROAD_API_H
#define PLATFORM_GUMROAD_GUMROAD_API_H

#include "platform/gumroad/gumroad.h"

/* Shared by the files that read what Gumroad's API says. */

enum gumroad_type {
	GUMROAD_TEXT,
	GUMROAD_ID,
	GUMROAD_EMAIL,
	GUMROAD_LICENSE,
	GUMROAD_FLAG,
	GUMROAD_NUMBER,
	GUMROAD_MOMENT,
	GUMROAD_NAMES, /* an object of texts */
};

enum {
	GUMROAD_REQUIRED = 1,
	GUMROAD_PERSON = 2, /* goes when the buyer is erased */
	GUMROAD_OURS = 4, /* no key of Gumroad's */
};

struct gumroad_key {
	const char *name;
	enum gumroad_type type;
	unsigned flags;
	size_t fills; /* of struct fact; 0: nothing */
};

struct gumroad_reading {
	const char *name; /* events.kind */
	enum fact_kind kind;
	const struct gumroad_key *keys; /* ended by name NULL */
};

/* fact.detail_of_platform of a reading */
struct gumroad_answer {
	const struct gumroad_reading *reading;
	const json_t *root;
	struct arena *arena;
};

/* Its value; NULL: absent or null, which read the same. */
json_t *gumroad_value(const json_t *root, const struct gumroad_key *k);
/* The text of that key, or STR_NONE. */
struct str gumroad_text(const struct gumroad_answer *r, const char *key);

/* Fills the fact; one whose keys are not as they should be is kept. */
void gumroad_read_answer(const struct gumroad_answer *r, struct fact *f);

#endif
