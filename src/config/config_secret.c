#include <string.h>
#include <sys/stat.h>

#include "config/config_reader.h"
#include "config/config_token.h"

enum {
	SECRETS_MAX = 16, /* of one kind: a rotation takes two */
	SECRET_BYTES_MAX = 4096,
};

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
secret_check(struct config_reader *r, const struct config_key *kind,
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
	if (s.n < (size_t)kind->least)
		return config_bad(r->e, r->file, line,
		    "%s holds a value of %zu bytes; %lld or more are needed "
		    "(make one: openssl rand -hex 32)",
		    key, s.n, (long long)kind->least);
	if (s.n > SECRET_BYTES_MAX)
		return config_bad(r->e, r->file, line,
		    "%s holds a value of more than %d bytes", key,
		    SECRET_BYTES_MAX);
	if (s.n < (size_t)kind->most)
		config_warn(r, line,
		    "%s holds a short value (%zu bytes); ask for a "
		    "longer one",
		    key, s.n);
	if (str_trim(s).n != s.n)
		config_warn(r, line,
		    "%s holds a value that begins or ends with a blank", key);
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
	if (config_slurp(r->arena, path, SECRET_BYTES_MAX, out, &mode, &why) !=
	    0)
		return config_bad(r->e, r->file, line, "%s: cannot read %s: %s",
		    key, path, why.text);
	*out = trim_line_end(*out);
	/* not refused: container secrets are mounted like that */
	if ((mode & (S_IROTH | S_IWOTH | S_IWGRP)) != 0)
		config_warn(r, line,
		    "others can read or change the file of %s; run: "
		    "chmod go-w,o-r %s",
		    key, path);
	return 0;
}

int
config_secret_read(struct config_reader *r, const struct config_key *key,
    struct config_list *out)
{
	const char *file_key = arena_printf(r->arena, "%s_file", key->name);
	if (file_key == NULL)
		return config_no_memory(r);
	const struct config_entry *plain = config_values(r, key->name);
	const struct config_entry *files = config_values(r, file_key);
	size_t n = 0, max = plain->n + files->n;
	struct str *v = arena_alloc(r->arena, (max + 1) * sizeof(*v));
	if (v == NULL)
		return config_no_memory(r);
	if (max > SECRETS_MAX)
		return config_refuse(r, plain->n > 0 ? key->name : file_key,
		    "more than %d values in %s; take old ones out", SECRETS_MAX,
		    key->name);
	for (size_t i = 0; i < plain->n; i++) {
		const struct config_value *p = &plain->values[i];
		if (key->type == CONFIG_SECRET && p->text.n == 0)
			continue; /* as if it were not there */
		v[n] = p->text;
		if (secret_check(r, key, key->name, p->line, v[n++]) != 0)
			return -1;
		if (p->literal && r->secret_line == 0)
			r->secret_line = p->line;
	}
	for (size_t i = 0; i < files->n; i++) {
		const struct config_value *p = &files->values[i];
		if (read_file(r, file_key, p->line, p->text.p, &v[n]) != 0 ||
		    secret_check(r, key, file_key, p->line, v[n++]) != 0)
			return -1;
	}
	*out = (struct config_list){ v, n };
	return 0;
}
