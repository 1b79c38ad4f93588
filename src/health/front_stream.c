#include <string.h>

#include "access/pass.h"
#include "base/time.h"
#include "health/front.h"
#include "health/front_own.h"

/*
 * A stream of /live, as a browser opens it, with a pass for nobody. The same
 * request says in X-Gatepost-User who it is, which is the gate's to say alone:
 * Gatepost tells the doctor what of that came through.
 */
enum {
	PASS_SECONDS = 60,
	EVENT_BYTES = 64, /* more than what stands before the first event */
};

static const char *
pass_header(const struct front *f)
{
	struct access_key key;
	struct err e = { .code = ERR_NONE };
	struct buf b;
	const char *header = NULL;
	buf_init(&b, PASS_MAX);
	if (access_key_parse(
		STORE_BY_USER, STR(PASS_DOCTOR), f->h->arena, &key, &e) == 0 &&
	    pass_make(f->h->config, &key, time_now(), PASS_SECONDS, &b, &e) ==
		0)
		header = arena_printf(
		    f->h->arena, "Cookie: gatepost=%.*s", STR_ARG(buf_str(&b)));
	buf_free(&b);
	return header;
}

static int
has_event(const struct front_answer *got)
{
	return got->got.status == 200 && got->body.n > 0 &&
	    memmem(got->body.p, got->body.n, "event: access", 13) != NULL;
}

/* Did its head come, or nothing at all within the time? */
static int
is_held_back(const struct front_answer *got)
{
	return got->got.status == 200 ||
	    (got->rc != 0 && got->seen.fault == HTTP_LATE);
}

static void
say_stream(const struct front *f, const struct front_answer *got)
{
	if (has_event(got))
		front_say(f, FINDING_OK, FINDING_stream,
		    "a stream's first event came after %d ms",
		    got->seen.first_ms);
	else if (is_held_back(got))
		front_say(f, FINDING_PROBLEM, FINDING_stream,
		    "a stream's first event did not come within %d s: "
		    "something between holds it back. nginx has to see the "
		    "header X-Accel-Buffering, or 'proxy_buffering off' (and "
		    "no "
		    "gzip) in a proxy before; Apache needs flushpackets=on; a "
		    "CDN must not keep /live",
		    FRONT_STREAM_MS / 1000);
	else
		front_say(f, FINDING_PROBLEM, FINDING_stream, "/live: %s",
		    front_blame(f, got));
}

static void
say_headers(const struct front *f, const struct front_answer *got)
{
	struct str came = http_header(&got->seen, "X-Gatepost-Client");
	if (got->got.status != 200 || came.p == NULL)
		return;
	if (str_eq_z(came, "none"))
		front_say(f, FINDING_OK, FINDING_headers,
		    "X-Gatepost-User of a visitor does not come through");
	else
		front_say(f, FINDING_NOTE, FINDING_headers,
		    "X-Gatepost-User of a visitor comes through to /live. It "
		    "does no harm there; an app that believes it, behind the "
		    "same web server, can be lied to: take the lines about it "
		    "from the shipped files, and see that each location of an "
		    "app sets or clears all four");
}

void
front_stream(const struct front *f)
{
	const char *headers[] = { "Accept: text/event-stream",
		"X-Gatepost-User: " PASS_DOCTOR, pass_header(f), NULL };
	struct http_request request = { .method = "GET",
		.headers = headers,
		.timeout_ms = FRONT_STREAM_MS,
		.answer_max = EVENT_BYTES };
	struct front_answer got;
	if (f->h->config->pass_secrets.n == 0 || headers[2] == NULL)
		return;
	front_ask(f, "/live", &request, &got);
	if (has_event(&got))
		f->proof->stream_ms = got.seen.first_ms;
	say_stream(f, &got);
	say_headers(f, &got);
}
