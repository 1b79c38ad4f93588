#include "store/pg_dial.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"
#include "base/str.h"
#include "base/time.h"
#include "store/pg_url.h"

enum { ITEM_MAX = 512, WHY_MAX = 120 };

struct attempt {
	PGconn *conn; /* NULL: it failed */
	PostgresPollingStatusType waits;
	char why[WHY_MAX]; /* it failed; "": not yet */
};

struct dial {
	const char *where;
	enum db_mode mode;
	/* as in the URL, commas between; NULL: not there */
	const char *host, *address, *port;
	size_t n_hosts, started;
	int64_t end, next; /* ticks */
	struct attempt all[PG_DIAL_HOSTS_MAX];
	PGconn *found;
};

static size_t
count(const char *list)
{
	size_t n = list == NULL ? 0 : 1;
	for (; list != NULL && *list != '\0'; list++)
		n += *list == ',';
	return n;
}

/* The i-th of a list; of a list of one, that one, as libpq does with ports. */
static const char *
item(const char *list, size_t i, char *out, size_t size)
{
	if (list == NULL)
		return NULL;
	if (count(list) == 1)
		i = 0;
	for (; i > 0 && *list != '\0'; list++)
		i -= *list == ',';
	int n = snprintf(out, size, "%.*s", (int)strcspn(list, ","), list);
	return n >= 0 && (size_t)n < size ? out : "";
}

/* What stands before dbname gives way to what stands in the URL, what stands
 * behind it is put in its place. */
static PGconn *
begin(const struct dial *d, size_t i)
{
	char host[ITEM_MAX], address[ITEM_MAX], port[ITEM_MAX];
	const char *names[] = { "target_session_attrs", "keepalives_idle",
		"keepalives_interval", "keepalives_count", "tcp_user_timeout",
		"fallback_application_name", "dbname", "client_encoding", NULL,
		NULL, NULL, NULL };
	const char *values[] = { d->mode == DB_STANDBY ? "any" : "read-write",
		"5", "2", "2", "5000", "gatepost", d->where, "UTF8", NULL, NULL,
		NULL, NULL };
	const char *const more[][2] = {
		{ "host", item(d->host, i, host, sizeof(host)) },
		{ "hostaddr", item(d->address, i, address, sizeof(address)) },
		{ "port", item(d->port, i, port, sizeof(port)) },
	};
	size_t n = 8;
	for (size_t k = 0; k < 3; k++)
		if (more[k][1] != NULL) {
			names[n] = more[k][0];
			values[n++] = more[k][1];
		}
	return PQconnectStartParams(names, values, 1);
}

/* libpq's words, less the host where they begin with it. */
static void
failed(struct dial *d, struct attempt *a)
{
	static const char where[] = "connection to server ",
			  end[] = " failed: ";
	const char *text =
	    a->conn == NULL ? "out of memory" : PQerrorMessage(a->conn);
	const char *rest = strstr(text, end);
	if (d->n_hosts > 1 && rest != NULL &&
	    strncmp(text, where, strlen(where)) == 0)
		text = rest + strlen(end);
	snprintf(
	    a->why, sizeof(a->why), "%.*s", (int)strcspn(text, "\n"), text);
	PQfinish(a->conn);
	a->conn = NULL;
	/* the next need not wait for its turn */
	d->next = 0;
}

/* What each of the hosts said, or did not. */
static int
explain(const struct dial *d, struct err *e)
{
	enum { HOST_SHOWN = 60 };
	char host[ITEM_MAX], all[ERR_TEXT_MAX] = "";
	const char *list = d->host != NULL ? d->host : d->address;
	size_t n = 0;
	for (size_t i = 0; i < d->n_hosts && n < sizeof(all); i++) {
		const char *why = d->all[i].why;
		int several = d->n_hosts > 1;
		n += (size_t)snprintf(all + n, sizeof(all) - n, "%s%.*s%s%s",
		    i > 0 ? "; " : "", several ? HOST_SHOWN : 0,
		    several ? item(list, i, host, sizeof(host)) : "",
		    several ? ": " : "",
		    *why != '\0' ? why : "no answer in time");
	}
	return err_set(e, ERR_DB, "PostgreSQL: %s", all);
}

static void
start(struct dial *d, int64_t now)
{
	struct attempt *a = &d->all[d->started];
	d->next = now + PG_DIAL_AHEAD_MS;
	a->conn = begin(d, d->started++);
	a->waits = PGRES_POLLING_WRITING;
	if (a->conn == NULL || PQstatus(a->conn) == CONNECTION_BAD)
		failed(d, a);
}

static void
go_on(struct dial *d, struct attempt *a)
{
	a->waits = PQconnectPoll(a->conn);
	if (a->waits == PGRES_POLLING_FAILED) {
		failed(d, a);
	} else if (a->waits == PGRES_POLLING_OK) {
		d->found = a->conn;
		a->conn = NULL;
	}
}

/* Until one of them has something, or the next is to be asked. 0: nothing is
 * under way, and nothing to come. */
static int
wait_for_any(struct dial *d)
{
	struct pollfd fds[PG_DIAL_HOSTS_MAX];
	struct attempt *whose[PG_DIAL_HOSTS_MAX];
	nfds_t n = 0;
	int64_t now = time_ticks(), until = d->end;
	for (size_t i = 0; i < d->started; i++) {
		struct attempt *a = &d->all[i];
		if (a->conn == NULL)
			continue;
		fds[n] = (struct pollfd){ .fd = PQsocket(a->conn),
			.events = a->waits == PGRES_POLLING_READING ? POLLIN
								    : POLLOUT };
		whose[n++] = a;
	}
	if (d->started < d->n_hosts && d->next < until)
		until = d->next;
	if (n == 0 && d->started == d->n_hosts)
		return 0;
	poll(fds, n, until > now ? (int)(until - now) : 0);
	for (nfds_t i = 0; i < n && d->found == NULL; i++)
		if (fds[i].revents != 0)
			go_on(d, whose[i]);
	return 1;
}

static int
dial(struct dial *d, struct err *e)
{
	int64_t now = time_ticks();
	while (d->found == NULL && now < d->end) {
		while (d->started < d->n_hosts && d->next <= now)
			start(d, now);
		if (!wait_for_any(d))
			break;
		now = time_ticks();
	}
	for (size_t i = 0; i < d->started; i++)
		PQfinish(d->all[i].conn);
	return d->found != NULL ? 0 : explain(d, e);
}

static void
take_option(struct dial *d, const PQconninfoOption *o)
{
	int64_t seconds;
	if (o->val == NULL || *o->val == '\0')
		return;
	if (strcmp(o->keyword, "host") == 0)
		d->host = o->val;
	else if (strcmp(o->keyword, "hostaddr") == 0)
		d->address = o->val;
	else if (strcmp(o->keyword, "port") == 0)
		d->port = o->val;
	else if (strcmp(o->keyword, "connect_timeout") == 0 &&
	    str_int64(str_from(o->val), 1, 3600, &seconds) == 0)
		d->end = time_ticks() + seconds * 1000;
}

int
pg_dial(const char *where, enum db_mode mode, PGconn **out, struct err *e)
{
	struct dial d = { .where = where, .mode = mode };
	PQconninfoOption *options = pg_url_parse(where, e);
	if (options == NULL)
		return -1;
	d.end = time_ticks() + PG_DIAL_MS;
	for (const PQconninfoOption *o = options; o->keyword != NULL; o++)
		take_option(&d, o);
	d.n_hosts = count(d.address != NULL ? d.address : d.host);
	if (d.n_hosts == 0)
		d.n_hosts = 1; /* libpq's own default */
	if (d.n_hosts > PG_DIAL_HOSTS_MAX)
		d.n_hosts = PG_DIAL_HOSTS_MAX;
	int rc = dial(&d, e);
	PQconninfoFree(options);
	*out = d.found;
	return rc;
}
