#include "config/tier.h"

#include <string.h>

/* A pattern is matched in pattern.n times value.n steps. */
enum { GRANT_MAX = 1024, GRANT_PARTS = 3, PLATFORM_NAME_SHOWN = 32 };

/* %2F is a slash inside a name, %25 the percent sign that makes it literal;
 * every other percent sign stands for itself. */
static struct str
undo_escapes(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n + 1);
	if (p == NULL)
		return STR_NONE;
	size_t n = 0;
	while (s.n > 0) {
		struct str three = { s.p, s.n < 3 ? 0 : 3 };
		int slash = str_eq_fold(three, STR("%2f"));
		int escaped = slash || str_eq(three, STR("%25"));
		p[n++] = !escaped ? s.p[0] : slash ? '/' : '%';
		s.p += escaped ? 3 : 1;
		s.n -= escaped ? 3 : 1;
	}
	return (struct str){ p, n };
}

static int
is_platform(struct str pattern)
{
	for (size_t i = 0; i < PLATFORM__MAX; i++)
		if (str_match_fold(pattern, str_from(platforms[i]->name)))
			return 1;
	return 0;
}

static int
refuse_platform(struct str word, struct err *e)
{
	struct buf b;
	buf_init(&b, ERR_TEXT_MAX);
	buf_addz(&b, "no platform '");
	buf_add_visible(&b, word.n <= PLATFORM_NAME_SHOWN ? word : STR("…"));
	buf_addz(&b, "'; a grant begins with ");
	for (size_t i = 0; i < PLATFORM__MAX; i++)
		buf_addf(&b, "%s%s/", i > 0 ? " or " : "", platforms[i]->name);
	err_set(e, ERR_CONFIG, "%.*s", STR_ARG(buf_str(&b)));
	buf_free(&b);
	return -1;
}

int
tier_grant_parse(
    struct arena *a, struct str line, struct tier_grant *out, struct err *e)
{
	struct str part[GRANT_PARTS], rest = line;
	size_t n = 0;
	if (line.n > GRANT_MAX)
		return err_set(e, ERR_CONFIG,
		    "a grant of more than %d bytes; shorten it with *",
		    GRANT_MAX);
	if (!str_is_utf8(line) || str_has_control(line))
		return err_set(e, ERR_CONFIG,
		    "a grant with control characters; write ? for each");
	while (n < GRANT_PARTS && rest.p != NULL)
		str_cut(rest, '/', &part[n++], &rest);
	if (n < 2)
		return err_set(e, ERR_CONFIG,
		    "a grant without a slash; write platform/product or "
		    "platform/product/variant");
	if (rest.p != NULL)
		return err_set(e, ERR_CONFIG,
		    "a grant of more than three parts; write %%2F for a slash "
		    "inside a name");
	for (size_t i = 0; i < n; i++)
		if (part[i].n == 0)
			return err_set(e, ERR_CONFIG,
			    "a grant with an empty part; write * for anything");
	if (!is_platform(part[0]))
		return refuse_platform(part[0], e);
	out->platform = undo_escapes(a, part[0]);
	out->product = undo_escapes(a, part[1]);
	out->variant = n > 2 ? undo_escapes(a, part[2]) : STR_NONE;
	if (arena_failed(a))
		return err_set(e, ERR_MEMORY, "out of memory");
	return 0;
}

static int
matches(struct str pattern, struct str value)
{
	return value.p != NULL && str_match_fold(pattern, value);
}

static int
matches_any(struct str pattern, const struct str *values, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (matches(pattern, values[i]))
			return 1;
	return 0;
}

/*
 * One rule for all platforms. The product part meets the product or one of
 * its names. The variant part meets a variant, or all of them as the column
 * shows them; where a sale has no variants (a Gank membership is the product
 * "membership" with a title) it meets the names instead.
 */
static int
grant_fits(const struct tier_grant *g, const struct platform *p,
    const struct fact *f, struct str variant)
{
	if (!str_match_fold(g->platform, str_from(p->name)))
		return 0;
	if (!matches(g->product, f->product) &&
	    !matches_any(g->product, f->names, f->n_names))
		return 0;
	if (g->variant.p == NULL)
		return 1;
	if (variant.p != NULL)
		return matches(g->variant, variant);
	if (f->n_variants == 0)
		return matches_any(g->variant, f->names, f->n_names);
	return matches_any(g->variant, f->variants, f->n_variants) ||
	    matches(g->variant, f->variant);
}

static int
tier_fits(const struct tier *t, const struct platform *p, const struct fact *f,
    struct str variant)
{
	for (size_t i = 0; i < t->n_grants; i++)
		if (grant_fits(&t->grants[i], p, f, variant))
			return 1;
	return 0;
}

const struct tier *
tier_match(const struct tier_rules *r, const struct platform *p,
    const struct fact *f, struct str variant)
{
	const struct tier *best = NULL;
	for (size_t i = 0; i < r->n_tiers; i++) {
		const struct tier *t = &r->tiers[i];
		if ((best == NULL || t->rank > best->rank) &&
		    tier_fits(t, p, f, variant))
			best = t;
	}
	return best;
}

struct str
tier_name(
    const struct tier_rules *r, const struct platform *p, const struct fact *f)
{
	const struct tier *t = tier_match(r, p, f, STR_NONE);
	if (t != NULL)
		return t->name;
	if (f->unnamed)
		return STR_NONE;
	return f->tier.p != NULL ? f->tier : f->product;
}

const struct tier *
tier_find(const struct tier_rules *r, struct str name)
{
	for (size_t i = 0; i < r->n_tiers; i++)
		if (str_eq(r->tiers[i].name, name))
			return &r->tiers[i];
	return NULL;
}

/* A character that needs care in a quoted string of the configuration, or
 * that a terminal would act on, becomes the pattern for any character. */
static void
add_part(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n;) {
		size_t len = str_char(s, i);
		struct str c = { s.p + i, len };
		if (len == 0 || str_has_control(c) ||
		    strchr("'\"\\$", s.p[i]) != NULL)
			buf_addc(b, '?');
		else if (s.p[i] == '/')
			buf_addz(b, "%2F");
		else if (s.p[i] == '%')
			buf_addz(b, "%25");
		else
			buf_adds(b, c);
		i += len > 0 ? len : 1;
	}
}

int
tier_grant_line(
    struct buf *b, struct str platform, struct str product, struct str variant)
{
	if (platform.n == 0 || product.n == 0)
		return -1;
	buf_addc(b, '\'');
	add_part(b, platform);
	buf_addc(b, '/');
	add_part(b, product);
	if (variant.n > 0) {
		buf_addc(b, '/');
		add_part(b, variant);
	}
	buf_addc(b, '\'');
	return buf_ok(b) ? 0 : -1;
}
