#include "config/config_secret.h"

#include <string.h>
#include <sys/stat.h>

#include "config/config_token.h"

static int
contains_fold(struct str s, struct str part)
{
	for (size_t i = 0; i + part.n <= s.n; i++)
		if (str_eq_fold((struct str){ s.p + i, part.n }, part))
			return 1;
	return 0;
}

int
config_is_placeholder(struct str s)
{
	static const char *const parts[] = { "\xE2\x80\xA6", "...", "changeme",
		"change-me", "change_me", "replace-me", "replace_me",
		"replaceme", "your-", "your_" };
	static const char *const words[] = { "secret", "password", "token",
		"todo", "fixme", "example" };
	if (s.n == 0)
		return 0;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (contains_fold(s, str_from(parts[i])))
			return 1;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_eq_fold(s, str_from(words[i])))
			return 1;
	char first = s.p[0], last = s.p[s.n - 1];
	if (str_starts(s, STR("${")) && last == '}')
		return 1;
	if ((first == '<' && last == '>') || (first == '@' && last == '@') ||
	    (first == '[' && last == ']'))
		return 1;
	size_t same = 0; /* xxxxxxxxxxxxxxxx */
	while (same < s.n && s.p[same] == first)
		same++;
	return same == s.n && s.n > 1;
}

static int
secret_check(struct config_reader *r, const struct config_secret_kind *kind,
    const char *key, int line, struct str s)
{
	if (s.n == 0)
		return config_bad(r->e, r->file, line,
		    "%s holds an empty value; fill it in or take the line out",
		    key);
	if (config_is_placeholder(s))
		return config_bad(r->e, r->file, line,
		    "%s still holds a placeholder; put the real value there",
		    key);
	if (!str_is_utf8(s) || str_has_control(s))
		return config_bad(r->e, r->file, line,
		    "%s holds a control character or is not UTF-8; one line "
		    "of text is a secret",
		    key);
	if (s.n < kind->min)
		return config_bad(r->e, r->file, line,
		    "%s holds a value of %zu bytes; %zu or more are needed "
		    "(make one: openssl rand -hex 32)",
		    key, s.n, kind->min);
	if (s.n > CONFIG_SECRET_BYTES_MAX)
		return config_bad(r->e, r->file, line,
		    "%s holds a value of more than %d bytes", key,
		    CONFIG_SECRET_BYTES_MAX);
	if (s.n < kind->few)
		config_warn(r,
		    "%s:%d: %s holds a short value (%zu bytes); ask for a "
		    "longer one",
		    r->file, line, key, s.n);
	if (str_trim(s).n != s.n)
		config_warn(r,
		    "%s:%d: %s holds a value that begins or ends with a blank",
		    r->file, line, key);
	return 0;
}

static struct str
trim_line_end(struct str s)
{
	while (s.n > 0 && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r'))
		s.n--;
	return s;
}

static int
read_file(struct config_reader *r, const char *key, int line, const char *name,
    struct str *out)
{
	struct err why = { 0 };
	unsigned mode;
	const char *path = config_path(r, name);
	if (name[0] == '\0')
		return config_bad(r->e, r->file, line, "%s names no file", key);
	if (path == NULL)
		return config_no_memory(r);
	if (config_slurp(
		r->arena, path, CONFIG_SECRET_BYTES_MAX, out, &mode, &why) != 0)
		return config_bad(r->e, r->file, line, "%s: cannot read %s: %s",
		    key, path, why.text);
	*out = trim_line_end(*out);
	/* not refused: container secrets are mounted like that */
	if ((mode & (S_IROTH | S_IWOTH | S_IWGRP)) != 0)
		config_warn(r,
		    "%s:%d: others can read or change the file of %s; run: "
		    "chmod go-w,o-r %s",
		    r->file, line, key, path);
	return 0;
}

static void
note_literal(struct config_reader *r, const struct config_key *k)
{
	for (size_t i = 0; k != NULL && i < k->n_values; i++)
		if (k->values[i].literal && r->secret_line == 0)
			r->secret_line = k->values[i].line;
}

int
config_secret_read(struct config_reader *r, cfg_t *section,
    const struct config_secret_kind *kind, struct config_list *out)
{
	const char *file_key = arena_printf(r->arena, "%s_file", kind->key);
	if (file_key == NULL)
		return config_no_memory(r);
	size_t n_plain = cfg_size(section, kind->key);
	size_t n = n_plain + cfg_size(section, file_key);
	struct str *v = arena_alloc(r->arena, (n + 1) * sizeof(*v));
	if (v == NULL)
		return config_no_memory(r);
	if (n > CONFIG_SECRETS_MAX)
		return config_bad(r->e, r->file,
		    config_line(r, kind->section, kind->nth,
			n_plain > 0 ? kind->key : file_key, 0),
		    "more than %d values in %s; take old ones out",
		    CONFIG_SECRETS_MAX, kind->key);
	for (size_t i = 0; i < n; i++) {
		int plain = i < n_plain;
		size_t at = plain ? i : i - n_plain;
		const char *key = plain ? kind->key : file_key;
		int line = config_line(r, kind->section, kind->nth, key, at);
		const char *z = cfg_getnstr(section, key, (unsigned)at);
		if (!plain && read_file(r, key, line, z, &v[i]) != 0)
			return -1;
		if (plain)
			v[i] = (struct str){ str_z(r->arena, str_from(z)),
				strlen(z) };
		if (v[i].p == NULL)
			return config_no_memory(r);
		if (secret_check(r, kind, key, line, v[i]) != 0)
			return -1;
	}
	note_literal(
	    r, config_scan_find(&r->scan, kind->section, kind->nth, kind->key));
	*out = (struct config_list){ v, n };
	return 0;
}
