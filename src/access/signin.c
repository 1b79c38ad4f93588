#include "access/signin.h"

#include <string.h>

#include "base/crypto.h"
#include "base/jsonw.h"
#include "base/network.h"
#include "base/time.h"
#include "config/config_names.h"
#include "access/pass.h"
#include "access/rows.h"
#include "store/pass.h"

enum {
	PAYLOAD_MAX = 4096,
	ID_MAX = 64,
};

/* ---- asking -------------------------------------------------------------- */

/* Digests of the networks that peer is in, one behind the other: those of one
 * network begin alike. */
static int
digest_peer(const struct config *c, struct str peer,
    char hex[NETWORK_STEPS * LINK_DIGEST_HEX + 1], struct err *e)
{
	struct network network;
	network_of(peer, &network);
	for (size_t i = 0; i < network.n; i++) {
		const struct str step = { (const char *)network.steps[i],
			NETWORK_BYTES };
		if (link_digest(c, step, hex + i * LINK_DIGEST_HEX, e) != 0)
			return -1;
	}
	return 0;
}

/* Has any of the networks asked as often as it may? */
static int
count_peer(struct store *s, struct str peer, int *too_often, struct err *e)
{
	static const int64_t limits[] = { SIGNIN_PER_48, SIGNIN_PER_56,
		SIGNIN_PER_PEER };
	size_t n = peer.n / LINK_DIGEST_HEX;
	*too_often = 0;
	for (size_t i = 0; i < n && !*too_often; i++) {
		int64_t count;
		peer.n = (i + 1) * LINK_DIGEST_HEX;
		if (store_signin_count_peer(s, peer, &count, e) != 0)
			return -1;
		*too_often = count >= limits[NETWORK_STEPS - n + i];
	}
	return 0;
}

/* What is over an address's limit counts for the peer, and is written as the
 * others are. */
static int
note(struct store *s, struct store_signin *row, enum signin_answer *out,
    struct err *e)
{
	int64_t all, person;
	int too_often;
	if (store_signin_trim(
		s, row->at - SIGNIN_WINDOW, row->at + SIGNIN_WINDOW, e) != 0 ||
	    store_signin_count(s, &all, e) != 0 ||
	    store_signin_count_person(s, row->person, &person, e) != 0 ||
	    count_peer(s, row->peer, &too_often, e) != 0)
		return -1;
	*out = too_often	? SIGNIN_TOO_OFTEN
	    : all >= SIGNIN_MAX ? SIGNIN_FULL
				: SIGNIN_NOTED;
	if (*out != SIGNIN_NOTED)
		return 0;
	if (person >= SIGNIN_PER_PERSON) {
		row->person = STR_NONE;
		row->email = STR_NONE;
	}
	return store_signin_add(s, row, e);
}

int
signin_ask(struct store *s, const struct config *c, struct str email,
    struct str peer, int64_t now, enum signin_answer *out, struct err *e)
{
	char person[LINK_DIGEST_HEX + 1];
	char from[NETWORK_STEPS * LINK_DIGEST_HEX + 1];
	if (link_digest(c, email, person, e) != 0 ||
	    digest_peer(c, peer, from, e) != 0)
		return -1;
	struct store_signin row = { .at = now,
		.person = str_from(person),
		.peer = str_from(from),
		.email = email };
	if (store_begin(s, e) != 0)
		return -1;
	if (note(s, &row, out, e) == 0 && store_commit(s, e) == 0)
		return 0;
	store_rollback(s);
	return -1;
}

/* ---- using ---------------------------------------------------------------- */

static int
use(struct store *s, struct str digest, const struct link_signin *link,
    int64_t now, int *good, struct err *e)
{
	const struct access_key key = { .by = STORE_BY_EMAIL,
		.word = access_words[STORE_BY_EMAIL],
		.value = link->email,
		.id = link->email };
	struct store_link used;
	int64_t from;
	if (store_link_trim(s, now, e) != 0 ||
	    store_link_used(s, digest, &used, e) != 0 ||
	    pass_valid_from(s, &key, &from, e) != 0)
		return -1;
	*good = link->ends - LINK_SIGNIN_SECONDS > from &&
	    (used.uses == 0 ||
		(used.uses < SIGNIN_USES && now <= used.used_at + SIGNIN_USED));
	return *good ? store_link_use(s, digest, now, link->ends, e) : 0;
}

/* Its text could be written in other ways: what it says is its name. */
static int
digest_link(const struct config *c, const struct link_signin *link,
    char hex[LINK_DIGEST_HEX + 1], struct err *e)
{
	struct buf b;
	buf_init(&b, LINK_MAX);
	buf_addi(&b, link->ends);
	buf_addc(&b, ' ');
	buf_adds(&b, link->email);
	int rc = buf_ok(&b) ? link_digest(c, buf_str(&b), hex, e)
			    : err_set(e, ERR_MEMORY, "out of memory");
	buf_free(&b);
	return rc;
}

int
signin_use(struct store *s, const struct config *c,
    const struct link_signin *link, int64_t now, int *good, struct err *e)
{
	char hex[LINK_DIGEST_HEX + 1];
	*good = 0;
	if (digest_link(c, link, hex, e) != 0 || store_begin(s, e) != 0)
		return -1;
	if (use(s, str_from(hex), link, now, good, e) == 0 &&
	    store_commit(s, e) == 0)
		return 0;
	store_rollback(s);
	return -1;
}

/* ---- settling ------------------------------------------------------------ */

struct open {
	struct arena *arena;
	struct store_signin *v; /* room for SIGNIN_STEP */
	size_t n;
};

static int
take_open(void *arg, const struct store_signin *row)
{
	struct open *open = arg;
	struct store_signin *to = &open->v[open->n];
	*to = *row;
	to->email.p = arena_dup(open->arena, row->email.p, row->email.n);
	if (to->email.p != NULL)
		open->n++;
	return 0;
}

/* A number of signins is given again once its row is gone: the time and the
 * address are in the key too. */
static int
make_id(const struct config *c, const struct store_signin *row, struct arena *a,
    char id[ID_MAX], struct err *e)
{
	char hex[LINK_DIGEST_HEX + 1];
	const char *text = arena_printf(a, "%lld %lld %.*s", (long long)row->id,
	    (long long)row->at, STR_ARG(row->email));
	if (text == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	if (link_digest(c, str_from(text), hex, e) != 0)
		return -1;
	snprintf(id, ID_MAX, "signin_%s", hex);
	return 0;
}

/* The link itself is made when the mail goes out: it is a password, and has no
 * place in the database. */
static int
queue(struct store *s, const struct config *c, const struct store_signin *row,
    int64_t now, struct arena *a, struct err *e)
{
	char at[TIME_TEXT_MAX], id[ID_MAX], person[LINK_DIGEST_HEX + 1];
	struct buf b;
	if (make_id(c, row, a, id, e) != 0 ||
	    link_digest(c, row->email, person, e) != 0)
		return -1;
	buf_init(&b, PAYLOAD_MAX);
	jsonw_open(&b, '{');
	jsonw_text(&b, "type", STR(SIGNIN_TARGET));
	jsonw_text(&b, "timestamp", str_from(time_text(row->at, at)));
	jsonw_key(&b, "data");
	jsonw_open(&b, '{');
	jsonw_key(&b, "person");
	jsonw_open(&b, '{');
	jsonw_text(&b, "email", row->email);
	jsonw_close(&b, '}');
	jsonw_close(&b, '}');
	jsonw_close(&b, '}');
	const struct store_outbox job = { .kind = STR("mail"),
		.target = STR(SIGNIN_TARGET),
		.payload = buf_str(&b),
		.dedupe = str_from(id),
		.event = STORE_NULL,
		.person = str_from(person),
		.added_at = now };
	int rc = buf_ok(&b) ? store_outbox_add(s, &job, e)
			    : err_set(e, ERR_MEMORY, "out of memory");
	buf_free(&b);
	return rc;
}

static int
settle_one(struct store *s, const struct config *c,
    const struct store_signin *row, int64_t now, struct arena *a,
    int64_t *mails, struct err *e)
{
	int bought = 0;
	if (store_purchase_by(s, STORE_BY_EMAIL, STR_NONE, row->email, rows_any,
		&bought, e) != 0)
		return -1;
	if (bought && c->follow_ups.mail_from.p != NULL) {
		if (queue(s, c, row, now, a, e) != 0)
			return -1;
		(*mails)++;
	}
	return store_signin_settle(s, row->id, bought, e);
}

/* Read again under the lock: another process may have settled meanwhile. */
static int
step(struct store *s, const struct config *c, int64_t now, struct arena *a,
    size_t *n, int64_t *mails, struct err *e)
{
	struct open open = { .arena = a };
	open.v = arena_alloc(a, SIGNIN_STEP * sizeof(*open.v));
	if (open.v == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	if (store_signin_open(s, SIGNIN_STEP, take_open, &open, e) != 0)
		return -1;
	for (size_t i = 0; i < open.n; i++)
		if (settle_one(s, c, &open.v[i], now, a, mails, e) != 0)
			return -1;
	*n = open.n;
	return store_signin_cut(s, SIGNIN_ROWS_MAX, e);
}

static int
take_due(void *arg, const struct store_signin *row)
{
	(void)row;
	*(int *)arg = 1;
	return 1;
}

int
signin_settle(struct store *s, const struct config *c, int64_t now,
    struct arena *a, int64_t *mails, struct err *e)
{
	size_t n = SIGNIN_STEP;
	int due = 0;
	*mails = 0;
	if (store_signin_open(s, 1, take_due, &due, e) != 0)
		return -1;
	while (due && n == SIGNIN_STEP) {
		arena_reset(a);
		if (store_begin(s, e) != 0)
			return -1;
		if (step(s, c, now, a, &n, mails, e) != 0 ||
		    store_commit(s, e) != 0) {
			store_rollback(s);
			return -1;
		}
	}
	return 0;
}
