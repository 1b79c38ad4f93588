#include "action/http.h"

#include "action/action.h"

#ifdef HAVE_LIBCURL

#include <curl/curl.h>

static size_t
take(char *p, size_t size, size_t n, void *arg)
{
	buf_add(arg, p, size * n);
	return size * n;
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

int
http_send(const struct http_post *post, long *status, struct buf *answer,
    struct err *e)
{
	char why[CURL_ERROR_SIZE] = "";
	CURL *c = curl_easy_init();
	if (c == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	struct curl_slist *headers = header_list(post->headers);
	curl_easy_setopt(c, CURLOPT_URL, post->url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)post->timeout_ms);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, why);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c, CURLOPT_POST, 1L);
	curl_easy_setopt(c, CURLOPT_POSTFIELDS, post->body.p);
	curl_easy_setopt(
	    c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->body.n);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, answer);
	if (post->user != NULL) {
		curl_easy_setopt(c, CURLOPT_USERNAME, post->user);
		curl_easy_setopt(c, CURLOPT_PASSWORD, post->password);
	}
	CURLcode rc = curl_easy_perform(c);
	if (rc == CURLE_OK)
		curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, status);
	else
		err_set(e, ERR_SYSTEM, "no answer: %s",
		    why[0] != '\0' ? why : curl_easy_strerror(rc));
	curl_slist_free_all(headers);
	curl_easy_cleanup(c);
	return rc == CURLE_OK ? 0 : -1;
}

#else

int
http_send(const struct http_post *post, long *status, struct buf *answer,
    struct err *e)
{
	(void)post;
	(void)status;
	(void)answer;
	return err_set(e, ERR_SYSTEM,
	    "this gatepost was built without libcurl: leave out --to");
}

#endif

void
action_run_http(const struct action *action, const struct action_effect *effect,
    struct arena *arena, struct action_answer *answer)
{
	(void)action;
	(void)effect;
	(void)arena;
	action_say(answer, ACTION_AGAIN, "http: not in this version");
}
