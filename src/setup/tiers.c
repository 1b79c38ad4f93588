#include "setup/tiers.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "setup/account.h"
#include "setup/ask.h"
#include "setup/settings.h"

enum { OFFERS_MAX = 100, OF_PRODUCT = 20, TEXT_MAX = 64 * 1024, RANK = 10 };

struct offer {
	struct str id, product, variant;
	int64_t price;
	const char *name; /* of the tier */
};

struct offers {
	struct account account;
	struct offer v[OFFERS_MAX];
	size_t n;
	char text[TEXT_MAX];
};

/* ---- what there is ---------------------------------------------------------- */

static void
take_product(struct offers *o, const char *id, const json_t *object)
{
	const struct platform_api *api = o->account.platform->api;
	struct platform_offer found[OF_PRODUCT];
	size_t n = api->offers(object, found, OF_PRODUCT);
	struct fact f;
	api->product(object, &f);
	for (size_t i = 0; i < n && o->n < OFFERS_MAX; i++) {
		/* what costs nothing makes nobody a supporter */
		if (found[i].price <= 0)
			continue;
		o->v[o->n++] = (struct offer){ .id = str_from(id),
			.product = f.product_name,
			.variant = found[i].variant,
			.price = found[i].price };
	}
}

static int
by_price(const void *a, const void *b)
{
	const struct offer *x = a, *y = b;
	return x->price != y->price ? (x->price > y->price ? 1 : -1)
				    : str_compare(x->product, y->product);
}

/* ---- their names ------------------------------------------------------------- */

/* "Pro (macOS)" -> "pro-macos" */
static const char *
slug(struct arena *a, struct str s)
{
	char *out = arena_alloc(a, s.n + 1);
	size_t n = 0;
	s = str_lower(a, s);
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			out[n++] = c;
		else if (n > 0 && out[n - 1] != '-')
			out[n++] = '-';
	}
	while (n > 0 && out[n - 1] == '-')
		n--;
	out[n] = '\0';
	return out;
}

static int
is_taken(const struct offers *o, size_t before, const char *name)
{
	for (size_t i = 0; i < before; i++)
		if (strcmp(o->v[i].name, name) == 0)
			return 1;
	return name[0] == '\0';
}

/* The variant's, else with the product's, else with a number. */
static void
name_offer(struct offers *o, size_t at)
{
	struct arena *a = o->account.setup->arena;
	struct offer *v = &o->v[at];
	int alone = v->variant.n == 0;
	v->name = slug(a, alone ? v->product : v->variant);
	if (is_taken(o, at, v->name))
		v->name = slug(a,
		    str_from(arena_printf(a, "%.*s-%.*s", STR_ARG(v->product),
			STR_ARG(v->variant))));
	for (int n = 2; is_taken(o, at, v->name); n++)
		v->name = arena_printf(a, "tier-%d", n);
}

/* ---- the sections ------------------------------------------------------------- */

static int
write_text(struct offers *o, struct err *e)
{
	struct buf b;
	buf_init(&b, TEXT_MAX - 1);
	for (size_t i = 0; i < o->n; i++) {
		const struct offer *v = &o->v[i];
		name_offer(o, i);
		buf_addf(&b, "\ntier '%s' {\t# ", v->name);
		buf_add_visible(&b, v->product);
		if (v->variant.n > 0) {
			buf_addz(&b, ", ");
			buf_add_visible(&b, v->variant);
		}
		buf_addf(
		    &b, "\n\trank = %d\n\tgrants = { ", (int)(RANK * (i + 1)));
		tier_grant_line(
		    &b, str_from(o->account.platform->name), v->id, v->variant);
		buf_addz(&b, " }\n}\n");
	}
	int rc = buf_ok(&b) ? 0 : err_set(e, ERR_LIMIT, "too many products");
	if (rc == 0 && b.n > 0)
		memcpy(o->text, b.p, b.n + 1);
	buf_free(&b);
	return rc;
}

/* A user_fn. */
static int
make_text(void *arg, struct err *e)
{
	struct offers *o = arg;
	const char *id;
	json_t *object;
	int rc = account_open(&o->account, e);
	if (rc == 0) {
		json_object_foreach(o->account.pass.products, id, object)
		    take_product(o, id, object);
		qsort(o->v, o->n, sizeof(o->v[0]), by_price);
		rc = write_text(o, e);
	}
	return account_close(&o->account, rc);
}

static int
agrees(struct setup *s, const char *title, int *yes, struct err *e)
{
	*yes = s->opts->tiers != NULL || s->opts->yes;
	if (!s->asks || *yes)
		return 0;
	return ask_yes(s->arena,
	    arena_printf(s->arena,
		"Write these tiers, made of what you sell at %s, into the "
		"settings",
		title),
	    1, yes, e);
}

static int
offer(struct setup *s, const struct platform *p, struct err *e)
{
	struct offers *o = arena_alloc(s->arena, sizeof(*o));
	int yes = 0;
	o->account =
	    (struct account){ .setup = s, .config = s->config, .platform = p };
	if (user_run(&s->user, make_text, o, o->text, sizeof(o->text), e) != 0)
		return -1;
	if (o->text[0] == '\0')
		return 0;
	setup_say(s, "%s", o->text);
	if (agrees(s, p->words.title, &yes, e) != 0 || !yes)
		return e->code == ERR_NONE ? 0 : -1;
	edit_append(&s->edit, str_from(o->text));
	return settings_save(s, e);
}

int
tiers_offer(struct setup *s, struct err *e)
{
	const char *how = s->opts->tiers;
	int wanted =
	    how == NULL ? s->asks || s->opts->yes : strcmp(how, "none") != 0;
	for (size_t i = 0; i < PLATFORM__MAX; i++) {
		const struct platform *p = platforms[i];
		if (wanted && s->config->rules.n_tiers == 0 && p->api != NULL &&
		    p->api->offers != NULL && account_has_token(s, p) &&
		    offer(s, p, e) != 0)
			return -1;
	}
	return 0;
}
