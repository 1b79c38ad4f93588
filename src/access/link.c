#include "access/link.h"

#include <string.h>

#include "base/base64.h"
#include "base/crypto.h"
#include "base/form.h"
#include "access/access.h"
#include "config/config_names.h"
#include "access/pass.h"

#define SIGNIN STR("gatepost link 1 signin")
#define FILES STR("gatepost link 1 file")
#define DIGEST STR("gatepost link 1 digest")

/* ---- keys ---------------------------------------------------------------- */

/* A blank never stands in what a pass signs, which is base64url and dots. */
static int
mac_by(const struct config *c, size_t secret, struct str label, struct str text,
    uint8_t out[CRYPTO_SHA256])
{
	const struct str pieces[] = { label, STR(" "), c->public_url };
	uint8_t key[CRYPTO_SHA256];
	if (crypto_hmac_sha256(c->pass_secrets.v[secret], pieces, 3, key) != 0)
		return -1;
	const struct str k = { (const char *)key, sizeof(key) };
	return crypto_hmac_sha256(k, &text, 1, out);
}

static int
check_config(const struct config *c, struct err *e)
{
	if (c->pass_secrets.n == 0)
		return err_set(e, ERR_CONFIG,
		    "no pass_secret in the configuration to sign with");
	if (c->public_url.n == 0)
		return err_set(e, ERR_CONFIG,
		    "no public_url in the configuration: a link leads to one "
		    "site");
	return 0;
}

/* Every secret is tried, whichever fits. */
static int
is_signed(const struct config *c, struct str label, struct str text,
    struct str signature)
{
	uint8_t sum[CRYPTO_SHA256];
	int fits = 0;
	if (signature.n != sizeof(sum) || c->public_url.n == 0)
		return 0;
	for (size_t i = 0; i < c->pass_secrets.n; i++)
		fits |= mac_by(c, i, label, text, sum) == 0 &&
		    crypto_equal(sum, signature.p, sizeof(sum));
	return fits;
}

/* ---- tokens: a time and texts, one a line; the last may hold any byte ---- */

static int
make(const struct config *c, struct str label, int64_t expires,
    const struct str *fields, size_t n, struct buf *out, struct err *e)
{
	uint8_t sum[CRYPTO_SHA256];
	struct buf text, token;
	int rc = check_config(c, e);
	buf_init(&text, LINK_MAX);
	buf_init(&token, LINK_MAX);
	buf_addi(&text, expires);
	for (size_t i = 0; i < n; i++) {
		if (rc == 0 &&
		    (fields[i].n == 0 ||
			(i + 1 < n && str_has_byte(fields[i], '\n'))))
			rc = err_set(e, ERR_INPUT,
			    "what the link is about cannot stand in one");
		buf_addc(&text, '\n');
		buf_adds(&text, fields[i]);
	}
	base64_add_url(&token, buf_str(&text));
	buf_addc(&token, '.');
	if (rc == 0 && !buf_ok(&text))
		rc = err_set(e, ERR_LIMIT, "the link would be too long");
	if (rc == 0 && mac_by(c, 0, label, buf_str(&text), sum) != 0)
		rc = err_set(e, ERR_MEMORY, "out of memory");
	if (rc == 0)
		base64_add_url(
		    &token, (struct str){ (const char *)sum, sizeof(sum) });
	if (rc == 0 && !buf_ok(&token))
		rc = err_set(e, ERR_LIMIT, "the link would be too long");
	if (rc == 0)
		buf_adds(out, buf_str(&token));
	if (rc == 0 && !buf_ok(out))
		rc = err_set(e, ERR_MEMORY, "out of memory");
	buf_free(&text);
	buf_free(&token);
	return rc;
}

static int
read_fields(const struct config *c, struct str label, struct str token,
    int64_t now, struct arena *a, struct str *fields, size_t n,
    int64_t *expires)
{
	struct str head, tail, number, rest;
	if (token.n > LINK_MAX || !str_cut(token, '.', &head, &tail))
		return -1;
	struct str text = base64_url(a, head), sum = base64_url(a, tail);
	if (text.p == NULL || sum.p == NULL || !is_signed(c, label, text, sum))
		return -1;
	str_cut(text, '\n', &number, &rest);
	if (str_int64(number, 0, PASS_TIME_MAX, expires) != 0 ||
	    now >= *expires)
		return -1;
	for (size_t i = 0; i < n; i++) {
		fields[i] = rest;
		if (i + 1 < n)
			str_cut(rest, '\n', &fields[i], &rest);
		if (fields[i].n == 0)
			return -1;
	}
	return 0;
}

static int
ends_at(int64_t now, int64_t seconds, int64_t *expires, struct err *e)
{
	if (now < 0 || now > PASS_TIME_MAX || seconds < 1 ||
	    seconds > PASS_TIME_MAX - now)
		return err_set(e, ERR_INPUT,
		    "a link lasts at least a second and ends before the year "
		    "10000");
	*expires = now + seconds;
	return 0;
}

int
link_signin_make(const struct config *c, struct str email, int64_t now,
    struct buf *out, struct err *e)
{
	int64_t expires = 0;
	if (ends_at(now, LINK_SIGNIN_SECONDS, &expires, e) != 0)
		return -1;
	return make(c, SIGNIN, expires, &email, 1, out, e);
}

int
link_signin_read(const struct config *c, struct str token, int64_t now,
    struct arena *a, struct link_signin *out)
{
	struct link_signin link;
	*out = (struct link_signin){ .email = STR_NONE };
	if (read_fields(c, SIGNIN, token, now, a, &link.email, 1, &link.ends) !=
	    0)
		return -1;
	*out = link;
	return 0;
}

int
link_file_make(const struct config *c, const struct link_file *f, int64_t now,
    int64_t seconds, struct buf *out, struct err *e)
{
	const struct str fields[] = { f->path, f->platform, f->sale };
	int64_t expires = 0;
	if (ends_at(now, seconds, &expires, e) != 0)
		return -1;
	return make(c, FILES, expires, fields, 3, out, e);
}

int
link_file_read(const struct config *c, struct str token, int64_t now,
    struct arena *a, struct link_file *out)
{
	struct str fields[3];
	int64_t expires;
	*out = (struct link_file){ .path = STR_NONE };
	if (read_fields(c, FILES, token, now, a, fields, 3, &expires) != 0)
		return -1;
	*out = (struct link_file){ fields[0], fields[1], fields[2] };
	return 0;
}

/* ---- what a sale opens --------------------------------------------------- */

/* All rows of the sale's subject: a renewal is a sale of its own, and goes on
 * where the one before ends. */
static int
read_rows(struct store *s, const struct link_file *f, struct rows *rows,
    struct err *e)
{
	struct err absent = { .code = ERR_NONE };
	struct rows own = { .arena = rows->arena };
	if (store_purchase_get(
		s, f->platform, f->sale, rows_take, &own, &absent) != 0) {
		if (absent.code == ERR_ABSENT)
			return 0;
		*e = absent;
		return -1;
	}
	if (own.failed)
		return err_set(e, ERR_MEMORY, "out of memory");
	if (own.n == 0 || own.v[0].refunded_at != STORE_NULL)
		return 0;
	if (store_purchase_of_subject(s, own.v[0].platform, own.v[0].subject,
		rows_take, rows, e) != 0)
		return -1;
	return rows->failed ? err_set(e, ERR_MEMORY, "out of memory") : 0;
}

int
link_opens(struct store *s, const struct config *c, const struct link_file *f,
    int64_t now, struct arena *a, int *opens, struct err *e)
{
	const struct config_files *section = link_section(c, f->path);
	struct rows rows = { .arena = a };
	struct access x;
	*opens = 0;
	if (section == NULL)
		return 0;
	if (store_begin_read(s, e) != 0)
		return -1;
	int rc = read_rows(s, f, &rows, e);
	store_rollback(s);
	if (rc != 0 || rows.n == 0)
		return rc;
	if (access_of(&rows, &c->rules, now, a, &x, e) != 0)
		return -1;
	*opens = section->tier.p != NULL
	    ? access_allows_tier(&x, &c->rules, section->tier)
	    : access_allows(&x, section->allow);
	return 0;
}

/* ---- addresses ----------------------------------------------------------- */

static int
finish(const struct buf *out, int rc, struct err *e)
{
	if (rc == 0 && !buf_ok(out))
		return err_set(e, ERR_LIMIT, "the link would be too long");
	return rc;
}

int
link_signin_url(const struct config *c, struct str email, int64_t now,
    struct buf *out, struct err *e)
{
	buf_adds(out, c->public_url);
	buf_addz(out, "/me#");
	return finish(out, link_signin_make(c, email, now, out, e), e);
}

int
link_file_url(const struct config *c, const struct link_file *f, int64_t now,
    struct buf *out, struct err *e)
{
	const struct config_files *section = link_section(c, f->path);
	if (section == NULL)
		return err_set(e, ERR_INPUT, "no files section has that file");
	struct str name, rest = { f->path.p + 1, f->path.n - 1 };
	buf_adds(out, c->public_url);
	buf_addz(out, "/files");
	while (rest.p != NULL) {
		str_cut(rest, '/', &name, &rest);
		buf_addc(out, '/');
		form_encode(out, name);
	}
	buf_addz(out, "?link=");
	return finish(
	    out, link_file_make(c, f, now, section->link_seconds, out, e), e);
}

/* ---- for what goes out --------------------------------------------------- */

int
link_digest(const struct config *c, struct str text,
    char hex[LINK_DIGEST_HEX + 1], struct err *e)
{
	uint8_t sum[CRYPTO_SHA256];
	if (check_config(c, e) != 0)
		return -1;
	if (mac_by(c, 0, DIGEST, text, sum) != 0)
		return err_set(e, ERR_MEMORY, "out of memory");
	crypto_hex(sum, LINK_DIGEST_HEX / 2, hex);
	return 0;
}
