#include "cgi/pages/proof.h"

#include <string.h>

#include "base/form.h"
#include "base/log.h"
#include "cgi/ask/ask.h"
#include "cgi/pages/first.h"
#include "cgi/pages/owner.h"
#include "cgi/pages/proof_seen.h"
#include "cgi/web/html.h"
#include "platform/probe.h"
#include "commit/commit.h"
#include "truth/wish.h"

enum { TOKEN_MAX = 255 }; /* bytes */

/* ---- is it asked for? ---------------------------------------------------- */

/* The field proof of a body that is our form, whole and unchanged; STR_NONE: it
 * is something else, and not to be lost. */
static struct str
token_of(struct request *r)
{
	struct form_walk sent = { .rest = r->body }, trial = { .pairs = 0 };
	struct form_pair one, other;
	struct probe probe;
	struct str token = STR_NONE;
	const char *reason = NULL;
	struct err e = { .code = ERR_NONE };
	if (probe_make(r->platform, STR_NONE, 0, r->arena, &probe, &e) != 0)
		return STR_NONE;
	trial.rest = probe.body;
	while (form_next(&sent, r->arena, &one, &reason, &e) == 1)
		if (str_eq_z(one.key, "proof"))
			token = one.value;
		else if (form_next(&trial, r->arena, &other, &reason, &e) !=
			1 ||
		    !str_eq(one.key, other.key) ||
		    !str_eq(one.value, other.value))
			return STR_NONE;
	return form_next(&trial, r->arena, &other, &reason, &e) == 0 ? token
								     : STR_NONE;
}

int
proof_asked(const struct app *app, struct request *r)
{
	struct str token = app->is_cgi && r->platform != NULL &&
		request_accepts(r, STR("text/html"))
	    ? token_of(r)
	    : STR_NONE;
	return token.p != NULL && token.n <= TOKEN_MAX;
}

/* ---- what is wrong ------------------------------------------------------- */

static void
refuse(struct request *r, struct reply *p, int status, const char *why)
{
	struct buf *b = owner_page(p, status, "Not ready yet", STR_NONE);
	buf_addf(b, "<p class=\"bad\">%s</p>\n", why);
	owner_trial(
	    b, r->arena, STR_NONE, r->platform, token_of(r), "Try again");
}

void
proof_missing(const struct app *app, struct request *r, struct reply *p)
{
	reply_header(p, "Retry-After", STR("60"));
	refuse(r, p, 503,
	    app->first != NULL
		? "The file is not there yet: save it where the page before "
		  "says, with that name."
		: "The settings cannot be used. The error log of your web "
		  "space says why (cPanel: Errors). Often the file's "
		  "permissions are not 600, or it was not saved whole.");
	p->error = "not_configured";
}

static const char *
fault(const struct app *app, int status)
{
	if (status == 404)
		return "The file that is there has another token: save the "
		       "file and press the button of the same page, or begin "
		       "anew without the file.";
	if (status != 200)
		return "The settings are read, but the test delivery could not "
		       "be stored. The error log of your web space says why.";
	return app->is_exposed
	    ? "Everybody on this machine may write the database. The error "
	      "log of your web space says which permissions to change."
	    : NULL;
}

/* ---- what is wished for -------------------------------------------------- */

struct wishing {
	const struct config *config;
	const struct platform *platform;
	int may_register;
};

static int
make_wishes(struct store *s, void *arg, struct err *e)
{
	const struct wishing *w = arg;
	return wish_make(s, w->config, w->platform, WISH_IMPORT, e) != 0 ||
		(w->may_register &&
		    wish_make(s, w->config, w->platform, WISH_REGISTER, e) != 0)
	    ? -1
	    : 0;
}

/* Whoever gets here has no shell to register and import by. What is registered
 * carries the token as a password, which has to arrive. */
static void
wish(const struct app *app, const struct request *r)
{
	struct wishing w = { app->config, r->platform, owner_is_rewritten(r) };
	struct err e = { .code = ERR_NONE };
	if (r->platform->api != NULL &&
	    commit_chore(app->commit, make_wishes, &w, &e) != 0)
		log_line(LOG_ERROR, "%s", e.text);
}

void
proof_post(const struct app *app, struct request *r, struct reply *p)
{
	struct str token;
	struct probe probe = { .body = STR_NONE };
	struct err e = { .code = ERR_NONE };
	if (proof_asked(app, r) &&
	    probe_make(r->platform, STR_NONE, 0, r->arena, &probe, &e) != 0)
		return;
	if (probe.body.p == NULL) {
		hook_post(app, r, p);
		return;
	}
	struct str body = r->body;
	token = token_of(r);
	r->body = probe.body;
	r->token = token;
	hook_post(app, r, p);
	r->body = body;
	const char *why = fault(app, p->status);
	if (why != NULL) {
		refuse(r, p, p->status, why);
		return;
	}
	wish(app, r);
	proof_seen(app, r, token, p);
}
