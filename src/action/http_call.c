#include "action/http.h"

#ifdef HAVE_LIBCURL

#include <curl/curl.h>
#include <pthread.h>
#include <unistd.h>

#include "action/address.h"

struct call {
	const struct http_request *post;
	struct buf *body; /* NULL: not wanted */
	size_t taken, max;
	int refused; /* a private address */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t kept; /* each thread's handle, for guarded calls */
static int keeps;

static void
end(void *handle)
{
	curl_easy_cleanup(handle);
}

static void
init(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	keeps = pthread_key_create(&kept, end) == 0;
}

/* A handle keeps its connections open for the thread's next call. Never one
 * that was opened unguarded for one that is guarded. */
static CURL *
take_handle(int guard)
{
	CURL *c = guard && keeps ? pthread_getspecific(kept) : NULL;
	if (c != NULL) {
		pthread_setspecific(kept, NULL);
		curl_easy_reset(c);
	}
	return c != NULL ? c : curl_easy_init();
}

static void
put_handle(CURL *c, int guard)
{
	if (!guard || !keeps || pthread_setspecific(kept, c) != 0)
		curl_easy_cleanup(c);
}

/* An answer without an end is cut off: its status has been read. */
static size_t
take(char *p, size_t size, size_t n, void *arg)
{
	struct call *call = arg;
	call->taken += size * n;
	if (call->body != NULL)
		buf_add(call->body, p, size * n);
	return call->taken > call->max ? 0 : size * n;
}

/* Where the connection goes, after any name was looked up. */
static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct call *call = arg;
	(void)purpose;
	if (call->post->guard &&
	    !address_may_connect(call->post->url, &to->addr)) {
		call->refused = 1;
		return CURL_SOCKET_BAD;
	}
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static struct curl_slist *
header_list(const char *const *headers)
{
	struct curl_slist *list = NULL;
	for (; headers != NULL && *headers != NULL; headers++) {
		struct curl_slist *longer = curl_slist_append(list, *headers);
		if (longer == NULL)
			break;
		list = longer;
	}
	return list;
}

static void
set_options(CURL *c, struct call *call, struct curl_slist *headers, char *why)
{
	const struct http_request *post = call->post;
	curl_easy_setopt(c, CURLOPT_URL, post->url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)post->timeout_ms);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, why);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "gatepost");
	if (post->method == NULL || post->body.n > 0) {
		curl_easy_setopt(c, CURLOPT_POST, 1L);
		curl_easy_setopt(c, CURLOPT_POSTFIELDS,
		    post->body.p == NULL ? "" : post->body.p);
		curl_easy_setopt(
		    c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->body.n);
	}
	if (post->method != NULL)
		curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, post->method);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, call);
	curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, call);
	if (post->guard)
		curl_easy_setopt(c, CURLOPT_PROXY, "");
	if (post->user != NULL) {
		curl_easy_setopt(c, CURLOPT_USERNAME, post->user);
		curl_easy_setopt(c, CURLOPT_PASSWORD, post->password);
	}
}

int
http_call(const struct http_request *post, struct http_answer *answer,
    struct buf *body, struct err *e)
{
	char why[CURL_ERROR_SIZE] = "";
	struct call call = { .post = post,
		.body = body,
		.max =
		    post->answer_max > 0 ? post->answer_max : HTTP_ANSWER_MAX };
	pthread_once(&once, init);
	*answer = (struct http_answer){ .retry_after = -1 };
	CURL *c = take_handle(post->guard);
	if (c == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	struct curl_slist *headers = header_list(post->headers);
	set_options(c, &call, headers, why);
	CURLcode rc = curl_easy_perform(c);
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &answer->status);
	answer->cut = rc == CURLE_WRITE_ERROR && call.taken > call.max;
	if (answer->cut)
		rc = CURLE_OK;
	curl_off_t wait = 0;
	if (curl_easy_getinfo(c, CURLINFO_RETRY_AFTER, &wait) == CURLE_OK &&
	    wait > 0)
		answer->retry_after = wait;
	if (call.refused)
		err_set(e, ERR_SYSTEM,
		    "the name leads to a private address; where that is "
		    "meant, write the address itself into the url");
	else if (rc != CURLE_OK)
		err_set(e, ERR_SYSTEM, "no answer: %s",
		    why[0] != '\0' ? why : curl_easy_strerror(rc));
	curl_slist_free_all(headers);
	put_handle(c, post->guard);
	return rc == CURLE_OK ? 0 : -1;
}

#else

#include "action/curl.h"

int
http_call(const struct http_request *post, struct http_answer *answer,
    struct buf *body, struct err *e)
{
	return curl_call(post, answer, body, e);
}

#endif

int
http_send(const struct http_request *post, long *status, struct buf *answer,
    struct err *e)
{
	struct http_answer a;
	int rc = http_call(post, &a, answer, e);
	*status = a.status;
	return rc;
}
