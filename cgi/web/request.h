#ifndef CGI_WEB_REQUEST_H
#define CGI_WEB_REQUEST_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "platform/platform.h"

/*
 * One request and its answer, whatever brought it: FastCGI or plain CGI.
 * Everything in a request lives until it is answered; one thread at a time.
 */
enum {
	REQUEST_ARENA_MAX = 16 * 1024 * 1024, /* bytes one request may use */
	REQUEST_BODY_MAX = 1024 * 1024, /* bytes; the web servers' limit too */
	REQUEST_PATH_MAX = 4096, /* bytes, as sent */
	REQUEST_SEGMENTS_MAX = 16,
	REQUEST_PAIRS_MAX = 256, /* of a query */
};

struct request {
	struct arena *arena;
	const char *const *params; /* "NAME=value", ended by NULL */
	struct str method;
	int is_head;

	/* Segments of the path, percent-decoded once: "/hooks/gank" is
	 * { "hooks", "gank" }. Empty segments are left out: web servers merge
	 * slashes before they choose a location, so "//hooks/gank/" is the
	 * same. A segment can hold a '/' that came as %2F. path_ok is 0 when
	 * there is no such path: a "." or ".." segment, a bad escape, NUL,
	 * ill-formed UTF-8, too long. */
	struct str segments[REQUEST_SEGMENTS_MAX];
	size_t n_segments;
	int path_ok;
	int path_slash; /* one stood at its end */

	struct str body; /* empty when body_too_large */
	int body_too_large;
	int body_cut; /* shorter than CONTENT_LENGTH, or its time was over */

	/* The role of the FastCGI request is AUTHORIZER (FastCGI 1.0, 6.3):
	 * may the web server's visitor go on? */
	int is_authorizer;

	int worker; /* 0 to threads - 1: for state kept per thread */
	int64_t came; /* time_micros() when it was whole; 0: just now */
	int behind; /* others that came before wait to be served later */
	int wrote; /* it had one of the places of those that write */

	/* set by the route */
	const struct platform *platform; /* /hooks/NAME */
	struct str token; /* /hooks/NAME/TOKEN, else STR_NONE */
	struct str name; /* /buy/NAME, else STR_NONE */

	/* Set by visitor.h: why the first pass of the request is refused, for
	 * the log. NULL: there is no pass, or one of them is good. */
	const char *pass_fault;
};

/*
 * Fills *r from the parameters (RFC 3875, 4.1) and the body. The path is
 * PATH_INFO where that is not empty, taken as it is, since servers decode it;
 * else REQUEST_URI less SCRIPT_NAME and query, or all of REQUEST_URI where
 * SCRIPT_NAME is the whole of it (nginx's fastcgi_params). arena, params and
 * body must outlive *r. body_cut: the body is known to be incomplete.
 */
void request_init(struct request *r, struct arena *a, const char *const *params,
    struct str body, int body_cut);

/* The first parameter of that name: fastcgi_param lines that come first win.
 * STR_NONE: none. Never a source of configuration: see config_locate. */
struct str request_param(const struct request *r, const char *name);

/* The next parameter of that name. *at begins with r->params and is moved
 * behind what was found. STR_NONE: there are no more. */
struct str request_param_next(const char *const **at, const char *name);

/* The Authorization header, which some Apache setups rename: STR_NONE when
 * absent or empty. */
struct str request_authorization(const struct request *r);

/* Does it ask for answers of that type (Accept), by its name? */
int request_accepts(const struct request *r, struct str want);

/*
 * A query parameter, decoded into the arena: 0 when there is none (*value is
 * STR_NONE), 1, or 2 when it is there more than once (*value is the first).
 * '+' is a blank; in request_query_plus it stays a '+', for addresses.
 * Without memory the answer is 0 and arena_failed() is set.
 */
int request_query(struct request *r, const char *name, struct str *value);
int request_query_plus(struct request *r, const char *name, struct str *value);

/* The query as it came, STR_NONE: none; a name or a value of it, decoded, '+'
 * a blank, what is no escape as it is. p NULL: out of memory. */
struct str request_query_string(const struct request *r);
struct str request_decode(struct arena *a, struct str s);

enum {
	REPLY_HEADERS_MAX = 16,
	REPLY_HEAD_MAX = 3500, /* bytes: nginx refuses heads over 4 kB */
	REPLY_HEADERS_BYTES = 3000, /* of these for reply_header */
	REPLY_BODY_MAX = 16 * 1024 * 1024,
};

struct reply_header {
	const char *name;
	const char *value;
};

/*
 * The answer is built completely and written once. Errors stick: ask reply_ok
 * at the end; the router does, and answers 503 instead.
 */
struct stream;
struct download;

struct reply {
	struct arena *arena; /* owns the headers' values */
	int status;
	const char *type; /* Content-Type; NULL: no body */
	const char *cache; /* Cache-Control; NULL: no-store */
	int64_t length; /* Content-Length; -1: the body's */
	struct reply_header headers[REPLY_HEADERS_MAX];
	size_t n_headers;
	size_t headers_n; /* bytes */
	struct buf body;
	const char *error; /* the word of reply_error, for the log */
	int bare; /* no headers but those set here, no body */
	int endless; /* the body goes on: no Content-Length */
	struct stream
	    *stream; /* the request is parked with it, cgi/ask/publish.h;
				  nothing else is sent. Else NULL */
	int later; /* not answered: the request is to be served once more, after
		      one that `wrote` has ended; cgi/server/loop.h */
	struct download
	    *download; /* the body is this, cgi/server/send.h, instead of
				      body. Else NULL */
	int mails; /* a mail waits to be sent once it is answered, cgi/server/tail.h */
	int failed;
};

void reply_init(struct reply *p); /* once; reply_free in the end */
void reply_reset(struct reply *p, struct arena *a); /* for each request */
void reply_free(struct reply *p);

/* Starts an answer of that status, the body empty, headers already set kept;
 * write the body into p->body. */
struct buf *reply_json(struct reply *p, int status);
struct buf *reply_text(struct reply *p, int status);
struct buf *reply_html(struct reply *p, int status);
struct buf *reply_events(struct reply *p); /* 200, text/event-stream */
void reply_empty(struct reply *p, int status);
/* A body of that type that is no text of ours, and its length. */
void reply_file(struct reply *p, int status, const char *type, int64_t length);

/* {"error":word,"detail":detail}: the word for programs, the detail what a
 * person can do. Neither holds a secret, a token or what a sender typed. */
void
reply_error(struct reply *p, int status, const char *word, const char *detail);

/* Adds a header; name is not copied. A value with control characters (a line
 * end would begin another header) fails the reply. */
void reply_header(struct reply *p, const char *name, struct str value);

int reply_ok(const struct reply *p);

/* The CGI response head (RFC 3875, 6.2) up to its empty line, appended to out.
 * Content-Length, Cache-Control and X-Content-Type-Options: nosniff are added to
 * all but bare ones. 0, or -1 when it is over REPLY_HEAD_MAX. */
int reply_head(const struct reply *p, struct buf *out);

#endif
