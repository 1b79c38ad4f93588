#include "access/pass.h"

#include "base/jsonw.h"
#include "base/time.h"
#include "ctl/ctl.h"

/* The pass alone, to be put into a cookie, a header or a variable; or all of a
 * person's passes are taken back. */

#define SPAN_DEFAULT "30d"

static enum ctl_exit
take_back(struct ctl *ctl, const struct access_key *key, struct err *e)
{
	char text[TIME_TEXT_MAX];
	int64_t now = time_now();
	struct store *s = ctl_store(ctl, STORE_WRITE, e);
	if (s == NULL || store_begin(s, e) != 0)
		return CTL_SYSTEM;
	if (pass_revoke(s, key, now, e) != 0 || store_commit(s, e) != 0) {
		store_rollback(s);
		return CTL_SYSTEM;
	}
	if (ctl->json) {
		jsonw_open(&ctl->out, '{');
		jsonw_time(&ctl->out, "valid_from", now);
		jsonw_close(&ctl->out, '}');
		buf_addc(&ctl->out, '\n');
	} else {
		buf_addf(&ctl->out,
		    "passes of this person made until %s are taken back\n",
		    time_text(now, text));
	}
	return CTL_YES;
}

static enum ctl_exit
run(struct ctl *ctl, struct err *e)
{
	struct access_key key;
	struct buf pass;
	const char *span = ctl_get(ctl, "for");
	int64_t seconds;
	if (ctl_key(ctl, &key, e) != 0)
		return CTL_USAGE;
	if (ctl_get(ctl, "revoke") != NULL) {
		if (span == NULL)
			return take_back(ctl, &key, e);
		err_set(
		    e, ERR_USAGE, "--revoke makes no pass: leave --for out");
		return CTL_USAGE;
	}
	if (str_duration(
		str_from(span == NULL ? SPAN_DEFAULT : span), &seconds) != 0) {
		err_set(e, ERR_USAGE, "--for takes 30d, 12h, 2w, …");
		return CTL_USAGE;
	}
	const struct config *c = ctl_config(ctl, e);
	if (c == NULL)
		return CTL_SYSTEM;
	buf_init(&pass, PASS_MAX);
	if (pass_make(c, &key, time_now(), seconds, &pass, e) == 0) {
		if (ctl->json) {
			jsonw_open(&ctl->out, '{');
			jsonw_text(&ctl->out, "pass", buf_str(&pass));
			jsonw_close(&ctl->out, '}');
		} else {
			buf_adds(&ctl->out, buf_str(&pass));
		}
		buf_addc(&ctl->out, '\n');
	} else if (e->code == ERR_INPUT) {
		e->code = ERR_USAGE;
	}
	buf_free(&pass);
	return CTL_YES;
}

static const struct ctl_option options[] = {
	CTL_KEY_OPTIONS,
	{ "for", "SPAN", "how long it is good: 30d, 12h, 2w; without, 30d" },
	{ "revoke", NULL, "take back all passes of this person, made so far" },
	{ NULL, NULL, NULL },
};

const struct ctl_command ctl_pass = {
	.name = "pass",
	.args = "--user ID|…",
	.help = "print a pass for the gate, or take all of somebody's back",
	.options = options,
	.run = run,
};
