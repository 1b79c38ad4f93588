#ifndef CONFIG_RULE_H
#define CONFIG_RULE_H

#include "action/action.h"
#include "config/tier.h"
#include "store/store.h"

/*
 * The sections `on` of gatepost.conf: what is to be done when something
 * happens. Rules have no part in the fold: what somebody bought never
 * depends on them.
 */
enum rule_event {
	RULE_DELIVERY, /* any new verified delivery, whatever it says */
	RULE_PURCHASE, /* the first sale of a subject */
	RULE_RENEWAL, /* a later one */
	RULE_REFUNDED, /* in full */
	RULE_PARTIAL_REFUND,
	RULE_DISPUTED,
	RULE_DISPUTE_WON,
	RULE_CANCELLED, /* access ends with the paid period */
	RULE_RESTARTED, /* after a cancellation or an end */
	RULE_ENDED, /* the subscription is over */
	RULE_TIER_CHANGED, /* a person's highest tier, whatever the cause */
	RULE_EXPIRING, /* by the clock: access ends soon */
	RULE_LAPSED, /* by the clock: access has ended */
	RULE_KEPT, /* a delivery was kept and not applied */
	RULE_UNMATCHED, /* a purchase that no configured tier grants */
	RULE_ALERT, /* what the owner is mailed about */
	RULE__MAX
};
extern const char *const rule_words[RULE__MAX]; /* "purchase", … */

enum {
	RULE_MAX = 64, /* sections `on` */
	RULE_ACTIONS_MAX = 16, /* of one of them */
	RULE_TARGETS_MAX = 64, /* kinds and names in the whole file */
};

/* Filters are shell patterns, as in grants; STR_NONE lets everything pass. */
struct rule {
	unsigned events; /* bits: 1 << enum rule_event */
	struct str platform;
	struct str product; /* permalink or title */
	struct str tier; /* what the purchase gives, or the person has now */
	struct str from; /* tier_changed: the tier before; 'none': none */
	struct str to; /* and after */
	int test; /* test purchases too */
	int64_t before; /* expiring: seconds ahead */
	int line;
	const struct action *actions;
	size_t n_actions;
};

struct rules {
	const struct rule *v; /* in the file's order */
	size_t n;
	/* one per kind and name, to look up what a row of the outbox names */
	const struct action *const *targets;
	size_t n_targets;
	struct str alert_mail; /* STR_NONE: not set */
	struct str mail_from; /* STR_NONE: not set */
	const char *sendmail;
	const char *mail_templates; /* a folder; NULL: not set */
};

/* What a rule is asked about. */
struct rule_case {
	enum rule_event event;
	struct str platform;
	struct str product;
	struct str product_name;
	struct str tier; /* STR_NONE: none */
	struct str from, to; /* tier_changed; STR_NONE: none */
	int test;
};

int rule_fits(const struct rule *r, const struct rule_case *c);
/* The first filter that does not let it pass: "product", …; "event" when the
 * rule is about something else; NULL: it fits. */
const char *rule_refusal(const struct rule *r, const struct rule_case *c);

/* Is a rule there for the event? For who would have to read rows to ask. */
int rules_want(const struct rules *r, enum rule_event event);

/* NULL: the settings have no such target any more. */
const struct action *
rules_target(const struct rules *r, struct str kind, struct str name);

/* The action that carries out a row for that target: a target has one body
 * and template per event. */
const struct action *rules_action(
    const struct rules *r, struct str kind, struct str name, struct str type);

/* The name of the target that alerts go to; of kind mail. */
#define ALERT_TARGET "alert"

#endif
