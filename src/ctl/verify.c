#include "ctl/secret.h"

#include <unistd.h>

#include "base/time.h"

enum { BODY_MAX = 1024 * 1024, SECRET_MAX = 64 * 1024 };

int
ctl_secrets(struct ctl *ctl, struct str *out, size_t *n, struct err *e)
{
	const char *text;
	*n = 0;
	for (size_t i = 0; (text = ctl_nth(ctl, "secret", i)) != NULL; i++)
		out[(*n)++] = str_from(text);
	for (size_t i = 0; (text = ctl_nth(ctl, "secret-file", i)) != NULL;
	     i++) {
		struct str s;
		if (ctl_read(ctl, text, SECRET_MAX, &s, e) != 0)
			return -1;
		while (s.n > 0 && strchr("\r\n", s.p[s.n - 1]) != NULL)
			s.n--;
		out[(*n)++] = s;
	}
	return 0;
}

const struct platform *
ctl_signing(void)
{
	size_t i = 0;
	while (i + 1 < PLATFORM__MAX && platforms[i]->sign == NULL)
		i++;
	return platforms[i];
}

/* Beside the one word on standard output. */
static void
note(const char *line)
{
	if (write(STDERR_FILENO, line, strlen(line)) < 0) {
		/* only a note */
	}
}

static int
tolerance(struct ctl *ctl, int64_t *out, struct err *e)
{
	const char *text = ctl_get(ctl, "tolerance");
	*out = VERIFY_ANY_AGE;
	if (text == NULL) {
		note("gatepost: the age is not looked at: no --tolerance\n");
		return 0;
	}
	if (str_duration(str_from(text), out) != 0 &&
	    str_int64(str_from(text), -INT32_MAX, INT32_MAX, out) != 0)
		return err_set(
		    e, ERR_USAGE, "--tolerance takes seconds, or 5m, 1h");
	return 0;
}

static enum ctl_exit
run(struct ctl *ctl, struct err *e)
{
	struct str secrets[CTL_VALUES_MAX];
	struct verify_input in = { .secrets = secrets };
	struct verify_result out = { 0 };
	const char *header = ctl_get(ctl, "header");
	if (header == NULL) {
		err_set(e, ERR_USAGE,
		    "--header is missing: the value of the %s line",
		    ctl_signing()->proof.header);
		return CTL_USAGE;
	}
	if (ctl_number(ctl, "now", 0, INT64_MAX / 10, time_now(), &in.now, e) !=
		0 ||
	    tolerance(ctl, &in.tolerance, e) != 0 ||
	    ctl_secrets(ctl, secrets, &in.n_secrets, e) != 0 ||
	    ctl_read(ctl, ctl->rest[0], BODY_MAX, &in.body, e) != 0)
		return CTL_USAGE;
	if (in.n_secrets == 0)
		note("gatepost: no --secret-file and no --secret\n");
	in.signature = str_from(header);
	const struct platform *p = ctl_signing();
	p->verify(p, &in, ctl->arena, &out);
	buf_addf(&ctl->out, "%s\n", verify_words[out.answer]);
	return out.answer == VERIFY_VALID ? CTL_YES : CTL_NO;
}

static const struct ctl_option options[] = {
	CTL_SECRET_OPTIONS,
	{ "header", "VALUE", "t=…,v1=… as it came" },
	{ "now", "SECONDS", "unix time to check against; the clock's" },
	{ "tolerance", "SECONDS", "how far t may be off; not looked at" },
	{ NULL, NULL, NULL },
};

const struct ctl_command ctl_verify = {
	.name = "verify",
	.args = "[FILE]",
	.help = "check a signature; one word, exit 0 for valid only",
	.options = options,
	.max_rest = 1,
	.run = run,
};
