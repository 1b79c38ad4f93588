#include "platform/gumroad/gumroad.h"

#include <string.h>

#include "base/form.h"
#include "base/json.h"
#include "base/time.h"

/*
 * Gumroad's API, version 2: config/routes.rb and the controllers of
 * app/controllers/api/v2. What is asked goes into the path or a form, the token
 * into a header. An answer says "success": true and holds what was asked for
 * under a name of its own; what cannot be found is answered 200 with false.
 */
static const struct asked {
	const char *method, *path;
	const char *list; /* the name of what comes back, */
	const char *one, *other; /* or of one, whichever is there */
} asked[ASK__MAX] = {
	[ASK_ACCOUNT] = { "GET", "/v2/user", NULL, "user", NULL },
	[ASK_PRODUCTS] = { "GET", "/v2/products", "products", NULL, NULL },
	[ASK_SALES] = { "GET", "/v2/sales", "sales", NULL, NULL },
	[ASK_SALE] = { "GET", "/v2/sales/", NULL, "sale", NULL },
	[ASK_MEMBERS] = { "GET", "/v2/products/", "subscribers", NULL, NULL },
	[ASK_MEMBER] = { "GET", "/v2/subscribers/", NULL, "subscriber",
	    "subscribers" },
	[ASK_REGISTERED] = { "GET", "/v2/resource_subscriptions",
	    "resource_subscriptions", NULL, NULL },
	[ASK_REGISTER] = { "PUT", "/v2/resource_subscriptions", NULL,
	    "resource_subscription", NULL },
	[ASK_UNREGISTER] = { "DELETE", "/v2/resource_subscriptions/", NULL,
	    NULL, NULL },
	/* of the scope view_payouts: gumroad.com/api#payouts */
	[ASK_MORE] = { "GET", "/v2/payouts", "payouts", NULL, NULL },
};

enum { TEXT_MAX = 8 * 1024 };

/* The first of a query, of a form, or one more. */
static void
pair(struct buf *b, int is_query, const char *key, struct str value)
{
	if (value.p == NULL)
		return;
	if (is_query)
		buf_addc(b, memchr(b->p, '?', b->n) != NULL ? '&' : '?');
	else if (b->n > 0)
		buf_addc(b, '&');
	buf_addf(b, "%s=", key);
	form_encode(b, value);
}

/* The day after, for `before` is not included. */
static void
add_days(struct buf *b, const struct platform_question *q)
{
	char text[TIME_TEXT_MAX], after[32];
	int64_t t;
	pair(b, 1, "after", q->from_day);
	snprintf(after, sizeof(after), "%.*sT00:00:00Z", STR_ARG(q->to_day));
	if (time_parse(str_from(after), &t) == 0)
		pair(b, 1, "before",
		    (struct str){ time_text(t + 86400, text), 10 });
}

static void
add_query(struct buf *b, const struct platform_question *q)
{
	switch (q->what) {
	case ASK_SALES:
		add_days(b, q);
		pair(b, 1, "page_key", q->page);
		break;
	case ASK_PRODUCTS:
		pair(b, 1, "page_key", q->page);
		break;
	case ASK_MEMBERS:
		form_encode(b, q->product);
		buf_addz(b, "/subscribers?paginated=true");
		pair(b, 1, "page_key", q->page);
		break;
	case ASK_REGISTERED:
		pair(b, 1, "resource_name", q->kind);
		break;
	case ASK_SALE:
	case ASK_MEMBER:
	case ASK_UNREGISTER:
		form_encode(b, q->id);
		break;
	default:
		break;
	}
}

static struct str
keep(struct arena *a, const struct buf *b)
{
	struct str s = buf_str(b);
	return buf_ok(b) ? (struct str){ str_z(a, s), s.n } : STR_NONE;
}

int
gumroad_request(const struct platform_question *q, struct arena *a,
    struct platform_request *out, struct err *e)
{
	struct buf b;
	buf_init(&b, TEXT_MAX);
	buf_addz(&b, asked[q->what].path);
	add_query(&b, q);
	*out = (struct platform_request){ .method = asked[q->what].method,
		.path = keep(a, &b).p,
		.body = STR("") };
	if (q->what == ASK_REGISTER) {
		buf_reset(&b);
		pair(&b, 0, "resource_name", q->kind);
		pair(&b, 0, "post_url", q->url);
		out->body = keep(a, &b);
	}
	buf_free(&b);
	return out->path == NULL || out->body.p == NULL
	    ? err_set(e, ERR_MEMORY, "out of memory")
	    : 0;
}

/* Not found, and refused: 200 with words. */
static enum platform_said
refused(struct str words)
{
	return words.n >= 11 &&
		memmem(words.p, words.n, "was not found", 13) != NULL
	    ? SAID_ABSENT
	    : SAID_REFUSED;
}

static enum platform_said
judge_status(long status, struct str raw, const json_t *body,
    struct platform_answer *out)
{
	if (status == 401)
		return SAID_TOKEN;
	/* with a page it is the front's word, not the API's */
	if (status == 403)
		return body != NULL || raw.n == 0 ? SAID_SCOPE : SAID_WAIT;
	if (status == 408 || status == 429 || status >= 500)
		return SAID_WAIT;
	if (status != 400)
		return SAID_BROKEN;
	json_text(json_object_get(body, "error"), &out->words);
	if (out->words.p == NULL)
		return SAID_BROKEN;
	return memmem(out->words.p, out->words.n, "timed out", 9) != NULL
	    ? SAID_TOO_MUCH
	    : SAID_REFUSED;
}

enum platform_said
gumroad_judge(const struct platform_question *q, long status, struct str raw,
    const json_t *body, struct platform_answer *out)
{
	const struct asked *k = &asked[q->what];
	*out = (struct platform_answer){ .next = STR_NONE };
	if (status != 200)
		return judge_status(status, raw, body, out);
	const json_t *success = json_object_get(body, "success");
	json_text(json_object_get(body, "message"), &out->words);
	if (json_is_false(success))
		return refused(out->words);
	if (!json_is_true(success))
		return SAID_BROKEN;
	if (k->list != NULL) {
		out->objects = json_object_get(body, k->list);
		json_text(json_object_get(body, "next_page_key"), &out->next);
		if (out->next.n == 0)
			out->next = STR_NONE;
		return json_is_array(out->objects) ? SAID_FINE : SAID_BROKEN;
	}
	if (k->one == NULL)
		return SAID_FINE;
	out->object = json_object_get(body, k->one);
	if (out->object == NULL && k->other != NULL)
		out->object = json_object_get(body, k->other);
	return json_is_object(out->object) ? SAID_FINE : SAID_BROKEN;
}

int
gumroad_know(struct str kind, json_t *reduced, const json_t *object,
    const struct platform_known *known)
{
	struct str product, buyer, own;
	if (!str_eq_z(kind, PLATFORM_READBACK))
		return 0;
	json_text(json_object_get(object, "product_id"), &product);
	json_text(json_object_get(object, "purchaser_id"), &buyer);
	json_text(json_object_get(known->account, "id"), &own);
	json_t *permalink = json_object_get(product.p == NULL
		? NULL
		: json_object_get(known->products, product.p),
	    "custom_permalink");
	int rc =
	    json_object_set_new(reduced, "listed", json_boolean(known->listed));
	if (json_is_string(permalink))
		rc |= json_object_set(reduced, "custom_permalink", permalink);
	/* who buys from himself tries it out */
	rc |= json_object_set_new(
	    reduced, "test", json_boolean(buyer.n > 0 && str_eq(buyer, own)));
	return rc == 0 ? 0 : -1;
}

struct str
gumroad_id(const json_t *object)
{
	const json_t *user = json_object_get(object, "user_id");
	struct str id;
	/* an account has another id beside; a membership has a buyer's */
	if (!json_is_string(user) || json_object_get(object, "status") != NULL)
		user = json_object_get(object, "id");
	json_text(user, &id);
	return platform_identifier(id);
}

struct str
gumroad_url(const json_t *object)
{
	struct str url;
	json_text(json_object_get(object, "post_url"), &url);
	return url;
}
