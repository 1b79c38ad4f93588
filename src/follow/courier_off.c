#include "base/crypto.h"
#include "follow/courier.h"

static const char *
url_of(const struct action *a)
{
	return a->kind == ACTION_HTTP	? a->u.http.url
	    : a->kind == ACTION_FORWARD ? a->u.forward.url
					: "";
}

/* meta.name of its mark, and the mark: a digest of the URL. */
static int
mark_of(const struct action *a, char *name, size_t size,
    char value[CRYPTO_SHA256_HEX + 1], struct err *e)
{
	uint8_t digest[CRYPTO_SHA256];
	snprintf(name, size, "outbox_off:%s/%.*s", action_words[a->kind],
	    STR_ARG(a->name));
	if (crypto_sha256(str_from(url_of(a)), digest) != 0)
		return err_set(e, ERR_MEMORY, "out of memory");
	crypto_hex(digest, sizeof(digest), value);
	return 0;
}

enum { MARK_NAME_MAX = ACTION_NAME_MAX + 32 };

int
courier_disable(struct store *s, const struct action *a, struct err *e)
{
	char name[MARK_NAME_MAX], value[CRYPTO_SHA256_HEX + 1];
	return mark_of(a, name, sizeof(name), value, e) != 0
	    ? -1
	    : store_meta_put(s, str_from(name), str_from(value), e);
}

int
courier_enable(struct store *s, const struct action *a, struct err *e)
{
	char name[MARK_NAME_MAX], value[CRYPTO_SHA256_HEX + 1];
	int off;
	if (courier_is_disabled(s, a, &off, e) != 0 ||
	    mark_of(a, name, sizeof(name), value, e) != 0)
		return -1;
	return off ? store_meta_put(s, str_from(name), STR(""), e) : 0;
}

int
courier_is_disabled(
    struct store *s, const struct action *a, int *disabled, struct err *e)
{
	char name[MARK_NAME_MAX], value[CRYPTO_SHA256_HEX + 1];
	return mark_of(a, name, sizeof(name), value, e) != 0
	    ? -1
	    : store_meta_is(s, str_from(name), str_from(value), disabled, e);
}
