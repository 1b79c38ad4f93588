#include "core/template.h"

#include <string.h>

#include "base/crypto.h"

/* The line that a given public_url replaces. */
static const char url_line[] = "#public_url = 'https://example.org'\n";

static int
fill(struct buf *out, struct str rest, struct template_secrets *made,
    struct err *e)
{
	struct str head, name;
	while (str_cut(rest, '@', &head, &rest)) {
		uint8_t secret[TEMPLATE_SECRET_BYTES];
		char hex[2 * TEMPLATE_SECRET_BYTES + 1];
		buf_adds(out, head);
		str_cut(rest, '@', &name, &rest);
		if (crypto_random(secret, sizeof(secret)) != 0)
			return err_set(e, ERR_SYSTEM, "no random bytes");
		crypto_hex(secret, sizeof(secret), hex);
		buf_addz(out, hex);
		if (made != NULL && str_eq_z(name, "GUMROAD_TOKEN"))
			memcpy(made->gumroad_token, hex, sizeof(hex));
	}
	buf_adds(out, head);
	return 0;
}

int
template_fill(struct buf *out, const char *public_url,
    struct template_secrets *made, struct err *e)
{
	struct str text = str_from(template_text);
	const char *at = public_url == NULL ? NULL : strstr(text.p, url_line);
	if (at != NULL) {
		size_t n = (size_t)(at - text.p), skip = n + strlen(url_line);
		if (fill(out, (struct str){ text.p, n }, made, e) != 0)
			return -1;
		buf_addf(out, "public_url = '%s'\n", public_url);
		text = (struct str){ text.p + skip, text.n - skip };
	}
	if (fill(out, text, made, e) != 0)
		return -1;
	return buf_ok(out) ? 0 : err_set(e, ERR_MEMORY, "out of memory");
}
