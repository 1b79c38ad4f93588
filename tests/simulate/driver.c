/*
 * Gatepost as it runs for years, in one process and with a clock that a script
 * turns: commands on the standard input, one a line, and an answer of one line
 * to each.
 *
 *	clock MS               the time, milliseconds since 1970
 *	deliver HEX            a ping's body: recorded, duplicate, kept, test
 *	turn                   all that is due at the platform is asked
 *	import                 as the command does
 *	look                   what is due by time, and the follow-ups
 *	access BY ID TIME…     for each time tier:status:until:grants and a tab;
 *	                       a grant is sale>tier, and a comma
 *	differ                 how many rows a rebuild would change
 *
 * While it asks the platform, what it prints is a question in place of the
 * answer: "ask MS METHOD TARGET". Commands may follow, for the world goes on
 * meanwhile, and then "answer STATUS BYTES" and so many bytes; status 0: none.
 * A follow-up that was carried out is a line "did TARGET ID TYPE SALE" of the
 * standard error.
 *
 * Usage: driver CONFIG
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "access/access.h"
#include "action/http.h"
#include "base/crypto.h"
#include "commit/intake.h"
#include "commit/rebuild.h"
#include "commit/sweep.h"
#include "follow/courier.h"
#include "truth/turn.h"

enum {
	LINE_BYTES_MAX = 1 << 20, /* of a command */
	OUT_BYTES_MAX = 8 << 20,
	ARENA_MAX = 64 << 20,
	QUESTION_MS = 300, /* how long the platform takes for an answer */
	PAUSE_MS = 2100, /* between two looks at what is pending: turn.c */
	TURNS_MAX = 100000,
	FAILS = 8, /* one follow-up of so many fails at first */
};

static struct driver {
	struct config *config;
	struct commit *commit;
	struct store *reader;
	struct share share;
	struct courier *courier;
	struct turn turn;
	struct arena *arena; /* reset with every command but nested ones */
	struct arena *nested;
	struct buf out;
	struct err err;
	_Atomic int64_t clock; /* milliseconds */
	pthread_mutex_t lock; /* of the standard error */
	int is_asking;
} d;

static char line[LINE_BYTES_MAX];
static void obey(struct str command);

static void
die(const char *what, const struct err *e)
{
	fprintf(stderr, "driver: %s: %s\n", what, e == NULL ? "" : e->text);
	exit(2);
}

/* ---- the linker puts these in the place of Gatepost's own ---------------- */

int64_t __wrap_time_now(void);
int64_t __wrap_time_ticks(void);
int __wrap_http_call(const struct http_request *r, struct http_answer *answer,
    struct buf *body, struct err *e);
action_run_fn __wrap_action_run_http, __wrap_action_run_exec;

int64_t
__wrap_time_now(void)
{
	return d.clock / 1000;
}

int64_t
__wrap_time_ticks(void)
{
	return d.clock;
}

static int
read_line(struct str *out)
{
	if (fgets(line, sizeof(line), stdin) == NULL)
		return -1;
	size_t n = strlen(line);
	if (n == 0 || line[n - 1] != '\n')
		die("a line that is too long", NULL);
	*out = (struct str){ line, n - 1 };
	return 0;
}

static void
take_body(struct str bytes, struct buf *body)
{
	int64_t n;
	if (str_int64(bytes, 0, OUT_BYTES_MAX, &n) != 0)
		die("answer: not understood", NULL);
	char *p = malloc((size_t)n + 1);
	if (p == NULL || fread(p, 1, (size_t)n, stdin) != (size_t)n)
		die("answer: cut short", NULL);
	if (body != NULL)
		buf_adds(body, (struct str){ p, (size_t)n });
	free(p);
}

int
__wrap_http_call(const struct http_request *r, struct http_answer *answer,
    struct buf *body, struct err *e)
{
	struct str command, verb, rest, status;
	int64_t number;
	const char *target = strstr(r->url, "/v2/");
	*answer = (struct http_answer){ .retry_after = -1 };
	d.clock += QUESTION_MS;
	printf("ask %lld %s %s\n", (long long)d.clock,
	    r->method == NULL ? "POST" : r->method,
	    target == NULL ? "-" : target);
	fflush(stdout);
	d.is_asking++;
	for (;;) {
		if (read_line(&command) != 0)
			exit(1);
		str_cut(command, ' ', &verb, &rest);
		if (str_eq_z(verb, "answer"))
			break;
		obey(command);
	}
	d.is_asking--;
	str_cut(rest, ' ', &status, &rest);
	if (str_int64(status, 0, 999, &number) != 0)
		die("answer: not understood", NULL);
	answer->status = (long)number;
	take_body(rest, body);
	return number == 0 ? err_set(e, ERR_SYSTEM, "no answer") : 0;
}

/* The first try of some fails; which, follows from the id. */
static void
did(const struct action *action, const struct action_effect *f,
    struct action_answer *answer)
{
	struct str sale = action_fact(f, "sale");
	size_t n = strlen(f->id);
	if (f->attempt == 1 && n > 0 && f->id[n - 1] % FAILS == 0) {
		action_say(answer, ACTION_AGAIN, "not now");
		return;
	}
	pthread_mutex_lock(&d.lock);
	fprintf(stderr, "did %.*s %s %.*s %.*s\n", STR_ARG(action->name), f->id,
	    STR_ARG(f->type), STR_ARG(sale));
	pthread_mutex_unlock(&d.lock);
	action_say(answer, ACTION_DONE, "done");
}

void
__wrap_action_run_http(const struct action *action,
    const struct action_effect *f, struct arena *a,
    struct action_answer *answer)
{
	(void)a;
	did(action, f, answer);
}

void
__wrap_action_run_exec(const struct action *action,
    const struct action_effect *f, struct arena *a,
    struct action_answer *answer)
{
	(void)a;
	did(action, f, answer);
}

/* ---- commands ------------------------------------------------------------- */

static void
do_clock(struct str rest)
{
	int64_t ms;
	if (str_int64(rest, 0, INT64_MAX, &ms) != 0)
		die("clock: not understood", NULL);
	if (ms > d.clock)
		d.clock = ms;
	puts("ok");
}

static void
do_deliver(struct str hex)
{
	static const char *const words[] = { [INTAKE_RECORDED] = "recorded",
		[INTAKE_DUPLICATE] = "duplicate",
		[INTAKE_KEPT] = "kept",
		[INTAKE_TEST] = "test" };
	struct intake_answer answer = { 0 };
	struct verify_result proof = { .sent_at = FACT_NO_TIME };
	struct intake_request in = { .platform = platform_find(STR("gumroad")),
		.content_type = STR("application/x-www-form-urlencoded"),
		.now = d.clock / 1000 };
	uint8_t *body = arena_alloc(d.nested, hex.n / 2 + 1);
	if (body == NULL || crypto_unhex(hex, body, hex.n / 2) != 0)
		die("deliver: not understood", NULL);
	in.body = (struct str){ (const char *)body, hex.n / 2 };
	intake_store(
	    d.commit, d.config, &in, &proof, d.nested, &answer, &d.err);
	if (answer.status >= sizeof(words) / sizeof(words[0]))
		die("deliver", &d.err);
	puts(words[answer.status]);
}

static void
warn(const struct platform *p, const char *text)
{
	fprintf(stderr, "warn %s: %s\n", p->name, text);
}

/* Until twice nothing is due, some seconds apart, as it is looked by itself. */
static void
do_turn(void)
{
	int did_it, idle = 0;
	for (int i = 0; i < TURNS_MAX && idle < 2; i++) {
		turn_run(&d.turn, 0, warn, &did_it);
		idle = did_it ? 0 : idle + 1;
		if (!did_it)
			d.clock += PAUSE_MS;
	}
	printf("turned %lld\n", (long long)d.clock);
}

static void
do_import(void)
{
	struct pass p = { .ask = { .stop = NULL } };
	struct err e = { .code = ERR_NONE };
	int rc = pass_open(&p, d.config, platform_find(STR("gumroad")),
	    d.turn.store, d.commit, &e);
	if (rc == 0)
		rc = turn_import(&p, FACT_NO_TIME, d.clock / 1000 + WALK_DAY, 1,
		    NULL, NULL, &e);
	long long read = p.row.read;
	pass_close(&p);
	if (rc != 0)
		printf("failed %s\n", e.text);
	else
		printf("imported %lld\n", read);
}

static int
sweep(struct store *s, void *arg, struct err *e)
{
	int64_t noted;
	(void)arg;
	return sweep_once(s, d.config, d.clock / 1000, d.arena, &noted, e);
}

static void
do_look(void)
{
	const struct timespec pause = { 0, 200000 };
	int busy = 1;
	if (share_with(&d.share, sweep, NULL, &d.err) != 0)
		die("sweep", &d.err);
	while (busy) {
		if (courier_look(d.courier, d.clock / 1000, &busy, &d.err) != 0)
			die("courier", &d.err);
		if (busy)
			nanosleep(&pause, NULL);
	}
	fflush(stderr);
	puts("looked");
}

static void
add_answer(const struct access *x)
{
	buf_addf(&d.out, "%.*s:%s:", STR_ARG(x->tier), access_status(x));
	if (x->tier.p != NULL && x->until != STORE_NULL)
		buf_addf(&d.out, "%lld", (long long)x->until);
	buf_addc(&d.out, ':');
	for (size_t i = 0; i < x->n_grants; i++)
		buf_addf(&d.out, "%.*s>%.*s,", STR_ARG(x->grants[i].row.sale),
		    STR_ARG(x->grants[i].row.tier));
	buf_addc(&d.out, '\t');
}

static void
do_access(struct str rest)
{
	struct str by, id, time;
	struct access_key key;
	int found = -1;
	str_cut(rest, ' ', &by, &rest);
	str_cut(rest, ' ', &id, &rest);
	for (int i = 0; i < 4; i++)
		if (str_eq_z(by, access_words[i]))
			found = i;
	if (found < 0 ||
	    access_key_parse((enum store_by)found, id, d.arena, &key, &d.err) !=
		0)
		die("access: not understood", &d.err);
	while (rest.p != NULL) {
		struct access x;
		int64_t now;
		str_cut(rest, ' ', &time, &rest);
		if (str_int64(time, 0, INT64_MAX, &now) != 0 ||
		    access_lookup(d.reader, &d.config->rules, &key, now,
			d.arena, &x, &d.err) != 0)
			die("access", &d.err);
		add_answer(&x);
	}
	buf_addc(&d.out, '\n');
}

static void
count_difference(
    void *arg, struct str platform, struct str subject, size_t rows)
{
	(void)platform;
	(void)subject;
	*(size_t *)arg += rows;
}

static void
do_differ(void)
{
	struct rebuild_result r = { 0 };
	size_t rows = 0;
	if (rebuild_diff(d.turn.store, d.config, d.arena, count_difference,
		&rows, &r, &d.err) != 0)
		die("rebuild_diff", &d.err);
	printf("%zu\n", rows);
}

static void
obey(struct str command)
{
	struct str verb, rest;
	str_cut(command, ' ', &verb, &rest);
	arena_reset(d.nested);
	if (!d.is_asking)
		arena_reset(d.arena);
	buf_reset(&d.out);
	if (str_eq_z(verb, "clock"))
		do_clock(rest);
	else if (str_eq_z(verb, "deliver"))
		do_deliver(rest);
	else if (str_eq_z(verb, "look"))
		do_look();
	else if (str_eq_z(verb, "access"))
		do_access(rest);
	else if (str_eq_z(verb, "turn") && !d.is_asking)
		do_turn();
	else if (str_eq_z(verb, "import") && !d.is_asking)
		do_import();
	else if (str_eq_z(verb, "differ") && !d.is_asking)
		do_differ();
	else
		die("no such command", NULL);
	if (!buf_ok(&d.out))
		die("an answer that is too long", NULL);
	if (d.out.n > 0)
		fwrite(d.out.p, 1, d.out.n, stdout);
	fflush(stdout);
}

/* ---- begin and end -------------------------------------------------------- */

static void
say(const char *text)
{
	(void)text;
}

static void
open_all(const char *file)
{
	struct courier_opts o = { .share = &d.share, .say = say };
	pthread_mutex_init(&d.lock, NULL);
	d.arena = arena_new(ARENA_MAX);
	d.nested = arena_new(ARENA_MAX);
	buf_init(&d.out, OUT_BYTES_MAX);
	if (d.arena == NULL || d.nested == NULL || crypto_init(&d.err) != 0 ||
	    config_load(file, &d.config, &d.err) != 0 ||
	    commit_new(d.config, &d.commit, &d.err) != 0 ||
	    commit_prepare(d.commit, &d.err) != 0 ||
	    store_open(d.config->database, STORE_READ, &d.reader, &d.err) != 0)
		die("start", &d.err);
	d.share = (struct share)SHARE(d.config->database, STORE_CREATE);
	d.turn = (struct turn){ .config = d.config, .commit = d.commit };
	o.config = d.config;
	if (store_open(
		d.config->database, STORE_WRITE, &d.turn.store, &d.err) != 0 ||
	    courier_new(&o, &d.courier, &d.err) != 0)
		die("start", &d.err);
}

static void
close_all(void)
{
	turn_end(&d.turn);
	courier_stop(d.courier, 1000);
	courier_free(d.courier);
	share_close(&d.share);
	commit_free(d.commit);
	store_close(d.turn.store);
	store_close(d.reader);
	config_free(d.config);
	buf_free(&d.out);
	arena_free(d.arena);
	arena_free(d.nested);
}

int
main(int argc, char **argv)
{
	struct str command;
	if (argc != 2) {
		fprintf(stderr, "usage: driver CONFIG <commands\n");
		return 2;
	}
	open_all(argv[1]);
	while (read_line(&command) == 0)
		obey(command);
	close_all();
	return 0;
}
