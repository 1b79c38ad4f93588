#include "base/jsonw.h"
#include "base/log.h"
#include "base/time.h"
#include "cgi/ask/ask.h"
#include "cgi/web/count.h"
#include "cgi/server/reader.h"
#include "cgi/web/refused.h"
#include "cgi/web/app.h"
#include "cgi/server/writer.h"
#include "commit/intake.h"

enum { CONTENT_TYPE_MAX = 255, PEER_MAX = 64, NOT_CONFIGURED_MAX = 128 };

static const enum count_outcome outcomes[] = {
	[INTAKE_RECORDED] = COUNT_RECORDED,
	[INTAKE_DUPLICATE] = COUNT_DUPLICATE,
	[INTAKE_KEPT] = COUNT_KEPT,
	[INTAKE_TEST] = COUNT_TEST,
};

static struct str
cut_to(struct str s, size_t max)
{
	if (s.n > max)
		s.n = max;
	return s.n == 0 ? STR_NONE : s;
}

static void
answer_stored(struct reply *p, enum count_outcome outcome, int64_t event)
{
	struct buf *b = reply_json(p, 200);
	jsonw_open(b, '{');
	jsonw_text(b, "status", str_from(count_outcomes[outcome]));
	jsonw_int(b, "event", event);
	jsonw_close(b, '}');
}

/* A sender whose signature fits but whose time does not is a clock gone wrong,
 * here or there: worth a line of its own, for every delivery is lost by it. */
static void
log_clock(const struct platform *p, int64_t age)
{
	log_line(LOG_WARNING,
	    "%s: signature right, %lld s %s: check the clock or %s.tolerance "
	    "(%lld so far)",
	    p->name, (long long)(age < 0 ? -age : age),
	    age < 0 ? "ahead" : "old", p->name,
	    (long long)count_up(COUNT_WRONG_CLOCK));
}

static void
answer_refused(const struct platform *platform,
    const struct intake_answer *answer, struct reply *p)
{
	if (answer->right_key)
		log_clock(platform, answer->age);
	if (platform->refused_status == 404)
		reply_error(p, 404, "not_found",
		    "no such address: the token is wrong or missing");
	else
		reply_error(p, platform->refused_status, "signature",
		    verify_words[answer->verify]);
}

static void
answer_unavailable(const struct app *app, const struct err *e, struct reply *p)
{
	if (e->code == ERR_DB)
		readers_drop_idle(app->readers);
	log_line(LOG_ERROR, "delivery not stored: %s", e->text);
	reply_header(p, "Retry-After", STR("30"));
	reply_error(p, 503, "unavailable",
	    "not stored; send it again in a little while");
}

static void
answer_unconfigured(const struct platform *platform, struct reply *p)
{
	char text[NOT_CONFIGURED_MAX];
	snprintf(text, sizeof(text),
	    "%s: no %s in the configuration to verify with", platform->name,
	    platform->secrets_key);
	refused_log(LOG_ERROR, text);
	reply_header(p, "Retry-After", STR("60"));
	reply_error(p, 503, "not_configured",
	    "the receiver has no secret for this platform yet");
}

static enum count_refusal
refusal(const struct platform *p, enum verify_answer answer)
{
	static const enum count_refusal of_signature[VERIFY__MAX] = {
		[VERIFY_VALID] = COUNT_NOT_CONFIGURED,
		[VERIFY_NO_SIGNATURE] = COUNT_NO_SIGNATURE,
		[VERIFY_BAD_HEADER] = COUNT_BAD_HEADER,
		[VERIFY_TOO_OLD] = COUNT_TOO_OLD,
		[VERIFY_MISMATCH] = COUNT_MISMATCH,
		[VERIFY_CONFIG_ERROR] = COUNT_NOT_CONFIGURED,
	};
	return p->refused_status == 404 ? COUNT_TOKEN : of_signature[answer];
}

static void
count_answer(const struct platform *platform,
    const struct intake_answer *answer, int64_t now)
{
	switch (answer->status) {
	case INTAKE_RECORDED:
	case INTAKE_DUPLICATE:
	case INTAKE_KEPT:
	case INTAKE_TEST:
		count_delivery(platform, answer->kind, outcomes[answer->status],
		    answer->is_test ? 0 : now);
		break;
	case INTAKE_REFUSED:
		count_refused(platform, refusal(platform, answer->verify));
		break;
	case INTAKE_NOT_CONFIGURED:
		count_refused(platform, COUNT_NOT_CONFIGURED);
		break;
	case INTAKE_UNAVAILABLE:
		count_refused(platform, COUNT_UNAVAILABLE);
		break;
	}
}

static void
answer(const struct app *app, const struct platform *platform,
    const struct intake_answer *answer, const struct err *err, struct reply *p)
{
	switch (answer->status) {
	case INTAKE_RECORDED:
	case INTAKE_DUPLICATE:
	case INTAKE_KEPT:
	case INTAKE_TEST:
		answer_stored(p, outcomes[answer->status], answer->event);
		break;
	case INTAKE_REFUSED:
		answer_refused(platform, answer, p);
		break;
	case INTAKE_NOT_CONFIGURED:
		answer_unconfigured(platform, p);
		break;
	case INTAKE_UNAVAILABLE:
		answer_unavailable(app, err, p);
		break;
	}
}

void
hook_post(const struct app *app, struct request *r, struct reply *p)
{
	struct intake_answer a;
	struct verify_result proof;
	struct err err = { .code = ERR_NONE };
	const struct platform *platform = r->platform;
	struct intake_request in = {
		.platform = platform,
		.body = r->body,
		.content_type =
		    cut_to(request_param(r, "CONTENT_TYPE"), CONTENT_TYPE_MAX),
		.path_token = r->token,
		.authorization = request_authorization(r),
		.signature = platform->proof.param == NULL
		    ? STR_NONE
		    : request_param(r, platform->proof.param),
		.peer = cut_to(request_param(r, "REMOTE_ADDR"), PEER_MAX),
		.now = time_now(),
		.came = r->came != 0 ? r->came : time_micros(),
	};
	if (intake_verify(app->config, &in, r->arena, &proof, &a) == 0) {
		/* a stranger takes no place */
		if (!writer_enter(app->writers, r, p))
			return;
		intake_store(
		    app->commit, app->config, &in, &proof, r->arena, &a, &err);
	}
	answer(app, platform, &a, &err, p);
	/* else the router answers, and counts that */
	if (!arena_failed(r->arena) && reply_ok(p))
		count_answer(platform, &a, in.now);
}
