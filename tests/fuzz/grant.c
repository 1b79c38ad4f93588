/* Grants: platform, product and variant of a purchase, and a pattern, a line
 * each. */
#include "config/config_token.h"
#include "config/tier.h"
#include "fuzz.h"

enum { PARTS = 4, MATCH_MAX = 300 };

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* The rule in a few lines, by a table: can p's rest match s's rest? */
static int
matches(struct str p, struct str s)
{
	static char fits[MATCH_MAX + 1][MATCH_MAX + 8];
	memset(fits, 0, sizeof(fits));
	fits[p.n][s.n] = 1;
	for (size_t i = p.n; i-- > 0;)
		for (size_t k = s.n + 1; k-- > 0;) {
			size_t one = k < s.n ? str_char(s, k) : 0;
			if (k < s.n && one == 0)
				one = 1;
			if (p.p[i] == '*')
				fits[i][k] = fits[i + 1][k] ||
				    (k < s.n && fits[i][k + one]);
			else if (p.p[i] == '?')
				fits[i][k] = k < s.n && fits[i + 1][k + one];
			else
				fits[i][k] = k < s.n &&
				    lower(p.p[i]) == lower(s.p[k]) &&
				    fits[i + 1][k + 1];
		}
	return fits[0][0];
}

static const struct tier *
tier_of(
    const struct tier_grant *g, const struct platform *p, const struct fact *f)
{
	static struct tier tier;
	tier = (struct tier){ .name = STR("t"), .grants = g, .n_grants = 1 };
	const struct tier_rules rules = { .tiers = &tier, .n_tiers = 1 };
	return tier_match(&rules, p, f, STR_NONE);
}

/* The line that check says to paste gives that very purchase the tier, also
 * when it is read from a file. */
static void
check_line(struct arena *a, const struct platform *p, struct str product,
    struct str variant)
{
	struct buf b;
	struct tier_grant g;
	struct config_lexer lexer;
	struct err e;
	buf_init(&b, 64 * 1024);
	if (tier_grant_line(&b, str_from(p->name), product, variant) != 0) {
		buf_free(&b);
		return;
	}
	HOLD(config_token_open(&lexer, "f", buf_str(&b), &e) == 0);
	HOLD(config_token_next(&lexer) == T_TEXT);
	struct str line = { arena_dup(a, lexer.token.p, lexer.token.n),
		lexer.token.n };
	HOLD(config_token_next(&lexer) == T_END);
	config_token_close(&lexer);
	int rc = tier_grant_parse(a, line, &g, &e);
	HOLD(rc == 0 || line.n > 1024);
	struct fact f = { .product = product };
	if (variant.p != NULL) {
		f.variants[f.n_variants++] = variant;
		f.variant = variant;
	}
	HOLD(rc != 0 || tier_of(&g, p, &f) != NULL);
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str rest = fuzz_input(data, n), part[PARTS];
	struct arena *a = arena_new(FUZZ_ARENA_MAX);
	struct tier_grant g;
	struct err e = { .code = ERR_NONE };
	for (size_t i = 0; i < PARTS; i++)
		str_cut(rest, '\n', &part[i], &rest);
	const struct platform *p = platform_find(part[0]);
	if (tier_grant_parse(
		a, part[3].p == NULL ? STR("") : part[3], &g, &e) == 0) {
		HOLD(g.product.n > 0);
		if (part[1].p != NULL && part[1].n <= MATCH_MAX &&
		    g.product.n <= MATCH_MAX)
			HOLD(str_match_fold(g.product, part[1]) ==
			    matches(g.product, part[1]));
		struct fact f = { .product = part[1] };
		if (p != NULL)
			tier_of(&g, p, &f);
	} else {
		HOLD(e.code == ERR_CONFIG);
	}
	if (p != NULL && part[1].n > 0 && str_is_utf8(part[1]) &&
	    str_is_utf8(part[2]))
		check_line(a, p, part[1], part[2]);
	arena_free(a);
	return 0;
}
