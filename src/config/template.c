#include "config/template.h"

#include <string.h>

#include "base/crypto.h"

/* NAME@ behind an @ is a place; an address's @ is none. */
static int
is_place(struct str rest)
{
	size_t n = 0;
	while (n < rest.n &&
	    ((rest.p[n] >= 'A' && rest.p[n] <= 'Z') || rest.p[n] == '_'))
		n++;
	return n > 0 && n < rest.n && rest.p[n] == '@';
}

static int
fill(struct buf *out, struct str rest, struct template_secrets *made,
    struct err *e)
{
	struct str head, name;
	while (str_cut(rest, '@', &head, &rest)) {
		uint8_t secret[TEMPLATE_SECRET_BYTES];
		char hex[2 * TEMPLATE_SECRET_BYTES + 1];
		buf_adds(out, head);
		if (!is_place(rest)) {
			buf_addc(out, '@');
			continue;
		}
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

/* What a value puts in place of a line of the template. */
struct line {
	const char *template;
	const char *key;
	const char *value; /* NULL: the template's stays */
};

static void
add_setting(struct buf *out, const struct line *line)
{
	buf_addf(out, "%s = '", line->key);
	for (const char *p = line->value; *p != '\0'; p++) {
		if (*p == '\'' || *p == '\\')
			buf_addc(out, '\\');
		buf_addc(out, *p);
	}
	buf_addz(out, "'\n");
}

int
template_fill(struct buf *out, const struct template_values *values,
    struct template_secrets *made, struct err *e)
{
	/* in the template's order */
	const struct line lines[] = {
		{ "database = 'gatepost.db'\n", "database", values->database },
		{ "#public_url = 'https://example.org'\n", "public_url",
		    values->public_url },
	};
	struct str text = str_from(template_text);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		const char *at = lines[i].value == NULL
		    ? NULL
		    : strstr(text.p, lines[i].template);
		if (at == NULL)
			continue;
		size_t before = (size_t)(at - text.p);
		size_t skip = before + strlen(lines[i].template);
		if (fill(out, (struct str){ text.p, before }, made, e) != 0)
			return -1;
		add_setting(out, &lines[i]);
		text = (struct str){ text.p + skip, text.n - skip };
	}
	if (fill(out, text, made, e) != 0)
		return -1;
	return buf_ok(out) ? 0 : err_set(e, ERR_MEMORY, "out of memory");
}
