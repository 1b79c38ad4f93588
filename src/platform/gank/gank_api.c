#include "platform/gank/gank.h"

#include "base/json.h"

/*
 * Gank's list of a creator's members: docs.ganknow.com, GET
 * payment/creator/subscribers with a creator token. It names the payer, and
 * when the membership began and ends; no title, no creator and no payment. An
 * entry is stored as a document of its own, which names the creator.
 */
#define EVENT "subscriber"
enum { PAGE_SIZE = 100 };

static const struct document_event events[] = {
	{ EVENT, "membership", FACT_MEMBER, PLATFORM_SUBSCRIBER },
	{ 0 },
};

static const struct field fields[] = {
	{ "payer_user_id", "supporter_user_id", FIELD_ID,
	    .flags = FIELD_REQUIRED | FIELD_PERSON, .fills = FILLS(buyer) },
	{ "creator_user_id", "creator_user_id", FIELD_ID, .flags = FIELD_STAYS,
	    .fills = FILLS(owner) },
	{ "membership_setting_id", "membership_setting_id", FIELD_ID,
	    .flags = FIELD_STAYS, .fills = FILLS(product_id) },
	{ "subscription_start", "subscription_start", FIELD_TIME,
	    .flags = FIELD_STAYS, .fills = FILLS(sold_at) },
	/* null: it tells no end */
	{ "subscription_end", "subscription_end", FIELD_TIME,
	    .flags = FIELD_STAYS, .fills = FILLS(ends_at) },
	{ 0 },
};

/* An empty text is no time either. */
static void
need_time(struct document_reading *r, const char *name, int64_t t)
{
	if (document_value(r, name) != NULL && t == FACT_NO_TIME)
		document_complain(r, DOCUMENT_WRONG_TYPE, name, "no time");
}

static void
settle(struct document_reading *r, struct fact *f)
{
	need_time(r, "subscription_start", f->sold_at);
	need_time(r, "subscription_end", f->ends_at);
	f->subject = f->entries = gank_entries(r->arena, f->owner, f->buyer);
}

static const struct document document = {
	.event_path = "event",
	.events = events,
	.fields = fields,
	.settle = settle,
};

/* For the functions of document.h. */
static const struct platform list = {
	.name = "gank",
	.content_type = "application/json",
	.document = &document,
};

static int
api_decode(const struct platform *p, struct str kind, struct str body,
    struct arena *a, struct fact *out, struct err *e)
{
	(void)p;
	(void)kind;
	return document_decode(&list, body, NULL, a, out, e);
}

static json_t *
api_describe(const struct platform *p, const struct fact *f)
{
	(void)p;
	return document_describe(&list, f);
}

static int
api_redact(const struct platform *p, struct str kind, struct str body,
    const struct redact_opts *opts, struct arena *a, struct redacted *out,
    struct err *e)
{
	(void)p;
	(void)kind;
	return document_redact(&list, body, opts, a, out, e);
}

static json_t *
reduce(struct str kind, const json_t *object)
{
	json_t *out = json_pack("{s:s}", document.event_path, EVENT);
	int bad = out == NULL;
	(void)kind;
	for (const struct field *f = fields; !bad && f->name != NULL; f++) {
		json_t *v = json_object_get(object, f->path);
		if (v != NULL && !json_is_null(v))
			bad = json_object_set(out, f->path, v);
	}
	if (!bad)
		return out;
	json_decref(out);
	return NULL;
}

static int
know(struct str kind, json_t *reduced, const json_t *object,
    const struct platform_known *known)
{
	(void)kind;
	(void)object;
	if (known->account_id.p == NULL)
		return 0;
	json_t *id = json_from_text(known->account_id);
	return json_object_set_new(reduced, "creator_user_id", id);
}

static struct str
id(const json_t *object)
{
	struct str s;
	json_text(json_object_get(object, "supporter_user_id"), &s);
	return platform_identifier(s);
}

static int
request(const struct platform_question *q, struct arena *a,
    struct platform_request *out, struct err *e)
{
	*out = (struct platform_request){ .method = "GET",
		.path = arena_printf(a,
		    "/payment/creator/subscribers?active=true&page=%d"
		    "&per_page=%d",
		    q->number, PAGE_SIZE),
		.body = STR("") };
	return out->path != NULL ? 0 : err_set(e, ERR_MEMORY, "out of memory");
}

static enum platform_said
judge(const struct platform_question *q, long status, struct str raw,
    const json_t *body, struct platform_answer *out)
{
	const json_t *total = json_object_get(body, "total");
	(void)q;
	(void)raw;
	*out = (struct platform_answer){ .next = STR_NONE };
	/* with a page it is the front's word, not the API's */
	if (status == 401 || (status == 403 && body != NULL))
		return SAID_TOKEN;
	if (status == 403 || status == 408 || status == 429 || status >= 500)
		return SAID_WAIT;
	out->objects = json_object_get(body, "data");
	out->total = json_integer_value(total);
	return status == 200 && json_is_array(out->objects) &&
		json_is_integer(total) && out->total >= 0
	    ? SAID_FINE
	    : SAID_BROKEN;
}

const struct platform_api gank_api = {
	.address = "https://api-v2.ganknow.com",
	.token_key = "creator_token",
	.token_words = "With it Gatepost reads the list of members: who is in "
		       "it keeps access, though a payment got lost. Gank, "
		       "dashboard, Payment Widget.",
	.reconcile = "1h",
	.asks = 1U << ASK_MEMBERS,
	.owner_behind = GANK_MEMBERSHIP,
	.request = request,
	.judge = judge,
	.reduce = reduce,
	.know = know,
	.id = id,
	.decode = api_decode,
	.describe = api_describe,
	.redact = api_redact,
};
