#include "health/look.h"
#include "truth/products.h"

/* Grants beside what the platform sells now. Who bought under an old name keeps
 * it; who buys under the new one needs a grant that fits. */

struct look {
	const struct platform *p;
	struct tier tier; /* of the one grant */
	struct tier_grant whole, product; /* without its variant */
	struct buf *have; /* the variants of a product that fits */
	int n_products, fits_product, fits;
};

static int
matches(struct look *l, const struct tier_grant *g, const struct fact *f)
{
	struct tier tier = { .name = l->tier.name, .grants = g, .n_grants = 1 };
	const struct tier_rules rules = { .tiers = &tier, .n_tiers = 1 };
	return tier_match(&rules, l->p, f, STR_NONE) != NULL;
}

static void
take(void *arg, const struct fact *f)
{
	struct look *l = arg;
	l->n_products++;
	if (!matches(l, &l->product, f))
		return;
	l->fits_product = 1;
	l->fits |= l->whole.variant.p == NULL || matches(l, &l->whole, f) ||
	    f->n_variants == FACT_VARIANTS_MAX;
	for (size_t i = 0; i < f->n_variants; i++) {
		buf_addz(l->have, l->have->n > 0 ? ", " : "");
		buf_add_visible(l->have, f->variants[i]);
	}
}

static int
look_at(struct health *h, const struct platform *p, const struct tier *t,
    const struct tier_grant *g, struct err *e)
{
	struct buf have;
	struct look l = {
		.p = p, .tier = *t, .whole = *g, .product = *g, .have = &have
	};
	l.product.variant = STR_NONE;
	buf_init(&have, 2048);
	int rc = products_each(h->store, p, h->arena, take, &l, e);
	const char *text = NULL;
	if (rc == 0 && l.n_products > 0 && !l.fits_product)
		text = arena_printf(h->arena,
		    "grant: tier '%.*s' grants '%s/%.*s', and %s sells nothing "
		    "of "
		    "that name now; was it renamed or deleted?",
		    STR_ARG(t->name), p->name, STR_ARG(g->product),
		    p->words.title);
	else if (rc == 0 && l.fits_product && !l.fits)
		text = arena_printf(h->arena,
		    "grant: tier '%.*s' grants '%s/%.*s/%.*s', and that "
		    "product has "
		    "no tier or version of that name now; was it renamed? It "
		    "has: %.*s",
		    STR_ARG(t->name), p->name, STR_ARG(g->product),
		    STR_ARG(g->variant), STR_ARG(buf_str(&have)));
	if (text != NULL)
		health_say(h, FINDING_NOTE, FINDING_names, text, text);
	buf_free(&have);
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
