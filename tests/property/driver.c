/*
 * Gatepost's own way from a delivery to an answer, for a script to drive:
 * commands on the standard input, one a line, and an answer of one line to
 * each (dump: many, closed by a dot).
 *
 *	reset                               an empty database
 *	restart                             closes it and opens it again
 *	deliver PLATFORM RECEIVED T HEX     T: the signed time, or -
 *	read PLATFORM KIND SENT SEEN DELIVERY HEX
 *	                                    what the platform said when it was
 *	                                    asked at SENT, and the same at SEEN
 *	hand PLATFORM SUBJECT RECEIVED DELIVERY HEX
 *	                                    what was done by hand; its JSON
 *	access BY ID TIME…                  tier:status:until and a tab for each
 *	                                    time; until is empty for ever
 *	dump                                the state tables, every column
 *	rebuild                             empties the tables and fills them
 *	                                    anew; how many rows rebuild_diff
 *	                                    finds different, and then missing
 *
 * Usage: driver CONFIG CONFIRM. The configuration names the database; CONFIRM
 * is "off", "after" or "before".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/jsonw.h"
#include "access/access.h"
#include "commit/intake.h"
#include "fold/manual.h"
#include "commit/project.h"
#include "commit/rebuild.h"

enum {
	LINE_BYTES_MAX = 1 << 20, /* of a command */
	DUMP_BYTES_MAX = 8 << 20,
	DATABASE_BYTES_MAX = 1 << 20, /* of an empty one */
	ARENA_MAX = 64 << 20,
	PATH_BYTES_MAX = 4096,
	SUBJECTS_MAX = 1000,
	STEPS_MAX = 1000, /* of a rebuild */
};

struct driver {
	struct config *config;
	struct commit *commit;
	struct store *reader; /* NULL: not open */
	struct arena *arena; /* reset with every command */
	char *empty; /* a database as it is created */
	size_t n_empty;
	struct buf row; /* JSON: of a table's row */
	struct buf out;
	struct err err;
};

static void
die(const char *what, const struct err *e)
{
	fprintf(stderr, "driver: %s: %s\n", what, e == NULL ? "" : e->text);
	exit(2);
}

static const char *
database_file(const struct driver *d, const char *suffix)
{
	static char path[PATH_BYTES_MAX];
	snprintf(path, sizeof(path), "%s%s", d->config->database, suffix);
	return path;
}

static void
close_all(struct driver *d)
{
	commit_free(d->commit);
	store_close(d->reader);
	d->commit = NULL;
	d->reader = NULL;
}

static void
open_commit(struct driver *d)
{
	if (commit_new(d->config, &d->commit, &d->err) != 0)
		die("commit_new", &d->err);
}

static struct store *
reader(struct driver *d)
{
	if (d->reader == NULL &&
	    store_open(d->config->database, STORE_READ, &d->reader, &d->err) !=
		0)
		die("store_open", &d->err);
	return d->reader;
}

static void
remove_database(const struct driver *d)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		unlink(database_file(d, suffixes[i]));
}

/* Creating the tables takes longer than a dozen deliveries: once. */
static void
make_empty(struct driver *d)
{
	remove_database(d);
	open_commit(d);
	if (commit_prepare(d->commit, &d->err) != 0)
		die("commit_prepare", &d->err);
	close_all(d);
	FILE *f = fopen(d->config->database, "rb");
	d->empty = malloc(DATABASE_BYTES_MAX);
	if (f == NULL || d->empty == NULL)
		die("the empty database", NULL);
	d->n_empty = fread(d->empty, 1, DATABASE_BYTES_MAX, f);
	fclose(f);
}

static void
do_reset(struct driver *d)
{
	close_all(d);
	remove_database(d);
	FILE *f = fopen(d->config->database, "wb");
	if (f == NULL || fwrite(d->empty, 1, d->n_empty, f) != d->n_empty ||
	    fclose(f) != 0)
		die("cannot write the database", NULL);
	open_commit(d);
	puts("ok");
}

static void
do_deliver(struct driver *d, struct str rest)
{
	static const char *const words[] = { [INTAKE_RECORDED] = "recorded",
		[INTAKE_DUPLICATE] = "duplicate",
		[INTAKE_KEPT] = "kept",
		[INTAKE_TEST] = "test" };
	struct str platform, at, t, hex;
	struct intake_answer answer = { 0 };
	struct verify_result proof = { .sent_at = FACT_NO_TIME };
	str_cut(rest, ' ', &platform, &rest);
	str_cut(rest, ' ', &at, &rest);
	str_cut(rest, ' ', &t, &hex);
	struct intake_request in = { .platform = platform_find(platform) };
	uint8_t *body = arena_alloc(d->arena, hex.n / 2 + 1);
	if (in.platform == NULL || body == NULL ||
	    crypto_unhex(hex, body, hex.n / 2) != 0 ||
	    str_int64(at, 0, INT64_MAX, &in.now) != 0 ||
	    (!str_eq_z(t, "-") &&
		str_int64(t, 0, INT64_MAX, &proof.sent_at) != 0))
		die("deliver: not understood", NULL);
	in.body = (struct str){ (const char *)body, hex.n / 2 };
	intake_store(
	    d->commit, d->config, &in, &proof, d->arena, &answer, &d->err);
	if (answer.status >= sizeof(words) / sizeof(words[0]))
		die("deliver", &d->err);
	puts(words[answer.status]);
}

/* What is read is stored when it was asked for; the same again raises when it
 * was last seen. */
static void
do_read(struct driver *d, struct str rest)
{
	struct str platform, kind, sent, seen, key, hex;
	struct commit_answer answer;
	struct fact f;
	int64_t last = 0;
	str_cut(rest, ' ', &platform, &rest);
	str_cut(rest, ' ', &kind, &rest);
	str_cut(rest, ' ', &sent, &rest);
	str_cut(rest, ' ', &seen, &rest);
	str_cut(rest, ' ', &key, &hex);
	const struct platform *p = platform_find(platform);
	uint8_t *body = arena_alloc(d->arena, hex.n / 2 + 1);
	struct commit_delivery in = { .platform = p, .fact = &f };
	if (p == NULL || body == NULL ||
	    crypto_unhex(hex, body, hex.n / 2) != 0 ||
	    str_int64(sent, 0, INT64_MAX, &in.sent_at) != 0 ||
	    str_int64(seen, 0, INT64_MAX, &last) != 0)
		die("read: not understood", NULL);
	in.body = (struct str){ (const char *)body, hex.n / 2 };
	in.received_at = in.sent_at;
	if (platform_decode(p, kind, in.body, NULL, d->arena, &f, &d->err) != 0)
		die("read", &d->err);
	f.delivery = key;
	intake_judge(d->config, p, &f, &in.status, &in.reason);
	if (commit_put(d->commit, &in, &answer, &d->err) != 0)
		die("read", &d->err);
	in.received_at = last;
	if (last > in.sent_at &&
	    commit_put(d->commit, &in, &answer, &d->err) != 0)
		die("read again", &d->err);
	printf("%.*s\n", STR_ARG(in.status));
}

struct subjects {
	struct arena *arena;
	struct str platform[SUBJECTS_MAX];
	struct str subject[SUBJECTS_MAX];
	size_t n;
};

static void
add_subject(struct subjects *all, struct str platform, struct str subject)
{
	if (all->n == SUBJECTS_MAX)
		die("rebuild: too many subjects", NULL);
	all->platform[all->n] =
	    (struct str){ arena_dup(all->arena, platform.p, platform.n),
		    platform.n };
	all->subject[all->n++] =
	    (struct str){ arena_dup(all->arena, subject.p, subject.n),
		    subject.n };
}

static int
take_purchase(void *arg, const struct store_purchase *p)
{
	add_subject(arg, p->platform, p->subject);
	return 0;
}

static int
take_subscription(void *arg, const struct store_subscription *s)
{
	add_subject(arg, s->platform, s->subject);
	return 0;
}

/* What stands for the whole platform is for all of its subjects. */
static int
project_again(struct driver *d, struct store *s, const struct platform *p,
    struct str subject, const struct project_when *when)
{
	struct subjects *all = arena_alloc(d->arena, sizeof(*all));
	if (all == NULL)
		return err_set(&d->err, ERR_MEMORY, "out of memory");
	all->arena = d->arena;
	if (!str_eq_z(subject, MANUAL_CONFIRM_SUBJECT))
		add_subject(all, str_from(p->name), subject);
	else if (store_purchase_all(s, take_purchase, all, &d->err) != 0 ||
	    store_subscription_all(s, take_subscription, all, &d->err) != 0)
		return -1;
	for (size_t i = 0; i < all->n; i++)
		if (project_any(s, d->config, all->platform[i], all->subject[i],
			when, d->arena, &d->err) != 0)
			return -1;
	return 0;
}

/* As manual_put does, but for a delivery id that is given. */
static void
do_hand(struct driver *d, struct str rest)
{
	struct str platform, subject, at, hex;
	struct store_event row = { .platform = STR("manual"),
		.kind = STR("by_hand"),
		.sent_at = STORE_NULL,
		.content_type = STR("application/json"),
		.status = STR("applied") };
	struct project_when when;
	struct store *s = NULL;
	enum store_added added;
	str_cut(rest, ' ', &platform, &rest);
	str_cut(rest, ' ', &subject, &rest);
	str_cut(rest, ' ', &at, &rest);
	str_cut(rest, ' ', &row.delivery, &hex);
	const struct platform *p = platform_find(platform);
	uint8_t *body = arena_alloc(d->arena, hex.n / 2 + 1);
	if (p == NULL || body == NULL ||
	    crypto_unhex(hex, body, hex.n / 2) != 0 ||
	    str_int64(at, 0, INT64_MAX, &row.received_at) != 0)
		die("hand: not understood", NULL);
	row.body = (struct str){ (const char *)body, hex.n / 2 };
	row.subject = manual_subject(d->arena, platform, subject);
	when.at = row.received_at;
	if (commit_prepare(d->commit, &d->err) != 0 ||
	    store_open(d->config->database, STORE_WRITE, &s, &d->err) != 0 ||
	    store_begin(s, &d->err) != 0 ||
	    store_event_add(s, &row, &when.event, &added, &d->err) != 0 ||
	    project_again(d, s, p, subject, &when) != 0 ||
	    store_commit(s, &d->err) != 0)
		die("hand", &d->err);
	store_close(s);
	puts("by hand");
}

static void
do_access(struct driver *d, struct str rest)
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
	    access_key_parse(
		(enum store_by)found, id, d->arena, &key, &d->err) != 0)
		die("access: not understood", &d->err);
	buf_reset(&d->out);
	while (rest.p != NULL) {
		struct access x;
		int64_t now;
		str_cut(rest, ' ', &time, &rest);
		if (str_int64(time, 0, INT64_MAX, &now) != 0 ||
		    access_lookup(reader(d), &d->config->rules, &key, now,
			d->arena, &x, &d->err) != 0)
			die("access", &d->err);
		buf_addf(
		    &d->out, "%.*s:%s:", STR_ARG(x.tier), access_status(&x));
		if (x.tier.p != NULL && x.until != STORE_NULL)
			buf_addf(&d->out, "%lld", (long long)x.until);
		buf_addc(&d->out, '\t');
	}
	buf_addc(&d->out, '\n');
}

static int
add_purchase(void *arg, const struct store_purchase *p)
{
	struct driver *d = arg;
	struct buf *b = &d->row;
	buf_reset(b);
	jsonw_open(b, '{');
	jsonw_text(b, "platform", p->platform);
	jsonw_text(b, "sale", p->sale);
	jsonw_text(b, "subscription", p->subscription);
	jsonw_text(b, "product", p->product);
	jsonw_text(b, "product_name", p->product_name);
	jsonw_text(b, "variant", p->variant);
	jsonw_text(b, "user_ref", p->user_ref);
	jsonw_text(b, "email", p->email);
	jsonw_text(b, "buyer", p->buyer);
	jsonw_text(b, "license", p->license);
	jsonw_int(b, "price", p->price);
	jsonw_text(b, "currency", p->currency);
	jsonw_int(b, "quantity", p->quantity);
	jsonw_text(b, "recurrence", p->recurrence);
	jsonw_int(b, "test", p->test);
	jsonw_int(b, "sold_at", p->sold_at);
	jsonw_int(b, "refunded_at", p->refunded_at);
	jsonw_int(b, "disputed_at", p->disputed_at);
	jsonw_int(b, "dispute_won_at", p->dispute_won_at);
	jsonw_text(b, "tier", p->tier);
	jsonw_int(b, "since", p->since);
	jsonw_int(b, "paid_until", p->paid_until);
	jsonw_int(b, "until", p->until);
	jsonw_text(b, "subject", p->subject);
	jsonw_int(b, "refunded_amount", p->refunded_amount);
	jsonw_int(b, "revoked_at", p->revoked_at);
	jsonw_int(b, "confirmed_at", p->confirmed_at);
	jsonw_close(b, '}');
	buf_addc(b, '\n');
	buf_adds(&d->out, buf_str(b));
	return !buf_ok(b);
}

static int
add_subscription(void *arg, const struct store_subscription *s)
{
	struct driver *d = arg;
	struct buf *b = &d->row;
	buf_reset(b);
	jsonw_open(b, '{');
	jsonw_text(b, "platform", s->platform);
	jsonw_text(b, "subscription", s->subscription);
	jsonw_text(b, "product", s->product);
	jsonw_text(b, "tier", s->tier);
	jsonw_text(b, "status", s->status);
	jsonw_int(b, "since", s->since);
	jsonw_int(b, "paid_until", s->paid_until);
	jsonw_int(b, "cancelled_at", s->cancelled_at);
	jsonw_int(b, "ended_at", s->ended_at);
	jsonw_text(b, "ended_reason", s->ended_reason);
	jsonw_text(b, "next_tier", s->next_tier);
	jsonw_int(b, "next_tier_at", s->next_tier_at);
	jsonw_text(b, "subject", s->subject);
	jsonw_close(b, '}');
	buf_addc(b, '\n');
	buf_adds(&d->out, buf_str(b));
	return !buf_ok(b);
}

static void
do_dump(struct driver *d)
{
	buf_reset(&d->out);
	if (store_purchase_all(reader(d), add_purchase, d, &d->err) != 0 ||
	    store_subscription_all(reader(d), add_subscription, d, &d->err) !=
		0)
		die("dump", &d->err);
	buf_addz(&d->out, ".\n");
}

/* What stands in the tables goes, not what the log says should stand there. */
static int
empty_state(struct driver *d, struct store *s)
{
	struct subjects *all = arena_alloc(d->arena, sizeof(*all));
	if (all == NULL)
		return err_set(&d->err, ERR_MEMORY, "out of memory");
	all->arena = d->arena;
	if (store_purchase_all(s, take_purchase, all, &d->err) != 0 ||
	    store_subscription_all(s, take_subscription, all, &d->err) != 0 ||
	    store_begin(s, &d->err) != 0)
		return -1;
	for (size_t i = 0; i < all->n; i++)
		if (store_purchase_drop(
			s, all->platform[i], all->subject[i], &d->err) != 0 ||
		    store_subscription_drop(
			s, all->platform[i], all->subject[i], &d->err) != 0)
			return -1;
	return store_commit(s, &d->err);
}

static void
count_difference(
    void *arg, struct str platform, struct str subject, size_t rows)
{
	(void)platform;
	(void)subject;
	*(size_t *)arg += rows;
}

static size_t
differing(struct driver *d, struct store *s, struct arena *a)
{
	struct rebuild_result r = { 0 };
	size_t rows = 0;
	if (rebuild_diff(
		s, d->config, a, count_difference, &rows, &r, &d->err) != 0)
		die("rebuild_diff", &d->err);
	return rows;
}

static void
do_rebuild(struct driver *d)
{
	struct store *s = NULL;
	struct arena *a = arena_new(ARENA_MAX);
	struct rebuild_result r = { 0 };
	if (a == NULL ||
	    store_open(d->config->database, STORE_WRITE, &s, &d->err) != 0)
		die("store_open", &d->err);
	size_t before = differing(d, s, a);
	if (empty_state(d, s) != 0)
		die("cannot empty the tables", &d->err);
	size_t emptied = differing(d, s, a);
	if (rebuild_restart(s, d->config, &d->err) != 0)
		die("rebuild_restart", &d->err);
	for (int i = 0; i < STEPS_MAX && !r.done; i++)
		if (rebuild_step(s, d->config, 0, a, &r, &d->err) != 0)
			die("rebuild_step", &d->err);
	if (!r.done)
		die("rebuild: no end", NULL);
	store_close(s);
	arena_free(a);
	printf("%zu %zu\n", before, emptied);
}

static void
obey(struct driver *d, struct str line)
{
	struct str verb, rest;
	str_cut(line, ' ', &verb, &rest);
	arena_reset(d->arena);
	buf_reset(&d->out);
	if (str_eq_z(verb, "deliver")) {
		do_deliver(d, rest);
	} else if (str_eq_z(verb, "read")) {
		do_read(d, rest);
	} else if (str_eq_z(verb, "hand")) {
		do_hand(d, rest);
	} else if (str_eq_z(verb, "access")) {
		do_access(d, rest);
	} else if (str_eq_z(verb, "dump")) {
		do_dump(d);
	} else if (str_eq_z(verb, "rebuild")) {
		do_rebuild(d);
	} else if (str_eq_z(verb, "reset")) {
		do_reset(d);
	} else if (str_eq_z(verb, "restart")) {
		close_all(d);
		open_commit(d);
		puts("ok");
	} else {
		die("no such command", NULL);
	}
	if (!buf_ok(&d->out))
		die("an answer that is too long", NULL);
	if (d->out.n > 0)
		fwrite(d->out.p, 1, d->out.n, stdout);
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	static char line[LINE_BYTES_MAX];
	struct driver d = { .arena = arena_new(ARENA_MAX) };
	buf_init(&d.row, DUMP_BYTES_MAX);
	buf_init(&d.out, DUMP_BYTES_MAX);
	if (argc != 3 || d.arena == NULL) {
		fprintf(stderr, "usage: driver CONFIG CONFIRM <commands\n");
		return 2;
	}
	if (crypto_init(&d.err) != 0 ||
	    config_load(argv[1], &d.config, &d.err) != 0)
		die("start", &d.err);
	for (size_t i = 0; i < PLATFORM__MAX; i++)
		d.config->rules.confirm[i] = strcmp(argv[2], "before") == 0
		    ? TIER_CONFIRM_BEFORE
		    : strcmp(argv[2], "after") == 0 ? TIER_CONFIRM_AFTER
						    : TIER_CONFIRM_OFF;
	make_empty(&d);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		size_t n = strlen(line);
		if (n == 0 || line[n - 1] != '\n')
			die("a line that is too long", NULL);
		obey(&d, (struct str){ line, n - 1 });
	}
	close_all(&d);
	remove_database(&d);
	config_free(d.config);
	free(d.empty);
	buf_free(&d.row);
	buf_free(&d.out);
	arena_free(d.arena);
	return 0;
}
