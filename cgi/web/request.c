#include "cgi/web/request.h"

#include <stdint.h>
#include <string.h>

struct str
request_param_next(const char *const **at, const char *name)
{
	size_t n = strlen(name);
	while (**at != NULL) {
		const char *p = *(*at)++;
		if (strncmp(p, name, n) == 0 && p[n] == '=')
			return str_from(p + n + 1);
	}
	return STR_NONE;
}

struct str
request_param(const struct request *r, const char *name)
{
	const char *const *at = r->params;
	return request_param_next(&at, name);
}

struct str
request_authorization(const struct request *r)
{
	struct str s = request_param(r, "HTTP_AUTHORIZATION");
	if (s.n == 0)
		s = request_param(r, "REDIRECT_HTTP_AUTHORIZATION");
	return s.n == 0 ? STR_NONE : s;
}

int
request_accepts(const struct request *r, struct str want)
{
	struct str rest = request_param(r, "HTTP_ACCEPT"), type, parameters;
	while (rest.p != NULL) {
		str_cut(rest, ',', &type, &rest);
		str_cut(type, ';', &type, &parameters);
		if (str_eq_fold(str_trim(type), want))
			return 1;
	}
	return 0;
}

/* REQUEST_URI without scheme and host: an absolute-form target (RFC 9112,
 * 3.2.2) reaches some programs as it was sent. */
static struct str
request_target(const struct request *r)
{
	struct str uri = request_param(r, "REQUEST_URI");
	if (uri.n == 0 || uri.p[0] == '/')
		return uri;
	const char *at = memmem(uri.p, uri.n, "://", 3);
	if (at == NULL)
		return uri;
	struct str rest = { at + 3, uri.n - (size_t)(at + 3 - uri.p) };
	at = memchr(rest.p, '/', rest.n);
	if (at == NULL)
		return STR("/");
	return (struct str){ at, rest.n - (size_t)(at - rest.p) };
}

static int
only_slashes(struct str s)
{
	while (s.n > 0 && s.p[s.n - 1] == '/')
		s.n--;
	return s.n == 0;
}

/* What follows script in path, which is still encoded while script is not;
 * all of path where script is not the beginning of it. Servers merge slashes
 * in script, so several in path are as good as one. */
static struct str
path_below(struct str path, struct str script)
{
	while (script.n > 0 && script.p[script.n - 1] == '/')
		script.n--;
	size_t i = 0;
	if (path.n == 0)
		return path;
	for (size_t k = 0; k < script.n; k++) {
		if (i == path.n)
			return path;
		int c = str_escape(path, i);
		i += c < 0 ? 1 : 3;
		if (c < 0)
			c = (unsigned char)path.p[i - 1];
		if (c != (unsigned char)script.p[k])
			return path;
		while (i < path.n && path.p[i - 1] == '/' && path.p[i] == '/')
			i++;
	}
	if (i < path.n && path.p[i] != '/')
		return path;
	struct str rest = { path.p + i, path.n - i };
	return only_slashes(rest) ? path : rest;
}

/* One segment as it is meant. p NULL: there is no such segment. */
static struct str
segment_decode(struct arena *a, struct str s, int escaped)
{
	char *p = arena_dup(a, s.p, s.n);
	size_t n = 0;
	for (size_t i = 0; p != NULL && i < s.n; i++) {
		int c = (unsigned char)s.p[i];
		if (escaped && c == '%') {
			c = str_escape(s, i);
			i += 2;
		}
		if (c <= 0)
			return STR_NONE;
		p[n++] = (char)c;
	}
	struct str out = { p, n };
	if (p == NULL || n == 0 || str_eq_z(out, ".") || str_eq_z(out, "..") ||
	    !str_is_utf8(out))
		return STR_NONE;
	return out;
}

static int
split_path(struct request *r, struct str path, int escaped)
{
	if (path.n == 0 || path.n > REQUEST_PATH_MAX || path.p[0] != '/')
		return 0;
	r->path_slash = path.n > 1 && path.p[path.n - 1] == '/';
	while (path.p != NULL) {
		struct str segment;
		str_cut(path, '/', &segment, &path);
		if (segment.n == 0)
			continue;
		if (r->n_segments == REQUEST_SEGMENTS_MAX)
			return 0;
		segment = segment_decode(r->arena, segment, escaped);
		if (segment.p == NULL)
			return 0;
		r->segments[r->n_segments++] = segment;
	}
	return 1;
}

static int
read_path(struct request *r)
{
	struct str path = request_param(r, "PATH_INFO");
	if (path.n > 0)
		return split_path(r, path, 0);
	struct str query;
	str_cut(request_target(r), '?', &path, &query);
	if (path.n > REQUEST_PATH_MAX)
		return 0;
	return split_path(
	    r, path_below(path, request_param(r, "SCRIPT_NAME")), 1);
}

void
request_init(struct request *r, struct arena *a, const char *const *params,
    struct str body, int body_cut)
{
	*r = (struct request){ .arena = a,
		.params = params,
		.body = body,
		.body_cut = body_cut,
		.token = STR_NONE,
		.name = STR_NONE };
	r->method = request_param(r, "REQUEST_METHOD");
	r->is_head = str_eq_z(r->method, "HEAD");
	r->path_ok = read_path(r);
	/* absent or no number: nothing is known (chunked bodies) */
	int64_t length;
	struct str text = request_param(r, "CONTENT_LENGTH");
	if (str_int64(text, 0, INT64_MAX, &length) == 0 &&
	    (uint64_t)length > body.n)
		r->body_cut = 1;
}

/* Decoded as application/x-www-form-urlencoded; a bad escape stays as it is
 * (URL Standard, 1.3). */
static struct str
query_decode(struct arena *a, struct str s, char plus)
{
	char *p = arena_dup(a, s.p, s.n);
	if (p == NULL)
		return STR_NONE;
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) {
		int c = str_escape(s, i);
		if (c >= 0)
			i += 2;
		else
			c = (unsigned char)(s.p[i] == '+' ? plus : s.p[i]);
		p[n++] = (char)c;
	}
	return (struct str){ p, n };
}

struct str
request_decode(struct arena *a, struct str s)
{
	return query_decode(a, s, ' ');
}

struct str
request_query_string(const struct request *r)
{
	struct str s = request_param(r, "QUERY_STRING"), path;
	if (s.p == NULL)
		str_cut(request_target(r), '?', &path, &s);
	return s;
}

static int
query_find(struct request *r, const char *name, char plus, struct str *value)
{
	struct str rest = request_query_string(r), pair, key, raw;
	int found = 0;
	*value = STR_NONE;
	for (int i = 0; rest.p != NULL; i++) {
		/* more than anybody needs: no one answer can be right */
		if (i == REQUEST_PAIRS_MAX)
			return 2;
		str_cut(rest, '&', &pair, &rest);
		str_cut(pair, '=', &key, &raw);
		key = request_decode(r->arena, key);
		if (key.p == NULL || !str_eq_z(key, name))
			continue;
		if (found++ == 0)
			*value = query_decode(r->arena, raw, plus);
		if (found == 2)
			return 2;
	}
	return value->p == NULL ? 0 : found;
}

int
request_query(struct request *r, const char *name, struct str *value)
{
	return query_find(r, name, ' ', value);
}

int
request_query_plus(struct request *r, const char *name, struct str *value)
{
	return query_find(r, name, '+', value);
}

void
reply_init(struct reply *p)
{
	*p = (struct reply){ .status = 0 };
	buf_init(&p->body, REPLY_BODY_MAX);
}

void
reply_reset(struct reply *p, struct arena *a)
{
	enum { KEEP = 64 * 1024 };
	if (p->body.size > KEEP)
		buf_free(&p->body);
	buf_reset(&p->body);
	p->arena = a;
	p->status = 0;
	p->type = NULL;
	p->cache = NULL;
	p->length = -1;
	p->n_headers = 0;
	p->headers_n = 0;
	p->error = NULL;
	p->bare = 0;
	p->endless = 0;
	p->stream = NULL;
	p->later = 0;
	p->download = NULL;
	p->mails = 0;
	p->failed = 0;
}

void
reply_free(struct reply *p)
{
	buf_free(&p->body);
}

static struct buf *
reply_start(struct reply *p, int status, const char *type)
{
	p->status = status;
	p->type = type;
	p->length = -1;
	p->error = NULL;
	buf_reset(&p->body);
	return &p->body;
}

struct buf *
reply_json(struct reply *p, int status)
{
	return reply_start(p, status, "application/json");
}

struct buf *
reply_text(struct reply *p, int status)
{
	return reply_start(p, status, "text/plain; charset=utf-8");
}

struct buf *
reply_html(struct reply *p, int status)
{
	return reply_start(p, status, "text/html; charset=utf-8");
}

struct buf *
reply_events(struct reply *p)
{
	return reply_start(p, 200, "text/event-stream");
}

void
reply_empty(struct reply *p, int status)
{
	reply_start(p, status, NULL);
}

void
reply_file(struct reply *p, int status, const char *type, int64_t length)
{
	reply_start(p, status, type);
	p->length = length;
}

void
reply_error(struct reply *p, int status, const char *word, const char *detail)
{
	struct buf *b = reply_json(p, status);
	buf_addz(b, "{\"error\":");
	buf_add_json(b, str_from(word));
	buf_addz(b, ",\"detail\":");
	buf_add_json(b, str_from(detail));
	buf_addc(b, '}');
	p->error = word;
}

void
reply_header(struct reply *p, const char *name, struct str value)
{
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];
		if ((c < 0x20 && c != '\t') || c == 0x7F)
			p->failed = 1;
	}
	p->headers_n += strlen(name) + value.n + 4;
	if (p->failed || p->n_headers == REPLY_HEADERS_MAX ||
	    p->headers_n > REPLY_HEADERS_BYTES) {
		p->failed = 1;
		return;
	}
	const char *copy = str_z(p->arena, value);
	if (copy == NULL) {
		p->failed = 1;
		return;
	}
	p->headers[p->n_headers++] = (struct reply_header){ name, copy };
}

int
reply_ok(const struct reply *p)
{
	return !p->failed && p->status != 0 && buf_ok(&p->body);
}

static const char *
reason(int status)
{
	static const struct {
		int status;
		const char *words;
	} table[] = { { 200, "OK" }, { 204, "No Content" },
		{ 206, "Partial Content" }, { 301, "Moved Permanently" },
		{ 303, "See Other" }, { 304, "Not Modified" },
		{ 400, "Bad Request" }, { 401, "Unauthorized" },
		{ 403, "Forbidden" }, { 404, "Not Found" },
		{ 405, "Method Not Allowed" }, { 412, "Precondition Failed" },
		{ 413, "Content Too Large" }, { 416, "Range Not Satisfiable" },
		{ 503, "Service Unavailable" } };
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].status == status)
			return table[i].words;
	return "Status";
}

int
reply_head(const struct reply *p, struct buf *out)
{
	size_t before = out->n;
	buf_addf(out, "Status: %d %s\r\n", p->status, reason(p->status));
	if (p->type != NULL)
		buf_addf(out, "Content-Type: %s\r\n", p->type);
	/* RFC 9110, 8.6: not with 204, nor another's with 304 */
	if (p->status != 204 && p->status != 304 && !p->endless && !p->bare)
		buf_addf(out, "Content-Length: %lld\r\n",
		    p->length >= 0 ? (long long)p->length
				   : (long long)p->body.n);
	if (!p->bare)
		buf_addf(out,
		    "Cache-Control: %s\r\n"
		    "X-Content-Type-Options: nosniff\r\n",
		    p->cache == NULL ? "no-store" : p->cache);
	for (size_t i = 0; i < p->n_headers; i++)
		buf_addf(
		    out, "%s: %s\r\n", p->headers[i].name, p->headers[i].value);
	buf_addz(out, "\r\n");
	return buf_ok(out) && out->n - before <= REPLY_HEAD_MAX ? 0 : -1;
}
