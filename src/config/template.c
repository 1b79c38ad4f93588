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

/* Where the secret in the place NAME_TOKEN is told: it is that of the platform
 * NAME. NULL: nowhere. */
static char *
token_of(struct template_secrets *made, struct str place)
{
	struct str name, rest;
	str_cut(place, '_', &name, &rest);
	for (size_t i = 0; made != NULL && i < PLATFORM__MAX; i++)
		if (str_eq_fold(name, str_from(platforms[i]->name)) &&
		    str_eq_z(rest, "TOKEN"))
			return made->tokens[i];
	return NULL;
}

static int
add_line(struct buf *out, struct str rest, struct template_secrets *made,
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
		char *token = token_of(made, name);
		if (token != NULL)
			memcpy(token, hex, sizeof(hex));
	}
	buf_adds(out, head);
	buf_addc(out, '\n');
	return 0;
}

static void
add_setting(struct buf *out, const char *key, const char *value)
{
	buf_addf(out, "%s = '", key);
	for (; *value != '\0'; value++) {
		if (*value == '\'' || *value == '\\')
			buf_addc(out, '\\');
		buf_addc(out, *value);
	}
	buf_addz(out, "'\n");
}

int
template_fill(struct buf *out, const struct template_values *values,
    struct template_secrets *made, struct err *e)
{
	struct str line, rest = str_from(template_text);
	while (str_cut(rest, '\n', &line, &rest)) {
		if (values->database != NULL &&
		    str_starts(line, STR("database = ")))
			add_setting(out, "database", values->database);
		else if (values->public_url != NULL &&
		    str_starts(line, STR("#public_url = ")))
			add_setting(out, "public_url", values->public_url);
		else if (add_line(out, line, made, e) != 0)
			return -1;
	}
	return buf_ok(out) ? 0 : err_set(e, ERR_MEMORY, "out of memory");
}
