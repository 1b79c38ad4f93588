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

/* Of text, or where the template has braces of a list. */
static void
add_setting(struct buf *out, struct str line, const char *key, struct str value)
{
	int list = line.n > 0 && line.p[line.n - 1] == '}';
	buf_addf(out, "%s%s = %s'", line.p[0] == '\t' ? "\t" : "", key,
	    list ? "{ " : "");
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] == '\'' || value.p[i] == '\\')
			buf_addc(out, '\\');
		buf_addc(out, value.p[i]);
	}
	buf_addz(out, list ? "' }\n" : "'\n");
}

/* Is it the line of that key, commented out or not? */
static int
is_line_of(struct str line, const char *key)
{
	size_t n = strlen(key), at = 0;
	while (at < line.n && (line.p[at] == '\t' || line.p[at] == '#'))
		at++;
	return line.n > at + n + 3 && memcmp(line.p + at, key, n) == 0 &&
	    memcmp(line.p + at + n, " = ", 3) == 0;
}

/* "NAME {" and "}" at the begin of a line. */
static void
follow_section(struct str line, struct str *section)
{
	if (str_eq_z(line, "}"))
		*section = STR_NONE;
	else if (line.n > 2 && line.p[0] != '#' && line.p[0] != '\t' &&
	    line.p[line.n - 1] == '{')
		*section = (struct str){ line.p, line.n - 2 };
}

/* The value for that line; NULL: none. */
static const struct template_value *
value_for(const struct template_values *v, struct str section, struct str line)
{
	for (size_t i = 0; i < v->n_more; i++)
		if (str_same(section, str_from(v->more[i].section)) &&
		    is_line_of(line, v->more[i].key))
			return &v->more[i];
	return NULL;
}

int
template_fill(struct buf *out, const struct template_values *values,
    struct template_secrets *made, struct err *e)
{
	struct str line, rest = str_from(template_text), section = STR_NONE;
	while (str_cut(rest, '\n', &line, &rest)) {
		follow_section(line, &section);
		const struct template_value *v =
		    value_for(values, section, line);
		if (v != NULL)
			add_setting(out, line, v->key, v->value);
		else if (values->database != NULL &&
		    str_starts(line, STR("database = ")))
			add_setting(
			    out, line, "database", str_from(values->database));
		else if (values->public_url != NULL &&
		    str_starts(line, STR("#public_url = ")))
			add_setting(out, line, "public_url",
			    str_from(values->public_url));
		else if (add_line(out, line, made, e) != 0)
			return -1;
	}
	return buf_ok(out) ? 0 : err_set(e, ERR_MEMORY, "out of memory");
}
