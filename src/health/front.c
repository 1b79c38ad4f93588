#include "health/front.h"

#include <stdarg.h>
#include <string.h>

#include "action/address.h"
#include "base/json.h"
#include "health/front_own.h"
#include "health/look.h"

enum { TEXT_MAX = 2048 };

void
front_say(const struct front *f, enum finding_level level, enum finding_id id,
    const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	health_say(
	    f->h, level, id, NULL, arena_dup(f->h->arena, text, strlen(text)));
}

int
front_open(struct front *f, struct health *h, struct front_proof *proof)
{
	struct str url = h->config->public_url;
	*f = (struct front){
		.h = h, .proof = proof, .url = str_z(h->arena, url)
	};
	if (url.p == NULL || f->url == NULL)
		return -1;
	struct str host = address_host(f->url, &f->port);
	f->host = str_z(h->arena, host);
	f->is_https = str_starts(url, STR("https:"));
	f->is_inside = address_is_inside(host);
	return f->host == NULL ? -1 : 0;
}

/* ---- asking --------------------------------------------------------------- */

/* Gatepost's answers are objects with one of the two; a lookup's has a key. */
static void
read_word(struct arena *a, struct front_answer *out)
{
	static const char *const words[] = { "error", "status", "key" };
	const char *reason;
	const json_t *o = out->body.n > 0 && out->body.p[0] == '{'
	    ? json_load_kept(a, out->body, 0, &reason, NULL)
	    : NULL;
	struct str text;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const json_t *v = json_object_get(o, words[i]);
		if (v != NULL && out->word[0] == '\0')
			out->word =
			    json_text(v, &text) == 0 ? text.p : words[i];
	}
	if (json_text(json_object_get(o, "detail"), &text) == 0 &&
	    text.p != NULL)
		out->detail = text.p;
}

void
front_ask(const struct front *f, const char *path, struct http_request *request,
    struct front_answer *out)
{
	struct arena *a = f->h->arena;
	struct err e = { .code = ERR_NONE };
	struct buf body;
	*out = (struct front_answer){ .word = "",
		.detail = "",
		.seen = { .arena = a, .head = "", .address = "", .why = "" } };
	request->url = arena_printf(a, "%s%s", f->url, path);
	if (request->timeout_ms == 0)
		request->timeout_ms = FRONT_MS;
	request->seen = &out->seen;
	buf_init(&body, 2 * HTTP_ANSWER_MAX);
	out->rc = http_call(request, &out->got, &body, &e);
	if (out->seen.why[0] == '\0' && out->rc != 0)
		out->seen.why = arena_printf(a, "%s", e.text);
	out->body = str_copy(a, buf_str(&body));
	buf_free(&body);
	if (out->rc == 0)
		read_word(a, out);
}

/* ---- who is to blame ------------------------------------------------------ */

static const char *
blame_call(const struct front *f, const struct front_answer *got)
{
	struct arena *a = f->h->arena;
	switch (got->seen.fault) {
	case HTTP_NO_NAME:
		return arena_printf(a, "DNS finds no address for %s", f->host);
	case HTTP_NO_CONNECTION:
		return arena_printf(a,
		    "nobody listens at port %d of %s, or no way leads there: "
		    "start the web server, or let it listen there",
		    f->port, f->host);
	case HTTP_NO_CONNECTION_YET:
		return arena_printf(a,
		    "no connection to port %d of %s within %d s: a firewall "
		    "swallows it, or the address is somebody else's. Open the "
		    "port here and at the host's provider. A router at home "
		    "may not lead back in: then look from outside",
		    f->port, f->host, FRONT_MS / 1000);
	case HTTP_LATE:
		return arena_printf(a,
		    "connected, and no answer within %d s: the web server "
		    "waits for a program that does not answer, or a firewall "
		    "swallows the rest: look into its error log and at "
		    "'systemctl status gatepost'",
		    FRONT_MS / 1000);
	default:
		return arena_printf(a, "no answer: %s", got->seen.why);
	}
}

static const struct {
	long status;
	const char *text;
} foreign[] = {
	{ 401,
	    "asks for a password: let everybody in at Gatepost's locations, "
	    "which know their own" },
	{ 403,
	    "refuses it before Gatepost is asked: a firewall for web "
	    "applications, a block of countries or robots, or a rule of the "
	    "web server. Let /hooks/, /v1/ and /live through there" },
	{ 404,
	    "has no such address: Gatepost's locations are missing in the "
	    "server block of this host name, or public_url lacks the path "
	    "below which they are" },
	{ 405,
	    "does not take this method: Gatepost's locations are missing "
	    "there" },
	{ 413,
	    "takes no body of that size: client_max_body_size 1m, or "
	    "LimitRequestBody 1048576, for /hooks/" },
	{ 429,
	    "has had too many requests: do not limit requests per second at "
	    "/hooks/; a sale that is turned away never comes back" },
	{ 502,
	    "does not reach Gatepost: 'systemctl status gatepost', and is the "
	    "socket the one that the web server names?" },
	{ 503,
	    "does not reach Gatepost, or has no room: 'systemctl status "
	    "gatepost', and the web server's error log" },
	{ 504,
	    "waited in vain for Gatepost: 'journalctl -u gatepost', and is "
	    "the database reached?" },
};

/* "nginx answered 403, as text/html, and " */
static const char *
who(const struct front *f, const struct front_answer *got)
{
	struct str server = http_header(&got->seen, "Server");
	struct str type = http_header(&got->seen, "Content-Type");
	struct str kind, rest;
	str_cut(type, ';', &kind, &rest);
	if (server.n == 0)
		server = STR("not Gatepost but something before it");
	return arena_printf(f->h->arena, "%.*s answered %ld%s%.*s",
	    STR_ARG(server), got->got.status, kind.n > 0 ? ", as " : "",
	    STR_ARG(kind));
}

static const char *
blame_us(const struct front *f, const struct front_answer *got)
{
	struct arena *a = f->h->arena;
	switch (got->got.status) {
	case 404:
	case 401:
		return arena_printf(a,
		    "Gatepost answered %ld (%s): the program there runs with "
		    "other settings than these: restart it ('systemctl restart "
		    "gatepost'); or another Gatepost answers at %s",
		    got->got.status, got->detail, f->url);
	case 413:
		return "Gatepost answered 413: the body is too large for it";
	default:
		return arena_printf(a,
		    "Gatepost answered %ld %s (%s): 'journalctl -u gatepost' "
		    "tells more",
		    got->got.status, got->word, got->detail);
	}
}

const char *
front_blame(const struct front *f, const struct front_answer *got)
{
	struct arena *a = f->h->arena;
	long status = got->got.status;
	if (got->rc != 0)
		return blame_call(f, got);
	if (got->word[0] != '\0')
		return blame_us(f, got);
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		if (foreign[i].status == status)
			return arena_printf(
			    a, "%s: it %s", who(f, got), foreign[i].text);
	if (status >= 300 && status < 400)
		return arena_printf(a, "%s: a redirect", who(f, got));
	return arena_printf(a,
	    "%s, and that is not Gatepost's answer: another page or program "
	    "is at this address",
	    who(f, got));
}

/* ---- all of it ------------------------------------------------------------ */

int
front_gate(struct health *h, const char *path)
{
	struct front_proof proof;
	struct front_answer got;
	struct http_request request = { .method = "GET" };
	struct front f;
	if (front_open(&f, h, &proof) != 0)
		return -1;
	front_ask(&f, path, &request, &got);
	if (got.rc != 0) {
		health_say(h, FINDING_NOTE, FINDING_gate, path,
		    arena_printf(h->arena, "%s was not looked at: %s", path,
			front_blame(&f, &got)));
		return -1;
	}
	int open = got.got.status >= 200 && got.got.status < 300;
	health_say(h, open ? FINDING_PROBLEM : FINDING_OK, FINDING_gate, path,
	    open ? arena_printf(h->arena,
		       "%s opened without a pass (%ld): another location of "
		       "the web server, or the folder itself, hands it out; "
		       "it has to be behind the gate",
		       path, got.got.status)
		 : arena_printf(h->arena, "%s is closed without a pass (%ld)",
		       path, got.got.status));
	return !open;
}

static void
look_at_gates(const struct front *f)
{
	const struct config *c = f->h->config;
	f->proof->gate_closed = 1;
	for (size_t i = 0; i < c->n_files; i++)
		f->proof->gate_closed &=
		    front_gate(f->h,
			arena_printf(f->h->arena, "/files%.*s/",
			    STR_ARG(c->files[i].title))) == 1;
}

int
front_prove(struct health *h, struct front_proof *out, struct err *e)
{
	struct front f;
	*out = (struct front_proof){ .stream_ms = -1 };
	if (front_open(&f, h, out) != 0) {
		health_say(h, FINDING_NOTE, FINDING_reach, NULL,
		    "public_url is not set: nothing was looked at from the "
		    "outside. Set it to the address that platforms call, such "
		    "as 'https://example.org'");
		return 0;
	}
	if (front_reach(&f) != 0)
		return 0;
	if (front_deliver(&f, e) != 0)
		return -1;
	front_authorization(&f);
	front_stream(&f);
	look_at_gates(&f);
	return 0;
}

int
look_front(struct health *h, struct err *e)
{
	struct front_proof proof;
	return front_prove(h, &proof, e);
}

int
look_front_deep(struct health *h, struct err *e)
{
	struct front_proof proof;
	struct front f;
	return front_open(&f, h, &proof) != 0 ? 0 : front_deliver_large(&f, e);
}
