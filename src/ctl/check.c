#include "base/jsonw.h"
#include "base/time.h"
#include "ctl/ctl.h"
#include "ctl/plan.h"
#include "health/look.h"

struct look {
	struct ctl *ctl;
	int problems;
};

static void
print(void *arg, const struct finding *f)
{
	struct look *l = arg;
	l->problems += f->level == FINDING_PROBLEM;
	if (l->ctl->json)
		finding_json(f, STR_NONE, &l->ctl->out);
	else
		finding_print(f, &l->ctl->out);
}

/* {"ok":true,"findings":[…]} */
static enum ctl_exit
look(struct ctl *ctl, unsigned when, struct err *e)
{
	struct look l = { .ctl = ctl };
	const char *nginx = ctl_get(ctl, "nginx");
	struct health h = { .arena = ctl->arena,
		.now = time_now(),
		.nginx = nginx == NULL ? HEALTH_NGINX : nginx,
		.fn = print,
		.arg = &l };
	struct err closed = { .code = ERR_NONE };
	h.config = ctl_config(ctl, e);
	if (h.config == NULL)
		return CTL_SYSTEM;
	h.store = ctl_store(ctl, STORE_READ, &closed);
	if (ctl->json) {
		jsonw_open(&ctl->out, '{');
		jsonw_key(&ctl->out, "findings");
		jsonw_open(&ctl->out, '[');
	}
	if (health_look(&h, when, e) != 0)
		return CTL_SYSTEM;
	if (h.store == NULL)
		health_say(
		    &h, FINDING_PROBLEM, FINDING_database, NULL, closed.text);
	if (ctl->json) {
		jsonw_close(&ctl->out, ']');
		jsonw_bool(&ctl->out, "ok", l.problems == 0);
		jsonw_close(&ctl->out, '}');
		buf_addc(&ctl->out, '\n');
	}
	if (h.store == NULL)
		*e = closed;
	return l.problems > 0 ? CTL_NO : CTL_YES;
}

static enum ctl_exit
run_check(struct ctl *ctl, struct err *e)
{
	return ctl_get(ctl, "event") != NULL
	    ? plan_run(ctl, e)
	    : look(ctl, LOOK_HERE | LOOK_WHOLE, e);
}

static enum ctl_exit
run_doctor(struct ctl *ctl, struct err *e)
{
	int deep = ctl_get(ctl, "deep") != NULL;
	return look(ctl,
	    LOOK_HERE | LOOK_FRONT | (deep ? LOOK_WHOLE | LOOK_DEEP : 0), e);
}

static const struct ctl_option check_options[] = {
	{ "event", "ID", "which follow-ups it has, and why not others" },
	{ "nginx", "FILE", "nginx's settings; default: " HEALTH_NGINX },
	{ NULL, NULL, NULL },
};

const struct ctl_command ctl_check = {
	.name = "check",
	.args = "",
	.help = "look at config, database, clock and what has arrived",
	.options = check_options,
	.run = run_check,
};

static const struct ctl_option doctor_options[] = {
	{ "deep", NULL, "also the whole database, a large body, a mail" },
	{ "nginx", "FILE", "nginx's settings; default: " HEALTH_NGINX },
	{ NULL, NULL, NULL },
};

const struct ctl_command ctl_doctor = {
	.name = "doctor",
	.args = "[--deep]",
	.help = "all of check, and what visitors meet at public_url",
	.options = doctor_options,
	.run = run_doctor,
};
