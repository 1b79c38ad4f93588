#include "health/look.h"
#include "truth/products.h"

/* Grants beside what the platform sells now. Who bought under an old name keeps
 * it; who buys under the new one needs a grant that fits. */

enum { HAVE_MAX = 2048, LINES_MAX = 16 * 1024 };

struct look {
	struct health *h;
	const struct platform *p;
	const struct tier *tier; /* of the one grant */
	struct tier_grant whole, product; /* without its variant */
	struct buf have; /* the variants of a product that fits */
	struct buf of_product; /* of that: grants to paste, one a line */
	struct buf of_all; /* the same of all that is sold */
	int n_products, fits_product, fits;
};

static int
matches(struct look *l, const struct tier_grant *g, const struct fact *f)
{
	struct tier tier = {
		.name = l->tier->name, .grants = g, .n_grants = 1
	};
	const struct tier_rules rules = { .tiers = &tier, .n_tiers = 1 };
	return tier_match(&rules, l->p, f, STR_NONE) != NULL;
}

/* The grant for that variant, or for all of it, where no tier has one. */
static void
add_line(
    struct look *l, struct buf *b, const struct fact *f, struct str variant)
{
	struct fact one = *f;
	size_t begun = b->n;
	one.n_variants = variant.p != NULL;
	one.variants[0] = one.variant = variant;
	if (tier_match(&l->h->config->rules, l->p, &one, STR_NONE) != NULL)
		return;
	if (tier_grant_line(b, str_from(l->p->name), f->product_id, variant) !=
	    0) {
		b->n = begun;
		return;
	}
	buf_addz(b, ",   # ");
	buf_add_visible(b, f->product_name);
	buf_addc(b, '\n');
}

static void
add_lines(struct look *l, struct buf *b, const struct fact *f)
{
	for (size_t i = 0; i < f->n_variants; i++)
		add_line(l, b, f, f->variants[i]);
	if (f->n_variants == 0)
		add_line(l, b, f, STR_NONE);
}

static void
take(void *arg, const struct fact *f)
{
	struct look *l = arg;
	l->n_products++;
	add_lines(l, &l->of_all, f);
	if (!matches(l, &l->product, f))
		return;
	l->fits_product = 1;
	l->fits |= l->whole.variant.p == NULL || matches(l, &l->whole, f) ||
	    f->n_variants == FACT_VARIANTS_MAX;
	add_lines(l, &l->of_product, f);
	for (size_t i = 0; i < f->n_variants; i++) {
		buf_addz(&l->have, l->have.n > 0 ? ", " : "");
		buf_add_visible(&l->have, f->variants[i]);
	}
}

static void
say(const struct look *l, const char *text, const struct buf *lines)
{
	struct arena *a = l->h->arena;
	const struct finding f = { .id = FINDING_names,
		.about = text,
		.level = FINDING_NOTE,
		.text = lines->n == 0
		    ? text
		    : arena_printf(
			  a, "%s. To grant what is sold now, paste:", text),
		.lines = lines->n == 0 ? NULL : str_z(a, buf_str(lines)) };
	l->h->fn(l->h->arg, &f);
}

static void
conclude(struct look *l)
{
	const struct tier_grant *g = &l->whole;
	if (!l->fits_product)
		say(l,
		    arena_printf(l->h->arena,
			"grant: tier '%.*s' grants '%s/%.*s', and %s sells "
			"nothing of that name now: it was renamed or deleted",
			STR_ARG(l->tier->name), l->p->name, STR_ARG(g->product),
			l->p->words.title),
		    &l->of_all);
	else if (!l->fits)
		say(l,
		    arena_printf(l->h->arena,
			"grant: tier '%.*s' grants '%s/%.*s/%.*s', and that "
			"product has no tier or version of that name now. It "
			"has: %.*s",
			STR_ARG(l->tier->name), l->p->name, STR_ARG(g->product),
			STR_ARG(g->variant), STR_ARG(buf_str(&l->have))),
		    &l->of_product);
}

static int
look_at(struct health *h, const struct platform *p, const struct tier *t,
    const struct tier_grant *g, struct err *e)
{
	struct look l = {
		.h = h, .p = p, .tier = t, .whole = *g, .product = *g
	};
	l.product.variant = STR_NONE;
	buf_init(&l.have, HAVE_MAX);
	buf_init(&l.of_product, LINES_MAX);
	buf_init(&l.of_all, LINES_MAX);
	int rc = products_each(h->store, p, h->arena, take, &l, e);
	if (rc == 0 && l.n_products > 0)
		conclude(&l);
	buf_free(&l.have);
	buf_free(&l.of_product);
	buf_free(&l.of_all);
	return rc;
}

int
look_names(struct health *h, const struct platform *p, struct err *e)
{
	const struct tier_rules *r = &h->config->rules;
	for (size_t i = 0; i < r->n_tiers; i++)
		for (size_t k = 0; k < r->tiers[i].n_grants; k++) {
			const struct tier *t = &r->tiers[i];
			const struct tier_grant *g = &t->grants[k];
			if (str_eq_z(g->platform, p->name) &&
			    look_at(h, p, t, g, e) != 0)
				return -1;
		}
	return 0;
}
