#include "fold/manual.h"
#include "explain/say.h"

/* What was done by hand, and what was kept. */

/* The numbers of the events it names; returns how many of them count now. */
static size_t
add_numbers(const struct say *s, const struct manual *m)
{
	size_t here = 0, counted = 0;
	for (size_t i = 0; i < s->subject->n_events; i++) {
		const struct explain_event *ev = &s->subject->events[i];
		for (size_t k = 0; k < m->n_deliveries; k++) {
			if (!str_eq(m->deliveries[k], ev->delivery))
				continue;
			buf_addf(s->b, "%s%lld", here++ > 0 ? ", " : ": event ",
			    (long long)ev->event);
			counted += ev->counts != 0;
		}
	}
	if (here == 0)
		buf_addz(s->b, ": none of these deliveries");
	return counted;
}

/* Has a later event by hand about the same thing taken its place? */
static int
is_replaced(const struct say *s, enum manual_kind a, enum manual_kind b)
{
	const struct explain_event *ev = s->event;
	const struct manual *m = ev->manual;
	for (size_t i = (size_t)(ev - s->subject->events) + 1;
	     i < s->subject->n_events; i++) {
		const struct manual *later = s->subject->events[i].manual;
		if (later == NULL || (later->kind != a && later->kind != b))
			continue;
		/* a link of a sale is for all of its subject */
		if ((a == MANUAL_LINK || later->sale.p == NULL ||
			str_eq(later->sale, m->sale)) &&
		    (later->tier.p == NULL || str_eq(later->tier, m->tier)))
			return 1;
	}
	return 0;
}

static void
say_grant(const struct say *s)
{
	const struct rows *r = &s->subject->rows;
	for (size_t i = 0; i < r->n; i++) {
		const struct store_purchase *p = &r->v[i];
		if (!str_eq(p->sale, s->event->delivery))
			continue;
		buf_addz(s->b, "Granted by hand:");
		if (p->since == STORE_NULL) {
			buf_addz(s->b, " was over at once");
			return;
		}
		say_gives(s, p);
		buf_adds(s->b, p->tier);
		buf_addz(s->b, " from ");
		say_time(s->b, p->since);
		if (p->until == STORE_NULL) {
			buf_addz(s->b, " for ever");
			return;
		}
		buf_addz(s->b, " until ");
		say_time(s->b, p->until);
		if (p->until != s->event->manual->until)
			buf_addz(s->b, ", when a later event took its place");
		return;
	}
	buf_addz(s->b, "Granted by hand: gives nothing");
}

/* Does a purchase's access end with this event? */
static int
is_used(const struct say *s)
{
	const struct rows *r = &s->subject->rows;
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].until == s->event->received_at)
			return 1;
	return 0;
}

static void
say_revoke(const struct say *s, const struct manual *m)
{
	int grant = str_eq_z(s->subject->platform, "manual");
	buf_addz(s->b, "Revoked by hand: ");
	if (m->sale.p != NULL) {
		buf_addz(s->b, "access by sale ");
		buf_adds(s->b, m->sale);
	} else if (m->tier.p != NULL) {
		buf_addz(s->b, "the tier ");
		buf_adds(s->b, m->tier);
	} else {
		buf_addz(s->b,
		    grant ? "what was granted" : "access by all sales here");
	}
	buf_addz(s->b, " ended on ");
	say_time(s->b, s->event->received_at);
	if (!grant && is_replaced(s, MANUAL_RESTORE, MANUAL_RESTORE))
		buf_addz(s->b, ", and was restored by hand later");
	else if (!is_used(s))
		buf_addz(s->b, ": nothing was open then that it could end");
	else if (!grant)
		buf_addz(s->b, "; later payments are not touched");
}

/* A link to a user leaves one to an address alone, and the reverse. */
static int
link_is_replaced(const struct say *s, const struct manual *m)
{
	for (const struct explain_event *ev = s->event + 1;
	     ev < s->subject->events + s->subject->n_events; ev++) {
		const struct manual *later = ev->manual;
		if (later != NULL &&
		    (later->kind == MANUAL_UNLINK ||
			(later->kind == MANUAL_LINK &&
			    (m->kind == MANUAL_UNLINK ||
				(later->email.p != NULL) ==
				    (m->email.p != NULL)))))
			return 1;
	}
	return 0;
}

static void
say_link(const struct say *s, const struct manual *m)
{
	const char *now = ": all purchases here are that user's";
	if (m->kind == MANUAL_UNLINK) {
		buf_addz(s->b, "Unlinked by hand");
		now = ": the buyer's own link names the user again";
	} else if (m->email.p != NULL) {
		buf_addz(s->b, "Linked by hand to the e-mail ");
		buf_adds(s->b, m->email);
		now = ": all purchases here are of that address";
	} else {
		buf_addz(s->b, "Linked by hand to user ");
		buf_adds(s->b, m->user);
	}
	if (link_is_replaced(s, m))
		now = ", and replaced by a later event";
	buf_addz(s->b, now);
}

static void
say_void(const struct say *s, const struct manual *m)
{
	int undo = m->kind == MANUAL_UNVOID;
	buf_addz(s->b,
	    undo ? "Void undone by hand, counted again"
		 : "Voided by hand, not counted");
	size_t counted = add_numbers(s, m);
	if (!undo && counted > 0)
		buf_addz(s->b, ", undone later");
	if (undo && counted < m->n_deliveries)
		buf_addz(s->b, ", where it is not voided again");
}

void
say_manual(const struct say *s)
{
	const struct manual *m = s->event->manual;
	if (m == NULL) {
		buf_addz(s->b,
		    "An event by hand that this version does not know: "
		    "changes nothing");
		return;
	}
	switch (m->kind) {
	case MANUAL_GRANT:
		say_grant(s);
		break;
	case MANUAL_REVOKE:
		say_revoke(s, m);
		break;
	case MANUAL_RESTORE:
		buf_addz(s->b,
		    "Restored by hand: what was revoked before counts again");
		if (is_replaced(s, MANUAL_REVOKE, MANUAL_REVOKE))
			buf_addz(s->b, ", until a later revocation");
		break;
	case MANUAL_CONFIRM: /* of no subject */
		break;
	case MANUAL_LINK:
	case MANUAL_UNLINK:
		say_link(s, m);
		break;
	default:
		say_void(s, m);
	}
	if (m->note.p != NULL) {
		buf_addz(s->b, " (note: ");
		buf_adds(s->b, m->note);
		buf_addc(s->b, ')');
	}
}

static const char *
kept_words(struct str reason)
{
	static const char *const words[][2] = {
		{ "shadowed_key",
		    "a custom field of the shop has the name of a key on "
		    "which access depends" },
		{ "repeated_key", "a key that has one value came twice" },
		{ "duplicate_key", "a key that has one value came twice" },
		{ "missing_field", "a field that is needed is missing" },
		{ "wrong_type", "a field that is needed cannot be read" },
		{ "out_of_range", "a number in it cannot be right" },
		{ "missing_resource_name", "it does not say what it tells of" },
		{ "unknown_resource", "it tells of something not known here" },
		{ "missing_event", "it does not say what it tells of" },
		{ "unknown_event", "it tells of something not known here" },
		{ "status_contradicts_event", "the payment has not succeeded" },
		{ "other_seller", "it is another seller's" },
		{ "unknown_status", "it says something not known here" },
		{ "bad_encoding", "its body cannot be read" },
		{ "not_json", "its body cannot be read" },
		{ "not_utf8", "its body cannot be read" },
		{ "not_object", "its body cannot be read" },
		{ "too_deep", "its body is nested too deep" },
		{ "too_large", "its body has too many fields" },
		{ "empty_body", "its body is empty" },
		{ "fold_error", "the subject could not be worked out then" },
	};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_eq_z(reason, words[i][0]))
			return words[i][1];
	return "it is not understood";
}

void
say_kept(const struct say *s)
{
	const struct explain_event *ev = s->event;
	const struct fact *f = ev->fact;
	struct str reason = ev->reason;
	int now = f != NULL && f->status != FACT_APPLIED;
	if (reason.p == NULL && now)
		reason = str_from(f->reason);
	buf_addf(s->b, "Kept: not applied, because %s", kept_words(reason));
	if (reason.p != NULL) {
		buf_addz(s->b, " (");
		buf_adds(s->b, reason);
		if (now && f->detail.p != NULL && str_eq_z(reason, f->reason)) {
			buf_addz(s->b, ": ");
			buf_adds(s->b, f->detail);
		}
		buf_addc(s->b, ')');
	}
}
