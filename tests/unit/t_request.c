#include "test.h"

#include "cgi/ask/ask.h"
#include "cgi/web/request.h"
#include "cgi/route.h"

enum { PARAMS_MAX = 32, JOINED_MAX = 4096 };

static struct arena *a;

/* The path as segments joined by '|', or "-" when there is no such path. */
static struct str
path_of(const char *const *params)
{
	static char joined[JOINED_MAX];
	struct request r;
	struct buf b;
	buf_init(&b, JOINED_MAX - 1);
	request_init(&r, a, params, STR(""), 0);
	for (size_t i = 0; i < r.n_segments; i++) {
		buf_addc(&b, '|');
		buf_adds(&b, r.segments[i]);
	}
	if (!r.path_ok) {
		buf_reset(&b);
		buf_addc(&b, '-');
	}
	struct str s = buf_str(&b);
	memcpy(joined, s.p, s.n);
	buf_free(&b);
	return (struct str){ joined, s.n };
}

#define PATH(want, ...) \
	IS(path_of((const char *const[]){ __VA_ARGS__, NULL }), want, \
	    #__VA_ARGS__)

static void
test_path(void)
{
	test_group("path");
	PATH("|hooks|gank", "PATH_INFO=/hooks/gank", "REQUEST_URI=/x/y");
	PATH("|hooks|gank", "PATH_INFO=/hooks/gank/");
	PATH("|a%2Fb", "PATH_INFO=/a%2Fb");
	PATH("|hooks|gank", "PATH_INFO=", "REQUEST_URI=/hooks/gank?user=1");
	PATH("|hooks|gank", "REQUEST_URI=/pay/hooks/gank", "SCRIPT_NAME=/pay");
	PATH("|hooks|gank", "REQUEST_URI=/p%61y/hooks/gank",
	    "SCRIPT_NAME=/pay/");
	PATH("|payment|x", "REQUEST_URI=/payment/x", "SCRIPT_NAME=/pay");
	PATH("|members", "REQUEST_URI=/members", "SCRIPT_NAME=/gate");
	PATH("|healthz", "REQUEST_URI=/healthz", "SCRIPT_NAME=/healthz");
	PATH("|healthz", "REQUEST_URI=/healthz/", "SCRIPT_NAME=/healthz/");
	PATH("|hooks|gank", "REQUEST_URI=http://h.example/hooks/gank?a");
	PATH("|a/b|c", "REQUEST_URI=/a%2fb/c");
	PATH("|a%20b", "REQUEST_URI=/a%2520b");
	PATH("|h\xC3\xA9", "REQUEST_URI=/h%C3%A9");
	PATH("|hooks|gank", "REQUEST_URI=//hooks/gank");
	PATH("|hooks|gank", "REQUEST_URI=/hooks///gank//");
	PATH("|hooks|gank", "PATH_INFO=//hooks//gank//");
	PATH("|hooks|gank", "REQUEST_URI=//hooks//gank//",
	    "SCRIPT_NAME=/hooks/gank/");
	PATH(
	    "|hooks|gank", "REQUEST_URI=//pay//hooks/gank", "SCRIPT_NAME=/pay");
	PATH("|pay|hooks", "REQUEST_URI=/p%61y//hooks/", "SCRIPT_NAME=/pay/x");
	PATH("|pay/|x", "REQUEST_URI=/pay%2F/x", "SCRIPT_NAME=/pay");
	PATH("|hooks|gank", "REQUEST_URI=http://h.example//hooks/gank");
	PATH("", "REQUEST_URI=/");
	PATH("", "REQUEST_URI=//");
	PATH("-", "REQUEST_URI=");
	PATH("-", "X=1");
	PATH("-", "REQUEST_URI=*");
	PATH("-", "REQUEST_URI=/a/../b");
	PATH("-", "REQUEST_URI=/a/%2e%2E/b");
	PATH("-", "REQUEST_URI=/./b");
	PATH("-", "REQUEST_URI=/a%00b");
	PATH("-", "REQUEST_URI=/a%");
	PATH("-", "REQUEST_URI=/a%4");
	PATH("-", "REQUEST_URI=/a%zz");
	PATH("-", "REQUEST_URI=/a%FF");
	PATH("-", "PATH_INFO=/a\xFF");
	PATH("|1|2|3|4|5|6|7|8", "PATH_INFO=/1/2/3/4/5/6/7/8/");
	PATH("-", "PATH_INFO=/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17");
	char *uri = calloc(1, 5000);
	memcpy(uri, "REQUEST_URI=/", 13);
	memset(uri + 13, 'a', 4900);
	PATH("-", uri);
	free(uri);
}

static void
test_params(void)
{
	const char *const params[] = { "REQUEST_METHOD=HEAD", "A=first",
		"A=second", "AB=x", "EMPTY=", "HTTP_AUTHORIZATION=",
		"REDIRECT_HTTP_AUTHORIZATION=Bearer t", NULL };
	struct request r;
	test_group("params");
	request_init(&r, a, params, STR(""), 0);
	IS(request_param(&r, "A"), "first", "the first of two");
	OK(request_param(&r, "EMPTY").p != NULL &&
		request_param(&r, "NONE").p == NULL &&
		request_param(&r, "EMPT").p == NULL,
	    "empty and absent differ");
	IS(request_authorization(&r), "Bearer t", "the renamed header");
	const char *const *at = r.params;
	struct str given = request_param_next(&at, "A");
	struct str other = request_param_next(&at, "A");
	IS(given, "first", "one after the other: the first");
	IS(other, "second", "the second");
	OK(request_param_next(&at, "A").p == NULL &&
		request_param_next(&at, "REQUEST_METHOD").p == NULL,
	    "no more");
	OK(r.is_head, "HEAD");
	const char *const two[] = { "HTTP_AUTHORIZATION=Basic x",
		"REDIRECT_HTTP_AUTHORIZATION=Bearer t", NULL };
	request_init(&r, a, two, STR(""), 0);
	IS(request_authorization(&r), "Basic x", "its own name first");
	static const struct {
		const char *length;
		int cut;
	} lengths[] = { { "CONTENT_LENGTH=3", 0 }, { "CONTENT_LENGTH=2", 0 },
		{ "CONTENT_LENGTH=4", 1 }, { "CONTENT_LENGTH=", 0 },
		{ "CONTENT_LENGTH=x", 0 }, { "CONTENT_LENGTH=-1", 0 },
		{ "CONTENT_LENGTH=99999999999999999999", 0 } };
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		const char *const one[] = { lengths[i].length, NULL };
		request_init(&r, a, one, STR("abc"), 0);
		OK(r.body_cut == lengths[i].cut, "%s for 3 bytes",
		    lengths[i].length);
	}
}

static void
test_query(void)
{
	struct request r;
	struct str v;
	test_group("query");
	const char *const params[] = {
		"QUERY_STRING=user=a%2Bb+c&email=a+b%40c.d&two=1&two=2&"
		"none&empty=&k%65y=v&bad=%zz%4",
		"REQUEST_URI=/x?user=other", NULL
	};
	request_init(&r, a, params, STR(""), 0);
	OK(request_query(&r, "user", &v) == 1, "one");
	IS(v, "a+b c", "+ is a blank");
	OK(request_query_plus(&r, "email", &v) == 1, "address");
	IS(v, "a+b@c.d", "+ stays +");
	OK(request_query(&r, "two", &v) == 2, "two");
	OK(request_query(&r, "absent", &v) == 0 && v.p == NULL, "absent");
	OK(request_query(&r, "none", &v) == 1 && v.n == 0, "no =");
	OK(request_query(&r, "empty", &v) == 1 && v.n == 0, "empty");
	OK(request_query(&r, "key", &v) == 1, "an escaped name");
	IS(v, "v", "its value");
	OK(request_query(&r, "bad", &v) == 1, "bad escapes");
	IS(v, "%zz%4", "stay as they are");
	const char *const uri[] = { "REQUEST_URI=/x?user=other", NULL };
	request_init(&r, a, uri, STR(""), 0);
	OK(request_query(&r, "user", &v) == 1, "from the URI");
	IS(v, "other", "value");
	const char *const no[] = { "REQUEST_URI=/x", NULL };
	request_init(&r, a, no, STR(""), 0);
	OK(request_query(&r, "user", &v) == 0, "no query");
	char *many = calloc(1, 2000);
	memcpy(many, "QUERY_STRING=user=1", 19);
	memset(many + 19, '&', 300);
	const char *const full[] = { many, NULL };
	request_init(&r, a, full, STR(""), 0);
	OK(request_query(&r, "user", &v) == 2, "too many pairs: no one answer");
	free(many);
}

static void
test_reply(void)
{
	struct reply p;
	struct buf out;
	test_group("reply");
	reply_init(&p);
	buf_init(&out, 8192);
	reply_reset(&p, a);
	OK(!reply_ok(&p), "nothing yet");
	reply_header(&p, "Allow", STR("GET"));
	reply_error(&p, 405, "method", "say \"GET\"");
	OK(reply_ok(&p) && reply_head(&p, &out) == 0, "an error");
	IS(buf_str(&out),
	    "Status: 405 Method Not Allowed\r\n"
	    "Content-Type: application/json\r\n"
	    "Content-Length: 41\r\n"
	    "Cache-Control: no-store\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "Allow: GET\r\n\r\n",
	    "its head");
	IS(buf_str(&p.body),
	    "{\"error\":\"method\",\"detail\":\"say \\\"GET\\\"\"}",
	    "its body");
	reply_reset(&p, a);
	buf_reset(&out);
	reply_empty(&p, 204);
	reply_head(&p, &out);
	IS(buf_str(&out),
	    "Status: 204 No Content\r\n"
	    "Cache-Control: no-store\r\n"
	    "X-Content-Type-Options: nosniff\r\n\r\n",
	    "204 has no length");
	reply_header(&p, "X", STR("a\r\nSet-Cookie: b"));
	OK(!reply_ok(&p), "a line end in a header");
	reply_reset(&p, a);
	reply_empty(&p, 204);
	for (int i = 0; i < REPLY_HEADERS_MAX; i++)
		reply_header(&p, "X", STR("1"));
	OK(reply_ok(&p), "as many headers as fit");
	reply_header(&p, "X", STR("1"));
	OK(!reply_ok(&p), "one more");
	reply_reset(&p, a);
	reply_empty(&p, 204);
	static char big[REPLY_HEADERS_BYTES];
	memset(big, 'x', sizeof(big));
	reply_header(&p, "X", (struct str){ big, sizeof(big) });
	OK(!reply_ok(&p), "a head nginx would refuse");
	buf_free(&out);
	reply_free(&p);
}

/* in place of the real handlers */
void
healthz_get(const struct app *to, struct request *r, struct reply *p)
{
	(void)to;
	(void)r;
	buf_addz(reply_text(p, 200), "ok");
}

void
hook_post(const struct app *to, struct request *r, struct reply *p)
{
	healthz_get(to, r, p);
}

void
access_get(const struct app *to, struct request *r, struct reply *p)
{
	healthz_get(to, r, p);
}

void
links_post(const struct app *to, struct request *r, struct reply *p)
{
	healthz_get(to, r, p);
}

/* One that runs out of memory. */
void
access_post(const struct app *to, struct request *r, struct reply *p)
{
	arena_alloc(r->arena, REQUEST_ARENA_MAX);
	healthz_get(to, r, p);
}

static const struct config config;
static const struct app app = { .config = &config };
static const struct app unconfigured = { .config = NULL };
static struct reply answer;

static int
route(const struct app *to, const char *method, const char *uri,
    const char *length, struct request *r, int too_large)
{
	const char *const params[] = { method, uri, length, NULL };
	arena_reset(a);
	request_init(r, a, params, STR(""), 0);
	r->body_too_large = too_large;
	reply_reset(&answer, a);
	route_serve(to, r, &answer);
	return answer.status;
}

#define ROUTE(method, uri) \
	route(&app, "REQUEST_METHOD=" method, "REQUEST_URI=" uri, "X=", &r, 0)

static const char *
header(const char *name)
{
	for (size_t i = 0; i < answer.n_headers; i++)
		if (strcmp(answer.headers[i].name, name) == 0)
			return answer.headers[i].value;
	return "";
}

static void
test_route(void)
{
	struct request r;
	test_group("route");
	reply_init(&answer);
	OK(ROUTE("GET", "/healthz") == 200, "healthz");
	IS(buf_str(&answer.body), "ok", "ok");
	OK(ROUTE("HEAD", "/healthz/") == 200, "HEAD, a slash behind");
	OK(ROUTE("POST", "/healthz") == 405, "a wrong method");
	OK(strcmp(header("Allow"), "GET, HEAD") == 0, "Allow");
	OK(ROUTE("DELETE", "/v1/access") == 405 &&
		strcmp(header("Allow"), "GET, HEAD, POST") == 0,
	    "Allow of two routes");
	OK(ROUTE("GET", "/") == 404 && ROUTE("GET", "/healthz/x") == 404 &&
		ROUTE("GET", "/hooks") == 404 && ROUTE("GET", "/v1") == 404 &&
		ROUTE("GET", "/../healthz") == 404 &&
		ROUTE("POST", "/hooks/none") == 404,
	    "unknown paths");
	OK(ROUTE("POST", "/hooks/gumroad/secret%2Ftoken") == 200, "a hook");
	OK(r.platform == &platform_gumroad, "platform");
	IS(r.token, "secret/token", "token");
	OK(ROUTE("POST", "//hooks//gumroad///token%20") == 200, "slashes");
	IS(r.token, "token", "a blank behind the token");
	OK(ROUTE("POST", "/hooks/gank%20") == 200, "a blank at the end");
	ROUTE("POST", "/hooks/gumroad");
	OK(r.platform == &platform_gumroad && r.token.p == NULL, "no token");
	OK(ROUTE("POST", "/hooks/gank/token") == 404,
	    "no token where none belongs");
	OK(ROUTE("GET", "/hooks/gumroad/token") == 405, "only POST");
	static const char post[] = "REQUEST_METHOD=POST";
	static const char hook[] = "REQUEST_URI=/hooks/gank";
	OK(route(&app, post, hook, "CONTENT_LENGTH=9", &r, 0) == 503 &&
		strcmp(header("Retry-After"), "5") == 0 &&
		strcmp(answer.error, "incomplete") == 0,
	    "a cut body");
	OK(route(&app, "REQUEST_METHOD=GET", "REQUEST_URI=/healthz",
	       "CONTENT_LENGTH=9", &r, 0) == 200,
	    "no matter without a body");
	OK(route(&app, post, hook, "CONTENT_LENGTH=9", &r, 1) == 413 &&
		route(&app, post, "REQUEST_URI=/none", "X=", &r, 1) == 413,
	    "a body over the limit");
	OK(ROUTE("POST", "/v1/access") == 503 &&
		strcmp(header("Retry-After"), "5") == 0 &&
		strcmp(answer.error, "memory") == 0,
	    "out of memory: later");
	OK(route(&unconfigured, post, hook, "X=", &r, 0) == 503 &&
		strcmp(header("Retry-After"), "60") == 0 &&
		strcmp(answer.error, "not_configured") == 0,
	    "no configuration");
	OK(route(&unconfigured, "REQUEST_METHOD=GET", "REQUEST_URI=/healthz",
	       "X=", &r, 0) == 503 &&
		answer.error == NULL,
	    "no health either");
	reply_free(&answer);
}

int
main(void)
{
	a = arena_new(REQUEST_ARENA_MAX);
	test_path();
	test_params();
	test_query();
	test_reply();
	test_route();
	arena_free(a);
	return test_end();
}
