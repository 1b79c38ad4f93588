#include "config/config_reader.h"

static int
fill_text(struct config_reader *r, const struct config_key *key, struct str v,
    struct str *out)
{
	*out = v.n > 0 ? v : STR_NONE;
	if (key->type == CONFIG_REAL_TEXT && config_is_placeholder(v))
		return config_refuse(r, key->name,
		    "%s still holds a placeholder; put the real value there "
		    "or take the line out",
		    key->name);
	return 0;
}

int
config_refuse_word(struct config_reader *r, const char *key, const char *words,
    const char *advice)
{
	struct str word, rest = str_from(words);
	struct buf b;
	buf_init(&b, ERR_TEXT_MAX);
	buf_addf(&b, "%s is ", key);
	while (rest.p != NULL) {
		str_cut(rest, ' ', &word, &rest);
		buf_addf(&b, "'%.*s'%s", STR_ARG(word),
		    rest.p == NULL		  ? advice != NULL ? advice : ""
			: str_has_byte(rest, ' ') ? ", "
						  : " or ");
	}
	config_refuse(r, key, "%.*s", STR_ARG(buf_str(&b)));
	buf_free(&b);
	return -1;
}

static int
fill_word(struct config_reader *r, const struct config_key *key, struct str v,
    int *out)
{
	struct str word, rest = str_from(key->words);
	int64_t n = key->least;
	while (rest.p != NULL) {
		str_cut(rest, ' ', &word, &rest);
		*out = (int)n++;
		if (str_eq(v, word))
			return 0;
	}
	return config_refuse_word(r, key->name, key->words, key->advice);
}

/* It has been seen to be a number. */
static int
fill_int(struct config_reader *r, const struct config_key *key, struct str v,
    int *out)
{
	int64_t n;
	if (str_int64(v, key->least, key->most, &n) != 0)
		return config_refuse(r, key->name, "%s goes from %lld to %lld",
		    key->name, (long long)key->least, (long long)key->most);
	*out = (int)n;
	return 0;
}

static int
fill_time(struct config_reader *r, const struct config_key *key, struct str v,
    int64_t *out)
{
	int is_time = str_duration(v, out) == 0;
	if (is_time && *out >= key->least && *out <= key->most)
		return 0;
	if (key->advice != NULL)
		return config_refuse(
		    r, key->name, "%s %s", key->name, key->advice);
	if (is_time)
		return config_refuse(
		    r, key->name, "%s is too short; write '5m'", key->name);
	return config_refuse(r, key->name,
	    "%s is not a time; write a number and one of s, m, h, d, w, such "
	    "as '7d'",
	    key->name);
}

static int
fill_secret(
    struct config_reader *r, const struct config_key *key, struct str *out)
{
	struct config_list all;
	if (config_secret_read(r, key, &all) != 0)
		return -1;
	if (all.n > 1)
		return config_refuse(
		    r, key->name, "%s is one value", key->name);
	*out = all.n > 0 ? all.v[0] : STR_NONE;
	return 0;
}

static int
fill(struct config_reader *r, const struct config_key *key, void *out)
{
	if (key->type == CONFIG_SECRETS)
		return config_secret_read(r, key, out);
	if (key->type == CONFIG_SECRET)
		return fill_secret(r, key, out);
	struct str v = config_text(r, key->name);
	if (v.p == NULL)
		return 0;
	switch (key->type) {
	case CONFIG_WORD:
		return fill_word(r, key, v, out);
	case CONFIG_INT:
		return fill_int(r, key, v, out);
	case CONFIG_TIME:
		return fill_time(r, key, v, out);
	case CONFIG_BOOL:
		*(int *)out = config_bool(v);
		return 0;
	default:
		return fill_text(r, key, v, out);
	}
}

int
config_fill(struct config_reader *r, void *out)
{
	for (const struct config_key *key = r->in->keys; key->name != NULL;
	     key++)
		if (key->at != 0 &&
		    fill(r, key, (char *)out + key->at - 1) != 0)
			return -1;
	return 0;
}

int
config_fill_key(struct config_reader *r, const char *key, void *out)
{
	return fill(r, config_key_find(r->in->keys, key), out);
}
