#include "commit/gather.h"

#include "fold/manual.h"
#include "fold/member.h"

/* ---- the buyer's memberships ---- */

struct names {
	const char *platform;
	struct str entries;
	struct arena *arena;
	struct str *v;
	size_t n;
};

static int
take_name(void *arg, struct str platform, struct str subject)
{
	struct names *names = arg;
	if (!str_eq_z(platform, names->platform) ||
	    !str_starts(subject, names->entries))
		return 1;
	names->v[names->n++] = str_copy(names->arena, subject);
	return 0;
}

int
gather_memberships(struct store *s, const struct platform *p,
    struct str entries, struct arena *a, struct str out[GATHER_MEMBERSHIPS + 1],
    size_t *n, struct err *e)
{
	struct names names = { p->name, entries, a, out, 0 };
	if (store_subjects_after(s, str_from(p->name), entries,
		GATHER_MEMBERSHIPS + 1, take_name, &names, e) != 0)
		return -1;
	*n = names.n;
	return arena_failed(a) ? err_set(e, ERR_MEMORY, "out of memory") : 0;
}

static int
read_members(struct gather *g, struct store *s, struct str entries,
    struct str subject, struct member **out, size_t *n)
{
	struct str names[GATHER_MEMBERSHIPS + 1];
	if (gather_memberships(
		s, g->platform, entries, g->arena, names, n, g->err) != 0)
		return -1;
	struct member *m = arena_alloc(g->arena, (*n + 1) * sizeof(*m));
	if (m == NULL)
		return err_set(g->err, ERR_MEMORY, "out of memory");
	*out = m;
	/* with so many nothing is clear */
	if (*n > GATHER_MEMBERSHIPS)
		*n = 0;
	for (size_t i = 0; i < *n; i++) {
		struct gather one = { .config = g->config,
			.platform = g->platform,
			.arena = g->arena,
			.err = g->err };
		struct gather *from = str_eq(names[i], subject) ? g : &one;
		m[i].subject = names[i];
		if ((from != g && gather_subject(&one, s, names[i]) != 0) ||
		    member_newest(g->platform, &m[i], from->d, from->n,
			&g->config->rules, g->arena, g->err) != 0)
			return -1;
	}
	return 0;
}

/* ---- what the list said ---- */

/* That of deliveries whose subject it is, not of one filed here besides. */
static struct str
find_entries(const struct gather *g, struct str subject)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->d[i].fact != NULL && g->d[i].fact->entries.p != NULL &&
		    str_starts(subject, g->d[i].fact->entries))
			return g->d[i].fact->entries;
	return STR_NONE;
}

int
gather_entries(struct gather *g, struct store *s, struct str subject)
{
	struct str entries = find_entries(g, subject);
	struct gather list = { .config = g->config,
		.platform = g->platform,
		.arena = g->arena,
		.err = g->err };
	struct member *m = NULL;
	size_t n = 0;
	if (entries.p == NULL)
		return 0;
	if (str_eq(entries, subject)) {
		g->entries = entries;
		return 0;
	}
	if (gather_deliveries(&list, s, entries) != 0)
		return -1;
	if (list.n == 0)
		return 0;
	g->entries = entries;
	struct str about =
	    manual_subject(g->arena, str_from(g->platform->name), entries);
	if (gather_by_hand(&list, s, about) != 0 ||
	    read_members(g, s, entries, subject, &m, &n) != 0 ||
	    member_pick(list.d, &list.n, m, n, subject, g->arena, g->err) != 0)
		return -1;
	for (size_t i = 0; i < list.n; i++) {
		struct fold_delivery *d = gather_room(g);
		if (d == NULL)
			return err_set(g->err, ERR_MEMORY, "out of memory");
		*d = list.d[i];
		g->n++;
	}
	return 0;
}

int
project_entries(struct store *s, const struct config *c,
    const struct platform *p, struct str subject, struct arena *a,
    struct fold_delivery **out, size_t *n, struct err *e)
{
	struct gather g = { .config = c, .platform = p, .arena = a, .err = e };
	*n = 0;
	if (gather_subject(&g, s, subject) != 0)
		return -1;
	size_t own = g.n;
	if (gather_entries(&g, s, subject) != 0)
		return -1;
	*out = g.d + own;
	*n = g.n - own;
	return 0;
}
