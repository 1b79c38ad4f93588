#include "setup/setup.h"

#include <unistd.h>

#include "base/file.h"
#include "ctl/ctl.h"

/* Only options and what is printed; src/setup does it. */

static void
say(void *arg, const char *text)
{
	struct ctl *ctl = arg;
	struct err e;
	if (text[0] == '\r')
		file_write(STDOUT_FILENO, STR("\r"));
	/* a tab would be shown as a control character */
	for (text += text[0] == '\r'; *text != '\0'; text++)
		if (*text == '\t')
			buf_addz(&ctl->out, "        ");
		else
			buf_addc(&ctl->out, *text);
	ctl_flush(ctl, &e);
}

/* ---- options ------------------------------------------------------------------ */

static const struct ctl_option own[] = {
	{ "public-url", "URL", "where your web server answers" },
	{ "server", "NAME", "whose files: nginx, apache, cgi or none" },
	{ "owner", "ADDRESS", "your mail address" },
	{ "alert-mail", "ADDRESS", "another one for when something is wrong" },
	{ "tiers", "HOW", "auto: made of what you sell; or none" },
	{ "enable", NULL, "switch on what was written" },
	{ "no-import", NULL, "leave what was sold before" },
	{ "no-register", NULL, "register nowhere" },
	{ "dry-run", NULL, "show what would be written, write nothing" },
	{ "yes", NULL, "agree to all, ask nothing, wait for nobody" },
};

enum {
	N_OWN = sizeof(own) / sizeof(own[0]),
	N_ALL = N_OWN + PLATFORM__MAX * SETUP_SETTINGS_MAX + 1,
};

/* The platforms' own are told by them. */
static const struct ctl_option *
options(void)
{
	static struct ctl_option all[N_ALL];
	size_t n = N_OWN;
	memcpy(all, own, sizeof(own));
	for (size_t i = 0; i < PLATFORM__MAX; i++) {
		const struct platform_setting *s = platforms[i]->settings;
		for (; s != NULL && s->option != NULL; s++)
			all[n++] = (struct ctl_option){ s->option,
				s->is_secret ? "FILE" : "TEXT", s->help };
	}
	return all;
}

static void
take_settings(const struct ctl *ctl, struct setup_opts *o)
{
	for (size_t i = 0; i < PLATFORM__MAX; i++) {
		const struct platform_setting *s = platforms[i]->settings;
		for (size_t n = 0; s != NULL && s[n].option != NULL; n++)
			o->settings[i][n] = ctl_get(ctl, s[n].option);
	}
}

static enum ctl_exit
run(struct ctl *ctl, struct err *e)
{
	static const char *const tiers[] = { "auto", "none", NULL };
	const char *owner = ctl_get(ctl, "owner");
	const char *alert = ctl_get(ctl, "alert-mail");
	struct setup_opts o = {
		.file = ctl->config_option,
		.public_url = ctl_get(ctl, "public-url"),
		.server = ctl_get(ctl, "server"),
		.alert_mail = alert != NULL ? alert : owner,
		.tiers = ctl_get(ctl, "tiers"),
		.enable = ctl_get(ctl, "enable") != NULL,
		.no_import = ctl_get(ctl, "no-import") != NULL,
		.no_register = ctl_get(ctl, "no-register") != NULL,
		.dry_run = ctl_get(ctl, "dry-run") != NULL,
		.yes = ctl_get(ctl, "yes") != NULL,
		.say = say,
		.arg = ctl,
	};
	if (ctl_one_of(ctl, "server", setup_servers, e) != 0 ||
	    ctl_one_of(ctl, "tiers", tiers, e) != 0)
		return CTL_USAGE;
	take_settings(ctl, &o);
	enum setup_end end = setup_run(&o, e);
	/* one "no" for all that is not ready */
	if (end == SETUP_WRONG)
		e->code = ERR_ABSENT;
	return end == SETUP_READY ? CTL_YES : CTL_NO;
}

const struct ctl_command ctl_setup = {
	.name = "setup",
	.args = "",
	.help = "ask, write, register, import, and prove that it works",
	.options_of = options,
	.run = run,
};
