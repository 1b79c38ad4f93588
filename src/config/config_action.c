#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "action/mail.h"
#include "action/mailbox.h"
#include "action/place.h"
#include "config/config_names.h"
#include "config/config_reader.h"
#include "config/config_token.h"

/* ---- mail, exec, forward ------------------------------------------------- */

/* The files are read again for each mail; a slip shows before the first. It
 * stops nothing else: sales come in meanwhile. */
static int
check_mail(struct config_reader *r, const char *path, const char *const *names)
{
	struct err why = { .code = ERR_NONE };
	struct mail_template t;
	struct arena *a = arena_new((size_t)4 * ACTION_TEXT_MAX);
	if (a == NULL)
		return config_no_memory(r);
	int rc = mail_template_read(a, path, names, &t, &why);
	arena_free(a);
	if (rc != 0 && why.code == ERR_MEMORY)
		return config_no_memory(r);
	if (rc != 0)
		config_problem(r, config_line(r, "template", 0),
		    "template: %s; its mails wait", why.text);
	return 0;
}

static int
read_template(struct config_reader *r, struct action_mail *m)
{
	const char *folder = r->config->follow_ups.mail_templates;
	struct str name = config_text(r, "template");
	if (name.n == 0 || str_has_byte(name, '/') || name.p[0] == '.' ||
	    folder == NULL)
		return config_refuse(r, "template",
		    "template is the name of a file, without its suffix, in "
		    "the folder that mail { templates } names");
	m->template = arena_printf(r->arena, "%s/%s", folder, name.p);
	return m->template == NULL ? config_no_memory(r)
				   : check_mail(r, m->template, m->names);
}

static int
read_mail(struct config_reader *r, const char *const *names, struct action *out)
{
	const struct rules *rules = &r->config->follow_ups;
	struct str to = config_text(r, "to");
	int to_buyer = str_eq_z(to, "{email}");
	if (!to_buyer && mailbox_fault(to) != NULL)
		return config_refuse(
		    r, "to", "to is '{email}', the buyer's, or one address");
	if (rules->mail_from.p == NULL)
		return config_refuse(r, "to",
		    "mail needs a sender; add: mail { from = "
		    "'shop@example.org' }");
	out->u.mail = (struct action_mail){ .to = to,
		.from = rules->mail_from,
		.sendmail = rules->sendmail,
		.names = names };
	if (config_text(r, "template").p != NULL)
		return read_template(r, &out->u.mail);
	if (to_buyer)
		return config_refuse(r, "to",
		    "a mail to the buyer needs a template; one without tells "
		    "all there is to one address, as in to = "
		    "'me@example.org'");
	return 0;
}

static int
read_exec(struct config_reader *r, const char *const *names, struct action *out)
{
	const struct config_entry *list = config_values(r, "argv");
	const char **argv =
	    arena_alloc(r->arena, (list->n + 1) * sizeof(const char *));
	(void)names;
	if (argv == NULL)
		return config_no_memory(r);
	if (list->n == 0 || list->n > ACTION_ARGV_MAX)
		return config_refuse(r, "argv",
		    "exec '%.*s' needs argv, 1 to %d words; write argv = { "
		    "'/usr/local/bin/program' }",
		    STR_ARG(out->name), ACTION_ARGV_MAX);
	for (size_t i = 0; i < list->n; i++) {
		const struct config_value *v = &list->values[i];
		struct str word;
		if (place_has(v->text, effect_names) ||
		    place_unknown(v->text, effect_names, &word))
			return config_bad(r->e, r->file, v->line,
			    "argv takes no placeholders: the program finds "
			    "the facts in its environment, as GATEPOST_…");
		argv[i] = v->text.p;
	}
	if (argv[0][0] == '\0')
		return config_refuse(r, "argv", "argv names no program");
	argv[0] = config_path(r, argv[0]);
	if (argv[0] == NULL)
		return config_no_memory(r);
	out->u.exec.argv = argv;
	config_warn_program(r, config_line(r, "argv", 0), "argv", argv[0]);
	return 0;
}

static int
read_forward(
    struct config_reader *r, const char *const *names, struct action *out)
{
	struct config_list list;
	(void)names;
	if (config_url_read(r, NULL, &out->u.forward.url) != 0 ||
	    config_fill_key(r, "secret", &list) != 0)
		return -1;
	if (list.n > 1)
		return config_bad(r->e, r->file, config_line(r, "secret", 1),
		    "forward takes one secret");
	out->u.forward.secret = list.n > 0 ? list.v[0] : STR_NONE;
	return 0;
}

/* ---- all of them --------------------------------------------------------- */

static int
read_common(struct config_reader *r, struct action *out)
{
	int64_t seconds = ACTION_TIMEOUT_MS / 1000;
	struct str name = r->in->title;
	out->name = name;
	out->line = r->in->line;
	if (!config_has_only(name, "._-") || name.n > ACTION_NAME_MAX ||
	    (out->kind == ACTION_MAIL &&
		(str_eq_z(name, ALERT_TARGET) ||
		    str_eq_z(name, SIGNIN_TARGET))))
		return config_refuse(r, NULL,
		    "the name of a target has 1 to %d of A-Z a-z 0-9 . _ -, "
		    "and that of a mail is not " ALERT_TARGET
		    " or " SIGNIN_TARGET,
		    ACTION_NAME_MAX);
	if (config_fill_key(r, "timeout", &seconds) != 0)
		return -1;
	out->timeout_ms = (int)seconds * 1000;
	return config_fill(r, out);
}

static int
warn_absent(struct config_reader *r, struct str download)
{
	const struct config_files *f = link_section(r->config, download);
	const char *path =
	    arena_printf(r->arena, "%s%s", f->root, download.p + f->title.n);
	struct stat st;
	if (path == NULL)
		return config_no_memory(r);
	if (stat(path, &st) != 0)
		config_warn(r, config_line(r, "download", 0),
		    "download: %s: %s", path, strerror(errno));
	return 0;
}

/* The file has to be in a section; it may come later. */
static int
read_download(struct config_reader *r, struct action *out)
{
	int has = out->kind == ACTION_HTTP || out->kind == ACTION_MAIL;
	struct str path = has ? config_text(r, "download") : STR_NONE;
	if (path.p == NULL)
		return 0;
	if (!config_is_path(path, CONFIG_URL_MAX) ||
	    link_section(r->config, path) == NULL)
		return config_refuse(r, "download",
		    "download is a file of a files section: its path and a "
		    "name, like '/guides/guide.pdf'");
	if (r->config->public_url.n == 0 || r->config->pass_secrets.n == 0)
		return config_refuse(r, "download",
		    "download needs public_url and pass_secret, which links "
		    "are made with; set both");
	out->download = path;
	return warn_absent(r, path);
}

/* The placeholders that a text of the action may have; NULL: no memory. */
static const char *const *
choose_names(struct config_reader *r, const struct action *a)
{
	const char **v = arena_alloc(
	    r->arena, (ACTION_FACTS_MAX + 1) * sizeof(const char *));
	int to_buyer =
	    a->kind == ACTION_MAIL && str_eq_z(config_text(r, "to"), "{email}");
	size_t n = 0;
	for (size_t i = 0; v != NULL && effect_names[i] != NULL; i++)
		if ((strcmp(effect_names[i], EFFECT_DOWNLOAD) != 0 ||
			a->download.p != NULL) &&
		    (strcmp(effect_names[i], EFFECT_LINK) != 0 || to_buyer))
			v[n++] = effect_names[i];
	return v;
}

int
config_action_read(
    struct config_reader *r, enum action_kind kind, struct action *out)
{
	static int (*const read[ACTION__MAX])(struct config_reader * r,
	    const char *const *names, struct action *out) = {
		[ACTION_HTTP] = config_http_read,
		[ACTION_MAIL] = read_mail,
		[ACTION_EXEC] = read_exec,
		[ACTION_FORWARD] = read_forward,
	};
	*out = (struct action){ .kind = kind };
	if (read_common(r, out) != 0 || read_download(r, out) != 0)
		return -1;
	const char *const *names = choose_names(r, out);
	return names == NULL ? config_no_memory(r) : read[kind](r, names, out);
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
