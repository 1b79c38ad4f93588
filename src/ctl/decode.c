#include "ctl/decode.h"

#include <unistd.h>

#include "commit/intake.h"

const struct platform *
ctl_platform(const char *name, struct err *e)
{
	const struct platform *p = platform_find(str_from(name));
	if (p == NULL) {
		struct buf b;
		buf_init(&b, 256);
		for (size_t i = 0; i < PLATFORM__MAX; i++)
			buf_addf(
			    &b, "%s%s", i > 0 ? ", " : "", platforms[i]->name);
		err_set(e, ERR_USAGE, "%s is no platform; there is %s", name,
		    buf_ok(&b) ? b.p : "none");
		buf_free(&b);
	}
	return p;
}

static void
warn(const struct fact *f)
{
	struct buf b;
	buf_init(&b, 65536);
	if (f->detail.p != NULL) {
		buf_addz(&b, "gatepost: ");
		buf_add_visible(&b, f->detail);
		buf_addc(&b, '\n');
	}
	for (size_t i = 0; i < f->n_warnings; i++) {
		buf_addz(&b, "gatepost: warning: ");
		buf_add_visible(&b, str_from(f->warnings[i]));
		buf_addc(&b, '\n');
	}
	if (buf_ok(&b) && b.n > 0 && write(STDERR_FILENO, b.p, b.n) < 0) {
		/* nowhere to warn */
	}
	buf_free(&b);
}

static int
dump(json_t *json, int indented, struct buf *out, struct err *e)
{
	char *text = json_dumps(
	    json, JSON_ENCODE_ANY | (indented ? JSON_INDENT(2) : JSON_COMPACT));
	if (text == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	buf_add_shown(out, str_from(text));
	buf_addc(out, '\n');
	free(text);
	return 0;
}

int
decode_print(struct ctl *ctl, const struct decode_input *in, int indented,
    struct buf *out, struct err *e)
{
	static const char *const words[] = { [FACT_APPLIED] = "applied",
		[FACT_KEPT] = "kept",
		[FACT_TEST] = "test" };
	struct fact f;
	if (platform_decode(in->platform, in->kind, in->body, &in->opts,
		ctl->arena, &f, e) != 0)
		return -1;
	json_t *facts = platform_describe(in->platform, in->kind, &f);
	json_t *all = json_pack("{s:s, s:b, s:s?, s:o}", "status",
	    words[f.status], "understood", f.status != FACT_KEPT, "reason",
	    f.reason, "facts", facts == NULL ? json_null() : facts);
	int rc = all == NULL ? err_set(e, ERR_MEMORY, "out of memory")
			     : dump(all, indented, out, e);
	json_decref(all);
	warn(&f);
	return rc;
}

static enum ctl_exit
run(struct ctl *ctl, struct err *e)
{
	const struct platform *p = ctl_platform(ctl->rest[0], e);
	struct str body;
	if (p == NULL ||
	    ctl_read(ctl, ctl->rest[1], p->body_max, &body, e) != 0)
		return CTL_USAGE;
	const char *reference = ctl_get(ctl, "reference");
	const struct decode_input in = { .platform = p,
		.body = body,
		.opts = { str_from(
		    reference != NULL ? reference : p->reference_default) } };
	decode_print(ctl, &in, !ctl->json, &ctl->out, e);
	return CTL_YES;
}

static const struct ctl_option options[] = {
	{ "reference", "KEY", "key of url_params that carries your user id" },
	{ NULL, NULL, NULL },
};

const struct ctl_command ctl_decode = {
	.name = "decode",
	.args = "PLATFORM [FILE]",
	.help = "show what a body means; needs no config and stores nothing",
	.options = options,
	.min_rest = 1,
	.max_rest = 2,
	.run = run,
};
