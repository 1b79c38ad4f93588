#include "cgi/route.h"

#include <string.h>

#include "cgi/ask/ask.h"
#include "cgi/web/count.h"
#include "cgi/pages/first.h"
#include "cgi/ask/gate.h"
#include "cgi/pages/pages.h"
#include "cgi/pages/proof.h"
#include "cgi/ask/publish.h"
#include "cgi/server/reader.h"
#include "cgi/web/refused.h"
#include "cgi/server/send.h"
#include "cgi/server/writer.h"

enum {
	GET = 1, /* and HEAD */
	POST = 2,
	OPTIONS = 4,
	OTHER = 8,
	ANY = GET | POST | OPTIONS | OTHER,
};

enum { ALLOW_MAX = 32, REFUSED_MAX = 200 };

struct route {
	unsigned methods;
	/* :platform, :token, :name stand for one segment, :path for all that
	 * come */
	const char *pattern;
	route_handler *handler;
};

static const struct route routes[] = {
	{ GET, "/healthz", healthz_get },
	{ POST, "/hooks/:platform", proof_post },
	{ POST, "/hooks/:platform/:token", hook_post },
	{ GET, "/v1/access", access_get },
	{ POST, "/v1/access", access_post },
	{ GET, "/v1/changes", changes_get },
	{ POST, "/v1/links", links_post },
	{ GET, "/v1/openapi.json", openapi_get },
	{ POST, "/v1/passes", passes_post },
	{ GET, "/v1/status", status_get },
	{ ANY, "/gate", gate_any },
	{ GET, "/live", live_get },
	{ OPTIONS, "/live", live_options },
	{ GET, "/buy/:name", buy_get },
	{ GET, "/files/:path", files_get },
	{ GET, "/me", me_get },
	{ POST, "/me", me_post },
	{ POST, "/me/link", me_link_post },
	{ GET, "/me/:name", me_part_get },
	{ GET, "/metrics", metrics_get },
};
enum { N_ROUTES = sizeof(routes) / sizeof(routes[0]) };

static const struct route authorizer = { ANY, "authorizer", gate_any };

static const struct {
	unsigned bits;
	const char *name;
} methods[] = { { GET, "GET" }, { GET, "HEAD" }, { POST, "POST" },
	{ OPTIONS, "OPTIONS" } };
enum { N_METHODS = sizeof(methods) / sizeof(methods[0]) };

static unsigned
method_bits(struct str method)
{
	for (size_t i = 0; i < N_METHODS; i++)
		if (str_eq_z(method, methods[i].name))
			return methods[i].bits;
	return OTHER;
}

/* Without memory there are no segments to find a route by. */
static int
is_gate(const struct route *route, const struct request *r)
{
	if (route == NULL)
		return arena_failed(r->arena) &&
		    str_eq_z(request_param(r, "PATH_INFO"), "/gate");
	return route->handler == gate_any;
}

/* A hook's address is pasted by hand, and a delivery sent to the wrong one is
 * lost: blanks around its parts are left out. */
static int
segment_matches(struct request *r, struct str want, struct str have)
{
	if (str_eq_z(want, ":platform")) {
		r->platform = platform_find(str_trim(have));
		return r->platform != NULL;
	}
	if (str_eq_z(want, ":token")) {
		r->token = str_trim(have);
		return r->platform != NULL && r->platform->token_in_path;
	}
	if (str_eq_z(want, ":name")) {
		r->name = have;
		return 1;
	}
	return str_eq(want, have);
}

/* On success platform, token and name of *r are set as the pattern says. */
static int
route_matches(const struct route *route, struct request *r)
{
	struct str rest = str_from(route->pattern + 1), want;
	size_t i = 0;
	r->platform = NULL;
	r->token = STR_NONE;
	r->name = STR_NONE;
	while (rest.p != NULL) {
		str_cut(rest, '/', &want, &rest);
		if (str_eq_z(want, ":path"))
			return i < r->n_segments;
		if (i == r->n_segments ||
		    !segment_matches(r, want, r->segments[i++]))
			return 0;
	}
	return i == r->n_segments;
}

/* The route for path and method; else NULL, with *path_of a route that has
 * the path and *allow all the methods that path has. */
static const struct route *
find(struct request *r, const struct route **path_of, unsigned *allow)
{
	unsigned method = method_bits(r->method);
	*path_of = NULL;
	*allow = 0;
	/* its path is the visitor's */
	if (r->is_authorizer)
		return &authorizer;
	if (!r->path_ok)
		return NULL;
	for (size_t i = 0; i < N_ROUTES; i++) {
		if (!route_matches(&routes[i], r))
			continue;
		if ((routes[i].methods & method) != 0)
			return &routes[i];
		*path_of = &routes[i];
		*allow |= routes[i].methods;
	}
	return NULL;
}

static void
refuse_method(struct reply *p, unsigned allow)
{
	struct buf b;
	buf_init(&b, ALLOW_MAX);
	for (size_t i = 0; i < N_METHODS; i++)
		if ((allow & methods[i].bits) != 0)
			buf_addf(
			    &b, "%s%s", b.n > 0 ? ", " : "", methods[i].name);
	reply_header(p, "Allow", buf_str(&b));
	reply_error(p, 405, "method", "see the Allow header");
	buf_free(&b);
}

static void
try_again(
    struct reply *p, const char *seconds, const char *word, const char *detail)
{
	reply_header(p, "Retry-After", str_from(seconds));
	reply_error(p, 503, word, detail);
}

static void
serve_unconfigured(struct request *r, struct reply *p)
{
	/* who asks for health learns no more than that there is none */
	if (r->path_ok && r->n_segments == 1 &&
	    str_eq_z(r->segments[0], "healthz")) {
		reply_header(p, "Retry-After", STR("60"));
		buf_addz(reply_text(p, 503), "unavailable");
		return;
	}
	try_again(p, "60", "not_configured",
	    "the configuration cannot be used; the error log says why");
}

/* What is read there may be planted. */
static void
serve_exposed(int at_gate, struct reply *p)
{
	if (at_gate)
		gate_refuse(p);
	else
		try_again(p, "60", "exposed",
		    "everybody can write the database; the error log says "
		    "which mode is wrong");
}

static void
count_unread(const struct request *r, enum count_refusal why)
{
	if (r->platform != NULL)
		count_refused(r->platform, why);
}

/* An answer that may be older than what was acknowledged says so. */
static void
tell_age(const struct app *app, const struct request *r, struct reply *p)
{
	char text[24];
	int64_t seconds;
	if (p->status >= 500 || app->readers == NULL ||
	    !readers_age(app->readers, r->worker, &seconds))
		return;
	snprintf(text, sizeof(text), "%lld", (long long)seconds);
	reply_header(p, "X-Gatepost-Stale", str_from(text));
}

static int
is_hook(const struct route *route)
{
	return route->handler == hook_post || route->handler == proof_post;
}

static int
only_reads(const struct route *route, const struct request *r)
{
	return route->handler == gate_any || route->handler == access_post ||
	    str_eq_z(r->method, "GET") || str_eq_z(r->method, "HEAD");
}

static void
serve_route(const struct app *app, const struct route *route, struct request *r,
    struct reply *p)
{
	if (route->handler == gate_any)
		route->handler(app, r, p);
	else if (r->body_too_large ||
	    (r->platform != NULL && r->body.n > r->platform->body_max)) {
		reply_error(p, 413, "too_large", "send a smaller body");
		count_unread(r, COUNT_TOO_LARGE);
	} else if (route->methods == POST && r->body_cut) {
		try_again(p, "5", "incomplete",
		    "the body did not arrive whole; send it again");
		count_unread(r, COUNT_INCOMPLETE);
	} else {
		route->handler(app, r, p);
	}
	/* a server that hangs is noticed by a question it does not answer */
	if (only_reads(route, r) && readers_again(app->readers, r->worker)) {
		reply_reset(p, r->arena);
		route->handler(app, r, p);
	}
	tell_age(app, r, p);
	readers_put(app->readers, r->worker);
	writer_leave(app->writers, r);
}

/* A visitor who is sent to the shop is no event for the log. */
static int
is_turned_away(const struct route *route, const struct reply *p)
{
	return route != NULL && route->handler == files_get &&
	    (p->status == 401 || p->status == 403);
}

static void
log_refused(
    const struct route *route, const struct request *r, const struct reply *p)
{
	const char *method = "other method";
	char text[REFUSED_MAX];
	for (size_t i = 0; i < N_METHODS; i++)
		if (str_eq_z(r->method, methods[i].name))
			method = methods[i].name;
	snprintf(text, sizeof(text), "%s %s: %d%s%s%s%s%s%s", method,
	    route == NULL ? "unknown path" : route->pattern, p->status,
	    p->error == NULL ? "" : " ", p->error == NULL ? "" : p->error,
	    route == NULL || r->platform == NULL ? "" : ", platform ",
	    route == NULL || r->platform == NULL ? "" : r->platform->name,
	    r->pass_fault == NULL ? "" : ", pass refused: ",
	    r->pass_fault == NULL ? "" : r->pass_fault);
	refused_log(p->status >= 500 ? LOG_ERROR : LOG_WARNING, text);
}

void
route_serve(const struct app *app, struct request *r, struct reply *p)
{
	const struct route *path_of;
	unsigned allow;
	const struct route *route = find(r, &path_of, &allow);
	int at_gate = is_gate(route, r);
	if (app->config == NULL && at_gate)
		gate_refuse(p);
	else if (app->config == NULL && app->first != NULL && first_asked(r))
		first_page(app->first, r, p);
	else if (app->config == NULL && route != NULL &&
	    route->handler == proof_post && proof_asked(app, r))
		proof_missing(app, r, p);
	else if (app->config == NULL)
		serve_unconfigured(r, p);
	else if (app->is_exposed && route != NULL && !is_hook(route))
		serve_exposed(at_gate, p);
	else if (route != NULL)
		serve_route(app, route, r, p);
	else if (r->body_too_large)
		reply_error(p, 413, "too_large", "send a smaller body");
	else if (path_of != NULL)
		refuse_method(p, allow);
	else
		reply_error(p, 404, "not_found", "there is no such address");
	/* not every request is served when memory is short; none is lost: a
	 * sender told 503 comes again */
	if (arena_failed(r->arena) || (!p->later && !reply_ok(p))) {
		publish_drop(p->stream);
		send_drop(p->download);
		reply_reset(p, r->arena);
		arena_reset(r->arena);
		if (at_gate)
			gate_refuse(p);
		else
			try_again(p, "5", "memory", "too busy now; try again");
		if (route != NULL)
			count_unread(r, COUNT_MEMORY);
	}
	if (r->pass_fault != NULL ||
	    (p->status >= 400 && !at_gate && !is_turned_away(route, p)))
		log_refused(route != NULL ? route : path_of, r, p);
}

int
route_may_write(struct str records)
{
	/* bytes; a stranger's large body is better refused than kept */
	enum { USUAL_MAX = 16 * 1024 };
	static const char path[] = "/hooks/";
	return records.n <= USUAL_MAX &&
	    memmem(records.p, records.n, path, sizeof(path) - 1) != NULL;
}

size_t
route_body_max(void)
{
	size_t max = REQUEST_BODY_MAX;
	for (size_t i = 0; i < PLATFORM__MAX; i++)
		if (platforms[i]->body_max > max)
			max = platforms[i]->body_max;
	return max;
}
