#include "store/pg_pipe.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"
#include "base/time.h"
#include "store/pg_ahead.h"

enum { PLANS_MS = 1000 }; /* how old they may be */

int
pg_pipe_fail(PGconn *conn, const PGresult *res, const char *what, struct err *e)
{
	static const struct {
		const char *state; /* or how it begins */
		enum err_code code;
	} codes[] = { { "55P03", ERR_BUSY }, { "40001", ERR_BUSY },
		{ "40P01", ERR_BUSY }, { "23", ERR_CONFLICT } };
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	/* the detail would quote the row */
	const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
	enum err_code code = ERR_DB;
	for (size_t i = 0; state != NULL && i < 4; i++)
		if (strncmp(state, codes[i].state, strlen(codes[i].state)) == 0)
			code = codes[i].code;
	if (text == NULL)
		text = PQerrorMessage(conn);
	return err_set(
	    e, code, "%s: %.*s", what, (int)strcspn(text, "\n"), text);
}

void
pg_pipe_free(struct pg_pipe *p)
{
	pg_pipe_forget(p);
	free(p->ahead);
	p->ahead = NULL;
	PQfinish(p->conn);
	p->conn = NULL;
}

/* Nobody knows what becomes of the statement: this connection is over. */
static int
give_up(struct pg_pipe *p, const char *what, struct err *e)
{
	PQfinish(p->conn);
	p->conn = NULL;
	return err_set(e, ERR_DB, "%s: no answer in time", what);
}

static int
gone(const char *what, struct err *e)
{
	return err_set(e, ERR_DB, "%s: the connection is gone", what);
}

/* Until there is something to read, or room to write. 0: the time is over. */
static int
wait_for(const struct pg_pipe *p, short events, int64_t end)
{
	struct pollfd fd = { .fd = PQsocket(p->conn), .events = events };
	for (;;) {
		int64_t left = end - time_ticks();
		if (p->limit != 0 && left <= 0)
			return 0;
		int rc = poll(&fd, 1, p->limit == 0 ? -1 : (int)left);
		if (rc > 0 || (rc < 0 && errno != EINTR))
			return 1;
	}
}

static int
send_out(struct pg_pipe *p, int64_t end)
{
	int left;
	while ((left = PQflush(p->conn)) > 0) {
		if (!wait_for(p, POLLIN | POLLOUT, end))
			return 0;
		PQconsumeInput(p->conn);
	}
	return 1;
}

/* 0: the time is over. *next NULL: that was the statement's last. */
static int
take_result(struct pg_pipe *p, int64_t end, PGresult **next)
{
	while (PQisBusy(p->conn)) {
		if (!wait_for(p, POLLIN, end))
			return 0;
		if (!PQconsumeInput(p->conn))
			break;
	}
	*next = PQgetResult(p->conn);
	return 1;
}

static int
is_good(const PGresult *res)
{
	ExecStatusType is = PQresultStatus(res);
	return res != NULL && (is == PGRES_COMMAND_OK || is == PGRES_TUPLES_OK);
}

/* Of one statement, the last result, or the first that is an error. */
static int
take_one(struct pg_pipe *p, int64_t end, PGresult **out)
{
	PGresult *next;
	*out = NULL;
	do {
		if (!take_result(p, end, &next)) {
			PQclear(*out);
			*out = NULL;
			return 0;
		}
		if (next == NULL)
			return 1;
		if (*out != NULL && !is_good(*out)) {
			PQclear(next);
		} else {
			PQclear(*out);
			*out = next;
		}
	} while (next != NULL);
	return 1;
}

/* What is kept of a flight. */
struct landing {
	PGresult *asked, *failed; /* the first that failed */
	struct pg_sent what; /* that one */
	int lost; /* no result at all came for it */
};

static void
put_down(struct pg_pipe *p, const struct pg_sent *sent, PGresult *res,
    struct landing *l)
{
	int good = is_good(res), first = l->failed == NULL && !l->lost;
	if (sent->kind == SENT_PREPARE)
		p->prepared[sent->q] = good ? 2 : 0;
	if (!good && first) {
		l->failed = res;
		l->lost = res == NULL;
		l->what = *sent;
	} else if (good && sent->kind == SENT_ASKED) {
		PQclear(l->asked);
		l->asked = res;
	} else if (good && sent->kind == SENT_AHEAD) {
		pg_ahead_there(&p->ahead[sent->ahead], res);
	} else {
		PQclear(res);
	}
}

/* 0: the time is over. */
static int
land(struct pg_pipe *p, struct landing *l)
{
	int64_t end = time_ticks() + p->limit;
	PGresult *res;
	if (!send_out(p, end))
		return 0;
	for (size_t i = 0; i < p->n_sent; i++) {
		if (!take_one(p, end, &res))
			return 0;
		put_down(p, &p->sent[i], res, l);
	}
	if (PQpipelineStatus(p->conn) == PQ_PIPELINE_OFF)
		return 1;
	if (!take_result(p, end, &res))
		return 0;
	PQclear(res);
	PQexitPipelineMode(p->conn);
	return 1;
}

/* Somebody between has lent the session to others, or its tables were made
 * anew: what was prepared is not there, or not the same. */
static int
is_unprepared(const PGresult *res)
{
	static const char *const states[] = { "26000", "42P05", "0A000" };
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	for (size_t i = 0; state != NULL && i < 3; i++)
		if (strcmp(state, states[i]) == 0)
			return 1;
	return 0;
}

/* A row that one of the deferred could not write was not the caller's: all of
 * the transaction is to be tried again, each statement by itself. */
static void
explain(
    struct pg_pipe *p, const struct landing *l, const char *what, struct err *e)
{
	pg_pipe_fail(p->conn, l->failed, what, e);
	if (is_unprepared(l->failed)) {
		p->is_own = 0;
		e->code = ERR_BUSY;
	}
	if (l->what.kind == SENT_DEFERRED && e->code == ERR_CONFLICT) {
		p->careful = 1;
		e->code = ERR_BUSY;
	}
}

/* What was sent, all of it. *out: the result of what was asked. */
static int
receive(struct pg_pipe *p, const char *what, PGresult **out, struct err *e)
{
	struct landing l = { .asked = NULL };
	struct err why = { .code = ERR_NONE };
	*out = NULL;
	if (PQpipelineStatus(p->conn) != PQ_PIPELINE_OFF &&
	    !PQpipelineSync(p->conn))
		gone(what, &why);
	else if (!land(p, &l))
		give_up(p, what, &why);
	else if (l.failed != NULL || l.lost)
		explain(p, &l, what, &why);
	p->n_sent = p->n_deferred = 0;
	PQclear(l.failed);
	if (why.code == ERR_NONE) {
		*out = l.asked;
		return 0;
	}
	PQclear(l.asked);
	pg_pipe_forget(p);
	if (e != NULL)
		*e = why;
	return -1;
}

void
pg_pipe_drain(struct pg_pipe *p)
{
	PGresult *res;
	if (p->conn == NULL || p->n_sent == 0)
		return;
	receive(p, "drain", &res, NULL);
	PQclear(res);
}

int
pg_pipe_text(struct pg_pipe *p, const char *sql, const char *what,
    PGresult **out, struct err *e)
{
	pg_pipe_drain(p);
	pg_pipe_forget(p);
	if (p->conn == NULL || !PQsendQuery(p->conn, sql))
		return gone(what, e);
	p->sent[p->n_sent++] = (struct pg_sent){ .kind = SENT_ASKED };
	return receive(p, what, out, e);
}

int
pg_pipe_script(
    struct pg_pipe *p, const char *sql, const char *what, struct err *e)
{
	PGresult *res = NULL;
	int rc = pg_pipe_text(p, sql, what, &res, e);
	PQclear(res);
	return rc;
}

struct parameters {
	const char *values[DB_ARGS_MAX];
	int lengths[DB_ARGS_MAX];
	int formats[DB_ARGS_MAX];
	char numbers[DB_ARGS_MAX][24];
};

/* Bytes go as they are: text would have its backslashes read. */
static void
fill(struct parameters *p, const struct db_value *args, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		p->values[i] = NULL;
		p->lengths[i] = 0;
		p->formats[i] = 0;
		if (args[i].type == DB_INT) {
			snprintf(p->numbers[i], sizeof(p->numbers[i]), "%lld",
			    (long long)args[i].i);
			p->values[i] = p->numbers[i];
		} else if (args[i].type != DB_NULL) {
			p->values[i] = args[i].s.p == NULL ? "" : args[i].s.p;
			p->lengths[i] = (int)args[i].s.n;
			p->formats[i] = 1;
		}
	}
}

/* Not those that open and end transactions: there is nothing to plan. Nor those
 * of which only the arguments say which index is best: a span of time, filters
 * that may be left out. */
static int
is_planned(enum query q)
{
	static const char *const words[] = { "SELECT", "INSERT", "UPDATE",
		"DELETE" };
	const char *sql = query_postgresql[q];
	for (size_t i = 0; i < 4; i++)
		if (strncmp(sql, words[i], strlen(words[i])) == 0)
			return q != QUERY_PURCHASE_TURNING &&
			    strstr(sql, " IS NULL OR ") == NULL;
	return 0;
}

static int
send(struct pg_pipe *p, enum query q, const struct db_value *args, size_t n,
    struct pg_sent as, struct err *e)
{
	const char *sql = query_postgresql[q], *name = query_names[q];
	struct parameters a;
	int good;
	if (p->conn == NULL)
		return gone(name, e);
	if (PQpipelineStatus(p->conn) == PQ_PIPELINE_OFF)
		PQenterPipelineMode(p->conn);
	fill(&a, args, n);
	int is_named = p->is_own && is_planned(q);
	if (is_named && p->prepared[q] == 0 &&
	    PQsendPrepare(p->conn, name, sql, 0, NULL)) {
		p->prepared[q] = 1;
		p->sent[p->n_sent++] =
		    (struct pg_sent){ .kind = SENT_PREPARE, .q = q };
	}
	if (is_named)
		good = PQsendQueryPrepared(
		    p->conn, name, (int)n, a.values, a.lengths, a.formats, 1);
	else
		good = PQsendQueryParams(p->conn, sql, (int)n, NULL, a.values,
		    a.lengths, a.formats, 1);
	if (!good)
		return gone(name, e);
	p->sent[p->n_sent++] = as;
	return 0;
}

static int
send_text(struct pg_pipe *p, const char *sql, struct pg_sent as)
{
	if (p->conn == NULL)
		return -1;
	if (PQpipelineStatus(p->conn) == PQ_PIPELINE_OFF)
		PQenterPipelineMode(p->conn);
	if (!PQsendQueryParams(p->conn, sql, 0, NULL, NULL, NULL, NULL, 1))
		return -1;
	p->sent[p->n_sent++] = as;
	return 0;
}

/* A plan made for an empty table is no plan for a full one. The server makes new
 * ones when it has counted a table's rows, perhaps a minute later: within that,
 * 60,000 may have come. */
static int
refresh_plans(struct pg_pipe *p, enum query q)
{
	const struct pg_sent as = { .kind = SENT_DEFERRED };
	int64_t now = time_ticks();
	/* before BEGIN it would be the transaction's first statement */
	if (!p->is_own || !is_planned(q) || now - p->planned_at < PLANS_MS)
		return 0;
	p->planned_at = now;
	return send_text(p, "DISCARD PLANS", as);
}

/* What was wished for, as far as there is room. */
static int
send_ahead(struct pg_pipe *p, struct err *e)
{
	for (size_t i = 0; p->ahead != NULL && i < PG_AHEAD_MAX; i++) {
		struct pg_ahead *a = &p->ahead[i];
		if (a->state != AHEAD_WISHED || p->n_sent + 2 > PG_FLIGHT_MAX)
			continue;
		struct pg_sent as = { .kind = SENT_AHEAD, .ahead = i };
		if (send(p, a->q, a->args, a->n, as, e) != 0)
			return -1;
		a->state = AHEAD_SENT;
	}
	return 0;
}

int
pg_pipe_in_transaction(const struct pg_pipe *p)
{
	return p->conn != NULL &&
	    (p->n_deferred > 0 ||
		PQtransactionStatus(p->conn) == PQTRANS_INTRANS);
}

static int
ask(struct pg_pipe *p, enum query q, const struct db_value *args, size_t n,
    PGresult **out, struct err *e)
{
	const struct pg_sent as = { .kind = SENT_ASKED };
	int is_inside = pg_pipe_in_transaction(p);
	if (refresh_plans(p, q) != 0)
		return gone(query_names[q], e);
	if (send(p, q, args, n, as, e) != 0 ||
	    (is_inside && send_ahead(p, e) != 0))
		return -1;
	return receive(p, query_names[q], out, e);
}

int
pg_pipe_ask(struct pg_pipe *p, enum query q, const struct db_value *args,
    size_t n, PGresult **out, struct err *e)
{
	if (pg_ahead_take(p->ahead, q, args, n, out))
		return 0;
	pg_ahead_outdate(p->ahead, q, args, n);
	int was_own = p->is_own;
	if (ask(p, q, args, n, out, e) == 0)
		return 0;
	/* only the preparing failed: inside a transaction, that too is over */
	if (!was_own || p->is_own ||
	    PQtransactionStatus(p->conn) != PQTRANS_IDLE)
		return -1;
	return ask(p, q, args, n, out, e);
}

int
pg_pipe_defer(struct pg_pipe *p, enum query q, const struct db_value *args,
    size_t n, struct err *e)
{
	const struct pg_sent as = { .kind = SENT_DEFERRED };
	pg_ahead_outdate(p->ahead, q, args, n);
	if (send(p, q, args, n, as, e) != 0)
		return -1;
	p->n_deferred++;
	return 0;
}

int
pg_pipe_begin(struct pg_pipe *p, const char *const *sql, struct err *e)
{
	const struct pg_sent as = { .kind = SENT_ASKED };
	PGresult *res = NULL;
	for (; *sql != NULL; sql++)
		if (send_text(p, *sql, as) != 0)
			return gone("begin", e);
	if (send_ahead(p, e) != 0 || receive(p, "begin", &res, e) != 0)
		return -1;
	PQclear(res);
	return 0;
}

void
pg_pipe_wish(
    struct pg_pipe *p, enum query q, const struct db_value *args, size_t n)
{
	if (p->conn == NULL || p->careful)
		return;
	if (p->ahead == NULL)
		p->ahead = calloc(PG_AHEAD_MAX, sizeof(*p->ahead));
	pg_ahead_wish(p->ahead, q, args, n);
}

void
pg_pipe_forget(struct pg_pipe *p)
{
	pg_ahead_forget(p->ahead);
}
