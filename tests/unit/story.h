#ifndef STORY_H
#define STORY_H
/*
 * A story is deliveries and events by hand in order of arrival, one a line,
 * as short as they can be told; bodies are made as the sender makes them and
 * go through the decoders, the log and the tables.
 *
 *	2026-01-31 sale S1 2026-01-31 sub tier=Pro user=42
 *	2026-02-10 cancel 2026-02-28
 *	2026-02-12 revoke
 *
 * is the day of arrival, what comes, which sale and of which day. Days are at
 * 10:00:00 UTC. The words are in the tables below. What was read stands there
 * as "read S1 2026-01-31", "subscriber alive" and "absent S1", of the day when
 * it was asked for; seen=DAY: and read again, the same, until that day. "listed
 * BEGIN END" is an entry of Gank's list of members.
 */
#include "scenario.h"

#include "base/form.h"
#include "config/config_names.h"
#include "fold/manual.h"

enum { STORY_LINES_MAX = 12, STORY_WORDS_MAX = 12, STORY_WEEK = 7 * 86400 };

struct story_line {
	struct str words[STORY_WORDS_MAX];
	size_t n;
	struct arrival in; /* of a platform */
	struct manual manual; /* by hand */
	int by_hand;
};

struct story {
	const struct platform *platform;
	struct story_line lines[STORY_LINES_MAX];
	size_t n;
	struct arena *arena;
};

/* The tiers of all stories. */
#define STORY_TIER(name, rank, grants, lasts, payments) \
	{ \
		{ name, sizeof(name) - 1 }, rank, NULL, 0, grants, \
		    sizeof(grants) / sizeof(grants[0]), lasts, payments \
	}
#define STORY_GRANT(platform, product, variant) \
	{ \
		{ platform, sizeof(platform) - 1 }, \
		    { product, sizeof(product) - 1 }, \
		{ \
			variant, sizeof(variant) - 1 \
		} \
	}
static const struct tier_grant story_starter[] = { STORY_GRANT(
    "gumroad", "*", "Starter") };
static const struct tier_grant story_pro[] = {
	STORY_GRANT("gumroad", "*", "Pro"),
	STORY_GRANT("gank", "*", "*"),
};
static const struct tier_grant story_agency[] = { STORY_GRANT(
    "gumroad", "*", "Agency") };
static const struct tier_grant story_course[] = { STORY_GRANT(
    "gumroad", "*", "Course") };
static const struct tier_grant story_life[] = { STORY_GRANT(
    "gumroad", "*", "Life") };
static const struct tier_grant story_shop[] = { STORY_GRANT(
    "gumroad", "shop", "*") };
static const struct tier story_tiers[] = {
	STORY_TIER("starter", 5, story_starter, TIER_PAID, 0),
	STORY_TIER("pro", 10, story_pro, TIER_PAID, 0),
	STORY_TIER("agency", 20, story_agency, TIER_PAID, 0),
	STORY_TIER("course", 1, story_course, TIER_FOREVER, 3),
	STORY_TIER("life", 2, story_life, TIER_ALWAYS, 0),
	STORY_TIER("shop", 3, story_shop, TIER_PAID, 0),
};

/* "accept_test", "before" and "after": the words of a case's settings; a sale
 * is not confirmed without one of the last two. */
static inline enum tier_confirm
story_confirm(const char *settings)
{
	return strstr(settings, "before") != NULL ? TIER_CONFIRM_BEFORE
	    : strstr(settings, "after") != NULL	  ? TIER_CONFIRM_AFTER
						  : TIER_CONFIRM_OFF;
}

static inline void
story_config(struct config *c, int accept_test, enum tier_confirm confirm)
{
	*c = (struct config){ 0 };
	for (size_t i = 0; i < PLATFORM__MAX; i++) {
		c->rules.grace[i] = STORY_WEEK;
		c->rules.accept_test[i] = accept_test;
		c->rules.confirm[i] = confirm;
	}
	c->platforms[platform_index(&platform_gumroad)].reference =
	    STR("user_id");
	c->rules.tiers = story_tiers;
	c->rules.n_tiers = sizeof(story_tiers) / sizeof(story_tiers[0]);
}

/* ---- words ---- */

/* The value of "key=value" behind the first two words, or STR_NONE; of a word
 * alone the empty text. */
static inline struct str
story_get(const struct story_line *l, const char *key)
{
	for (size_t i = 2; i < l->n; i++) {
		struct str head, tail;
		str_cut(l->words[i], '=', &head, &tail);
		if (str_eq_z(head, key))
			return tail.p == NULL ? STR("") : tail;
	}
	return STR_NONE;
}

static inline int
story_has(const struct story_line *l, const char *key)
{
	return story_get(l, key).p != NULL;
}

static inline int64_t
story_time(const struct story *st, struct str day)
{
	return when(str_z(st->arena, day));
}

static inline void
story_pair(struct buf *b, const char *key, struct str value)
{
	if (b->n > 0)
		buf_addc(b, '&');
	form_encode(b, str_from(key));
	buf_addc(b, '=');
	form_encode(b, value);
}

static inline void
story_pair_time(
    const struct story *st, struct buf *b, const char *key, struct str day)
{
	char text[TIME_TEXT_MAX];
	story_pair(b, key, str_from(time_text(story_time(st, day), text)));
}

static inline void
story_retry(const struct story_line *l, struct buf *b)
{
	struct str n = story_get(l, "retry");
	if (n.p != NULL)
		story_pair(b, "retry_count", n.n > 0 ? n : STR("1"));
}

/* ---- bodies ---- */

/* Words that are pairs of a sale: app/modules/purchase/ping_notification.rb
 * of Gumroad. */
static const struct {
	const char *word, *key, *value;
} story_flags[] = {
	{ "sub", "subscription_id", "SUB" },
	{ "sub", "recurrence", "monthly" },
	{ "yearly", "subscription_id", "SUB" },
	{ "yearly", "recurrence", "yearly" },
	{ "instalment", "subscription_id", "SUB" },
	{ "recurring", "is_recurring_charge", "true" },
	{ "test", "test", "true" },
	{ "preorder", "is_preorder_authorization", "true" },
	{ "gift", "is_gift_receiver_purchase", "true" },
	{ "gift", "gift_price", "4900" },
	{ "told", "disputed", "true" },
	{ "seats", "is_multiseat_license", "true" },
	{ "shadowed", "custom_fields[sale_id]", NULL },
};

static inline void
story_sale(const struct story *st, const struct story_line *l, struct buf *b)
{
	struct str kind = l->words[1];
	int ping = str_eq_z(kind, "testping");
	int refund = str_eq_z(kind, "refund"), won = story_has(l, "won");
	int dispute = str_eq_z(kind, "dispute");
	won |= str_eq_z(kind, "dispute_won");
	story_pair(b, "seller_id", STR("Seller=="));
	story_pair(b, "product_id", STR("P1=="));
	story_pair(b, "product_name", STR("App"));
	story_pair(b, "permalink",
	    story_has(l, "item") ? story_get(l, "item") : STR("app"));
	story_pair(b, "email",
	    story_has(l, "email") ? story_get(l, "email")
				  : STR("buyer@example.org"));
	story_pair(b, "price",
	    story_has(l, "free") || story_has(l, "gift") ? STR("0")
							 : STR("4900"));
	story_pair(b, "quantity", story_has(l, "seats") ? STR("3") : STR("1"));
	story_pair(b, "sale_id", l->words[2]);
	story_pair_time(st, b, "sale_timestamp", l->words[3]);
	story_pair(b, "variants[Tier]",
	    story_has(l, "tier") ? story_get(l, "tier") : STR("Pro"));
	if (story_has(l, "user"))
		story_pair(b, "url_params[user_id]", story_get(l, "user"));
	for (size_t i = 0; i < sizeof(story_flags) / sizeof(story_flags[0]);
	     i++)
		if (story_has(l, story_flags[i].word))
			story_pair(b, story_flags[i].key,
			    story_flags[i].value == NULL
				? l->words[2]
				: str_from(story_flags[i].value));
	story_pair(b, "refunded",
	    (refund && !story_has(l, "partial")) || story_has(l, "refunded")
		? STR("true")
		: STR("false"));
	if (!story_has(l, "told"))
		story_pair(
		    b, "disputed", dispute || won ? STR("true") : STR("false"));
	story_pair(b, "dispute_won", won ? STR("true") : STR("false"));
	if (ping)
		story_pair(b, "test", STR("true"));
	else
		story_pair(b, "resource_name", kind);
	story_retry(l, b);
}

/* app/modules/subscription/ping_notification.rb of Gumroad */
static inline void
story_ping(const struct story *st, const struct story_line *l, struct buf *b)
{
	struct str kind = l->words[1];
	int down = str_eq_z(kind, "downgrade");
	int change = down || str_eq_z(kind, "upgrade");
	int dated = l->n > 2 && !str_eq_z(l->words[2], "-");
	const char *key = NULL, *resource = "subscription_updated";
	story_pair(b, "subscription_id", STR("SUB"));
	story_pair(b, "product_name", STR("App"));
	story_pair(b, "user_email", STR("other@example.org"));
	story_pair(b, "purchase_ids[]", STR("S1"));
	story_pair(b, "created_at", STR("2026-01-01T10:00:00Z"));
	story_pair(b, "recurrence",
	    story_has(l, "instalment")	 ? STR("")
		: story_has(l, "yearly") ? STR("yearly")
					 : STR("monthly"));
	if (story_has(l, "trial"))
		story_pair_time(
		    st, b, "free_trial_ends_at", story_get(l, "trial"));
	if (str_eq_z(kind, "cancel")) {
		story_pair(b, "cancelled", STR("true"));
		resource = "cancellation";
		key = "cancelled_at";
	} else if (str_eq_z(kind, "ended")) {
		story_pair(b, "ended_reason", l->words[3]);
		resource = "subscription_ended";
		key = "ended_at";
	} else if (str_eq_z(kind, "restarted")) {
		resource = "subscription_restarted";
		key = "restarted_at";
	} else if (change) {
		story_pair(b, "type", kind);
		story_pair(b, "new_plan[recurrence]", STR("monthly"));
		story_pair(b, "new_plan[quantity]", STR("1"));
		story_pair(b, "new_plan[tier][name]", l->words[3]);
		key = "effective_as_of";
	}
	if (story_has(l, "charges"))
		story_pair(
		    b, "charge_occurrence_count", story_get(l, "charges"));
	if (dated && key != NULL)
		story_pair_time(st, b, key, l->words[2]);
	story_pair(b, "resource_name", str_from(resource));
	story_retry(l, b);
}

/* ---- what was read: facts of app/models/concerns/purchase/json.rb and
 * app/models/subscription.rb, as gumroad_reduce leaves them ---- */

static inline void
story_member(struct buf *b, const char *key, struct str text)
{
	buf_addc(b, b->n == 0 ? '{' : ',');
	buf_add_json(b, str_from(key));
	buf_addc(b, ':');
	if (text.p == NULL)
		buf_addz(b, "null");
	else
		buf_add_json(b, text);
}

static inline void
story_member_time(
    const struct story *st, struct buf *b, const char *key, struct str day)
{
	char text[TIME_TEXT_MAX];
	story_member(b, key,
	    day.p == NULL ? day
			  : str_from(time_text(story_time(st, day), text)));
}

static const struct {
	const char *word, *key;
} story_read_flags[] = {
	{ "refunded", "refunded" },
	{ "part", "partially_refunded" },
	{ "disputed", "disputed" },
	{ "won", "dispute_won" },
	{ "revoked", "access_revoked" },
	{ "sender", "is_gift_sender_purchase" },
	{ "giftee", "is_gift_receiver_purchase" },
	{ "preorder", "is_preorder_authorization" },
	{ "test", "test" },
};

static inline void
story_readback(
    const struct story *st, const struct story_line *l, struct buf *b)
{
	int yearly = story_has(l, "yearly"),
	    sub = yearly || story_has(l, "sub") || story_has(l, "instalment");
	struct str item = story_get(l, "item"), email = story_get(l, "email"),
		   tier = story_get(l, "tier");
	story_member(b, "id", l->words[2]);
	story_member_time(st, b, "created_at", l->words[3]);
	story_member(b, "product_id", STR("P1=="));
	story_member(b, "product_name", STR("App"));
	story_member(b, "product_permalink", STR("apppp"));
	story_member(b, "custom_permalink", item.p != NULL ? item : STR("app"));
	story_member(b, "currency", STR("usd"));
	story_member(b, "amount_refundable_in_currency",
	    story_has(l, "refunded")   ? STR("0")
		: story_has(l, "part") ? STR("40")
				       : STR("49"));
	story_member(b, "purchase_email",
	    email.p != NULL ? email : STR("buyer@example.org"));
	story_member(b, "giftee_email", STR("giftee@example.org"));
	story_member(b, "subscription_id", sub ? STR("SUB") : STR_NONE);
	story_member(b, "subscription_duration",
	    story_has(l, "instalment") || !sub ? STR_NONE
		: yearly		       ? STR("yearly")
					       : STR("monthly"));
	for (size_t i = 0;
	     i < sizeof(story_read_flags) / sizeof(story_read_flags[0]); i++)
		buf_addf(b, ",\"%s\":%s", story_read_flags[i].key,
		    story_has(l, story_read_flags[i].word) ? "true" : "false");
	buf_addf(b, ",\"listed\":%s,\"price\":4900,\"quantity\":1",
	    story_has(l, "unlisted") ? "false" : "true");
	buf_addz(b, ",\"variants\":{\"Tier\":");
	buf_add_json(b, tier.p != NULL ? tier : STR("Pro"));
	buf_addz(b, "}}");
}

static inline void
story_subscriber(
    const struct story *st, const struct story_line *l, struct buf *b)
{
	struct str charges = story_get(l, "charges");
	story_member(b, "id", STR("SUB"));
	story_member(b, "status", l->words[2]);
	story_member(b, "recurrence",
	    story_has(l, "instalment") ? STR_NONE : STR("monthly"));
	story_member_time(st, b, "cancelled_at", story_get(l, "cancel"));
	story_member_time(st, b, "failed_at", story_get(l, "fail"));
	story_member_time(st, b, "ended_at", story_get(l, "end"));
	story_member_time(st, b, "free_trial_ends_at", story_get(l, "trial"));
	if (charges.p != NULL)
		buf_addf(
		    b, ",\"charge_occurrence_count\":%.*s", STR_ARG(charges));
	buf_addc(b, '}');
}

/* As gank_api reduces it. */
static inline void
story_listed(const struct story *st, const struct story_line *l, struct buf *b)
{
	story_member(b, "event", STR(PLATFORM_SUBSCRIBER));
	story_member(b, "supporter_user_id", STR("p1"));
	story_member(b, "creator_user_id", STR("c1"));
	story_member(b, "membership_setting_id", STR("s1"));
	story_member_time(st, b, "subscription_start", l->words[2]);
	story_member_time(st, b, "subscription_end", l->words[3]);
	buf_addc(b, '}');
}

/* The kind of the reading that the line tells of, or STR_NONE. */
static inline struct str
story_reading(const struct story *st, const struct story_line *l, struct buf *b)
{
	if (str_eq_z(l->words[1], "read")) {
		story_readback(st, l, b);
		return STR(PLATFORM_READBACK);
	}
	if (str_eq_z(l->words[1], "subscriber")) {
		story_subscriber(st, l, b);
		return STR(PLATFORM_SUBSCRIBER);
	}
	if (str_eq_z(l->words[1], "listed")) {
		story_listed(st, l, b);
		return STR(PLATFORM_SUBSCRIBER);
	}
	if (!str_eq_z(l->words[1], "absent"))
		return STR_NONE;
	story_member(b, "id", l->words[2]);
	buf_addc(b, '}');
	return STR(PLATFORM_ABSENT);
}

/* docs.ganknow.com, essentials, payment webhooks */
static inline void
story_gank(const struct story_line *l, struct buf *b)
{
	int goods = str_eq_z(l->words[1], "goods");
	struct str months = story_get(l, "months");
	struct str status = story_get(l, "status");
	struct str user = story_get(l, "user");
	struct str title = story_get(l, "title");
	buf_addf(b,
	    "{\"event\":\"%s.TX_SUCCEED\",\"data\":{\"human_id\":\"%.*s\","
	    "\"usecase_data\":{\"data\":{",
	    goods ? "DIGITAL_GOODS" : "USER_MEMBERSHIP", STR_ARG(l->words[2]));
	if (goods)
		buf_addz(b,
		    "\"catalog_id\":\"cat1\",\"buyer_user_id\":\"p1\","
		    "\"catalog_title\":\"Brushes\",");
	else
		buf_addf(b,
		    "\"billing_period\":%.*s,\"membership_title\":\"%.*s\","
		    "\"subscriber_user_id\":\"p1\",",
		    STR_ARG(months.p == NULL ? STR("1") : months),
		    STR_ARG(title.p == NULL ? STR("Fan Club") : title));
	if (user.p != NULL)
		buf_addf(b, "\"custom_reference_id\":\"%.*s\",", STR_ARG(user));
	buf_addf(b,
	    "\"creator_user_id\":\"c1\"},\"usecase\":\"%s\"},"
	    "\"payment_status\":\"%.*s\"}}",
	    goods ? "DIGITAL_GOODS" : "USER_MEMBERSHIP_RECURRING",
	    STR_ARG(status.p == NULL ? STR("SUCCEED") : status));
}

/* ---- reading ---- */

static inline void
story_by_hand(struct story *st, struct story_line *l)
{
	struct manual *m = &l->manual;
	*m = (struct manual){ .by = -1, .until = STORE_NULL };
	for (int k = 0; k < MANUAL__MAX; k++)
		if (str_eq_z(l->words[1], manual_words[k]))
			m->kind = (enum manual_kind)k;
	if (m->kind == MANUAL_GRANT) {
		m->by = STORE_BY_USER;
		m->id = l->words[2];
		m->tier = l->words[3];
		if (story_has(l, "until"))
			m->until = story_time(st, story_get(l, "until"));
	} else if (m->kind == MANUAL_CONFIRM) {
		m->begin = story_time(st, l->words[2]);
		m->end = l->n > 3 ? story_time(st, l->words[3]) : STORE_NULL;
	} else if (m->kind == MANUAL_LINK) {
		m->user = l->words[2];
	} else if (m->kind == MANUAL_VOID || m->kind == MANUAL_UNVOID) {
		int64_t at = 1;
		struct str *key = arena_alloc(st->arena, sizeof(*key));
		str_int64(l->words[2], 1, STORY_LINES_MAX, &at);
		*key = st->lines[at - 1].in.fact.delivery;
		m->deliveries = key;
		m->n_deliveries = 1;
	} else if (l->n > 2) {
		m->sale = l->words[2];
	}
}

static inline int
story_is_by_hand(struct str word)
{
	for (int k = 0; k < MANUAL__MAX; k++)
		if (str_eq_z(word, manual_words[k]))
			return 1;
	return 0;
}

static inline void
story_line(struct story *st, const struct config *c, struct str text)
{
	struct story_line *l = &st->lines[st->n++];
	while (text.n > 0 && l->n < STORY_WORDS_MAX) {
		struct str word, rest;
		str_cut(text, ' ', &word, &rest);
		if (word.n > 0)
			l->words[l->n++] = word;
		text = rest;
	}
	struct str kind = l->words[1];
	l->in.received_at = story_time(st, l->words[0]);
	l->in.sent_at = FACT_NO_TIME;
	l->by_hand = story_is_by_hand(kind);
	if (l->by_hand) {
		story_by_hand(st, l);
		return;
	}
	struct buf b;
	buf_init(&b, 64 * 1024);
	int gank = str_eq_z(kind, "gank") || str_eq_z(kind, "goods") ||
	    str_eq_z(kind, "listed");
	st->platform = gank ? &platform_gank : &platform_gumroad;
	struct str reading = story_reading(st, l, &b);
	if (reading.p != NULL) {
		l->in.sent_at = l->in.received_at;
		if (story_has(l, "seen"))
			l->in.seen_at = story_time(st, story_get(l, "seen"));
	} else if (gank) {
		story_gank(l, &b);
		l->in.sent_at = l->in.received_at;
	} else if (str_starts(kind, STR("sale")) ||
	    str_starts(kind, STR("refund")) ||
	    str_starts(kind, STR("dispute")) || str_eq_z(kind, "testping")) {
		story_sale(st, l, &b);
	} else {
		story_ping(st, l, &b);
	}
	l->in.body = (struct str){ arena_dup(st->arena, b.p, b.n), b.n };
	buf_free(&b);
	struct decode_opts opts = project_opts(c, st->platform);
	platform_decode(st->platform, reading, l->in.body, &opts, st->arena,
	    &l->in.fact, NULL);
	/* one is stored each time that it differs from the newest */
	if (reading.p != NULL)
		l->in.fact.delivery = platform_digest(st->arena,
		    str_from(arena_printf(st->arena, "%.*s %.*s",
			STR_ARG(l->words[0]), STR_ARG(l->in.body))));
	intake_judge(
	    c, st->platform, &l->in.fact, &l->in.status, &l->in.reason);
}

static inline void
story_read(
    struct story *st, const struct config *c, struct arena *a, struct str text)
{
	*st = (struct story){ .platform = &platform_gumroad, .arena = a };
	while (text.n > 0 && st->n < STORY_LINES_MAX) {
		struct str line, rest;
		str_cut(text, '\n', &line, &rest);
		if (str_trim(line).n > 0)
			story_line(st, c, str_trim(line));
		text = rest;
	}
}

/* ---- playing ---- */

/* The first delivery. */
static inline const struct fact *
story_first(const struct story *st)
{
	size_t i = 0;
	while (i + 1 < st->n && st->lines[i].by_hand)
		i++;
	return &st->lines[i].in.fact;
}

/* What an event by hand is about: the first delivery's subject, a grant, or all
 * of the platform. */
static inline struct str
story_about(const struct story *st, const struct story_line *l)
{
	const struct story_line *first = &st->lines[0];
	if (l->manual.kind == MANUAL_CONFIRM)
		return manual_subject(st->arena, str_from(st->platform->name),
		    STR(MANUAL_CONFIRM_SUBJECT));
	if (l->manual.kind == MANUAL_GRANT || first->by_hand) {
		const struct manual *m = &first->manual;
		return manual_grant_subject(st->arena, m->by, m->id);
	}
	return manual_subject(
	    st->arena, str_from(st->platform->name), first->in.fact.subject);
}

static inline int
story_do_by_hand(struct store *s, const struct config *c,
    const struct story *st, const struct story_line *l, struct err *e)
{
	struct str about = story_about(st, l), platform = STR("manual");
	char *delivery =
	    arena_printf(st->arena, "by-hand-%d", (int)(l - st->lines) + 1);
	struct buf b;
	enum store_added added;
	struct project_when when = { .at = l->in.received_at };
	buf_init(&b, 64 * 1024);
	manual_encode(&b, &l->manual);
	struct store_event row = { .platform = platform,
		.kind = str_from(manual_words[l->manual.kind]),
		.delivery = str_from(delivery),
		.subject = about,
		.sent_at = STORE_NULL,
		.received_at = l->in.received_at,
		.body = buf_str(&b),
		.status = STR("applied") };
	int rc = store_event_add(s, &row, &when.event, &added, e);
	buf_free(&b);
	if (!str_starts(about, STR("grant:"))) {
		platform = str_from(st->platform->name);
		about = story_first(st)->subject;
	}
	return rc != 0
	    ? rc
	    : project_any(s, c, platform, about, &when, st->arena, e);
}

/* In order, inside the caller's transaction. */
static inline int
story_play(struct store *s, const struct config *c, const struct story *st,
    struct err *e)
{
	for (size_t i = 0; i < st->n; i++) {
		const struct story_line *l = &st->lines[i];
		int rc = l->by_hand ? story_do_by_hand(s, c, st, l, e)
				    : arrive(s, c, st->platform, &l->in, 0, e);
		if (rc != 0)
			return rc;
	}
	return 0;
}

#endif
