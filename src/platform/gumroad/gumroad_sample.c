#include "platform/gumroad/gumroad_payload.h"

#include <string.h>

#include "base/crypto.h"
#include "base/form.h"
#include "base/time.h"

/* Deliveries as Gumroad makes them: keys in the order of its payload,
 * escaped as its serializer does (HTTParty::HashConversions.to_params). */

enum {
	PAIRS_MAX = 256, /* of a sample, the caller's included */
	BODY_MAX = 1024 * 1024,
	ID_BYTES = 16, /* one AES block, ObfuscateIds.encrypt */
	ID_LEN = 24,
	PING_DELAY = 10, /* seconds, app/models/purchase.rb */
};

struct pair {
	struct str key;
	struct str value;
	int given; /* by the caller */
};

struct draft {
	struct arena *a;
	const struct sample_opts *opts;
	const struct gumroad_event *event;
	struct pair pairs[PAIRS_MAX];
	size_t n;
};

/* The digest of a seed and of what it is for. */
static int
fresh(const struct draft *d, const char *what, struct str seed,
    uint8_t out[CRYPTO_SHA256])
{
	struct str s =
	    str_from(arena_printf(d->a, "%s:%.*s", what, STR_ARG(seed)));
	return s.p == NULL ? -1 : crypto_sha256(s, out);
}

/* Like ObfuscateIds.encrypt: 22 characters of URL-safe base64 and "==". */
static struct str
fresh_id(const struct draft *d, const char *what, struct str seed)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint8_t raw[CRYPTO_SHA256];
	char *p = arena_alloc(d->a, ID_LEN + 1);
	if (p == NULL || fresh(d, what, seed, raw) != 0)
		return STR_NONE;
	memset(raw + ID_BYTES, 0, sizeof(raw) - ID_BYTES);
	size_t n = 0;
	for (size_t i = 0; i < ID_BYTES; i += 3) {
		unsigned v = (unsigned)raw[i] << 16 |
		    (unsigned)raw[i + 1] << 8 | raw[i + 2];
		for (int shift = 18; shift >= 0; shift -= 6)
			p[n++] = digits[v >> shift & 63];
	}
	p[ID_LEN - 2] = p[ID_LEN - 1] = '=';
	return (struct str){ p, ID_LEN };
}

static struct str
moment(const struct draft *d, int64_t t)
{
	char text[TIME_TEXT_MAX];
	const char *z = time_text(t, text);
	return str_from(arena_dup(d->a, z, strlen(z)));
}

/* A sale's subscription follows from its id, so that a refund made with that
 * sale_id alone speaks of the same membership. */
static struct str
subscription_id(const struct draft *d)
{
	struct str sale = fresh_id(d, "@sale", d->opts->nonce);
	for (size_t i = 0; i < d->opts->n_sets; i++)
		if (str_eq_z(d->opts->keys[i], "sale_id"))
			sale = d->opts->values[i];
	return sale.p == NULL ? sale : fresh_id(d, "@subscription", sale);
}

/* p NULL: no memory. */
static struct str
value_of(const struct draft *d, const char *value)
{
	uint8_t raw[CRYPTO_SHA256];
	if (value[0] != '@')
		return str_from(value);
	if (strcmp(value, "@sale") == 0)
		return fresh_id(d, value, d->opts->nonce);
	if (strcmp(value, "@subscription") == 0)
		return subscription_id(d);
	if (strcmp(value, "@now") == 0)
		return moment(d, d->opts->now);
	if (strcmp(value, "@sold") == 0)
		return moment(d, d->opts->now - PING_DELAY);
	if (strcmp(value, "@month") == 0)
		return moment(d, time_add_months(d->opts->now, 1));
	if (strcmp(value, "@resource") == 0)
		return str_from(d->event->resource);
	/* order_number: 30 bits */
	if (fresh(d, value, d->opts->nonce, raw) != 0)
		return STR_NONE;
	return str_from(arena_printf(d->a, "%u",
	    (unsigned)(raw[0] & 0x3F) << 24 | (unsigned)raw[1] << 16 |
		(unsigned)raw[2] << 8 | raw[3]));
}

static void
add_pair(struct draft *d, struct str key, struct str value)
{
	if (d->n < PAIRS_MAX && value.n > 0)
		d->pairs[d->n++] = (struct pair){ key, value, 0 };
}

/* 1: the line is taken from the earlier delivery, with all that is there. */
static int
add_taken(struct draft *d, const struct gumroad_line *line)
{
	const struct gumroad_read *r = d->opts->earlier == NULL
	    ? NULL
	    : d->opts->earlier->detail_of_platform;
	const struct node *variants =
	    r == NULL ? NULL : node_get_z(r->root, "variants");
	struct str key = str_from(line->key);
	const struct gumroad_taken *t = gumroad_taken;
	for (; r != NULL && t->key != NULL; t++) {
		if (!str_eq_z(key, t->key) || (t->events & d->event->bit) == 0)
			continue;
		if (!str_eq_z(key, "variants[Tier]"))
			add_pair(d, key,
			    node_text(node_get_z(
				r->root, t->as != NULL ? t->as : t->key)));
		else if (variants != NULL && variants->kind == NODE_MAP)
			for (const struct node *c = variants->first; c != NULL;
			     c = c->next)
				add_pair(d,
				    str_from(arena_printf(d->a,
					"variants[%.*s]", STR_ARG(c->key))),
				    node_text(c));
		return 1;
	}
	if (variants == NULL || !str_eq_z(key, "old_plan[tier][name]"))
		return 0;
	add_pair(d, key, node_text(node_get_z(variants, "Tier")));
	return 1;
}

static size_t
find(const struct draft *d, struct str key, int given_too)
{
	size_t i = 0;
	while (i < d->n &&
	    (!str_eq(d->pairs[i].key, key) ||
		(d->pairs[i].given && !given_too)))
		i++;
	return i;
}

/* Replaces the value, or adds the pair before resource_name. Elements of a
 * list (key[]) beyond the first are added behind it. */
static int
set_pair(struct draft *d, struct str key, struct str value, struct err *e)
{
	int element = key.n > 2 && memcmp(key.p + key.n - 2, "[]", 2) == 0;
	size_t i = find(d, key, !element);
	if (key.n == 0)
		return err_set(e, ERR_USAGE, "a key has no name");
	if (i < d->n) {
		d->pairs[i].value = value;
		d->pairs[i].given = 1;
		return 0;
	}
	if (d->n == PAIRS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d keys", PAIRS_MAX);
	size_t before = find(d, STR("resource_name"), 1);
	if (before == d->n) /* a test ping */
		before = find(d, STR("disputed"), 1);
	for (i = d->n; element && i > 0; i--) {
		if (str_eq(d->pairs[i - 1].key, key)) {
			before = i;
			break;
		}
	}
	memmove(d->pairs + before + 1, d->pairs + before,
	    (d->n - before) * sizeof(d->pairs[0]));
	d->pairs[before] = (struct pair){ key, value, 1 };
	d->n++;
	return 0;
}

static int
encode(const struct draft *d, struct str *body, struct err *e)
{
	struct buf b;
	buf_init(&b, BODY_MAX);
	for (size_t i = 0; i < d->n; i++) {
		if (i > 0)
			buf_addc(&b, '&');
		form_encode(&b, d->pairs[i].key);
		buf_addc(&b, '=');
		form_encode(&b, d->pairs[i].value);
	}
	int bad = buf_ok(&b)
	    ? 0
	    : err_set(e, ERR_LIMIT, "longer than %d bytes", BODY_MAX);
	if (!bad) {
		struct str s = buf_str(&b);
		*body = (struct str){ arena_dup(d->a, s.p, s.n), s.n };
		if (body->p == NULL)
			bad = err_set(e, ERR_MEMORY, "out of memory");
	}
	buf_free(&b);
	return bad;
}

static const struct gumroad_event *
find_event(const char *name)
{
	const struct gumroad_event *event = gumroad_events;
	while (event->name != NULL && strcmp(event->name, name) != 0)
		event++;
	return event->name != NULL ? event : NULL;
}

int
gumroad_sample(const struct platform *p, const struct platform_sample *which,
    const struct sample_opts *opts, struct arena *a, struct str *body,
    struct err *e)
{
	struct draft *d = arena_alloc(a, sizeof(*d));
	(void)p;
	if (d == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	d->a = a;
	d->opts = opts;
	d->event = find_event(which->event);
	if (d->event == NULL)
		return err_set(e, ERR_USAGE, "no sample %s", which->event);
	for (const struct gumroad_line *line = gumroad_lines; line->key != NULL;
	     line++) {
		if ((line->events & d->event->bit) == 0 || add_taken(d, line))
			continue;
		struct pair *new = &d->pairs[d->n++];
		new->key = str_from(line->key);
		new->value = value_of(d, line->value);
		if (new->value.p == NULL)
			return err_set(e, ERR_MEMORY, "out of memory");
	}
	for (size_t i = 0; i < opts->n_sets; i++)
		if (set_pair(d, opts->keys[i], opts->values[i], e) != 0)
			return -1;
	return encode(d, body, e);
}

const char *
gumroad_sample_key(const struct platform *p,
    const struct platform_sample *which, enum sample_part part,
    struct str value)
{
	const struct gumroad_event *event = find_event(which->event);
	int purchase = event != NULL && (event->bit & PURCHASES) != 0;
	int update = event != NULL && event->bit == UPDATE;
	(void)p;
	if (!purchase && !update)
		return NULL;
	if (part == SAMPLE_VARIANT)
		return purchase ? "variants[Tier]" : "new_plan[tier][name]";
	if (value.n == ID_LEN &&
	    str_eq_z((struct str){ value.p + ID_LEN - 2, 2 }, "=="))
		return "product_id";
	/* a permalink has none; a notice of a subscription has no permalink */
	return purchase && !str_has_byte(value, ' ') ? "permalink"
						     : "product_name";
}
