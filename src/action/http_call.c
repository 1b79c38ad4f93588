#include "action/http.h"

#ifdef HAVE_LIBCURL

#include <curl/curl.h>
#include <netdb.h>
#include <pthread.h>
#include <unistd.h>

#include "action/address.h"
#include "action/http_seen.h"
#include "base/time.h"

struct call {
	const struct http_request *post;
	struct buf *body; /* NULL: not wanted */
	size_t taken, max;
	int refused; /* a private address */
	struct buf head; /* for post.seen */
	int64_t began; /* time_ticks() */
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
	struct http_seen *seen = call->post->seen;
	if (seen != NULL && seen->first_ms < 0 && n > 0)
		seen->first_ms = (int)(time_ticks() - call->began);
	call->taken += size * n;
	if (call->body != NULL)
		buf_add(call->body, p, size * n);
	return call->taken > call->max ? 0 : size * n;
}

static size_t
take_head(char *p, size_t size, size_t n, void *arg)
{
	struct call *call = arg;
	http_head_line(&call->head, (struct str){ p, size * n });
	return size * n;
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
	if (post->guard || post->seen != NULL)
		curl_easy_setopt(c, CURLOPT_PROXY, "");
	if (http_ca_file() != NULL)
		curl_easy_setopt(c, CURLOPT_CAINFO, http_ca_file());
	if (post->seen != NULL) {
		curl_easy_setopt(c, CURLOPT_CERTINFO, 1L);
		curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_head);
		curl_easy_setopt(c, CURLOPT_HEADERDATA, call);
	}
	if (post->user != NULL) {
		curl_easy_setopt(c, CURLOPT_USERNAME, post->user);
		curl_easy_setopt(c, CURLOPT_PASSWORD, post->password);
	}
}

/* The end of the server's own certificate, the first of the chain. */
static int64_t
cert_ends(CURL *c)
{
	struct curl_certinfo *chain = NULL;
	struct str key, value;
	int64_t ends;
	if (curl_easy_getinfo(c, CURLINFO_CERTINFO, &chain) != CURLE_OK ||
	    chain == NULL || chain->num_of_certs < 1)
		return 0;
	for (const struct curl_slist *l = chain->certinfo[0]; l != NULL;
	     l = l->next)
		if (str_cut(str_from(l->data), ':', &key, &value) &&
		    str_eq_z(key, "Expire date") &&
		    http_date(value, &ends) == 0)
			return ends;
	return 0;
}

static void
see(CURL *c, CURLcode rc, const char *why, struct call *call)
{
	struct http_seen *seen = call->post->seen;
	const char *address = NULL;
	curl_off_t connected = 0;
	curl_easy_getinfo(c, CURLINFO_PRIMARY_IP, &address);
	curl_easy_getinfo(c, CURLINFO_CONNECT_TIME_T, &connected);
	seen->fault = http_fault_of((int)rc, why, connected > 0);
	seen->why = arena_printf(seen->arena, "%s", why);
	seen->address = connected <= 0 || address == NULL
	    ? ""
	    : arena_printf(seen->arena, "%s", address);
	seen->cert_ends = cert_ends(c);
	seen->head =
	    arena_printf(seen->arena, "%.*s", STR_ARG(buf_str(&call->head)));
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
	buf_init(&call.head, HTTP_HEAD_MAX);
	call.began = time_ticks();
	if (post->seen != NULL)
		post->seen->first_ms = -1;
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
	if (post->seen != NULL)
		see(c, rc, why[0] != '\0' ? why : curl_easy_strerror(rc),
		    &call);
	buf_free(&call.head);
	curl_slist_free_all(headers);
	put_handle(c, post->guard);
	return rc == CURLE_OK ? 0 : -1;
}

size_t
http_addresses(const char *url, struct sockaddr_storage *out)
{
	const struct addrinfo want = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	int port;
	struct str host = address_host(url, &port);
	char name[256];
	size_t n = 0;
	if (host.n == 0 || host.n >= sizeof(name))
		return 0;
	snprintf(name, sizeof(name), "%.*s", STR_ARG(host));
	if (getaddrinfo(name, NULL, &want, &found) != 0)
		return 0;
	for (const struct addrinfo *a = found;
	     a != NULL && n < HTTP_ADDRESSES_MAX; a = a->ai_next)
		memcpy(&out[n++], a->ai_addr, a->ai_addrlen);
	freeaddrinfo(found);
	return n;
}

#else

#include "action/curl.h"

int
http_call(const struct http_request *post, struct http_answer *answer,
    struct buf *body, struct err *e)
{
	return curl_call(post, answer, body, e);
}

size_t
http_addresses(const char *url, struct sockaddr_storage *out)
{
	return curl_addresses(url, out);
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
