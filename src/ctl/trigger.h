#ifndef CTL_TRIGGER_H
#define CTL_TRIGGER_H

#include "ctl/ctl.h"

/* Shared by the files of the command trigger. */
enum {
	TRIGGER_NONCE_BYTES = 32,
	/* those given by --set, those of --tier, the owner's id, a token */
	TRIGGER_SETS_MAX = CTL_VALUES_MAX + 4,
};

struct trigger {
	const struct platform *platform;
	const struct platform_sample *sample;
	struct str body;
	struct str secret; /* STR_NONE: none configured */
	int64_t now;
	struct fact fact;
	struct fact earlier; /* opts.earlier, where there is one */
	struct sample_opts opts; /* the later of two sets of a key counts */
	struct str keys[TRIGGER_SETS_MAX], values[TRIGGER_SETS_MAX];
	char nonce[2 * TRIGGER_NONCE_BYTES + 1];
	struct ctl *ctl;
	int64_t newest; /* of the outbox, before a dry run */
	size_t would;
};

/* Makes and decodes the delivery that opts describe. */
int trigger_make(struct ctl *ctl, struct trigger *t, struct err *e);

/* Looks up the sale or subscription that --set names. Where the database does
 * not know it, or there is none, nothing is taken from it. */
void trigger_find_earlier(struct ctl *ctl, struct trigger *t);

/* Sets the keys that a grant of that tier needs; those of --set are stronger.
 * -1 with ERR_USAGE where no grant of the tier fits that event. */
int trigger_fill_tier(
    struct ctl *ctl, struct trigger *t, const char *name, struct err *e);

#endif
