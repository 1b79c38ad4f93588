#include "action/smtp.h"

#ifdef HAVE_LIBCURL

#include <curl/curl.h>

#include "base/buf.h"

struct upload {
	struct str rest; /* of the mail, lines ended by CR LF */
	struct smtp_reply *reply;
};

static size_t
give(char *p, size_t size, size_t n, void *arg)
{
	struct upload *u = arg;
	size_t most = size * n < u->rest.n ? size * n : u->rest.n;
	memcpy(p, u->rest.p, most);
	u->rest = (struct str){ u->rest.p + most, u->rest.n - most };
	return most;
}

/* The lines of each reply. The first that says no stays, else the last: after a
 * no the connection is ended, which is answered, too. 50x says that a command is
 * not known, and another one is tried. */
static size_t
take(char *p, size_t size, size_t n, void *arg)
{
	struct smtp_reply *r = ((struct upload *)arg)->reply;
	struct str line = str_trim((struct str){ p, size * n });
	struct str was = { r->text, r->n };
	if (r->n > 0 && r->text[0] >= '4' && !str_starts(was, STR("50")))
		return size * n;
	r->n = line.n < SMTP_REPLY_MAX ? line.n : SMTP_REPLY_MAX;
	memcpy(r->text, line.p, r->n);
	return size * n;
}

static int
call(CURL *c, const char *url, int timeout_ms, struct smtp_reply *reply,
    struct err *e)
{
	char why[CURL_ERROR_SIZE] = "";
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "smtp");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, why);
	CURLcode rc = curl_easy_perform(c);
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &reply->code);
	return rc == CURLE_OK
	    ? 0
	    : err_set(e, ERR_SYSTEM, "%s: %s", url,
		  why[0] != '\0' ? why : curl_easy_strerror(rc));
}

/* Lines of SMTP end in CR LF (RFC 5321, 2.3.8). */
static void
add_lines(struct buf *b, struct str mail)
{
	struct str line;
	while (mail.n > 0) {
		str_cut(mail, '\n', &line, &mail);
		buf_adds(b, line);
		buf_addz(b, "\r\n");
	}
}

int
smtp_send(const struct smtp_mail *m, struct smtp_reply *reply, struct err *e)
{
	CURL *c = curl_easy_init();
	struct curl_slist *to = curl_slist_append(NULL, m->to);
	struct buf b;
	*reply = (struct smtp_reply){ .code = 0 };
	buf_init(&b, 2 * m->mail.n + 2);
	add_lines(&b, m->mail);
	struct upload u = { buf_str(&b), reply };
	int rc = -1;
	if (c == NULL || to == NULL || !buf_ok(&b)) {
		err_set(e, ERR_MEMORY, "out of memory");
	} else {
		curl_easy_setopt(c, CURLOPT_MAIL_FROM, m->from);
		curl_easy_setopt(c, CURLOPT_MAIL_RCPT, to);
		curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(c, CURLOPT_READFUNCTION, give);
		curl_easy_setopt(c, CURLOPT_READDATA, &u);
		curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take);
		curl_easy_setopt(c, CURLOPT_HEADERDATA, &u);
		rc = call(c, m->url, m->timeout_ms, reply, e);
	}
	curl_slist_free_all(to);
	curl_easy_cleanup(c);
	buf_free(&b);
	return rc;
}

int
smtp_answers(const char *url, int timeout_ms, struct err *e)
{
	struct smtp_reply reply;
	CURL *c = curl_easy_init();
	if (c == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	curl_easy_setopt(c, CURLOPT_CONNECT_ONLY, 1L);
	int rc = call(c, url, timeout_ms, &reply, e);
	curl_easy_cleanup(c);
	return rc;
}

#else

static int
absent(struct err *e)
{
	return err_set(e, ERR_SYSTEM,
	    "this gatepost has no libcurl: let sendmail name a program");
}

int
smtp_send(const struct smtp_mail *m, struct smtp_reply *reply, struct err *e)
{
	(void)m;
	*reply = (struct smtp_reply){ .code = 0 };
	return absent(e);
}

int
smtp_answers(const char *url, int timeout_ms, struct err *e)
{
	(void)url;
	(void)timeout_ms;
	return absent(e);
}

#endif
