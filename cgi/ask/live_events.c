#include "cgi/ask/live_events.h"

#include "cgi/ask/confirming.h"

struct ids {
	int64_t v[LIVE_KEYS_MAX * LIVE_REPLAY_MAX];
	size_t n;
};

static int
take_id(void *arg, int64_t id)
{
	struct ids *ids = arg;
	ids->v[ids->n++] = id;
	return ids->n % LIVE_REPLAY_MAX == 0;
}

static int
newest_first(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x < y) - (x > y);
}

/* The newest changes of all keys, each once. */
static int
find_ids(
    struct store *s, const struct live_ask *ask, struct ids *out, struct err *e)
{
	size_t kept = 0;
	out->n = 0;
	for (size_t i = 0; i < ask->n; i++) {
		const struct access_key *key = ask->keys[i];
		struct ids own = { .n = 0 };
		if (store_change_ids_of(s, key->by,
			key->by == STORE_BY_BUYER ? key->value : key->id,
			ask->after, LIVE_REPLAY_MAX, take_id, &own, e) != 0)
			return -1;
		memcpy(out->v + out->n, own.v, own.n * sizeof(own.v[0]));
		out->n += own.n;
	}
	qsort(out->v, out->n, sizeof(out->v[0]), newest_first);
	for (size_t i = 0; i < out->n && kept < LIVE_REPLAY_MAX; i++)
		if (i == 0 || out->v[i] != out->v[i - 1])
			out->v[kept++] = out->v[i];
	out->n = kept;
	return 0;
}

int
live_access(struct store *s, const struct config *config,
    const struct live_ask *ask, struct arena *a, struct access *out,
    const struct access_key **key, struct err *e)
{
	const struct tier_rules *rules = &config->rules;
	int64_t change = 0;
	int confirming = 0;
	for (size_t i = 0; i < ask->n; i++) {
		struct access x;
		if (access_lookup(s, rules, ask->keys[i], ask->now, a, &x, e) !=
			0 ||
		    (!confirming &&
			confirming_find(s, config, ask->keys[i], ask->now,
			    &confirming, e) != 0))
			return -1;
		if (x.change > change)
			change = x.change;
		if (i == 0 ||
		    (x.tier.p != NULL &&
			(out->tier.p == NULL ||
			    access_is_higher(rules, x.tier, out->tier)))) {
			*out = x;
			*key = ask->keys[i];
		}
	}
	out->change = change;
	out->confirming = confirming;
	return 0;
}

static void
add_event(struct buf *b, const struct access *x, const struct access_key *key,
    int64_t change)
{
	struct access at = *x;
	at.change = change;
	buf_addf(b, "id: %lld\nevent: access\ndata: ", (long long)change);
	/* JSON on one line: no line end inside a text is left unescaped */
	access_json(b, &at, key, -1);
	buf_addz(b, "\n\n");
}

int
live_events(struct store *s, const struct config *config,
    const struct live_ask *ask, struct arena *a, struct buf *b,
    struct live_told *told, struct err *e)
{
	struct access x;
	struct ids ids;
	const struct access_key *key;
	*told = (struct live_told){ .sent = ask->after,
		.confirming = ask->confirming };
	if (find_ids(s, ask, &ids, e) != 0)
		return -1;
	if (ids.n == 0 && !ask->always && !ask->sales)
		return 0;
	if (live_access(s, config, ask, a, &x, &key, e) != 0)
		return -1;
	if (ids.n == 0 && !ask->always && x.confirming == ask->confirming)
		return 0;
	size_t start = b->n;
	add_event(b, &x, key, x.change);
	*told = (struct live_told){ .sent = x.change,
		.confirming = x.confirming,
		.has_tier = x.tier.p != NULL };
	while (ask->keys[told->best] != key)
		told->best++;
	if (ids.n > 1 && (b->n - start) * ids.n <= LIVE_REPLAY_BYTES) {
		b->n = start;
		for (size_t i = ids.n; i-- > 0;)
			add_event(b, &x, key, ids.v[i]);
	}
	return 0;
}
