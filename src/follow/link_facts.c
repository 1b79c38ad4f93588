#include "follow/link_facts.h"

#include "config/config_names.h"
#include "access/link.h"

/* May the action have {link}? */
static int
is_for_link(const struct action *action)
{
	return action->kind == ACTION_MAIL &&
	    str_eq_z(action->u.mail.to, "{email}");
}

/* *out is STR_NONE where there can be no link: an address that is none. */
static int
keep(struct arena *a, struct buf *b, int rc, struct str *out, struct err *e)
{
	if (rc == 0) {
		*out = (struct str){ arena_dup(a, b->p, b->n), b->n };
		if (out->p == NULL)
			rc = err_set(e, ERR_MEMORY, "out of memory");
	} else if (e->code == ERR_INPUT || e->code == ERR_LIMIT) {
		*e = (struct err){ .code = ERR_NONE };
		rc = 0;
	}
	buf_free(b);
	return rc;
}

int
link_add_facts(const struct config *c, const struct action *action, int64_t now,
    struct arena *a, struct action_fact *facts, size_t *n, struct err *e)
{
	const struct action_effect f = { .facts = facts, .n_facts = *n };
	const struct link_file file = { action->download,
		action_fact(&f, "platform"), action_fact(&f, "sale") };
	struct str download = STR_NONE, link = STR_NONE;
	struct str email = action_fact(&f, "email");
	struct buf b;
	if (file.path.n > 0 && file.sale.n > 0 && file.platform.n > 0) {
		buf_init(&b, LINK_URL_MAX);
		if (keep(a, &b, link_file_url(c, &file, now, &b, e), &download,
			e) != 0)
			return -1;
	}
	if (email.p != NULL && is_for_link(action)) {
		email = platform_email(a, email);
		buf_init(&b, LINK_URL_MAX);
		if (keep(a, &b, link_signin_url(c, email, now, &b, e), &link,
			e) != 0)
			return -1;
	}
	facts[(*n)++] = (struct action_fact){ EFFECT_DOWNLOAD, download };
	facts[(*n)++] = (struct action_fact){ EFFECT_LINK, link };
	return 0;
}
