#include "truth/wish.h"

#include "base/crypto.h"

enum { NAME_MAX_LEN = 64 };

static const char *const names[WISH__MAX] = {
	[WISH_REGISTER] = "wish_register",
	[WISH_IMPORT] = "wish_import",
};
/* the value in meta; an open wish has the digest of public_url there */
static const struct str done = STR("done");

static struct str
name_of(char text[NAME_MAX_LEN], const struct platform *p, enum wish which)
{
	snprintf(text, NAME_MAX_LEN, "%s:%s", names[which], p->name);
	return str_from(text);
}

static int
site_of(const struct config *c, char hex[CRYPTO_SHA256_HEX + 1], struct err *e)
{
	uint8_t digest[CRYPTO_SHA256];
	if (crypto_sha256(c->public_url, digest) != 0)
		return err_set(e, ERR_SYSTEM, "no digest");
	crypto_hex(digest, sizeof(digest), hex);
	return 0;
}

int
wish_read(struct store *s, const struct config *c, const struct platform *p,
    enum wish which, enum wish_state *out, struct err *e)
{
	char name[NAME_MAX_LEN], hex[CRYPTO_SHA256_HEX + 1];
	int is_done, is_open;
	if (site_of(c, hex, e) != 0 ||
	    store_meta_is(s, name_of(name, p, which), done, &is_done, e) != 0 ||
	    store_meta_is(
		s, name_of(name, p, which), str_from(hex), &is_open, e) != 0)
		return -1;
	*out = is_done ? WISH_DONE : is_open ? WISH_OPEN : WISH_NONE;
	return 0;
}

int
wish_make(struct store *s, const struct config *c, const struct platform *p,
    enum wish which, struct err *e)
{
	char name[NAME_MAX_LEN], hex[CRYPTO_SHA256_HEX + 1];
	enum wish_state state;
	if (site_of(c, hex, e) != 0 ||
	    wish_read(s, c, p, which, &state, e) != 0)
		return -1;
	return state != WISH_NONE
	    ? 0
	    : store_meta_put(s, name_of(name, p, which), str_from(hex), e);
}

int
wish_fulfil(
    struct store *s, const struct platform *p, enum wish which, struct err *e)
{
	char name[NAME_MAX_LEN];
	return store_meta_put(s, name_of(name, p, which), done, e);
}
