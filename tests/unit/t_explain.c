#include "story.h"

#include "explain/explain.h"

/* What explain says, over stories played into a database in memory. */

enum { SAID_MAX = 64 * 1024 };

struct telling {
	const char *name;
	const char *story;
	const char *user, *sale, *subscription; /* which is asked; NULL: not */
	const char *now; /* a day */
	const char *tier; /* NULL: none */
	const char *want[12]; /* each has to stand in what was said */
	int accept_test;
	enum tier_confirm confirm;
};

static void
tell(const struct explain *x, struct buf *b)
{
	for (size_t i = 0; i < x->n_subjects; i++) {
		const struct explain_subject *u = &x->subjects[i];
		for (size_t k = 0; k < u->n_events; k++) {
			buf_addf(b, "%lld ", (long long)u->events[k].event);
			buf_adds(b, u->events[k].says);
			buf_addc(b, '\n');
		}
	}
	for (size_t i = 0; i < x->n_notes; i++) {
		buf_addz(b, "note: ");
		buf_adds(b, x->notes[i]);
		buf_addc(b, '\n');
	}
}

/* Plays and commits: explain reads in a transaction of its own. */
static struct store *
play_story(const struct telling *t, struct config *c, struct arena *a)
{
	struct story st;
	struct store *s = NULL;
	struct err e = { 0 };
	char hex[65];
	story_config(c, t->accept_test, t->confirm);
	story_read(&st, c, a, str_from(t->story));
	OK(store_open(":memory:", STORE_CREATE, &s, &e) == 0 &&
		project_digest(c, hex, &e) == 0 &&
		store_meta_put(s, STR("state_digest"), str_from(hex), &e) ==
		    0 &&
		store_begin(s, &e) == 0 && story_play(s, c, &st, &e) == 0 &&
		store_commit(s, &e) == 0,
	    "played %s", e.text);
	return s;
}

static void
check_said(const struct telling *t, const struct explain *x)
{
	struct buf said;
	buf_init(&said, SAID_MAX);
	tell(x, &said);
	OK(t->tier == NULL ? x->access.tier.p == NULL
			   : str_eq_z(x->access.tier, t->tier),
	    "tier %.*s", STR_ARG(x->access.tier));
	for (size_t i = 0; t->want[i] != NULL; i++)
		if (!OK(strstr(said.p == NULL ? "" : said.p, t->want[i]) !=
			    NULL,
			"%s", t->want[i]))
			printf("# said:\n# %s\n", said.p == NULL ? "" : said.p);
	buf_free(&said);
}

static void
run(const struct telling *t)
{
	struct config c;
	struct explain x;
	struct err e = { 0 };
	struct access_key key;
	struct arena *a = arena_new(64 * 1024 * 1024);
	struct explain_ask ask = { .sale = str_from(t->sale),
		.subscription = str_from(t->subscription),
		.now = when(t->now) };
	test_group(t->name);
	struct store *s = play_story(t, &c, a);
	if (t->user != NULL) {
		access_key_parse(STORE_BY_USER, str_from(t->user), a, &key, &e);
		ask.key = &key;
	}
	if (OK(explain_find(s, &c, &ask, a, &x, &e) == 0, "explained %s",
		e.text))
		check_said(t, &x);
	store_close(s);
	arena_free(a);
}

static const struct telling tellings[] = {
	{ .name = "a member",
	    .story = "2026-01-31 sale S1 2026-01-31 sub user=42\n",
	    .user = "42",
	    .now = "2026-02-20",
	    .tier = "pro",
	    .want = { "1 A sale of App (S1) gives pro from 2026-01-31 10:00:00 "
		      "UTC until 2026-03-07 10:00:00 UTC (paid until "
		      "2026-02-28 10:00:00 UTC, then 7 days of grace).",
		"The ping URL carries sales only" } },
	{ .name = "a renewal, seen three times",
	    .story = "2026-01-31 sale S1 2026-01-31 sub user=42\n"
		     "2026-02-28 sale S2 2026-02-28 sub recurring\n"
		     "2026-02-28 sale S2 2026-02-28 sub recurring\n"
		     "2026-02-28 sale S2 2026-02-28 sub recurring\n",
	    .user = "42",
	    .now = "2026-03-05",
	    .tier = "pro",
	    .want = { "1 A sale of App (S1) gave pro",
		"until 2026-02-28 10:00:00 UTC, when the next payment took "
		"over.",
		"2 A renewal of App (S2) gives pro",
		"(seen 3 times, counted once)." } },
	{ .name = "a test",
	    .story = "2026-01-31 sale S1 2026-01-31 test user=42\n",
	    .user = "42",
	    .now = "2026-02-20",
	    .want = { "A test purchase of App (S1) gives nothing while "
		      "accept_test is off.",
		"note: 1 purchase: a test" } },
	{ .name = "a test that counts",
	    .story = "2026-01-31 sale S1 2026-01-31 test user=42\n",
	    .user = "42",
	    .now = "2026-02-20",
	    .tier = "pro",
	    .accept_test = 1,
	    .want = { "A test purchase of App (S1) gives pro from" } },
	{ .name = "a test ping",
	    .story = "2026-01-31 sale S1 2026-01-31 user=42\n"
		     "2026-02-01 testping S1 2026-01-31\n",
	    .user = "42",
	    .now = "2026-02-20",
	    .tier = "pro",
	    .want = { "2 The platform's test ping, with a real sale's data: "
		      "changes nothing." } },
	{ .name = "a pre-order",
	    .story = "2026-01-31 sale S1 2026-01-31 preorder user=42\n",
	    .user = "42",
	    .now = "2026-02-20",
	    .want = { "A pre-order of App (S1) gives nothing until the release "
		      "is charged",
		"note: 1 purchase: gives no access by itself" } },
	{ .name = "a gift",
	    .story = "2026-01-31 sale S1 2026-01-31 gift user=42\n",
	    .user = "42",
	    .now = "2026-02-20",
	    .tier = "pro",
	    .want = { "A gift, to the giftee, of App (S1) gives pro",
		"for ever." } },
	{ .name = "refunded",
	    .story = "2026-01-31 sale S1 2026-01-31 user=42\n"
		     "2026-02-04 refund S1 2026-01-31 partial\n"
		     "2026-02-05 refund S1 2026-01-31\n",
	    .sale = "S1",
	    .now = "2026-02-20",
	    .want = { "1 A sale of App (S1) gave pro",
		"when it was refunded in full.",
		"2 Sale S1 was refunded in part: no effect, as the amount is "
		"not in the delivery; refunded in full on 2026-02-05 10:00:00 "
		"UTC.",
		"3 Sale S1 was refunded in full on 2026-02-05 10:00:00 UTC: "
		"access by this sale ended then.",
		"note: 1 purchase: refunded in full" } },
	{ .name = "read back",
	    .story = "2026-01-31 sale S1 2026-01-31 user=42\n"
		     "2026-02-05 refund S1 2026-01-31\n"
		     "2026-02-06 dispute S1 2026-01-31\n"
		     "2026-02-10 read S1 2026-01-31\n"
		     "2026-02-12 read S1 2026-01-31 part\n",
	    .sale = "S1",
	    .now = "2026-02-20",
	    .tier = "pro",
	    .want = { "2 Sale S1 was refunded in full, but what was read later "
		      "says that it is not: no effect now.",
		"3 Sale S1 was disputed, but what was read later says that it "
		"is not: no effect now.",
		"4 Gumroad was asked on 2026-02-10 10:00:00 UTC: all is well "
		"(sale S1); another answer came later.",
		"5 Gumroad was asked on 2026-02-12 10:00:00 UTC: refunded in "
		"part (sale S1); it gives pro from" } },
	{ .name = "revoked at the platform",
	    .story = "2026-01-31 sale S1 2026-01-31 user=42\n"
		     "2026-02-10 read S1 2026-01-31 revoked\n",
	    .user = "42",
	    .now = "2026-02-20",
	    .want = { "when access was revoked at the platform.",
		"note: 1 purchase: revoked at the platform" } },
	{ .name = "unknown to the platform",
	    .story = "2026-01-31 sale S1 2026-01-31 user=42\n"
		     "2026-02-01 absent S1\n",
	    .user = "42",
	    .now = "2026-02-20",
	    .want = { "1 A sale of App (S1) gives nothing, as the platform "
		      "knows no such sale.",
		"2 Gumroad was asked on 2026-02-01 10:00:00 UTC: Gumroad knows "
		"no such sale (S1): what tells of it gives nothing.",
		"note: 1 purchase: unknown to the platform" } },
	{ .name = "waits to be confirmed",
	    .story = "2026-01-01 confirm 2026-01-01\n"
		     "2026-01-31 sale S1 2026-01-31 user=42\n",
	    .user = "42",
	    .now = "2026-02-20",
	    .confirm = TIER_CONFIRM_BEFORE,
	    .want = { "A sale of App (S1) gives nothing until the platform has "
		      "shown it.",
		"note: 1 purchase: not confirmed by the platform yet" } },
	{ .name = "a membership read",
	    .story = "2026-01-31 sale S1 2026-01-31 sub user=42\n"
		     "2026-02-05 cancel 2026-02-28\n"
		     "2026-02-10 subscriber alive\n",
	    .user = "42",
	    .now = "2026-02-20",
	    .tier = "pro",
	    .want = { "2 Cancelled for 2026-02-28 10:00:00 UTC, but what was "
		      "read at the platform later counts, on 2026-02-10",
		"3 Gumroad was asked on 2026-02-10 10:00:00 UTC: the "
		"subscription runs" } },
	{ .name = "a membership read as over",
	    .story = "2026-01-31 sale S1 2026-01-31 sub user=42\n"
		     "2026-02-10 subscriber cancelled cancel=2026-02-08\n",
	    .user = "42",
	    .now = "2026-02-20",
	    .want = { "Gumroad was asked on 2026-02-10 10:00:00 UTC: the "
		      "subscription ended on "
		      "2026-02-08 10:00:00 UTC (it was cancelled): all access "
		      "by it ended then." } },
	{ .name = "disputed",
	    .story = "2026-01-31 sale S1 2026-01-31 sub user=42\n"
		     "2026-02-05 dispute S1 2026-01-31 sub\n",
	    .user = "42",
	    .now = "2026-02-20",
	    .want = { "2 Sale S1 was disputed on 2026-02-05 10:00:00 UTC: "
		      "access by it is suspended since then; what is bought "
		      "later opens as ever.",
		"note: 1 purchase: suspended by a dispute that is open" } },
	{ .name = "dispute won",
	    .story = "2026-01-31 sale S1 2026-01-31 sub user=42\n"
		     "2026-02-05 dispute S1 2026-01-31 sub\n"
		     "2026-02-15 dispute_won S1 2026-01-31 sub\n",
	    .user = "42",
	    .now = "2026-02-20",
	    .tier = "pro",
	    .want = { "what was suspended is restored." } },
	{ .name = "another dispute is open",
	    .story = "2026-01-31 sale S1 2026-01-31 sub user=42\n"
		     "2026-02-05 dispute S1 2026-01-31 sub\n"
		     "2026-02-10 dispute S2 2026-02-02 sub\n"
		     "2026-02-15 dispute_won S1 2026-01-31 sub\n",
	    .user = "42",
	    .now = "2026-02-20",
	    .want = { "3 Sale S2 was disputed on 2026-02-10 10:00:00 UTC: "
		      "access by it and by what was sold before is suspended "
		      "since then",
		"only disputes tell of this sale" } },
	{ .name = "cancelled",
	    .story = "2026-01-31 sale S1 2026-01-31 sub user=42\n"
		     "2026-02-10 cancel 2026-02-28\n",
	    .user = "42",
	    .now = "2026-02-20",
	    .tier = "pro",
	    .want = { "the end of the paid period, as the subscription was "
		      "cancelled.",
		"2 Cancelled for 2026-02-28 10:00:00 UTC: access ends then "
		"with the paid period, no grace." } },
	{ .name = "cancelled, then paid",
	    .story = "2026-01-31 sale S1 2026-01-31 sub user=42\n"
		     "2026-02-10 cancel 2026-02-28\n"
		     "2026-02-28 sale S2 2026-02-28 sub\n",
	    .user = "42",
	    .now = "2026-03-05",
	    .tier = "pro",
	    .want = { "2 Cancelled for 2026-02-28 10:00:00 UTC, but the "
		      "payment of 2026-02-28 10:00:00 UTC took it back: no "
		      "effect now." } },
	{ .name = "cancelled, then restarted",
	    .story = "2026-01-31 sale S1 2026-01-31 sub user=42\n"
		     "2026-02-10 cancel 2026-02-28\n"
		     "2026-02-12 restarted 2026-02-12\n",
	    .user = "42",
	    .now = "2026-02-20",
	    .tier = "pro",
	    .want = { "but a restart took it back, on 2026-02-12 10:00:00 UTC: "
		      "no effect now.",
		"3 Restarted on 2026-02-12 10:00:00 UTC: the end or "
		"cancellation that came no longer holds." } },
	{ .name = "cancelled without a date",
	    .story = "2026-01-31 sale S1 2026-01-31 sub user=42\n"
		     "2026-02-10 cancel\n",
	    .user = "42",
	    .now = "2026-02-20",
	    .tier = "pro",
	    .want = { "Cancelled without a date: changes nothing." } },
	{ .name = "cancelled in vain",
	    .story = "2026-01-31 sale S1 2026-01-31 sub user=42\n"
		     "2026-02-05 revoke\n"
		     "2026-02-10 cancel 2026-02-28\n",
	    .user = "42",
	    .now = "2026-02-20",
	    .want = { "Cancelled for 2026-02-28 10:00:00 UTC: access had ended "
		      "before, on 2026-02-05 10:00:00 UTC." } },
	{ .name = "cancelled for two days",
	    .story = "2026-01-31 sale S1 2026-01-31 sub\n"
		     "2026-02-10 cancel 2026-02-28\n"
		     "2026-02-11 cancel 2026-02-20\n",
	    .subscription = "SUB",
	    .now = "2026-02-20",
	    .want = { "2 Cancelled for 2026-02-28 10:00:00 UTC: no effect, as "
		      "of several cancellations the one sent last counts, the "
		      "one for 2026-02-20 10:00:00 UTC." } },
	{ .name = "ended",
	    .story = "2026-01-31 sale S1 2026-01-31 sub user=42\n"
		     "2026-02-10 ended 2026-02-10 failed_payment\n",
	    .user = "42",
	    .now = "2026-02-20",
	    .want = { "2 Ended on 2026-02-10 10:00:00 UTC (payments failed): "
		      "all access by this subscription ended then.",
		"note: 1 purchase: the time it gave is over; access last ended "
		"on 2026-02-10 10:00:00 UTC." } },
	{ .name = "ended, then paid",
	    .story = "2026-01-31 sale S1 2026-01-31 sub user=42\n"
		     "2026-02-10 ended 2026-02-10 cancelled\n"
		     "2026-02-12 sale S2 2026-02-12 sub\n",
	    .user = "42",
	    .now = "2026-02-20",
	    .tier = "pro",
	    .want = { "(it was cancelled), but the payment of 2026-02-12 "
		      "10:00:00 UTC took it back" } },
	{ .name = "paid up",
	    .story = "2026-01-31 sale S1 2026-01-31 instalment user=42\n"
		     "2026-02-28 ended 2026-02-28 "
		     "fixed_subscription_period_ended instalment\n",
	    .user = "42",
	    .now = "2026-02-20",
	    .tier = "pro",
	    .want = { "what was bought before is paid up, so access lasts for "
		      "ever.",
		"gives pro from 2026-01-31 10:00:00 UTC for ever, as its plan "
		"is paid up." } },
	{ .name = "plans",
	    .story = "2026-01-31 sale S1 2026-01-31 sub user=42\n"
		     "2026-02-10 upgrade 2026-02-10 Agency\n"
		     "2026-02-12 downgrade 2026-02-28 Starter\n",
	    .user = "42",
	    .now = "2026-02-20",
	    .tier = "agency",
	    .want = { "2 An upgrade to Agency from 2026-02-10 10:00:00 UTC on: "
		      "the payment of 2026-01-31 10:00:00 UTC gives agency.",
		"3 A downgrade to Starter from 2026-02-28 10:00:00 UTC on, "
		"pending: the payment of 2026-01-31 10:00:00 UTC gives agency, "
		"the next one starter." } },
	{ .name = "an upgrade alone",
	    .story = "2026-02-10 upgrade 2026-02-10 Agency\n",
	    .subscription = "SUB",
	    .now = "2026-02-20",
	    .want = { "gives no access, as no payment does." } },
	{ .name = "a trial",
	    .story = "2026-01-31 sale S1 2026-01-31 sub user=42\n"
		     "2026-02-01 cancel - trial=2026-02-07\n",
	    .user = "42",
	    .now = "2026-02-03",
	    .tier = "pro",
	    .want = { "(a free trial until 2026-02-07 10:00:00 UTC, then 7 "
		      "days of grace)" } },
	{ .name = "gank adds up",
	    .story = "2026-01-01 gank UM-1 user=42\n"
		     "2026-01-15 gank UM-2\n",
	    .user = "42",
	    .now = "2026-02-20",
	    .tier = "pro",
	    .want = { "1 A payment for 1 month of Fan Club (UM-1)",
		"it begins where the payment before it ends, as payments add "
		"up." } },
	{ .name = "gank pending",
	    .story = "2026-01-31 gank UM-1 status=PENDING\n"
		     "2026-02-01 gank UM-1 user=42\n",
	    .user = "42",
	    .now = "2026-02-20",
	    .tier = "pro",
	    .want = { "1 Kept: not applied, because the payment has not "
		      "succeeded (status_contradicts_event",
		"note: 1 delivery is kept" } },
	{ .name = "gank listed",
	    .story = "2026-01-31 gank UM-1 user=42\n"
		     "2026-03-20 listed 2026-01-31 2026-04-10\n",
	    .user = "42",
	    .now = "2026-03-21",
	    .tier = "pro",
	    .want = { "until 2026-04-10 10:00:00 UTC, the end that the list of "
		      "members tells.",
		"2 Gank was asked on 2026-03-20 10:00:00 UTC: member until "
		"2026-04-10 10:00:00 UTC: access lasts until then, though no "
		"payment for it came here." } },
	{ .name = "gank listed in vain",
	    .story = "2026-01-31 gank UM-1 user=42\n"
		     "2026-02-01 listed 2026-01-31 2026-02-28\n",
	    .user = "42",
	    .now = "2026-02-20",
	    .tier = "pro",
	    .want = { "member until 2026-02-28 10:00:00 UTC: what was paid "
		      "here lasts as long." } },
	{ .name = "gank listed, then revoked",
	    .story = "2026-01-31 gank UM-1 user=42\n"
		     "2026-03-20 listed 2026-01-31 2026-04-10\n"
		     "2026-03-22 revoke\n",
	    .user = "42",
	    .now = "2026-03-23",
	    .want = { "member until 2026-04-10 10:00:00 UTC, but something "
		      "else ends access before." } },
	{ .name = "gank listed to the second",
	    .story = "2026-01-31 gank UM-1 user=42\n"
		     "2026-02-01 listed 2026-01-31 2026-02-28T10:00:05Z\n",
	    .user = "42",
	    .now = "2026-02-20",
	    .tier = "pro",
	    .want = { "(paid until 2026-02-28 10:00:05 UTC, then grace)" } },
	{ .name = "revoked and restored",
	    .story = "2026-01-31 sale S1 2026-01-31 sub user=42\n"
		     "2026-02-05 revoke\n"
		     "2026-02-06 restore\n",
	    .user = "42",
	    .now = "2026-02-20",
	    .tier = "pro",
	    .want = { "access by all sales here ended on 2026-02-05 10:00:00 "
		      "UTC, and was restored by hand later.",
		"3 Restored by hand" } },
	{ .name = "revoked",
	    .story = "2026-01-31 sale S1 2026-01-31 sub user=42\n"
		     "2026-02-05 revoke S1\n",
	    .user = "42",
	    .now = "2026-02-20",
	    .want = { "1 A sale of App (S1) gave pro",
		"when it was revoked by hand.",
		"access by sale S1 ended on 2026-02-05 10:00:00 UTC; later "
		"payments are not touched.",
		"note: 1 purchase: revoked by hand" } },
	{ .name = "voided",
	    .story = "2026-01-31 sale S1 2026-01-31 sub user=42\n"
		     "2026-02-05 sale S2 2026-02-05 sub\n"
		     "2026-02-06 void 2\n",
	    .user = "42",
	    .now = "2026-02-20",
	    .tier = "pro",
	    .want = { "2 Voided by hand: does not count.",
		"3 Voided by hand, not counted: event 2.",
		"1 A sale of App (S1) gives pro" } },
	{ .name = "linked",
	    .story = "2026-01-31 sale S1 2026-01-31 sub user=42\n"
		     "2026-02-05 link 43\n",
	    .user = "43",
	    .now = "2026-02-20",
	    .tier = "pro",
	    .want = { "2 Linked by hand to user 43: all purchases here are "
		      "that user's." } },
	{ .name = "linked away",
	    .story = "2026-01-31 sale S1 2026-01-31 sub user=42\n"
		     "2026-02-05 link 43\n",
	    .user = "42",
	    .now = "2026-02-20",
	    .want = { "No purchase carries that user id. Identifiers are never "
		      "merged" } },
	{ .name = "granted",
	    .story = "2026-01-31 grant 42 pro until=2026-02-15\n",
	    .user = "42",
	    .now = "2026-02-20",
	    .want = { "1 Granted by hand: gave pro from 2026-01-31 10:00:00 "
		      "UTC until 2026-02-15 10:00:00 UTC." } },
	{ .name = "nobody",
	    .story = "2026-01-31 sale S1 2026-01-31 sub\n"
		     "2026-02-05 refund S1 2026-01-31 sub\n",
	    .user = "42",
	    .now = "2026-02-20",
	    .want = { "No purchase carries that user id.",
		"note: 1 of all 1 purchases carry no user id: the link they "
		"were bought by had no user_id." } },
};

/* ---- every case of gatepost-lifecycle(7) ---- */

/* Does any sentence say that something is given now? */
static int
says_gives(const struct explain *x)
{
	for (size_t i = 0; i < x->n_subjects; i++)
		for (size_t k = 0; k < x->subjects[i].n_events; k++) {
			struct str says = x->subjects[i].events[k].says;
			const char *at = strstr(says.p, " gives ");
			if (at != NULL && strncmp(at, " gives no", 9) != 0)
				return 1;
		}
	return 0;
}

static int
are_sentences(const struct explain *x)
{
	for (size_t i = 0; i < x->n_subjects; i++)
		for (size_t k = 0; k < x->subjects[i].n_events; k++) {
			struct str says = x->subjects[i].events[k].says;
			if (says.n < 10 || says.p[says.n - 1] != '.')
				return 0;
		}
	return 1;
}

/* Whoever all the case's purchases belong to. */
static void
key_of(const char *story, struct arena *a, struct access_key *key)
{
	struct err e;
	if (strstr(story, " grant ") != NULL)
		access_key_parse(STORE_BY_USER, STR("42"), a, key, &e);
	else if (strstr(story, " gank ") != NULL ||
	    strstr(story, " goods ") != NULL)
		access_key_parse(STORE_BY_BUYER, STR("gank:p1"), a, key, &e);
	else
		access_key_parse(
		    STORE_BY_EMAIL, STR("buyer@example.org"), a, key, &e);
}

/* The sentences say that something is given just when the answer does. */
static void
check_case(const char *name, const char *story, const char *settings)
{
	static const char *const days[] = { "2026-01-30", "2026-02-03",
		"2026-02-09", "2026-02-20", "2026-03-05", "2026-03-20",
		"2026-04-06", "2026-06-01" };
	struct telling t = { .story = story,
		.accept_test = strstr(settings, "accept_test") != NULL,
		.confirm = story_confirm(settings) };
	struct config c;
	struct explain x;
	struct err e = { 0 };
	struct access_key key;
	struct arena *a = arena_new(64 * 1024 * 1024);
	test_group(name);
	struct store *s = play_story(&t, &c, a);
	key_of(story, a, &key);
	for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
		struct explain_ask ask = { .key = &key, .now = when(days[i]) };
		int found = explain_find(s, &c, &ask, a, &x, &e) == 0;
		OK(found && are_sentences(&x) &&
			says_gives(&x) == (x.access.tier.p != NULL),
		    "on %s: tier %.*s %s", days[i], STR_ARG(x.access.tier),
		    e.text);
	}
	store_close(s);
	arena_free(a);
}

static void
test_cases(void)
{
	size_t n = 0;
	char *text = test_file("tests/fixtures/lifecycle/table.txt", &n);
	char name[64] = "", settings[64] = "", *save = NULL;
	struct buf story;
	buf_init(&story, SAID_MAX);
	for (char *line = text == NULL ? NULL : strtok_r(text, "\n", &save);
	     line != NULL; line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, "case ", 5) == 0) {
			snprintf(name, sizeof(name), "case %s", line + 5);
			snprintf(settings, sizeof(settings), "%s",
			    line + 5 + strcspn(line + 5, " "));
			buf_reset(&story);
		} else if (strncmp(line, "on ", 3) == 0) {
			buf_addf(&story, "%s\n", line + 3);
		} else if (strncmp(line, "effect ", 7) == 0) {
			check_case(name, story.p, settings);
		}
	}
	buf_free(&story);
	free(text);
}

/* A digest of other settings than the rows were made by is told of. */
static void
test_stale(void)
{
	static const struct telling t = { .name = "stale",
		.story = "2026-01-31 sale S1 2026-01-31 user=42\n" };
	struct config c;
	struct explain x;
	struct err e = { 0 };
	struct arena *a = arena_new(64 * 1024 * 1024);
	struct explain_ask ask = { .sale = STR("S1"),
		.now = when("2026-02-20") };
	test_group(t.name);
	struct store *s = play_story(&t, &c, a);
	c.rules.grace[0]++;
	OK(explain_find(s, &c, &ask, a, &x, &e) == 0 && x.n_notes == 2 &&
		strstr(x.notes[1].p, "gatepost rebuild") != NULL,
	    "told %s", e.text);
	ask.sale = STR("S9");
	OK(explain_find(s, &c, &ask, a, &x, &e) != 0 && e.code == ERR_ABSENT,
	    "no such sale");
	OK(store_begin(s, &e) == 0, "no transaction is left open");
	store_rollback(s);
	store_close(s);
	arena_free(a);
}

int
main(void)
{
	crypto_init(NULL);
	for (size_t i = 0; i < sizeof(tellings) / sizeof(tellings[0]); i++)
		run(&tellings[i]);
	test_cases();
	test_stale();
	return test_end();
}
