#include "truth/turn_pass.h"

#include "base/time.h"
#include "truth/registration.h"
#include "truth/wish.h"

enum { RESUME_DAYS = 30 };

/* why: an error of a pass that has begun. */
static int
end(struct pass *p, struct err *why, struct err *e)
{
	int rc = pass_end(p, why, e);
	if (why->code != ERR_NONE)
		*e = *why;
	return rc;
}

int
turn_reconcile(struct pass *p, int64_t from, struct err *e)
{
	int64_t now = time_now();
	struct err why = { .code = ERR_NONE };
	pass_begin(p, "sales", from, now);
	walk_sales(p, from, now + WALK_DAY, &why);
	return end(p, &why, e);
}

int
turn_members(struct pass *p, struct err *e)
{
	struct err why = { .code = ERR_NONE };
	pass_begin(p, "members", FACT_NO_TIME, FACT_NO_TIME);
	walk_members(p, &why);
	return end(p, &why, e);
}

/* One that was broken off by the end of a slice, or of the program. */
static int
take_unfinished(void *arg, const struct store_reading *row)
{
	struct pass *p = arg;
	if (row->from_day.n != sizeof("2026-11-04") - 1 ||
	    row->began_at < time_now() - RESUME_DAYS * WALK_DAY)
		return 1;
	p->row.id = row->id;
	p->row.began_at = row->began_at;
	p->row.read = row->read;
	p->row.found = row->found;
	p->row.repaired = row->repaired;
	snprintf(
	    p->days[0], sizeof(p->days[0]), "%.*s", STR_ARG(row->from_day));
	snprintf(p->days[1], sizeof(p->days[1]), "%.*s", STR_ARG(row->to_day));
	return 1;
}

/* A long walk from *to back to from: its row is there from the start, and says
 * how far it came. One that is open goes on there. */
static int
begin_long(struct pass *p, const char *kind, int64_t from, int64_t *to,
    int resume, struct err *e)
{
	char text[32];
	int64_t came;
	pass_begin(p, kind, *to, *to);
	if (resume &&
	    store_reading_newest(p->store, str_from(p->ask.platform->name),
		str_from(kind), READING_OPEN, take_unfinished, p, e) != 0)
		return -1;
	snprintf(text, sizeof(text), "%sT00:00:00Z", p->days[0]);
	if (p->row.id == STORE_NULL)
		return pass_keep(p, e);
	if (time_parse(str_from(text), &came) == 0 && came > from &&
	    came < *to) {
		*to = came - WALK_DAY;
		return 0;
	}
	pass_begin(p, kind, *to, *to);
	return pass_keep(p, e);
}

/* What is to be tried later stays open, for the next one to go on there. */
static int
end_long(struct pass *p, struct err *why, struct err *e)
{
	if (why->code != ERR_BUSY && why->code != ERR_LIMIT)
		return end(p, why, e);
	*e = *why;
	return -1;
}

int
turn_import(struct pass *p, int64_t from, int64_t to, int resume,
    walk_window_fn *fn, void *arg, struct err *e)
{
	struct err why = { .code = ERR_NONE };
	p->import = 1;
	if (begin_long(p, "import", from, &to, resume, e) != 0)
		return -1;
	if (walk_back(p, from, to, fn, arg, &why) == 0)
		walk_members(p, &why);
	return end_long(p, &why, e);
}

int
turn_far_sales(struct pass *p, int64_t from, struct err *e)
{
	int64_t to = time_now() + WALK_DAY;
	struct err why = { .code = ERR_NONE };
	if (begin_long(p, "sales", from, &to, 1, e) != 0)
		return -1;
	walk_back(p, from, to, NULL, NULL, &why);
	return end_long(p, &why, e);
}

/* What was gone, and what of it stands again. */
static void
count(void *arg, const char *kind, enum registered what, const char *where)
{
	struct store_reading *row = arg;
	(void)kind;
	(void)where;
	row->read += what == REGISTERED;
	row->found += what == REGISTERED_NOW || what == REGISTERED_NOT;
	row->repaired += what == REGISTERED_NOW;
}

int
turn_registration(struct pass *p, struct err *e)
{
	const struct platform *of = p->ask.platform;
	enum wish_state wish;
	int stands;
	struct store_reading new = { .read = 0 }; /* nothing was gone */
	struct err why = { .code = ERR_NONE };
	if (wish_read(p->store, p->ask.config, of, WISH_REGISTER, &wish, e) !=
	    0)
		return -1;
	const struct registering how = { .again = wish != WISH_OPEN };
	pass_begin(p, "registration", FACT_NO_TIME, FACT_NO_TIME);
	if (registration_run(&p->ask, p->store, &how, count,
		how.again ? &p->row : &new, &stands, &why) == 0 &&
	    !how.again)
		wish_fulfil(p->store, of, WISH_REGISTER, &why);
	return end(p, &why, e);
}

int
turn_wished_import(struct pass *p, struct err *e)
{
	if (turn_import(
		p, FACT_NO_TIME, time_now() + WALK_DAY, 1, NULL, NULL, e) != 0)
		return -1;
	return wish_fulfil(p->store, p->ask.platform, WISH_IMPORT, e);
}
