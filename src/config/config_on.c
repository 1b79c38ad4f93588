#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "action/mail.h"
#include "action/mailbox.h"
#include "action/mailer.h"
#include "config/config_names.h"
#include "config/config_reader.h"
#include "config/config_token.h"

enum { EVENT_SHOWN_MAX = 24 };

/* ---- one section on ------------------------------------------------------ */

/* The event that is meant, or NULL. Capitals are letters wrong. */
static const char *
nearest_event(const char *word)
{
	size_t best = strlen(word) / 3 + 1;
	const char *found = NULL;
	for (int k = 0; k < RULE__MAX; k++) {
		size_t d = strcasecmp(word, rule_words[k]) == 0
		    ? 0
		    : config_distance(word, rule_words[k]);
		if (d <= best && (found == NULL || d < best)) {
			best = d;
			found = rule_words[k];
		}
	}
	return found;
}

/* Named where it may be an event with a letter wrong; anything else may be the
 * value of a variable, which no message shows. */
static int
no_such_event(struct config_reader *r, struct str word)
{
	const char *z = word.n <= EVENT_SHOWN_MAX ? str_z(r->arena, word) : "";
	if (z == NULL)
		return config_no_memory(r);
	const char *guess = nearest_event(z);
	if (guess != NULL)
		return config_refuse(r, NULL,
		    "on '%s': there is no such event; did you mean '%s'?", z,
		    guess);
	size_t n = strspn(z, "abcdefghijklmnopqrstuvwxyz_");
	if (n < word.n)
		word = STR("…");
	return config_refuse(r, NULL,
	    "on '%.*s': there is no such event; gatepost.conf(5) lists them: "
	    "purchase, renewal, refunded, …",
	    STR_ARG(word));
}

/* "purchase renewal", or with commas; what follows a # was never looked at. */
static int
read_events(struct config_reader *r, struct rule *out)
{
	struct str rest, word;
	str_cut(r->in->title, '#', &rest, &word);
	while (rest.n > 0) {
		size_t n = 0;
		int k = 0;
		while (n < rest.n && rest.p[n] != ' ' && rest.p[n] != ',')
			n++;
		word = (struct str){ rest.p, n };
		n += n < rest.n;
		rest = (struct str){ rest.p + n, rest.n - n };
		if (word.n == 0)
			continue;
		while (k < RULE__MAX && !str_eq_z(word, rule_words[k]))
			k++;
		if (k == RULE__MAX)
			return no_such_event(r, word);
		out->events |= 1U << k;
	}
	return out->events != 0
	    ? 0
	    : config_refuse(
		  r, NULL, "on '' names no event; write on 'purchase' {");
}

static int
check_platform(struct config_reader *r, struct str name)
{
	struct buf words;
	if (name.p == NULL || platform_find(name) != NULL ||
	    str_eq_z(name, "manual"))
		return 0;
	buf_init(&words, ERR_TEXT_MAX);
	for (size_t i = 0; i < PLATFORM__MAX; i++)
		buf_addf(&words, "%s ", platforms[i]->name);
	buf_addz(&words, "manual");
	if (buf_ok(&words))
		config_refuse_word(r, "platform", words.p, "");
	buf_free(&words);
	return -1;
}

static int
read_filters(struct config_reader *r, struct rule *out)
{
	if (config_fill(r, out) != 0 || check_platform(r, out->platform) != 0)
		return -1;
	if ((out->from.p != NULL || out->to.p != NULL) &&
	    (out->events & ~(1U << RULE_TIER_CHANGED | 1U << RULE_LAPSED)) != 0)
		return config_refuse(r, out->from.p != NULL ? "from" : "to",
		    "from and to are for on 'tier_changed' and 'lapsed'");
	if (config_tree_find(r->in, "before") != NULL &&
	    (out->events & 1U << RULE_EXPIRING) == 0)
		return config_refuse(
		    r, "before", "before is for on 'expiring'");
	return 0;
}

/* The first action of that kind and name in the rules up to the nth that have
 * one of these events, or NULL. */
static const struct action *
find_earlier(
    const struct rule *v, size_t nth, unsigned events, const struct action *a)
{
	for (size_t i = 0; i <= nth; i++)
		for (size_t k = 0;
		     (v[i].events & events) != 0 && k < v[i].n_actions; k++)
			if (v[i].actions[k].kind == a->kind &&
			    str_eq(v[i].actions[k].name, a->name))
				return &v[i].actions[k];
	return NULL;
}

/* One target is one other end: its breaker, its order and the row's name are
 * by kind and name. Without a url it is the one further up. */
static int
check_same(struct config_reader *r, const struct rule *v, size_t nth,
    struct action *new)
{
	const struct action *old = find_earlier(v, nth, v[nth].events, new);
	if (old != NULL)
		return config_bad(r->e, r->file, new->line,
		    "%s '%.*s' does the same event in line %d; give it "
		    "another name",
		    action_words[new->kind], STR_ARG(new->name), old->line);
	old = find_earlier(v, nth, ~0U, new);
	return config_action_adopt(r, old, new);
}

static int
read_actions(struct config_reader *r, struct rule *v, size_t nth)
{
	const struct config_section *on = r->in;
	struct action *out =
	    arena_alloc(r->arena, RULE_ACTIONS_MAX * sizeof(*out));
	struct rule *rule = &v[nth];
	if (out == NULL)
		return config_no_memory(r);
	rule->actions = out;
	for (int k = 0; k < ACTION__MAX; k++) {
		const char *kind = action_words[k];
		r->in = config_tree_next(on->sections, kind);
		while (r->in != NULL) {
			struct action *one = &out[rule->n_actions];
			if (rule->n_actions == RULE_ACTIONS_MAX)
				return config_bad(r->e, r->file, on->line,
				    "more than %d actions in one on",
				    RULE_ACTIONS_MAX);
			if (config_action_read(r, (enum action_kind)k, one) !=
				0 ||
			    check_same(r, v, nth, one) != 0)
				return -1;
			rule->n_actions++;
			r->in = config_tree_next(r->in->next, kind);
		}
	}
	r->in = on;
	if (rule->n_actions == 0)
		return config_refuse(r, NULL,
		    "on does nothing; put an http, mail, exec or forward "
		    "section into it");
	return 0;
}

static void
warn_tier(struct config_reader *r, int line, struct str tier)
{
	if (tier.p == NULL || str_has_byte(tier, '*') ||
	    str_has_byte(tier, '?') || str_eq_z(tier, "none") ||
	    tier_find(&r->config->rules, tier) != NULL)
		return;
	config_warn(r, line,
	    "on: there is no tier '%.*s' here; only a purchase that "
	    "has just that name fits",
	    STR_ARG(tier));
}

/* ---- all of it ----------------------------------------------------------- */

static int
read_mail(struct config_reader *r)
{
	struct rules *out = &r->config->follow_ups;
	struct str name, address;
	if (out->alert_mail.p != NULL &&
	    mailbox_fault(out->alert_mail) != NULL) {
		r->in = r->root;
		return config_refuse(r, "alert_mail",
		    "alert_mail is one address, like 'me@example.org'");
	}
	r->in = config_section(r, "mail");
	if (config_fill(r, r->config) != 0)
		return -1;
	if (out->mail_from.p != NULL &&
	    mailbox_split(out->mail_from, &name, &address) != NULL)
		return config_refuse(r, "from",
		    "from is one address, like 'shop@example.org' or 'My shop "
		    "<shop@example.org>'");
	out->sendmail = config_text(r, "sendmail").p;
	if (out->sendmail[0] != '/' &&
	    (!mailer_is_smtp(out->sendmail) ||
		strchr(out->sendmail, '@') != NULL))
		return config_refuse(r, "sendmail",
		    "sendmail is a whole path, like '/usr/sbin/sendmail', or "
		    "the address of a mail server that asks for no password, "
		    "like 'smtp://127.0.0.1'");
	const char *folder = config_text(r, "templates").p;
	if (folder != NULL)
		out->mail_templates = config_path(r, folder);
	return arena_failed(r->arena) ? config_no_memory(r) : 0;
}

/* ---- targets ------------------------------------------------------------- */

static const char signin_text[] =
    "Subject: Your link to sign in\n"
    "\n"
    "Hello,\n"
    "\n"
    "with this link you see what you have bought, and your downloads:\n"
    "\n"
    "{link}\n"
    "\n"
    "It is good for 24 hours, and after its first use for ten minutes, so "
    "that\n"
    "you can paste it into that page on another device. It is yours alone:\n"
    "whoever has it is signed in as you. If you did not ask for it, there is\n"
    "nothing to do.\n";

/* Targets that no section names: of alerts, and of links to sign in. */
static struct action *
new_target(struct config_reader *r, struct str name, struct str to)
{
	const struct rules *rules = &r->config->follow_ups;
	struct action *a = arena_alloc(r->arena, sizeof(*a));
	if (a != NULL)
		*a = (struct action){ .kind = ACTION_MAIL,
			.name = name,
			.timeout_ms = ACTION_TIMEOUT_MS,
			.u.mail = { .to = to,
			    .from = rules->mail_from.p != NULL
				? rules->mail_from
				: to,
			    .sendmail = rules->sendmail } };
	return a;
}

/* Its text is signin.txt of the templates, where there is one. */
static const struct action *
signin_target(struct config_reader *r)
{
	const char *folder = r->config->follow_ups.mail_templates;
	struct action *a = new_target(r, STR(SIGNIN_TARGET), STR("{email}"));
	struct err why = { .code = ERR_NONE };
	struct mail_template t;
	if (a == NULL)
		return NULL;
	a->u.mail.names = effect_names;
	a->u.mail.text = (struct str){ signin_text, sizeof(signin_text) - 1 };
	if (folder == NULL)
		return a;
	const char *template =
	    arena_printf(r->arena, "%s/" SIGNIN_TARGET, folder);
	const char *file =
	    arena_printf(r->arena, "%s/" SIGNIN_TARGET ".txt", folder);
	if (template == NULL || file == NULL || access(file, F_OK) != 0)
		return a;
	a->u.mail.template = template;
	if (mail_template_read(r->arena, template, effect_names, &t, &why) != 0)
		config_problem(r, 0, "template: %s; its mails wait", why.text);
	return a;
}

/* One for each kind and name. */
static int
collect_targets(struct config_reader *r)
{
	struct rules *rules = &r->config->follow_ups;
	const struct action **v = arena_alloc(
	    r->arena, (RULE_TARGETS_MAX + 2) * sizeof(const struct action *));
	if (v == NULL)
		return config_no_memory(r);
	rules->targets = v;
	for (size_t i = 0; i < rules->n; i++) {
		for (size_t k = 0; k < rules->v[i].n_actions; k++) {
			const struct action *a = &rules->v[i].actions[k];
			if (rules_target(rules, str_from(action_words[a->kind]),
				a->name) != NULL)
				continue;
			if (rules->n_targets == RULE_TARGETS_MAX)
				return config_bad(r->e, r->file,
				    rules->v[i].line,
				    "more than %d different targets",
				    RULE_TARGETS_MAX);
			v[rules->n_targets++] = a;
		}
	}
	r->in = config_section(r, "mail");
	if ((rules->mail_from.p != NULL || rules->alert_mail.p != NULL) &&
	    !mailer_is_smtp(rules->sendmail))
		config_warn_program(r, config_line(r, "sendmail", 0),
		    "sendmail", rules->sendmail);
	if (rules->mail_from.p != NULL)
		v[rules->n_targets++] = signin_target(r);
	if (rules->alert_mail.p != NULL)
		v[rules->n_targets++] =
		    new_target(r, STR(ALERT_TARGET), rules->alert_mail);
	return arena_failed(r->arena) ? config_no_memory(r) : 0;
}

int
config_on_read(struct config_reader *r)
{
	const struct config_section *s = config_section(r, "on");
	size_t n = 0, max = config_tree_count(s, "on");
	struct rule *v = arena_alloc(r->arena, (max + 1) * sizeof(*v));
	if (v == NULL)
		return config_no_memory(r);
	if (read_mail(r) != 0)
		return -1;
	for (; s != NULL; s = config_tree_next(s->next, "on"), n++) {
		r->in = s;
		if (n == RULE_MAX)
			return config_refuse(
			    r, NULL, "more than %d sections on", RULE_MAX);
		v[n].line = s->line;
		if (read_events(r, &v[n]) != 0 || read_filters(r, &v[n]) != 0 ||
		    read_actions(r, v, n) != 0)
			return -1;
		warn_tier(r, s->line, v[n].tier);
		warn_tier(r, s->line, v[n].from);
		warn_tier(r, s->line, v[n].to);
	}
	r->config->follow_ups.v = v;
	r->config->follow_ups.n = n;
	return collect_targets(r);
}
