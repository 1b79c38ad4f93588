#include "truth/pass.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/json.h"
#include "base/time.h"

enum {
	MEMORY_MAX = 64 * 1024 * 1024,
	PUT_MS = 10000,
	PUT_PAUSE_MS = 20,
	LEASE_PAUSE_MS = 200,
	NOTE_MS = 500
};

const char *
pass_day(int64_t t, char text[16])
{
	char whole[TIME_TEXT_MAX];
	snprintf(text, 16, "%.10s", time_text(t, whole));
	return text;
}

/* ---- begin and end ---- */

static int
take_lease(struct pass *p, struct err *e)
{
	int taken = 0;
	if (store_lease_take(p->store, str_from(p->ask.platform->name),
		str_from(p->holder), PASS_LEASE_S, &taken, e) != 0)
		return -1;
	p->has_lease = taken;
	return taken ? 0
		     : err_set(e, ERR_BUSY,
			   "another program is reading %s now, or one ended "
			   "a minute ago that could not say so",
			   p->ask.platform->words.title);
}

static int
wait_for_lease(struct pass *p, struct err *e)
{
	const volatile int *stop = p->ask.stop;
	int64_t end = time_ticks() + p->patience_ms;
	const struct timespec pause = { 0, LEASE_PAUSE_MS * 1000000L };
	while (take_lease(p, e) != 0) {
		if (e->code != ERR_BUSY || time_ticks() >= end ||
		    (stop != NULL && *stop))
			return -1;
		*e = (struct err){ .code = ERR_NONE };
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* Today's requests, "2026-12-01 1234 …": of them without an answer, and the
 * answers by status. */
static int
read_budget(struct pass *p, struct err *e)
{
	static const int at[] = { 0, 2, 3, 4, 5 };
	struct str name = str_from(arena_printf(
		       p->arena, "asked:%s", p->ask.platform->name)),
		   text, day, rest, n;
	int64_t asked;
	asker_day(&p->ask);
	if (store_meta_text(p->store, name, p->arena, &text, e) != 0)
		return -1;
	if (!str_cut(text, ' ', &day, &rest) || !str_eq_z(day, p->ask.day))
		return 0;
	str_cut(rest, ' ', &n, &rest);
	if (str_int64(n, 0, INT32_MAX, &asked) == 0)
		p->ask.left = ASK_A_DAY - asked;
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		str_cut(rest, ' ', &n, &rest);
		str_int64(n, 0, INT32_MAX, &p->ask.by_status[at[i]]);
	}
	if (rest.p != NULL)
		str_int64(rest, 0, INT32_MAX, &p->ask.singles);
	return 0;
}

static int
write_budget(struct pass *p, struct err *e)
{
	const int64_t *by = p->ask.by_status;
	char name[64], text[160];
	snprintf(name, sizeof(name), "asked:%s", p->ask.platform->name);
	snprintf(text, sizeof(text), "%s %lld %lld %lld %lld %lld %lld %lld",
	    p->ask.day, (long long)(ASK_A_DAY - p->ask.left), (long long)by[0],
	    (long long)by[2], (long long)by[3], (long long)by[4],
	    (long long)by[5], (long long)p->ask.singles);
	return store_meta_put(p->store, str_from(name), str_from(text), e);
}

int
pass_open(struct pass *p, const struct config *c,
    const struct platform *platform, struct store *store, struct commit *commit,
    struct err *e)
{
	uint8_t digest[CRYPTO_SHA256], random[8];
	char hex[2 * sizeof(random) + 1];
	const volatile int *stop = p->ask.stop;
	int64_t deadline = p->ask.deadline, spare = p->ask.spare;
	int rc = asker_open(&p->ask, c, platform, e);
	p->ask.stop = stop;
	p->ask.deadline = deadline;
	p->ask.spare = spare;
	if (rc != 0)
		return -1;
	p->store = store;
	p->commit = commit;
	p->row.id = STORE_NULL;
	p->arena = arena_new(MEMORY_MAX);
	if (p->arena == NULL || crypto_random(random, sizeof(random)) != 0 ||
	    crypto_sha256(
		c->platforms[platform_index(platform)].api_token, digest) != 0)
		return err_set(e, ERR_MEMORY, "out of memory");
	crypto_hex(digest, VERIFIED_BY_LEN / 2, p->verified_by);
	crypto_hex(random, sizeof(random), hex);
	snprintf(p->holder, sizeof(p->holder), "%ld-%s", (long)getpid(), hex);
	return wait_for_lease(p, e) != 0 || read_budget(p, e) != 0 ||
		pass_know(p, e) != 0
	    ? -1
	    : 0;
}

void
pass_close(struct pass *p)
{
	struct err e = { .code = ERR_NONE };
	if (p->has_lease) {
		write_budget(p, &e);
		store_lease_release(p->store, str_from(p->ask.platform->name),
		    str_from(p->holder), &e);
	}
	json_decref(p->account);
	json_decref(p->products);
	arena_free(p->arena);
	asker_close(&p->ask);
	*p = (struct pass){ .store = NULL };
}

/* ---- its row ---- */

void
pass_begin(struct pass *p, const char *kind, int64_t from, int64_t to)
{
	p->row = (struct store_reading){ .id = STORE_NULL,
		.platform = str_from(p->ask.platform->name),
		.kind = str_from(kind),
		.began_at = time_now(),
		.ended_at = STORE_NULL };
	if (from != FACT_NO_TIME)
		p->row.from_day = str_from(pass_day(from, p->days[0]));
	if (to != FACT_NO_TIME)
		p->row.to_day = str_from(pass_day(to, p->days[1]));
}

int
pass_keep(struct pass *p, struct err *e)
{
	return p->dry || p->row.id != STORE_NULL
	    ? 0
	    : store_reading_add(p->store, &p->row, &p->row.id, e);
}

/* What each page changes a little is written once in a while. */
static int
write_note(struct pass *p, struct err *e)
{
	int64_t now = time_ticks();
	if (now < p->noted + NOTE_MS)
		return 0;
	p->noted = now;
	return take_lease(p, e) != 0 || write_budget(p, e) != 0 ||
		pass_keep_up(p, e) != 0
	    ? -1
	    : 0;
}

int
pass_keep_up(struct pass *p, struct err *e)
{
	return p->dry || p->row.id == STORE_NULL
	    ? 0
	    : store_reading_update(p->store, &p->row, e);
}

int
pass_note(struct pass *p, struct err *e)
{
	pass_between_fn *between = p->between;
	if (write_note(p, e) != 0)
		return -1;
	p->between = NULL;
	int rc = between == NULL ? 0 : between(p->between_arg, p, e);
	p->between = between;
	return rc;
}

int
pass_end(struct pass *p, const struct err *why, struct err *e)
{
	struct err own = { .code = ERR_NONE };
	int bad = why != NULL && why->code != ERR_NONE;
	p->row.ended_at = time_now();
	p->row.error = bad ? str_from(why->text) : STR_NONE;
	int rc = pass_keep(p, &own);
	if (rc == 0 && !p->dry)
		rc = store_reading_update(p->store, &p->row, &own);
	p->row.id = STORE_NULL;
	if (rc != 0 && !bad)
		*e = own;
	return rc != 0 || bad ? -1 : 0;
}

/* ---- what was read ---- */

struct page {
	struct pass *pass;
	struct reading readings[PASS_PAGE_MAX];
	struct str ids[PASS_PAGE_MAX]; /* in the answer */
	struct reading_result results[PASS_PAGE_MAX];
	size_t n;
};

/* A commit_chore_fn. */
static int
put_page(struct store *s, void *arg, struct err *e)
{
	struct page *page = arg;
	struct pass *p = page->pass;
	if (reading_put(s, p->ask.config, page->readings, page->n, p->dry,
		p->arena, page->results, e) != 0)
		return -1;
	return p->dry;
}

/* Is it what the platform's own words say it is? */
static int
check_object(struct pass *p, const struct reading *r, struct str id,
    struct fact *f, struct err *e)
{
	if (platform_decode(
		r->platform, r->kind, r->body, NULL, p->arena, f, e) != 0)
		return -1;
	if (f->sold_at != FACT_NO_TIME && f->sold_at < p->oldest)
		p->oldest = f->sold_at;
	if (f->sold_at > p->newest)
		p->newest = f->sold_at;
	if (f->status != FACT_APPLIED)
		return err_set(e, ERR_INPUT,
		    "%s sent something else than a %.*s (%.*s: %s%s%.*s)",
		    r->platform->words.title, STR_ARG(r->kind), STR_ARG(id),
		    f->reason, f->detail.n > 0 ? ", " : "", STR_ARG(f->detail));
	if (str_eq_z(r->kind, PLATFORM_READBACK) &&
	    !str_eq(f->owner, p->known.account_id))
		return err_set(e, ERR_INPUT,
		    "%s sent a sale of another account than the token's",
		    r->platform->words.title);
	return 0;
}

/* The object as it is stored. */
static int
reduce(struct pass *p, struct str kind, const json_t *object, struct str *text,
    struct err *e)
{
	const struct platform_api *api = p->ask.platform->api;
	json_t *reduced = api->reduce(kind, object);
	char *dumped =
	    reduced == NULL || api->know(kind, reduced, object, &p->known) != 0
	    ? NULL
	    : json_dumps(reduced, JSON_COMPACT);
	*text = STR_NONE;
	if (dumped != NULL)
		*text =
		    (struct str){ arena_dup(p->arena, dumped, strlen(dumped)),
			    strlen(dumped) };
	free(dumped);
	json_decref(reduced);
	return text->p != NULL ? 0 : err_set(e, ERR_MEMORY, "out of memory");
}

int
pass_object(struct pass *p, const char *kind, const json_t *object,
    struct reading *r, struct fact *f, struct err *e)
{
	struct str id = p->ask.platform->api->id(object);
	*r = (struct reading){ .platform = p->ask.platform,
		.kind = str_from(kind),
		.verified_by = str_from(p->verified_by),
		.at = time_now(),
		.import = p->import };
	if (id.p == NULL)
		return err_set(e, ERR_INPUT, "%s sent a %s without an id",
		    p->ask.platform->words.title, kind);
	return reduce(p, r->kind, object, &r->body, e) != 0
	    ? -1
	    : check_object(p, r, id, f, e);
}

int
pass_reads(struct pass *p, const json_t *sale, struct fact *f, struct err *e)
{
	char *text = json_dumps(sale, JSON_COMPACT);
	int rc = text == NULL
	    ? -1
	    : platform_decode(p->ask.platform, STR(PLATFORM_READBACK),
		  str_copy(p->arena, str_from(text)), NULL, p->arena, f, e);
	if (text == NULL && e != NULL)
		err_no_memory(e);
	free(text);
	return rc;
}

static int
add_object(struct page *page, const char *kind, const json_t *object,
    int64_t requested_at, struct err *e)
{
	struct pass *p = page->pass;
	struct reading *r = &page->readings[page->n];
	struct fact f;
	if (page->n == PASS_PAGE_MAX)
		return err_set(
		    e, ERR_INPUT, "a page of more than %d", PASS_PAGE_MAX);
	if (pass_object(p, kind, object, r, &f, e) != 0)
		return -1;
	r->requested_at = requested_at;
	struct str id = p->ask.platform->api->id(object);
	for (size_t i = 0; i < page->n; i++)
		if (str_eq(page->ids[i], id))
			return err_set(e, ERR_INPUT,
			    "%s sent a page with the same %s twice (%.*s)",
			    p->ask.platform->words.title, kind, STR_ARG(id));
	page->ids[page->n] = id;
	if (p->wanted.met != NULL)
		json_object_deln(p->wanted.met, id.p, id.n);
	page->n++;
	return 0;
}

int
pass_chore(struct pass *p, commit_chore_fn *fn, void *arg, struct err *e)
{
	const struct timespec pause = { 0, PUT_PAUSE_MS * 1000000L };
	int64_t end = time_ticks() + PUT_MS;
	for (;;) {
		*e = (struct err){ .code = ERR_NONE };
		if (commit_chore(p->commit, fn, arg, e) == 0)
			return 0;
		if (e->code != ERR_BUSY || time_ticks() > end)
			return -1;
		nanosleep(&pause, NULL);
	}
}

static int
store_page(struct page *page, struct err *e)
{
	struct pass *p = page->pass;
	p->news = 0;
	if (page->n == 0)
		return 0;
	if (pass_chore(p, put_page, page, e) != 0)
		return -1;
	for (size_t i = 0; i < page->n; i++) {
		const struct reading_result *r = &page->results[i];
		p->row.read++;
		p->row.found += r->n_drift > 0;
		p->news |= r->became == READING_STORED;
		p->row.repaired += r->n_drift > 0 && !r->open && !p->dry &&
		    r->became != READING_OLD;
		if (p->tell != NULL)
			p->tell(p->arg, p, r);
	}
	return 0;
}

int
pass_take(struct pass *p, const char *kind, const json_t *objects,
    int64_t requested_at, struct err *e)
{
	struct page *page = calloc(1, sizeof(*page));
	const json_t *object;
	size_t i;
	int rc = 0;
	if (page == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	page->pass = p;
	p->newest = INT64_MIN;
	p->oldest = INT64_MAX;
	arena_reset(p->arena);
	if (json_is_object(objects))
		rc = add_object(page, kind, objects, requested_at, e);
	json_array_foreach(objects, i, object)
	{
		if (rc == 0)
			rc = add_object(page, kind, object, requested_at, e);
	}
	if (rc == 0)
		rc = store_page(page, e);
	free(page);
	return rc;
}

int
pass_is(const struct pass *p, const json_t *object, const char *id)
{
	return str_eq_z(p->ask.platform->api->id(object), id);
}

int
pass_absent(
    struct pass *p, struct str sale, int64_t requested_at, struct err *e)
{
	json_t *none = json_pack("{s:s%}", "id", sale.p, sale.n);
	int rc = none == NULL
	    ? err_set(e, ERR_INPUT, "a sale whose id is no text")
	    : pass_take(p, PLATFORM_ABSENT, none, requested_at, e);
	json_decref(none);
	return rc;
}
