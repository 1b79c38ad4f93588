#include "health/watch.h"

#include <string.h>

#include "base/json.h"
#include "base/jsonw.h"
#include "base/time.h"
#include "follow/outbox.h"
#include "health/look.h"

enum {
	WHOLE_SECONDS = 7 * 86400,
	AGAIN_MS = 30000, /* what does not answer is asked once more */
	ROUND_MS = 60000,
	REFUSED = 2, /* so many within an hour, and none taken */
	MEMORY_MAX = 256 << 20,
	TEXT_MAX = 4 << 20,
	MAIL_MAX = 64 * 1024,
	RETRY = 300, /* seconds, after a look that failed */
};

struct kept {
	struct finding f;
	struct str since; /* RFC 3339 */
	int is_new;
	struct kept *next;
};

/* What one look found, worth keeping. */
struct found {
	struct arena *arena;
	struct kept *first;
	int said[FINDING__MAX]; /* at any level */
	int reached; /* Gatepost, through the front door */
};

static struct kept *
find(struct found *l, enum finding_id id, const char *about)
{
	for (struct kept *k = l->first; k != NULL; k = k->next)
		if (k->f.id == id && strcmp(k->f.about, about) == 0)
			return k;
	return NULL;
}

static int
is_worth(const struct finding *f)
{
	return f->level == FINDING_PROBLEM ||
	    (f->level == FINDING_NOTE && finding_mails[f->id] == 'N');
}

static void
take(void *arg, const struct finding *f)
{
	struct found *l = arg;
	l->said[f->id] = 1;
	l->reached |= f->id == FINDING_reach && f->level == FINDING_OK;
	if (!is_worth(f) || find(l, f->id, f->about) != NULL)
		return;
	struct kept *k = arena_alloc(l->arena, sizeof(*k));
	struct kept **end = &l->first;
	if (k == NULL)
		return;
	*k = (struct kept){ .f = *f };
	k->f.lines = NULL; /* for a person who looks himself */
	while (*end != NULL)
		end = &(*end)->next;
	*end = k;
}

/* ---- the last look ------------------------------------------------------- */

static int
read_old(struct found *l, struct store *s, struct err *e)
{
	struct str text = STR_NONE;
	const char *reason;
	if (watch_found(s, l->arena, &text, e) != 0)
		return -1;
	if (text.p == NULL)
		return 0;
	const json_t *j = json_load_kept(l->arena, text, 0, &reason, e);
	const json_t *list = json_object_get(j, "findings");
	for (size_t i = json_array_size(list); i > 0; i--) {
		const json_t *o = json_array_get(list, i - 1);
		struct str id, about, since, said, level;
		struct kept *k = arena_alloc(l->arena, sizeof(*k));
		json_text(json_object_get(o, "id"), &id);
		json_text(json_object_get(o, "about"), &about);
		json_text(json_object_get(o, "since"), &since);
		json_text(json_object_get(o, "text"), &said);
		json_text(json_object_get(o, "level"), &level);
		int n = 0;
		while (n < FINDING__MAX && !str_eq_z(id, finding_names[n]))
			n++;
		if (k == NULL || n == FINDING__MAX)
			continue;
		*k = (struct kept){ .f = { .id = (enum finding_id)n,
					.about = about.p == NULL ? "" : about.p,
					.level = str_eq_z(level, "PROBLEM")
					    ? FINDING_PROBLEM
					    : FINDING_NOTE,
					.text = said.p },
			.since = since,
			.next = l->first };
		l->first = k;
	}
	return 0;
}

static int
write_new(struct store *s, const struct found *l, int64_t now, struct err *e)
{
	struct buf b;
	buf_init(&b, TEXT_MAX);
	jsonw_open(&b, '{');
	jsonw_time(&b, "looked_at", now);
	jsonw_key(&b, "findings");
	jsonw_open(&b, '[');
	for (const struct kept *k = l->first; k != NULL; k = k->next)
		finding_json(&k->f, k->since, &b);
	jsonw_close(&b, ']');
	jsonw_close(&b, '}');
	int rc = buf_ok(&b)
	    ? store_meta_put(s, STR("findings"), buf_str(&b), e)
	    : err_set(e, ERR_LIMIT, "more was found than can be kept");
	buf_free(&b);
	return rc;
}

/* Has no delivery of the platform come since it was found? */
static int
is_refused_still(const struct watch *w, const char *name)
{
	const struct platform *p = platform_find(str_from(name));
	return p != NULL &&
	    (w->refused == NULL || w->last[platform_index(p)] < w->looked_at);
}

/* Did the platform not answer, so that nothing was found of its token? */
static int
is_scope_unseen(const struct watch *w, struct found *is, const char *name)
{
	const struct platform *p = platform_find(str_from(name));
	return p != NULL && !is->said[FINDING_scope] &&
	    find(is, FINDING_token, name) == NULL &&
	    w->config->platforms[platform_index(p)].api_token.p != NULL;
}

/* Was that not looked at now? What lies behind a door that is shut, what only a
 * look at the whole database finds, what a platform did not answer. */
static int
is_unseen(
    const struct watch *w, struct found *is, const struct finding *f, int whole)
{
	switch (f->id) {
	case FINDING_integrity:
		return !whole;
	case FINDING_refused:
		return is_refused_still(w, f->about);
	case FINDING_scope:
		return is_scope_unseen(w, is, f->about);
	default:
		return w->config->public_url.n > 0 && !is->reached &&
		    f->id >= FINDING_certificate && f->id <= FINDING_large_body;
	}
}

/* It goes on, as far as is known. */
static void
carry(
    const struct watch *w, const struct found *was, struct found *is, int whole)
{
	for (const struct kept *k = was->first; k != NULL; k = k->next)
		if (is_unseen(w, is, &k->f, whole))
			take(is, &k->f);
}

/* ---- one mail ------------------------------------------------------------ */

static int
is_told(const struct kept *k)
{
	return finding_mails[k->f.id] != '_';
}

/* All that began, all that is over; nothing where there is neither. */
static const char *
compose(struct found *was, struct found *is)
{
	struct buf b;
	int n = 0;
	buf_init(&b, TEXT_MAX);
	for (const struct kept *k = is->first; k != NULL; k = k->next)
		if (k->is_new && is_told(k)) {
			buf_addz(&b, n++ == 0 ? "Found now:\n\n" : "\n");
			finding_print(&k->f, &b);
		}
	int over = 0;
	for (const struct kept *k = was->first; k != NULL; k = k->next)
		if (is_told(k) && find(is, k->f.id, k->f.about) == NULL) {
			buf_addz(&b, n++ == 0 ? "" : "\n");
			buf_addz(&b, over++ == 0 ? "Over:\n\n" : "");
			buf_addf(&b, "since %.*s: ", STR_ARG(k->since));
			buf_add_visible(&b, str_from(k->f.text));
			buf_addc(&b, '\n');
		}
	buf_addz(&b,
	    "\n'gatepost doctor' looks again at any time. Of each thing one "
	    "mail comes when it begins, and one when it is over.\n");
	struct str all = buf_str(&b);
	if (all.n > MAIL_MAX)
		all.n = MAIL_MAX;
	const char *text = n == 0 ? NULL : str_z(is->arena, all);
	buf_free(&b);
	return text;
}

static int
settle(struct watch *w, struct store *s, struct found *is, int whole,
    int64_t now, struct err *e)
{
	char at[TIME_TEXT_MAX];
	struct found was = { .arena = is->arena };
	if (read_old(&was, s, e) != 0)
		return -1;
	time_text(now, at);
	carry(w, &was, is, whole);
	for (struct kept *k = is->first; k != NULL; k = k->next) {
		const struct kept *old = find(&was, k->f.id, k->f.about);
		k->is_new = old == NULL;
		k->since = old == NULL
		    ? str_from(arena_printf(is->arena, "%s", at))
		    : old->since;
	}
	const char *text = compose(&was, is);
	if (text != NULL &&
	    outbox_alert(s, w->config, arena_printf(is->arena, "watch %s", at),
		text, now, is->arena, e) != 0)
		return -1;
	return write_new(s, is, now, e);
}

/* ---- one look ------------------------------------------------------------ */

static void
look_refused(struct watch *w, struct health *h)
{
	for (size_t i = 0; w->refused != NULL && i < PLATFORM__MAX; i++) {
		const char *name = platforms[i]->name;
		w->refused(i, &w->seen[i], &w->last[i]);
		int64_t n = w->seen[i] - w->before[i];
		if (w->looked_at != 0 && n >= REFUSED &&
		    w->last[i] < w->looked_at &&
		    w->config->platforms[i].secrets.n > 0)
			health_say(h, FINDING_PROBLEM, FINDING_refused, name,
			    arena_printf(h->arena,
				"within the last hour %lld deliveries of %s "
				"were refused, and none was taken: what it "
				"sends may have another secret than %s of "
				"gatepost.conf, or the clock is wrong; "
				"'gatepost urls' tells what to enter there",
				(long long)n, name, platforms[i]->secrets_key));
	}
}

/* Has the front begun to fail since the look before? */
static int
is_worse(struct found *was, const struct found *front)
{
	for (const struct kept *k = front->first; k != NULL; k = k->next)
		if (find(was, k->f.id, k->f.about) == NULL)
			return 1;
	return 0;
}

/* Through the front door; a second time where it fails, since a packet may be
 * lost. */
static int
look_front_door(
    struct watch *w, struct health *h, struct found *is, struct err *e)
{
	struct found was = { .arena = is->arena };
	struct found front = { .arena = is->arena };
	h->arg = &front;
	if (read_old(&was, h->store, e) != 0 ||
	    health_look(h, LOOK_FRONT, e) != 0)
		return -1;
	if (is_worse(&was, &front)) {
		round_pause(w->stop, AGAIN_MS);
		if (*w->stop)
			return err_set(e, ERR_BUSY, "told to stop");
		front = (struct found){ .arena = is->arena };
		if (health_look(h, LOOK_FRONT, e) != 0)
			return -1;
	}
	for (const struct kept *k = front.first; k != NULL; k = k->next)
		take(is, &k->f);
	for (int i = 0; i < FINDING__MAX; i++)
		is->said[i] |= front.said[i];
	is->reached = front.reached;
	return 0;
}

static int
look(struct watch *w, struct store *s, int whole, int64_t now, struct arena *a,
    struct err *e)
{
	struct found is = { .arena = a };
	struct health h = { .config = w->config,
		.store = s,
		.arena = a,
		.now = now,
		.nginx = HEALTH_NGINX,
		.fn = take,
		.arg = &is };
	look_refused(w, &h);
	if (health_look(&h, LOOK_HERE | (whole ? LOOK_WHOLE : 0), e) != 0 ||
	    look_front_door(w, &h, &is, e) != 0)
		return -1;
	if (arena_failed(a))
		return err_set(e, ERR_MEMORY, "out of memory");
	if (store_begin(s, e) != 0)
		return -1;
	if (settle(w, s, &is, whole, now, e) != 0) {
		store_rollback(s);
		return -1;
	}
	if (store_commit(s, e) != 0)
		return -1;
	w->looked_at = now;
	memcpy(w->before, w->seen, sizeof(w->before));
	return 0;
}

/* ---- when ---------------------------------------------------------------- */

static int
is_due(struct store *s, struct str name, int64_t every, int64_t now, int *first,
    int *due, struct err *e)
{
	char text[32];
	int64_t at = STORE_NULL;
	if (store_meta_number(s, name, &at, e) != 0)
		return -1;
	*first = at == STORE_NULL;
	/* or a clock was ahead */
	*due = *first || now - at >= every || at > now + every;
	snprintf(text, sizeof(text), "%lld", (long long)now);
	return *due ? store_meta_put(s, name, str_from(text), e) : 0;
}

/* Of several hosts one looks. The first hour is for setting it up. */
static int
claim(struct store *s, int64_t now, int *due, int *whole, struct err *e)
{
	int first = 0, first_whole = 0;
	*whole = 0;
	if (store_begin(s, e) != 0)
		return -1;
	if (is_due(s, STR("watched_at"), WATCH_SECONDS, now, &first, due, e) ==
		0 &&
	    (!*due ||
		is_due(s, STR("watched_whole_at"), WHOLE_SECONDS, now,
		    &first_whole, whole, e) == 0)) {
		*due = *due && !first;
		*whole = *whole && !first_whole;
		return store_commit(s, e);
	}
	store_rollback(s);
	return -1;
}

/* Not an hour later, after one that failed. */
static void
look_again(struct store *s, int64_t now)
{
	struct err e = { .code = ERR_NONE };
	char text[32];
	snprintf(text, sizeof(text), "%lld",
	    (long long)(now - WATCH_SECONDS + RETRY));
	store_meta_put(s, STR("watched_at"), str_from(text), &e);
}

int
watch_turn(struct watch *w, struct store *s, int64_t now, struct err *e)
{
	int64_t at = STORE_NULL;
	int due = 0, whole = 0;
	if (store_meta_number(s, STR("watched_at"), &at, e) != 0)
		return -1;
	if (at != STORE_NULL && now - at < WATCH_SECONDS &&
	    at <= now + WATCH_SECONDS)
		return 0;
	if (claim(s, now, &due, &whole, e) != 0)
		return -1;
	if (!due)
		return 0;
	struct arena *a = arena_new(MEMORY_MAX);
	if (a == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	int rc = look(w, s, whole, now, a, e);
	arena_free(a);
	if (rc != 0)
		look_again(s, now);
	return rc;
}

int
watch_round(void *watch, const volatile int *stop)
{
	struct watch *w = watch;
	struct err e = { .code = ERR_NONE };
	struct store *s = NULL;
	int64_t at = 0;
	w->stop = stop;
	/* a database that is away is told of by those who need it at once, and
	 * one that is new is let alone for a minute */
	if (store_open(w->config->database, STORE_WRITE, &s, &e) == 0 &&
	    store_meta_number(s, STR("watched_at"), &at, &e) == 0 &&
	    (at != STORE_NULL || w->rounds++ > 0) &&
	    watch_turn(w, s, time_now(), &e) != 0 && w->warn != NULL && !*stop)
		w->warn(e.text);
	store_close(s);
	return ROUND_MS;
}

int
watch_once(const struct config *c, struct err *e)
{
	static const volatile int never = 0;
	struct watch w = { .config = c, .stop = &never };
	struct store *s = NULL;
	if (store_open(c->database, STORE_WRITE, &s, e) != 0)
		return -1;
	int rc = watch_turn(&w, s, time_now(), e);
	store_close(s);
	return rc;
}

int
watch_found(struct store *s, struct arena *a, struct str *out, struct err *e)
{
	return store_meta_text(s, STR("findings"), a, out, e);
}
