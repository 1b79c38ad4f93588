#ifndef DELIVERY_H
#define DELIVERY_H
/* What holds for every platform's decode and redact; platform/platform.h. */
#include <jansson.h>

#include "fuzz.h"
#include "platform/platform.h"
#include "platform/redact.h"

static inline int
same_list(const struct str *a, size_t n, const struct str *b, size_t m)
{
	int same = n == m;
	for (size_t i = 0; same && i < n; i++)
		same = fuzz_same(a[i], b[i]);
	return same;
}

static inline int
same_word(const char *a, const char *b)
{
	return (a == NULL) == (b == NULL) && (a == NULL || strcmp(a, b) == 0);
}

/* All that says what was bought, and nothing of who. */
static inline int
same_purchase(const struct fact *a, const struct fact *b)
{
	return a->status == b->status && a->kind == b->kind &&
	    fuzz_same(a->kind_name, b->kind_name) &&
	    fuzz_same(a->owner, b->owner) && fuzz_same(a->sale, b->sale) &&
	    fuzz_same(a->subscription, b->subscription) &&
	    fuzz_same(a->product, b->product) &&
	    fuzz_same(a->product_name, b->product_name) &&
	    same_list(a->names, a->n_names, b->names, b->n_names) &&
	    same_list(a->variants, a->n_variants, b->variants, b->n_variants) &&
	    fuzz_same(a->variant, b->variant) && fuzz_same(a->tier, b->tier) &&
	    a->price == b->price && fuzz_same(a->currency, b->currency) &&
	    a->quantity == b->quantity &&
	    fuzz_same(a->recurrence, b->recurrence) && a->months == b->months &&
	    a->sold_at == b->sold_at && a->test == b->test &&
	    a->preorder == b->preorder && a->gift == b->gift &&
	    a->refunded == b->refunded && a->disputed == b->disputed &&
	    a->dispute_won == b->dispute_won &&
	    a->cancelled_at == b->cancelled_at && a->ended_at == b->ended_at &&
	    fuzz_same(a->ended_reason, b->ended_reason) &&
	    a->restarted_at == b->restarted_at &&
	    a->effective_at == b->effective_at &&
	    a->downgrade == b->downgrade &&
	    fuzz_same(a->new_tier, b->new_tier) &&
	    a->trial_ends_at == b->trial_ends_at && a->charges == b->charges &&
	    a->partly_refunded == b->partly_refunded &&
	    a->refunded_amount == b->refunded_amount &&
	    a->revoked == b->revoked && a->listed == b->listed &&
	    a->gift_sender == b->gift_sender && a->life == b->life &&
	    a->failed_at == b->failed_at;
}

static inline int
same_fact(const struct fact *a, const struct fact *b)
{
	int same = same_purchase(a, b) && same_word(a->reason, b->reason) &&
	    fuzz_same(a->detail, b->detail) &&
	    fuzz_same(a->delivery, b->delivery) &&
	    fuzz_same(a->subject, b->subject) &&
	    fuzz_same(a->user_ref, b->user_ref) &&
	    fuzz_same(a->email, b->email) && fuzz_same(a->buyer, b->buyer) &&
	    fuzz_same(a->license, b->license) && a->n_warnings == b->n_warnings;
	for (size_t i = 0; same && i < a->n_warnings; i++)
		same = same_word(a->warnings[i], b->warnings[i]);
	return same;
}

static inline void
check_identifier(struct str s)
{
	HOLD(s.p == NULL ||
	    (s.n >= 1 && s.n <= FACT_ID_MAX && str_is_utf8(s) &&
		!str_has_control(s)));
}

/* What the fold and the store take for granted. */
static inline void
check_fact(const struct fact *f)
{
	HOLD((f->status == FACT_APPLIED) == (f->reason == NULL));
	HOLD(f->delivery.n == 64);
	HOLD(
	    f->n_names <= FACT_NAMES_MAX && f->n_variants <= FACT_VARIANTS_MAX);
	check_identifier(f->user_ref);
	check_identifier(f->email);
	check_identifier(f->buyer);
	check_identifier(f->license);
	if (f->status != FACT_APPLIED)
		return;
	HOLD(f->kind != FACT_UNKNOWN && f->subject.n > 0);
	HOLD(str_is_utf8(f->subject));
}

static inline struct fact
decode(const struct platform *p, struct str body, struct arena *a)
{
	static const struct decode_opts opts = { .reference = {
						     "user_id", 7 } };
	struct fact f;
	struct err e = { .code = ERR_NONE };
	HOLD(p->decode(p, body, &opts, a, &f, &e) == 0);
	return f;
}

/* A person's id is gone, and the fold is told the same. */
static inline void
check_redact_all(const struct platform *p, struct str body,
    const struct fact *before, struct arena *a)
{
	static const struct redact_opts all = { .pseudonym = {
						    "erased-1", 8 } };
	struct redacted out, again;
	struct err e = { .code = ERR_NONE };
	HOLD(p->redact(p, body, &all, a, &out, &e) == 0 && out.body.p != NULL);
	struct fact after = decode(p, out.body, a);
	/* a test that was one by the buyer's word alone is kept then */
	HOLD(before->status == FACT_APPLIED ? same_purchase(before, &after)
					    : after.status != FACT_APPLIED);
	HOLD(before->status != FACT_KEPT || after.status == FACT_KEPT);
	HOLD(after.user_ref.p == NULL && after.email.p == NULL);
	HOLD(after.license.p == NULL);
	HOLD(after.buyer.p == NULL || str_eq(after.buyer, all.pseudonym));
	HOLD(p->redact(p, out.body, &all, a, &again, &e) == 0);
	struct fact third = decode(p, again.body, a);
	HOLD(after.status == third.status);
	HOLD(after.status == FACT_KEPT || same_purchase(&after, &third));
}

/* What looks like an address among the bytes: all around the first '@'. */
static inline struct str
an_address(struct str s, struct arena *a)
{
	const char *at = s.n == 0 ? NULL : memchr(s.p, '@', s.n);
	if (at == NULL)
		return STR("calvin@example.com");
	size_t i = (size_t)(at - s.p), end = i + 1;
	while (i > 0 && strchr("&=\" ,:%", s.p[i - 1]) == NULL)
		i--;
	while (end < s.n && strchr("&=\" ,:%", s.p[end]) == NULL)
		end++;
	struct str word = platform_email(a, (struct str){ s.p + i, end - i });
	return word.p == NULL ? STR("calvin@example.com") : word;
}

/* One address is gone, wherever it stood. */
static inline void
check_redact_one(const struct platform *p, struct str body,
    const struct fact *before, struct arena *a)
{
	struct redact_opts one = { .address = before->email.p != NULL
		    ? before->email
		    : an_address(body, a) };
	struct redacted out, again;
	struct err e = { .code = ERR_NONE };
	HOLD(p->redact(p, body, &one, a, &out, &e) == 0);
	HOLD(out.body.p != NULL || !out.is_buyer);
	HOLD(before->email.p == NULL || before->status != FACT_APPLIED ||
	    out.body.p != NULL);
	if (out.body.p == NULL)
		return;
	HOLD(!redact_mentions(a, out.body, one.address));
	HOLD(p->redact(p, out.body, &one, a, &again, &e) == 0);
	HOLD(again.body.p == NULL);
}

static inline void
check_delivery(const struct platform *p, struct str body)
{
	struct arena *a = arena_new(FUZZ_ARENA_MAX);
	struct arena *b = arena_new(FUZZ_ARENA_MAX);
	HOLD(a != NULL && b != NULL);
	struct fact f = decode(p, body, a);
	struct str copy = { arena_dup(b, body.p, body.n), body.n };
	struct fact g = decode(p, copy, b);
	HOLD(same_fact(&f, &g));
	check_fact(&f);
	json_t *said = p->describe(p, &f), *same = p->describe(p, &g);
	HOLD((said == NULL && same == NULL) || json_equal(said, same));
	json_decref(said);
	json_decref(same);
	check_redact_all(p, body, &f, b);
	check_redact_one(p, body, &f, b);
	arena_free(b);
	arena_free(a);
}

#endif
