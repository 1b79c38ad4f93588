#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "action/address.h"
#include "config/config_reader.h"
#include "setup/account.h"
#include "setup/ask.h"
#include "setup/settings.h"

/* The answers that become lines of the configuration. */

enum { SECRET_MAX = 4096 };

/* ---- public_url ------------------------------------------------------------ */

int
settings_check_url(
    struct arena *a, struct str text, const char **out, struct err *e)
{
	int port;
	char *url = memmem(text.p, text.n, "://", 3) != NULL
	    ? str_z(a, text)
	    : arena_printf(a, "https://%.*s", STR_ARG(text));
	for (size_t n = strlen(url);
	     n > 0 && url[n - 1] == '/' && strcmp(url + n - 3, "://") != 0; n--)
		url[n - 1] = '\0';
	struct str s = str_from(url), host = address_host(url, &port);
	int https = str_starts(s, STR("https://"));
	if ((!https && !str_starts(s, STR("http://"))) || host.n == 0 ||
	    strpbrk(url, " \t?#@'\"\\") != NULL)
		return err_set(e, ERR_CONFIG,
		    "%s is not the address of a site; write it like "
		    "https://example.org",
		    url);
	if (!https && !address_is_inside(host))
		return err_set(e, ERR_CONFIG,
		    "%s: without TLS everybody on the way can read the ping "
		    "URL, whose token is a password; get a certificate, and "
		    "write https://%.*s",
		    url, STR_ARG(host));
	*out = url;
	return 0;
}

static int
put_url(struct setup *s, struct str text, struct err *e)
{
	const char *url;
	if (settings_check_url(s->arena, text, &url, e) != 0 ||
	    edit_set(
		&s->edit, NULL, "public_url", str_from(url), EDIT_TEXT, e) != 0)
		return -1;
	if (s->opts->dry_run)
		s->url = url;
	return settings_save(s, e);
}

int
settings_public_url(struct setup *s, struct err *e)
{
	const char *had = s->config->public_url.p;
	const struct question q = { .what = "Public address, or - for none yet",
		.about =
		    "Where your web server answers, such as "
		    "https://example.org: Gatepost's paths are\nbelow it.\n",
		.preset = had == NULL ? "-" : had };
	struct str answer;
	if (s->opts->public_url != NULL)
		return put_url(s, str_from(s->opts->public_url), e);
	while (s->asks) {
		struct err why = { .code = ERR_NONE };
		if (ask_text(s->arena, &q, &answer, e) != 0)
			return -1;
		if (str_eq_z(answer, "-") || str_same(answer, str_from(had)) ||
		    put_url(s, answer, &why) == 0)
			return 0;
		if (why.code != ERR_CONFIG)
			return *e = why, -1;
		setup_say(s, "%s", why.text);
	}
	return 0;
}

/* ---- the owner ------------------------------------------------------------- */

static void
say_sendmail(const struct setup *s)
{
	const char *sendmail = s->config->follow_ups.sendmail;
	if (sendmail[0] == '/' && access(sendmail, X_OK) != 0)
		setup_say(s,
		    "note: no mail leaves this machine, for there is no %s. "
		    "Install a mail\nprogram, such as msmtp-mta, or name a "
		    "mail server in the settings:\n"
		    "mail { sendmail = 'smtp://…' }",
		    sendmail);
}

int
settings_owner(struct setup *s, struct err *e)
{
	struct str had = s->config->follow_ups.alert_mail, answer;
	const struct question q = { .what = "Your mail address, or - for none",
		.about =
		    "Gatepost sends a mail there when something is wrong.\n",
		.preset = had.n == 0 ? "-" : had.p };
	answer = str_from(s->opts->alert_mail);
	if (answer.p == NULL && s->asks &&
	    ask_text(s->arena, &q, &answer, e) != 0)
		return -1;
	if (answer.p == NULL || str_eq_z(answer, "-"))
		return 0;
	if (edit_set(&s->edit, NULL, "alert_mail", answer, EDIT_TEXT, e) != 0 ||
	    settings_save(s, e) != 0)
		return -1;
	say_sendmail(s);
	return 0;
}

/* ---- platforms -------------------------------------------------------------- */

/* A secret of a file, without the end of its line. */
static int
read_secret(struct setup *s, const char *path, struct str *out, struct err *e)
{
	struct err why = { .code = ERR_NONE };
	unsigned mode;
	if (config_slurp(s->arena, path, SECRET_MAX, out, &mode, &why) != 0)
		return err_set(e, ERR_CONFIG, "%s: %s", path, why.text);
	*out = str_trim(*out);
	if (out->n == 0)
		return err_set(e, ERR_CONFIG, "%s is empty", path);
	if ((mode & (S_IROTH | S_IWOTH)) != 0)
		setup_say(
		    s, "note: others can read %s: delete it afterwards.", path);
	return 0;
}

static int
is_token(const struct platform *p, const struct platform_setting *o)
{
	return p->api != NULL && strcmp(o->key, p->api->token_key) == 0;
}

/* A token that is no good is not written. */
static int
put_setting(struct setup *s, const struct platform *p,
    const struct platform_setting *o, struct str value, struct err *e)
{
	if (is_token(p, o) && !s->opts->dry_run &&
	    account_check(s, p, value, e) != 0)
		return -1;
	if (edit_set(&s->edit, p->name, o->key, value,
		o->is_list ? EDIT_LIST : EDIT_TEXT, e) != 0)
		return -1;
	return settings_save(s, e);
}

static int
is_set(
    struct setup *s, const struct platform *p, const struct platform_setting *o)
{
	const struct config_platform *c =
	    &s->config->platforms[platform_index(p)];
	return is_token(p, o) ? c->api_token.n > 0 : c->secrets.n > 0;
}

static int
ask_setting(struct setup *s, const struct platform *p,
    const struct platform_setting *o, struct err *e)
{
	const struct question q = { .what = o->question,
		.about = setup_text(s, p, o->about),
		.preset = is_set(s, p, o) ? "the one that is set" : "none",
		.is_secret = o->is_secret };
	struct str answer;
	for (;;) {
		struct err why = { .code = ERR_NONE };
		if (ask_text(s->arena, &q, &answer, e) != 0)
			return -1;
		if (answer.n == 0 || put_setting(s, p, o, answer, &why) == 0)
			return 0;
		if (why.code != ERR_AUTH && why.code != ERR_CONFIG)
			return *e = why, -1;
		setup_say(s, "%s", why.text);
	}
}

static int
setting(struct setup *s, const struct platform *p,
    const struct platform_setting *o, const char *given, struct err *e)
{
	struct str value = str_from(given);
	if (given == NULL)
		return s->asks && o->question != NULL ? ask_setting(s, p, o, e)
						      : 0;
	if (o->is_secret && read_secret(s, given, &value, e) != 0)
		return -1;
	return put_setting(s, p, o, value, e) == 0
	    ? 0
	    : err_prefix(e, "--%s", o->option);
}

int
settings_platforms(struct setup *s, struct err *e)
{
	for (size_t i = 0; i < PLATFORM__MAX; i++) {
		const struct platform_setting *o = platforms[i]->settings;
		for (size_t n = 0; o != NULL && o[n].option != NULL; n++)
			if (setting(s, platforms[i], &o[n],
				s->opts->settings[i][n], e) != 0)
				return -1;
	}
	return 0;
}
