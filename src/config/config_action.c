#include "config/config_on.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "action/mail.h"
#include "action/place.h"
#include "base/base64.h"
#include "base/beneath.h"
#include "base/json.h"
#include "config/config_names.h"
#include "config/config_secret.h"
#include "config/config_token.h"

/* Where the section stands, for errors. */
struct place {
	cfg_t *cfg;
	const char *section; /* "on.http" */
	size_t nth;
	const char *const *names; /* of placeholders it may have */
};

#define BAD(r, at, key, value, ...) \
	config_bad((r)->e, (r)->file, \
	    config_line((r), (at)->section, (at)->nth, (key), (value)), \
	    __VA_ARGS__)

enum {
	WHSEC_MIN = 24, /* bytes: spec/standard-webhooks.md */
	WHSEC_MAX = 64,
};

static int
copy(struct config_reader *r, struct str s, struct str *out)
{
	*out = (struct str){ str_z(r->arena, s), s.n };
	return out->p != NULL ? 0 : config_no_memory(r);
}

/* ---- url ----------------------------------------------------------------- */

static int
is_number_host(struct str host)
{
	if (host.n > 0 && host.p[0] == '[')
		return 1;
	for (size_t i = 0; i < host.n; i++)
		if (strchr("0123456789.", host.p[i]) == NULL)
			return 0;
	return host.n > 0;
}

static int
is_host(struct str host)
{
	for (size_t i = 0; i < host.n; i++)
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV"
			   "WXYZ0123456789.-_:[]",
			host.p[i]) == NULL)
			return 0;
	return host.n > 0 && host.p[0] != ':';
}

static int
check_names(struct config_reader *r, const struct place *at, const char *key,
    size_t value, struct str s)
{
	struct str word;
	if (!place_unknown(s, at->names, &word))
		return 0;
	return BAD(r, at, key, value, "%s: {%.*s} is no placeholder here; %s",
	    key, STR_ARG(word), place_advice(word));
}

/* A placeholder in the host would let a buyer choose who is told. */
static int
check_url(struct config_reader *r, const struct place *at, struct str s,
    int placeholders)
{
	size_t scheme = str_starts(s, STR("https://")) ? 8
	    : str_starts(s, STR("http://"))	       ? 7
						       : 0;
	size_t end = scheme;
	while (end < s.n && strchr("/?#", s.p[end]) == NULL)
		end++;
	struct str host = { s.p + scheme, end - scheme }, name, port;
	if (scheme == 0 || s.n > CONFIG_URL_MAX)
		return BAD(r, at, "url", 0,
		    "url is an address of at most %d bytes that begins with "
		    "https://; no placeholder may stand for that",
		    CONFIG_URL_MAX);
	if (!is_host(host))
		return BAD(r, at, "url", 0,
		    "url: the host and port are plain text, without a "
		    "placeholder and without a user");
	str_cut(host, ':', &name, &port);
	if (scheme == 7 && !str_eq_fold(name, STR("localhost")) &&
	    !is_number_host(host.p[0] == '[' ? host : name))
		return BAD(r, at, "url", 0,
		    "url begins with https://; http:// is only for localhost "
		    "and for an address in numbers");
	for (size_t i = end; i < s.n; i++)
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7F || s.p[i] == '#' ||
		    strchr("\"'<>\\^`|", s.p[i]) != NULL ||
		    (!placeholders && strchr("{}", s.p[i]) != NULL))
			return BAD(r, at, "url", 0,
			    "url holds a character no URL has; write it as "
			    "%%XX");
	return placeholders ? check_names(r, at, "url", 0, s) : 0;
}

static int
read_url(struct config_reader *r, const struct place *at, int placeholders,
    const char **out)
{
	const char *z = cfg_getstr(at->cfg, "url");
	if (z == NULL)
		return 0;
	if (check_url(r, at, str_from(z), placeholders) != 0)
		return -1;
	/* what was filled in from the environment may be secret; what stands
	 * here is read by who may read the file */
	*out = str_z(r->arena, str_from(z));
	return *out != NULL ? 0 : config_no_memory(r);
}

/* ---- http ---------------------------------------------------------------- */

/* "whsec_" and base64 of the key (spec/standard-webhooks.md, secrets). */
static int
read_secrets(
    struct config_reader *r, const struct place *at, struct action_http *out)
{
	const struct config_secret_kind kind = { at->section, "secrets", 1, 0,
		at->nth };
	struct config_list list;
	if (config_secret_read(r, at->cfg, &kind, &list) != 0)
		return -1;
	struct str *v = arena_alloc(r->arena, (list.n + 1) * sizeof(*v));
	if (v == NULL)
		return config_no_memory(r);
	for (size_t i = 0; i < list.n; i++) {
		struct str s = list.v[i];
		unsigned char *key = arena_alloc(r->arena, s.n + 1);
		int n = -1;
		if (key == NULL)
			return config_no_memory(r);
		if (str_starts(s, STR("whsec_"))) {
			s = (struct str){ s.p + 6, s.n - 6 };
			while (s.n > 0 && s.p[s.n - 1] == '=')
				s.n--;
			n = base64_bytes(s, '+', '/', key);
		}
		if (n < WHSEC_MIN || n > WHSEC_MAX)
			return BAD(r, at, "secrets", i,
			    "a secret is whsec_ and base64 of %d to %d bytes; "
			    "make one: echo whsec_$(openssl rand -base64 32)",
			    WHSEC_MIN, WHSEC_MAX);
		v[i] = (struct str){ (const char *)key, (size_t)n };
	}
	out->secrets = v;
	out->n_secrets = list.n;
	return 0;
}

static int
read_headers(
    struct config_reader *r, const struct place *at, struct action_http *out)
{
	static const char *const own[] = { "webhook-id", "webhook-timestamp",
		"webhook-signature", "content-length", "host",
		"transfer-encoding", "user-agent" };
	size_t n = cfg_size(at->cfg, "headers");
	const char **v = arena_alloc(r->arena, (n + 1) * sizeof(const char *));
	if (v == NULL)
		return config_no_memory(r);
	if (n > ACTION_HEADERS_MAX)
		return BAD(r, at, "headers", ACTION_HEADERS_MAX,
		    "at most %d headers", ACTION_HEADERS_MAX);
	for (size_t i = 0; i < n; i++) {
		const char *z = cfg_getnstr(at->cfg, "headers", (unsigned)i);
		struct str name, value;
		int bad = !str_cut(str_from(z), ':', &name, &value) ||
		    name.n == 0 || str_has_control(str_from(z));
		for (size_t k = 0; k < name.n; k++)
			bad |=
			    strchr(" \"(),/;<=>?@[\\]{}", name.p[k]) != NULL ||
			    (unsigned char)name.p[k] >= 0x7F;
		for (size_t k = 0; k < sizeof(own) / sizeof(own[0]); k++)
			bad |= str_eq_fold(name, str_from(own[k]));
		if (bad)
			return BAD(r, at, "headers", i,
			    "a header is 'Name: value', without placeholders; "
			    "webhook-… and those of HTTP itself are set here");
		v[i] = str_z(r->arena, str_from(z));
		if (v[i] == NULL)
			return config_no_memory(r);
	}
	out->headers = n > 0 ? v : NULL;
	return 0;
}

static int
read_body(
    struct config_reader *r, const struct place *at, struct action_http *out)
{
	static const char *const words[] = { [ACTION_JSON] = "json",
		[ACTION_FORM] = "form",
		[ACTION_TEMPLATE] = "template" };
	const char *format = cfg_getstr(at->cfg, "format");
	const char *body = cfg_getstr(at->cfg, "body");
	int k = ACTION_JSON;
	while (format != NULL && k <= ACTION_TEMPLATE &&
	    strcmp(format, words[k]) != 0)
		k++;
	if (k > ACTION_TEMPLATE)
		return BAD(r, at, "format", 0,
		    "format is 'json', 'form' or 'template'");
	out->format = (enum action_format)k;
	if ((body != NULL) != (k != ACTION_JSON))
		return BAD(r, at, body == NULL ? "format" : "body", 0,
		    "a body goes with format = 'form' or 'template'; what "
		    "'json' sends is fixed");
	if (body == NULL)
		return 0;
	if (strlen(body) > ACTION_TEXT_MAX)
		return BAD(r, at, "body", 0, "body has at most %d bytes",
		    ACTION_TEXT_MAX);
	return check_names(r, at, "body", 0, str_from(body)) != 0
	    ? -1
	    : copy(r, str_from(body), &out->body);
}

/* A value outside of quotes could add to the JSON: each is tried as a text
 * that ends a string where it is not inside one. */
static int
check_template(
    struct config_reader *r, const struct action *a, const struct place *at)
{
	struct action_fact facts[ACTION_FACTS_MAX];
	struct action_effect effect = { .facts = facts };
	const struct action_http *h = &a->u.http;
	struct err why = { 0 };
	const char *reason;
	struct buf b;
	if (h->format != ACTION_TEMPLATE || action_http_place(h) != PLACE_JSON)
		return 0;
	for (size_t i = 0; effect_names[i] != NULL; i++)
		facts[effect.n_facts++] =
		    (struct action_fact){ effect_names[i], STR("\"") };
	buf_init(&b, 8 * (size_t)ACTION_TEXT_MAX);
	place_fill(&b, h->body, PLACE_JSON, 1, &effect);
	json_t *j = json_load_strict(r->arena, buf_str(&b), 0, &reason, &why);
	buf_free(&b);
	if (j == NULL)
		return BAD(r, at, "body", 0,
		    "body is no JSON object, or has a placeholder outside of "
		    "quotes; write \"{name}\", or name another Content-Type "
		    "in headers");
	json_decref(j);
	return 0;
}

static int
read_http(struct config_reader *r, const struct place *at, struct action *out)
{
	struct action_http *h = &out->u.http;
	if (read_url(r, at, 1, &h->url) != 0 || read_secrets(r, at, h) != 0 ||
	    read_headers(r, at, h) != 0 || read_body(r, at, h) != 0)
		return -1;
	return check_template(r, out, at);
}

/* ---- the others ---------------------------------------------------------- */

/* The files are read again for each mail; a slip shows before the first. It
 * stops nothing else: sales come in meanwhile. */
static int
check_mail(struct config_reader *r, const struct place *at, const char *path)
{
	struct err why = { .code = ERR_NONE };
	struct mail_template t;
	struct arena *a = arena_new((size_t)4 * ACTION_TEXT_MAX);
	if (a == NULL)
		return config_no_memory(r);
	int rc = mail_template_read(a, path, at->names, &t, &why);
	arena_free(a);
	if (rc != 0 && why.code == ERR_MEMORY)
		return config_no_memory(r);
	if (rc != 0)
		config_problem(r, "%s:%d: template: %s; its mails wait",
		    r->file,
		    config_line(r, at->section, at->nth, "template", 0),
		    why.text);
	return 0;
}

static int
read_mail(struct config_reader *r, const struct place *at, struct action *out)
{
	const struct rules *rules = &r->config->follow_ups;
	struct str to = str_from(cfg_getstr(at->cfg, "to"));
	const char *name = cfg_getstr(at->cfg, "template");
	struct action_mail *m = &out->u.mail;
	if (!str_eq_z(to, "{email}") && !config_is_address(to))
		return BAD(r, at, "to", 0,
		    "to is '{email}', the buyer's, or one address");
	m->from = rules->mail_from;
	m->sendmail = rules->sendmail;
	m->names = at->names;
	if (m->from.p == NULL)
		return BAD(r, at, "to", 0,
		    "mail needs a sender; add: mail { from = "
		    "'shop@example.org' }");
	if (name != NULL) {
		if (name[0] == '\0' || strchr(name, '/') != NULL ||
		    name[0] == '.' || rules->mail_templates == NULL)
			return BAD(r, at, "template", 0,
			    "template is the name of a file, without its "
			    "suffix, in the folder that mail { templates } "
			    "names");
		m->template = arena_printf(
		    r->arena, "%s/%s", rules->mail_templates, name);
		if (m->template == NULL)
			return config_no_memory(r);
		if (check_mail(r, at, m->template) != 0)
			return -1;
	} else if (str_eq_z(to, "{email}")) {
		return BAD(r, at, "to", 0,
		    "a mail to the buyer needs a template; one without tells "
		    "all there is to one address, as in to = "
		    "'me@example.org'");
	}
	return copy(r, to, &m->to);
}

static int
read_exec(struct config_reader *r, const struct place *at, struct action *out)
{
	size_t n = cfg_size(at->cfg, "argv");
	const char **v = arena_alloc(r->arena, (n + 1) * sizeof(const char *));
	if (v == NULL)
		return config_no_memory(r);
	if (n == 0 || n > ACTION_ARGV_MAX)
		return BAD(r, at, "argv", 0,
		    "exec '%.*s' needs argv, 1 to %d words; write argv = { "
		    "'/usr/local/bin/program' }",
		    STR_ARG(out->name), ACTION_ARGV_MAX);
	for (size_t i = 0; i < n; i++) {
		struct str word,
		    s = str_from(cfg_getnstr(at->cfg, "argv", (unsigned)i));
		if (place_has(s, effect_names) ||
		    place_unknown(s, effect_names, &word))
			return BAD(r, at, "argv", i,
			    "argv takes no placeholders: the program finds "
			    "the facts in its environment, as GATEPOST_…");
		v[i] = i == 0 ? config_path(r, s.p) : str_z(r->arena, s);
		if (v[i] == NULL)
			return config_no_memory(r);
		if (i == 0 && s.n == 0)
			return BAD(r, at, "argv", 0, "argv names no program");
	}
	out->u.exec.argv = v;
	config_warn_program(
	    r, config_line(r, at->section, at->nth, "argv", 0), "argv", v[0]);
	return 0;
}

static int
read_forward(
    struct config_reader *r, const struct place *at, struct action *out)
{
	const struct config_secret_kind kind = { at->section, "secret", 1, 0,
		at->nth };
	struct config_list list;
	if (read_url(r, at, 0, &out->u.forward.url) != 0 ||
	    config_secret_read(r, at->cfg, &kind, &list) != 0)
		return -1;
	if (list.n > 1)
		return BAD(r, at, "secret", 1, "forward takes one secret");
	out->u.forward.secret = list.n > 0 ? list.v[0] : STR_NONE;
	return 0;
}

/* ---- all of them --------------------------------------------------------- */

static int
read_common(struct config_reader *r, const struct place *at, struct action *out)
{
	struct str name = str_from(cfg_title(at->cfg));
	const char *timeout = cfg_getstr(at->cfg, "timeout");
	int64_t seconds = ACTION_TIMEOUT_MS / 1000;
	int good = name.n > 0 && name.n <= ACTION_NAME_MAX;
	out->line = config_scan_section(&r->scan, at->section, at->nth);
	for (size_t i = 0; good && i < name.n; i++)
		good = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRST"
			      "UVWXYZ0123456789._-",
			   name.p[i]) != NULL;
	if (!good ||
	    (out->kind == ACTION_MAIL &&
		(str_eq_z(name, RULE_ALERT) || str_eq_z(name, SIGNIN_TARGET))))
		return BAD(r, at, NULL, 0,
		    "the name of a target has 1 to %d of A-Z a-z 0-9 . _ -, "
		    "and that of a mail is not " RULE_ALERT
		    " or " SIGNIN_TARGET,
		    ACTION_NAME_MAX);
	if (timeout != NULL &&
	    (str_duration(str_from(timeout), &seconds) != 0 || seconds < 1 ||
		seconds > ACTION_TIMEOUT_MAX_MS / 1000))
		return BAD(r, at, "timeout", 0,
		    "timeout goes from '1s' to '%ds'",
		    ACTION_TIMEOUT_MAX_MS / 1000);
	out->timeout_ms = (int)seconds * 1000;
	out->order = cfg_getbool(at->cfg, "order") == cfg_true;
	return copy(r, name, &out->name);
}

static int
warn_absent(struct config_reader *r, const struct place *at, struct str s)
{
	const struct config_files *f = link_section(r->config, s);
	const char *path = arena_printf(r->arena, "%s%.*s", f->root,
	    (int)(s.n - f->title.n), s.p + f->title.n);
	struct stat st;
	if (path == NULL)
		return config_no_memory(r);
	if (stat(path, &st) != 0)
		config_warn(r, "%s:%d: download: %s: %s", r->file,
		    config_line(r, at->section, at->nth, "download", 0), path,
		    strerror(errno));
	return 0;
}

/* The file has to be in a section; it may come later. */
static int
read_download(
    struct config_reader *r, const struct place *at, struct action *out)
{
	int has = out->kind == ACTION_HTTP || out->kind == ACTION_MAIL;
	struct str name,
	    s = str_from(has ? cfg_getstr(at->cfg, "download") : NULL);
	if (s.p == NULL)
		return 0;
	struct str rest = { s.p + 1, s.n - 1 };
	int good = s.n > 1 && s.n <= CONFIG_URL_MAX && s.p[0] == '/' &&
	    link_section(r->config, s) != NULL;
	while (good && rest.p != NULL) {
		str_cut(rest, '/', &name, &rest);
		good = beneath_is_name(name);
	}
	if (!good)
		return BAD(r, at, "download", 0,
		    "download is a file of a files section: its path and a "
		    "name, like '/guides/guide.pdf'");
	if (r->config->public_url.n == 0 || r->config->pass_secrets.n == 0)
		return BAD(r, at, "download", 0,
		    "download needs public_url and pass_secret, which links "
		    "are made with; set both");
	return warn_absent(r, at, s) != 0 ? -1 : copy(r, s, &out->download);
}

static int
choose_names(struct config_reader *r, struct place *at, const struct action *a)
{
	const char **v = arena_alloc(
	    r->arena, (ACTION_FACTS_MAX + 1) * sizeof(const char *));
	int mail = a->kind == ACTION_MAIL &&
	    str_eq_z(str_from(cfg_getstr(at->cfg, "to")), "{email}");
	size_t n = 0;
	if (v == NULL)
		return config_no_memory(r);
	for (size_t i = 0; effect_names[i] != NULL; i++)
		if ((strcmp(effect_names[i], EFFECT_DOWNLOAD) != 0 ||
			a->download.p != NULL) &&
		    (strcmp(effect_names[i], EFFECT_LINK) != 0 || mail))
			v[n++] = effect_names[i];
	at->names = v;
	return 0;
}

int
config_action_read(struct config_reader *r, cfg_t *cfg, enum action_kind kind,
    size_t nth, struct action *out)
{
	static const struct {
		const char *section;
		int (*read)(struct config_reader *r, const struct place *at,
		    struct action *out);
	} kinds[ACTION__MAX] = {
		[ACTION_HTTP] = { "on.http", read_http },
		[ACTION_MAIL] = { "on.mail", read_mail },
		[ACTION_EXEC] = { "on.exec", read_exec },
		[ACTION_FORWARD] = { "on.forward", read_forward },
	};
	struct place at = { cfg, kinds[kind].section, nth, NULL };
	*out = (struct action){ .kind = kind };
	if (read_common(r, &at, out) != 0 || read_download(r, &at, out) != 0 ||
	    choose_names(r, &at, out) != 0)
		return -1;
	return kinds[kind].read(r, &at, out);
}

static int
adopt_url(struct config_reader *r, const struct action *new, const char *old,
    const char **url)
{
	if (*url == NULL)
		*url = old;
	if (*url == NULL)
		return config_bad(r->e, r->file, new->line,
		    "%s '%.*s' has no url; write url = 'https://…'",
		    action_words[new->kind], STR_ARG(new->name));
	if (old != NULL && strcmp(old, *url) != 0)
		return config_bad(r->e, r->file, new->line,
		    "%s '%.*s' has another url than further up; give it "
		    "another name",
		    action_words[new->kind], STR_ARG(new->name));
	return 0;
}

int
config_action_adopt(
    struct config_reader *r, const struct action *old, struct action *new)
{
	struct action_http *h = &new->u.http;
	struct action_forward *f = &new->u.forward;
	if (new->kind == ACTION_FORWARD) {
		if (f->secret.p == NULL && old != NULL)
			f->secret = old->u.forward.secret;
		return adopt_url(
		    r, new, old == NULL ? NULL : old->u.forward.url, &f->url);
	}
	if (new->kind != ACTION_HTTP)
		return 0;
	if (old != NULL) {
		if (h->n_secrets == 0) {
			h->secrets = old->u.http.secrets;
			h->n_secrets = old->u.http.n_secrets;
		}
		if (h->headers == NULL)
			h->headers = old->u.http.headers;
		if (h->format == ACTION_JSON) {
			h->format = old->u.http.format;
			h->body = old->u.http.body;
		}
		new->order |= old->order;
	}
	return adopt_url(r, new, old == NULL ? NULL : old->u.http.url, &h->url);
}
