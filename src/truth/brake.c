#include "truth/brake.h"

#include "base/time.h"
#include "commit/confirm_mark.h"

enum {
	HOUR = 3600,
	EARLIER = 600, /* the flood began than the first of it that was asked */
};

/* The row of meta: "BEGIN COUNT CAME END". */
struct brake {
	int64_t begin; /* of the hour that is counted */
	int64_t count;
	int64_t came; /* when the first of them did */
	int64_t end; /* of the brake; 0: there was none */
};

static struct str
name_of(const struct pass *p, char out[64])
{
	snprintf(out, 64, "absents:%s", p->ask.platform->name);
	return str_from(out);
}

static int
read_brake(struct pass *p, struct brake *b, struct err *e)
{
	char name[64];
	int64_t *const to[] = { &b->begin, &b->count, &b->came, &b->end };
	struct str text, word;
	*b = (struct brake){ 0 };
	if (store_meta_text(p->store, name_of(p, name), p->arena, &text, e) !=
	    0)
		return -1;
	for (size_t i = 0; i < sizeof(to) / sizeof(to[0]); i++) {
		str_cut(text, ' ', &word, &text);
		str_int64(word, 0, INT64_MAX, to[i]);
	}
	return 0;
}

static int
write_brake(struct pass *p, const struct brake *b, struct err *e)
{
	char name[64], text[96];
	snprintf(text, sizeof(text), "%lld %lld %lld %lld", (long long)b->begin,
	    (long long)b->count, (long long)b->came, (long long)b->end);
	return store_meta_put(p->store, name_of(p, name), str_from(text), e);
}

/* More than so many in an hour are a flood. */
static int
find_limit(struct pass *p, int64_t now, int64_t *limit, struct err *e)
{
	int64_t n;
	if (store_purchase_confirmed_count(p->store,
		str_from(p->ask.platform->name), now - BRAKE_USUAL_DAYS * 86400,
		&n, e) != 0)
		return -1;
	*limit = BRAKE_TIMES * n / (BRAKE_USUAL_DAYS * 24);
	if (*limit < BRAKE_LEAST)
		*limit = BRAKE_LEAST;
	if (*limit > BRAKE_MOST)
		*limit = BRAKE_MOST;
	return 0;
}

struct again {
	struct pass *pass;
	struct confirm_again how;
};

/* A commit_chore_fn. */
static int
fold_some(struct store *s, void *arg, struct err *e)
{
	struct again *again = arg;
	struct pass *p = again->pass;
	arena_reset(p->arena);
	return confirm_again(
	    s, p->ask.config, p->ask.platform, &again->how, p->arena, e);
}

static int
pull(struct pass *p, struct brake *b, int64_t came, int64_t now, struct err *e)
{
	int64_t begin = (came > now - BRAKE_S ? came : now - BRAKE_S) - EARLIER;
	struct again again = { p, { .since = begin, .at = now, .more = 1 } };
	if (confirm_brake(p->store, p->ask.config, p->ask.platform, begin,
		now + BRAKE_S, p->arena, &again.how.event, e) != 0)
		return -1;
	while (again.how.more)
		if (pass_chore(p, fold_some, &again, e) != 0)
			return -1;
	b->end = now + BRAKE_S;
	return 0;
}

/* While it holds for long nothing is to be done. */
static int
holds(const struct brake *b, int64_t now)
{
	return b->end > now + BRAKE_S / 2 && b->end <= now + BRAKE_S;
}

int
brake_count(struct pass *p, int64_t came_at, struct err *e)
{
	int64_t now = time_now(), limit;
	struct brake b;
	if (read_brake(p, &b, e) != 0)
		return -1;
	if (now - b.begin >= HOUR || b.begin > now) {
		b.begin = now;
		b.count = 0;
		b.came = came_at;
	}
	b.count++;
	if (came_at < b.came)
		b.came = came_at;
	if (b.count > BRAKE_LEAST && !holds(&b, now) &&
	    (find_limit(p, now, &limit, e) != 0 ||
		(b.count > limit && pull(p, &b, b.came, now, e) != 0)))
		return -1;
	return write_brake(p, &b, e);
}

int
brake_hold(struct pass *p, int64_t came_at, struct err *e)
{
	int64_t now = time_now();
	struct brake b;
	if (read_brake(p, &b, e) != 0)
		return -1;
	return holds(&b, now)			? 0
	    : pull(p, &b, came_at, now, e) != 0 ? -1
						: write_brake(p, &b, e);
}
