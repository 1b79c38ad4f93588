#include <string.h>

#include "action/place.h"
#include "base/base64.h"
#include "base/json.h"
#include "config/config_names.h"
#include "config/config_reader.h"
#include "config/config_token.h"

enum {
	WHSEC_MIN = 24, /* bytes: spec/standard-webhooks.md */
	WHSEC_MAX = 64,
};

/* ---- url ----------------------------------------------------------------- */

static int
check_names(struct config_reader *r, const char *key, struct str text,
    const char *const *names)
{
	struct str word;
	if (!place_unknown(text, names, &word))
		return 0;
	return config_refuse(r, key, "%s: {%.*s} is no placeholder here; %s",
	    key, STR_ARG(word), place_advice(word));
}

/* A placeholder in the host would let a buyer choose who is told. names: the
 * placeholders it may have further on; NULL: none. */
static int
check_url(struct config_reader *r, struct str s, const char *const *names)
{
	static const char key[] = "url";
	size_t scheme = str_starts(s, STR("https://")) ? 8
	    : str_starts(s, STR("http://"))	       ? 7
						       : 0;
	size_t end = scheme;
	while (end < s.n && strchr("/?#", s.p[end]) == NULL)
		end++;
	struct str host = { s.p + scheme, end - scheme }, name, port;
	if (scheme == 0 || s.n > CONFIG_URL_MAX)
		return config_refuse(r, key,
		    "url is an address of at most %d bytes that begins with "
		    "https://; no placeholder may stand for that",
		    CONFIG_URL_MAX);
	if (!config_has_only(host, ".-_:[]") || host.p[0] == ':')
		return config_refuse(r, key,
		    "url: the host and port are plain text, without a "
		    "placeholder and without a user");
	str_cut(host, ':', &name, &port);
	if (scheme == 7 && !str_eq_fold(name, STR("localhost")) &&
	    host.p[0] != '[' && !config_is_digits(name, "."))
		return config_refuse(r, key,
		    "url begins with https://; http:// is only for localhost "
		    "and for an address in numbers");
	for (size_t i = end; i < s.n; i++)
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7F || s.p[i] == '#' ||
		    strchr("\"'<>\\^`|", s.p[i]) != NULL ||
		    (names == NULL && strchr("{}", s.p[i]) != NULL))
			return config_refuse(r, key,
			    "url holds a character no URL has; write it as "
			    "%%XX");
	return names == NULL ? 0 : check_names(r, key, s, names);
}

/* It may come from the environment and be secret: no message shows it. */
int
config_url_read(
    struct config_reader *r, const char *const *names, const char **out)
{
	struct str url = config_text(r, "url");
	*out = url.p;
	return url.p == NULL ? 0 : check_url(r, url, names);
}

/* ---- the other keys ------------------------------------------------------ */

/* "whsec_" and base64 of the key (spec/standard-webhooks.md, secrets). */
static int
read_secrets(struct config_reader *r, struct action_http *out)
{
	struct config_list list;
	if (config_fill_key(r, "secrets", &list) != 0)
		return -1;
	struct str *v = arena_alloc(r->arena, (list.n + 1) * sizeof(*v));
	if (v == NULL)
		return config_no_memory(r);
	for (size_t i = 0; i < list.n; i++) {
		struct str code = list.v[i];
		unsigned char *key = arena_alloc(r->arena, code.n + 1);
		int n = -1;
		if (key == NULL)
			return config_no_memory(r);
		if (str_starts(code, STR("whsec_"))) {
			code = (struct str){ code.p + 6, code.n - 6 };
			while (code.n > 0 && code.p[code.n - 1] == '=')
				code.n--;
			n = base64_bytes(code, '+', '/', key);
		}
		if (n < WHSEC_MIN || n > WHSEC_MAX)
			return config_bad(r->e, r->file,
			    config_line(r, "secrets", i),
			    "a secret is whsec_ and base64 of %d to %d bytes; "
			    "make one: echo whsec_$(openssl rand -base64 32)",
			    WHSEC_MIN, WHSEC_MAX);
		v[i] = (struct str){ (const char *)key, (size_t)n };
	}
	out->secrets = v;
	out->n_secrets = list.n;
	return 0;
}

/* "Name: value", and none of those that are set here. */
static int
is_header(struct str s)
{
	static const char *const own[] = { "webhook-id", "webhook-timestamp",
		"webhook-signature", "content-length", "host",
		"transfer-encoding", "user-agent" };
	struct str name, value;
	int good =
	    str_cut(s, ':', &name, &value) && name.n > 0 && !str_has_control(s);
	for (size_t k = 0; k < name.n; k++)
		good &= strchr(" \"(),/;<=>?@[\\]{}", name.p[k]) == NULL &&
		    (unsigned char)name.p[k] < 0x7F;
	for (size_t k = 0; k < sizeof(own) / sizeof(own[0]); k++)
		good &= !str_eq_fold(name, str_from(own[k]));
	return good;
}

static int
read_headers(struct config_reader *r, struct action_http *out)
{
	const struct config_entry *list = config_values(r, "headers");
	const char **to =
	    arena_alloc(r->arena, (list->n + 1) * sizeof(const char *));
	if (to == NULL)
		return config_no_memory(r);
	if (list->n > ACTION_HEADERS_MAX)
		return config_bad(r->e, r->file,
		    config_line(r, "headers", ACTION_HEADERS_MAX),
		    "at most %d headers", ACTION_HEADERS_MAX);
	out->headers = list->n > 0 ? to : NULL;
	for (size_t i = 0; i < list->n; i++) {
		const struct config_value *v = &list->values[i];
		if (!is_header(v->text))
			return config_bad(r->e, r->file, v->line,
			    "a header is 'Name: value', without placeholders; "
			    "webhook-… and those of HTTP itself are set here");
		to[i] = v->text.p;
	}
	return 0;
}

static int
read_body(
    struct config_reader *r, const char *const *names, struct action_http *out)
{
	struct str body = config_text(r, "body");
	if ((body.p != NULL) != (out->format != ACTION_JSON))
		return config_refuse(r, body.p == NULL ? "format" : "body",
		    "a body goes with format = 'form' or 'template'; what "
		    "'json' sends is fixed");
	if (body.n > ACTION_TEXT_MAX)
		return config_refuse(
		    r, "body", "body has at most %d bytes", ACTION_TEXT_MAX);
	out->body = body;
	return check_names(r, "body", body, names);
}

/* A value outside of quotes could add to the JSON: each is tried as a text
 * that ends a string where it is not inside one. An object, or a list, which
 * Alertmanager takes. */
static int
check_template(struct config_reader *r, const struct action_http *h)
{
	struct action_fact facts[ACTION_FACTS_MAX];
	struct action_effect effect = { .facts = facts };
	struct err why = { 0 };
	const char *reason;
	struct buf b;
	if (h->format != ACTION_TEMPLATE || action_http_place(h) != PLACE_JSON)
		return 0;
	for (size_t i = 0; effect_names[i] != NULL; i++)
		facts[effect.n_facts++] =
		    (struct action_fact){ effect_names[i], STR("\"") };
	buf_init(&b, 8 * (size_t)ACTION_TEXT_MAX);
	buf_addz(&b, "{\"body\":");
	place_fill(&b, h->body, PLACE_JSON, 1, &effect);
	buf_addc(&b, '}');
	json_t *j = json_load_strict(r->arena, buf_str(&b), 0, &reason, &why);
	buf_free(&b);
	const json_t *body = json_object_get(j, "body");
	int is_good = json_is_object(body) || json_is_array(body);
	json_decref(j);
	return is_good ? 0
		       : config_refuse(r, "body",
			     "body is no JSON object or list, or has a "
			     "placeholder outside of quotes; write "
			     "\"{name}\", or name another Content-Type in "
			     "headers");
}

int
config_http_read(
    struct config_reader *r, const char *const *names, struct action *out)
{
	struct action_http *h = &out->u.http;
	return config_url_read(r, names, &h->url) != 0 ||
		read_secrets(r, h) != 0 || read_headers(r, h) != 0 ||
		read_body(r, names, h) != 0
	    ? -1
	    : check_template(r, h);
}
