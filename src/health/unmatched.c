#include "health/unmatched.h"

#include "access/rows.h"
#include "commit/sold.h"

enum { LINE_MAX_BYTES = 4096 };

/* The values of a joined variant; a value may hold ", " itself, and then none
 * of its parts is one, which costs a line too many. */
static size_t
split_variant(struct str joined, struct str out[FACT_VARIANTS_MAX])
{
	size_t n = 0;
	for (struct str rest = joined; rest.p != NULL && n < FACT_VARIANTS_MAX;
	     n++) {
		str_cut(rest, ',', &out[n], &rest);
		if (rest.n > 0 && rest.p[0] == ' ')
			rest = (struct str){ rest.p + 1, rest.n - 1 };
	}
	return n;
}

static int
has_variant(const struct fact *f, struct str name)
{
	for (size_t i = 0; i < f->n_variants; i++)
		if (str_eq(f->variants[i], name))
			return 1;
	return 0;
}

/* What was sold, as grants see it. After a change of plan the row's variant is
 * still the old plan's, and the tier the new one's own name. */
static void
as_fact(const struct store_product *row, struct fact *f)
{
	*f = (struct fact){ .product = row->product, .variant = row->variant };
	f->names[f->n_names++] = row->product;
	if (row->product_name.p != NULL)
		f->names[f->n_names++] = row->product_name;
	f->n_variants = split_variant(row->variant, f->variants);
	int own = f->n_variants == 0 || has_variant(f, row->tier);
	if (!own && !str_eq(row->variant, row->tier)) {
		f->variant = f->variants[0] = row->tier;
		f->n_variants = 1;
	}
}

/* The rows that no grant matches, collected first: a statement is read to its
 * end before another begins. */
struct product {
	struct store_product row;
	struct fact fact; /* as grants see it */
	struct product *next;
};

struct products {
	const struct config *config;
	struct arena *arena;
	struct product *first, **end;
};

static struct str
keep(struct arena *a, struct str s)
{
	if (s.p != NULL)
		s.p = arena_dup(a, s.p, s.n);
	return s;
}

/* The tiers are those of the settings as they are, not those the tables were
 * filled by. */
static int
take(void *arg, const struct store_product *row)
{
	struct products *all = arg;
	struct arena *a = all->arena;
	const struct tier_rules *rules = &all->config->rules;
	const struct platform *p = platform_find(row->platform);
	struct fact f;
	if (p == NULL || row->tier.p == NULL ||
	    tier_find(rules, row->tier) != NULL)
		return 0;
	as_fact(row, &f);
	if (tier_match(rules, p, &f, STR_NONE) != NULL)
		return 0;
	struct product *new = arena_alloc(a, sizeof(*new));
	if (new == NULL)
		return 1;
	new->row = *row;
	new->row.platform = str_from(p->name);
	new->row.product = keep(a, row->product);
	new->row.product_name = keep(a, row->product_name);
	new->row.variant = keep(a, row->variant);
	new->row.sale = keep(a, row->sale);
	new->row.tier = keep(a, row->tier);
	as_fact(&new->row, &new->fact);
	*all->end = new;
	all->end = &new->next;
	return 0;
}

/* What the delivery of one of its sales says. */
static int
find_fact(const struct products *all, struct store *s,
    const struct store_product *row, struct fact *f, struct err *e)
{
	struct rows rows = { .arena = all->arena };
	*f = (struct fact){ .kind = FACT_UNKNOWN };
	if (rows_of_sale(s, row->sale, &rows, e) != 0)
		return -1;
	for (size_t i = 0; i < rows.n; i++)
		if (str_eq(rows.v[i].platform, row->platform))
			return sold_find(
			    s, all->config, &rows.v[i], all->arena, f, e);
	return 0;
}

/* The line among those noted so far; NULL: there are too many. */
static struct unmatched_line *
find_line(struct unmatched *u, struct str line, struct arena *a)
{
	size_t i = 0;
	while (i < u->n && !str_eq(u->v[i].line, line))
		i++;
	if (i == UNMATCHED_MAX)
		return NULL;
	if (i == u->n)
		u->v[u->n++] = (struct unmatched_line){ .line = keep(a, line) };
	return &u->v[i];
}

/* By the product's id where its platform tells one: it stays when the product
 * is renamed. */
static int
add_line(struct unmatched *u, const struct products *all, struct store *s,
    struct product *p, struct err *e)
{
	struct fact f;
	struct buf b;
	if (find_fact(all, s, &p->row, &f, e) != 0)
		return -1;
	int by_id = f.product_id.p != NULL;
	if (by_id) {
		p->fact.n_names = f.n_names;
		memcpy(p->fact.names, f.names, sizeof(f.names));
	}
	if (tier_match(&all->config->rules, platform_find(p->row.platform),
		&p->fact, STR_NONE) != NULL)
		return 0;
	struct str variant = p->fact.variant;
	/* the tier alone, of a sale that has other variants too */
	if (f.tier.p != NULL && (by_id || has_variant(&f, f.tier)) &&
	    str_eq(variant, p->row.variant))
		variant = f.tier;
	variant =
	    platform_variant(p->row.platform, variant, p->row.product_name);
	buf_init(&b, LINE_MAX_BYTES);
	if (tier_grant_line(&b, p->row.platform,
		by_id ? f.product_id : p->row.product, variant) == 0) {
		struct unmatched_line *line =
		    find_line(u, buf_str(&b), all->arena);
		if (line == NULL)
			u->more = 1;
		else {
			line->sold += p->row.count;
			if (by_id &&
			    p->row.last_sold_at >= line->last_sold_at) {
				line->name = p->row.product_name;
				line->last_sold_at = p->row.last_sold_at;
			}
		}
	}
	buf_free(&b);
	return 0;
}

struct unmatched *
unmatched_find(
    const struct config *c, struct store *s, struct arena *a, struct err *e)
{
	struct unmatched *u = arena_alloc(a, sizeof(*u));
	struct products all = { .config = c, .arena = a };
	all.end = &all.first;
	if (u == NULL || store_products(s, take, &all, e) != 0)
		return NULL;
	for (struct product *p = all.first; p != NULL; p = p->next)
		if (add_line(u, &all, s, p, e) != 0)
			return NULL;
	if (arena_failed(a)) {
		err_set(e, ERR_MEMORY, "out of memory");
		return NULL;
	}
	return u;
}

void
unmatched_lines(const struct unmatched *u, struct buf *b)
{
	for (size_t i = 0; i < u->n; i++) {
		const struct unmatched_line *line = &u->v[i];
		buf_add_visible(b, line->line);
		buf_addz(b, ",   # ");
		if (line->name.n > 0) {
			buf_add_visible(b, line->name);
			buf_addz(b, ", ");
		}
		buf_addf(b, "%lld sold\n", (long long)line->sold);
	}
	if (u->more)
		buf_addz(b, "# and more\n");
}
