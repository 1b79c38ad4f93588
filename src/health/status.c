#include "health/status.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/json.h"
#include "base/jsonw.h"
#include "base/time.h"
#include "health/quiet.h"
#include "health/watch.h"
#include "store/truth.h"

/* ---- platforms ----------------------------------------------------------- */

struct readings {
	int64_t last, open, registered; /* STORE_NULL: never */
};

static int
take_whole(void *arg, const struct store_reading *row)
{
	struct readings *r = arg;
	if (r->last == STORE_NULL || row->ended_at > r->last)
		r->last = row->ended_at;
	r->open += row->found - row->repaired;
	return 1;
}

static int
take_registration(void *arg, const struct store_reading *row)
{
	struct readings *r = arg;
	r->registered = row->found == row->repaired;
	return 1;
}

static int
read_readings(
    struct store *s, struct str platform, struct readings *r, struct err *e)
{
	*r = (struct readings){ STORE_NULL, 0, STORE_NULL };
	return store_reading_newest(s, platform, STR("sales"), READING_WHOLE,
		   take_whole, r, e) != 0 ||
		store_reading_newest(s, platform, STR("members"), READING_WHOLE,
		    take_whole, r, e) != 0
	    ? -1
	    : store_reading_newest(s, platform, STR("registration"),
		  READING_WHOLE, take_registration, r, e);
}

static int
add_platform(struct buf *b, struct store *s, const struct config *c,
    const struct platform *p, int64_t now, struct err *e)
{
	struct quiet q;
	struct readings r;
	if (quiet_of(s, c, p, now, &q, e) != 0 ||
	    read_readings(s, str_from(p->name), &r, e) != 0)
		return -1;
	jsonw_key(b, p->name);
	jsonw_open(b, '{');
	jsonw_time(b, "last_delivery", q.last == 0 ? STORE_NULL : q.last);
	jsonw_int(b, "usual_gap", q.count < 2 ? STORE_NULL : q.gap);
	jsonw_time(b, "quiet_after",
	    q.limit == STORE_NULL ? STORE_NULL : q.last + q.limit);
	if (r.registered == STORE_NULL)
		jsonw_int(b, "registered", STORE_NULL);
	else
		jsonw_bool(b, "registered", r.registered != 0);
	jsonw_time(b, "last_reading", r.last);
	jsonw_int(b, "drift", r.open);
	jsonw_close(b, '}');
	return 0;
}

/* ---- outbox, disk -------------------------------------------------------- */

struct outbox {
	int64_t waiting, failing, dead;
};

static int
take_outbox(void *arg, struct str kind, struct str target, struct str state,
    int64_t count, int64_t tried)
{
	struct outbox *o = arg;
	(void)kind;
	(void)target;
	if (str_eq_z(state, "dead"))
		o->dead += count;
	if (str_eq_z(state, "waiting")) {
		o->waiting += count;
		o->failing += tried;
	}
	return 0;
}

static void
add_outbox(struct buf *b, const struct outbox *o)
{
	jsonw_key(b, "outbox");
	jsonw_open(b, '{');
	jsonw_int(b, "waiting", o->waiting);
	jsonw_int(b, "failing", o->failing);
	jsonw_int(b, "dead", o->dead);
	jsonw_close(b, '}');
}

/* Of a database on a server nothing is known. */
static void
add_disk(struct buf *b, const struct config *c)
{
	struct statvfs v;
	struct stat st;
	int here = !store_is_url(c->database);
	int known = here && statvfs(c->database, &v) == 0;
	jsonw_key(b, "disk");
	jsonw_open(b, '{');
	jsonw_int(
	    b, "free", known ? (int64_t)(v.f_bavail * v.f_frsize) : STORE_NULL);
	jsonw_int(b, "total",
	    known ? (int64_t)(v.f_blocks * v.f_frsize) : STORE_NULL);
	jsonw_int(b, "database",
	    here && stat(c->database, &st) == 0 ? (int64_t)st.st_size
						: STORE_NULL);
	jsonw_close(b, '}');
}

/* ---- what was found ------------------------------------------------------ */

static void
add_problem(struct buf *b, const json_t *o)
{
	static const char *const keys[] = { "id", "about", "since", "text",
		"page" };
	jsonw_open(b, '{');
	for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
		struct str v;
		json_text(json_object_get(o, keys[k]), &v);
		jsonw_text(b, keys[k], v);
	}
	jsonw_close(b, '}');
}

/* Returns how many. */
static int
add_problems(struct buf *b, const json_t *found)
{
	const json_t *list = json_object_get(found, "findings");
	int n = 0;
	jsonw_key(b, "problems");
	jsonw_open(b, '[');
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *o = json_array_get(list, i);
		struct str level;
		json_text(json_object_get(o, "level"), &level);
		if (!str_eq_z(level, "PROBLEM"))
			continue;
		add_problem(b, o);
		n++;
	}
	jsonw_close(b, ']');
	return n;
}

enum { OLD = 3 * WATCH_SECONDS };

/* Does nobody look any more? */
static int
is_old(struct str looked_at, int64_t now)
{
	int64_t at;
	return looked_at.p != NULL && time_parse(looked_at, &at) == 0 &&
	    now - at > OLD;
}

int
status_write(struct buf *b, struct store *s, const struct config *c,
    int64_t now, struct arena *a, struct err *e)
{
	struct outbox o = { 0 };
	struct str text = STR_NONE, at = STR_NONE;
	const char *reason;
	if (watch_found(s, a, &text, e) != 0 ||
	    store_outbox_counts(s, take_outbox, &o, e) != 0)
		return -1;
	const json_t *found =
	    text.p == NULL ? NULL : json_load_kept(a, text, 0, &reason, e);
	json_text(json_object_get(found, "looked_at"), &at);
	jsonw_open(b, '{');
	jsonw_text(b, "version", STR(PACKAGE_VERSION));
	jsonw_time(b, "now", now);
	jsonw_text(b, "looked_at", at);
	jsonw_key(b, "platforms");
	jsonw_open(b, '{');
	for (size_t i = 0; i < PLATFORM__MAX; i++)
		if (c->platforms[i].secrets.n > 0 &&
		    add_platform(b, s, c, platforms[i], now, e) != 0)
			return -1;
	jsonw_close(b, '}');
	add_outbox(b, &o);
	add_disk(b, c);
	int problems = add_problems(b, found);
	jsonw_bool(b, "ok", problems == 0 && o.dead == 0 && !is_old(at, now));
	jsonw_close(b, '}');
	return 0;
}
