#include "ctl/secret.h"

#include "base/time.h"

enum { BODY_MAX = 1024 * 1024 };

static enum ctl_exit
run(struct ctl *ctl, struct err *e)
{
	struct str secrets[CTL_VALUES_MAX], body;
	size_t n;
	int64_t t;
	if (ctl_number(ctl, "time", 1, INT64_MAX / 10, time_now(), &t, e) !=
		0 ||
	    ctl_secrets(ctl, secrets, &n, e) != 0 ||
	    ctl_read(ctl, ctl->rest[0], BODY_MAX, &body, e) != 0)
		return CTL_USAGE;
	if (n != 1 || secrets[0].n == 0) {
		err_set(e, ERR_USAGE,
		    "give one secret with --secret-file or --secret");
		return CTL_USAGE;
	}
	const struct platform *p = ctl_signing();
	p->sign(p, body, secrets[0], t, &ctl->out, e);
	buf_addc(&ctl->out, '\n');
	return CTL_YES;
}

static const struct ctl_option options[] = {
	CTL_SECRET_OPTIONS,
	{ "time", "SECONDS", "sign for that unix time instead of now" },
	{ NULL, NULL, NULL },
};

const struct ctl_command ctl_sign = {
	.name = "sign",
	.args = "[FILE]",
	.help = "print the signature for a body, the header's value",
	.options = options,
	.max_rest = 1,
	.run = run,
};
