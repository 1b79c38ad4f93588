#include "store/pass.h"

#include "store/rows.h"

/* ---- passes that were taken back ---- */

int
store_pass_revoke(struct store *s, struct str who, int64_t at, struct err *e)
{
	struct db_value args[] = { db_text(who), db_int(at) };
	return store_run(s, QUERY_PASS_REVOKE, args, 2, NULL, NULL, e);
}

int
store_pass_from(struct store *s, struct str who, int64_t *out, struct err *e)
{
	struct db_value arg = db_text(who);
	int found = 0;
	if (store_number(s, QUERY_PASS_FROM, &arg, 1, out, &found, e) != 0)
		return -1;
	if (!found)
		*out = -1;
	return 0;
}

int
store_pass_max(struct store *s, int64_t *out, struct err *e)
{
	return store_number(s, QUERY_PASS_MAX, NULL, 0, out, NULL, e);
}

struct each_pass {
	store_pass_fn *fn;
	void *arg;
};

static int
take_pass(void *arg, const struct db_value *row, size_t n)
{
	struct each_pass *each = arg;
	(void)n;
	return each->fn(each->arg, db_str(&row[0]), db_number(&row[1]));
}

int
store_pass_after(struct store *s, int64_t after, int64_t limit,
    store_pass_fn *fn, void *arg, struct err *e)
{
	struct each_pass each = { fn, arg };
	struct db_value args[] = { db_int(after), db_int(limit) };
	return store_run(s, QUERY_PASS_AFTER, args, 2, take_pass, &each, e);
}

int
store_pass_forget(struct store *s, struct str who, struct err *e)
{
	struct db_value arg = db_text(who);
	return store_run(s, QUERY_PASS_FORGET, &arg, 1, NULL, NULL, e);
}

/* ---- links that were used ---- */

static int
take_used(void *arg, const struct db_value *row, size_t n)
{
	struct store_link *link = arg;
	(void)n;
	link->used_at = db_number(&row[0]);
	link->uses = db_number(&row[1]);
	return 1;
}

int
store_link_used(
    struct store *s, struct str link, struct store_link *out, struct err *e)
{
	struct db_value arg = db_text(link);
	*out = (struct store_link){ .uses = 0 };
	return store_run(s, QUERY_LINK_USED, &arg, 1, take_used, out, e);
}

int
store_link_use(struct store *s, struct str link, int64_t now, int64_t ends_at,
    struct err *e)
{
	struct db_value args[] = { db_text(link), db_int(now),
		db_int(ends_at) };
	return store_run(s, QUERY_LINK_USE, args, 3, NULL, NULL, e);
}

int
store_link_trim(struct store *s, int64_t now, struct err *e)
{
	struct db_value arg = db_int(now);
	return store_run(s, QUERY_LINK_TRIM, &arg, 1, NULL, NULL, e);
}

/* ---- links asked for by mail ---- */

int
store_signin_add(struct store *s, const struct store_signin *row, struct err *e)
{
	struct db_value args[] = { db_int(row->at), db_text(row->person),
		db_text(row->peer), db_text(row->email) };
	return store_run(s, QUERY_SIGNIN_ADD, args, 4, NULL, NULL, e);
}

int
store_signin_trim(struct store *s, int64_t until, int64_t after, struct err *e)
{
	struct db_value args[] = { db_int(until), db_int(after) };
	return store_run(s, QUERY_SIGNIN_TRIM, args, 2, NULL, NULL, e);
}

int
store_signin_count(struct store *s, int64_t *out, struct err *e)
{
	return store_number(s, QUERY_SIGNIN_COUNT, NULL, 0, out, NULL, e);
}

int
store_signin_count_person(
    struct store *s, struct str person, int64_t *out, struct err *e)
{
	struct db_value arg = db_text(person);
	return store_number(
	    s, QUERY_SIGNIN_COUNT_PERSON, &arg, 1, out, NULL, e);
}

int
store_signin_count_peer(
    struct store *s, struct str peer, int64_t *out, struct err *e)
{
	char end[STORE_PEER_MAX + 2];
	/* past every text that begins with these hexadecimal digits */
	snprintf(end, sizeof(end), "%.*sg", STR_ARG(peer));
	struct db_value args[] = { db_text(peer), db_text(str_from(end)) };
	return store_number(s, QUERY_SIGNIN_COUNT_PEER, args, 2, out, NULL, e);
}

struct each_signin {
	store_signin_fn *fn;
	void *arg;
};

static int
take_signin(void *arg, const struct db_value *row, size_t n)
{
	struct each_signin *each = arg;
	const struct store_signin signin = {
		.id = db_number(&row[0]),
		.at = db_number(&row[1]),
		.email = db_str(&row[2]),
	};
	(void)n;
	return each->fn(each->arg, &signin);
}

int
store_signin_open(struct store *s, int64_t limit, store_signin_fn *fn,
    void *arg, struct err *e)
{
	struct each_signin each = { fn, arg };
	struct db_value args[] = { db_int(limit) };
	return store_run(s, QUERY_SIGNIN_OPEN, args, 1, take_signin, &each, e);
}

int
store_signin_settle(struct store *s, int64_t id, int is_known, struct err *e)
{
	struct db_value arg = db_int(id);
	return store_run(s,
	    is_known ? QUERY_SIGNIN_SETTLE : QUERY_SIGNIN_SETTLE_UNKNOWN, &arg,
	    1, NULL, NULL, e);
}

int
store_signin_cut(struct store *s, int64_t newest, struct err *e)
{
	struct db_value arg = db_int(newest);
	return store_run(s, QUERY_SIGNIN_CUT, &arg, 1, NULL, NULL, e);
}

int
store_signin_forget(struct store *s, struct str email, struct err *e)
{
	struct db_value arg = db_text(email);
	return store_run(s, QUERY_SIGNIN_FORGET, &arg, 1, NULL, NULL, e);
}
