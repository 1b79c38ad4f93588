#include "action/http_seen.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { /* libcurl-errors(3) */
	NO_HOST = 6,
	NO_CONNECT = 7,
	TOO_LATE = 28,
	TLS_CONNECT = 35,
	CERTIFICATE = 60,
};

/* OpenSSL's and GnuTLS's words, as curl hands them on. */
static enum http_fault
certificate_fault(const char *why)
{
	static const struct {
		const char *words;
		enum http_fault fault;
	} known[] = {
		{ "expired", HTTP_CERT_EXPIRED },
		{ "not yet valid", HTTP_CERT_EXPIRED },
		{ "not activated", HTTP_CERT_EXPIRED },
		{ "self-signed certificate in", HTTP_CERT_UNKNOWN },
		{ "self signed certificate in", HTTP_CERT_UNKNOWN },
		{ "self-signed", HTTP_CERT_SELF_SIGNED },
		{ "self signed", HTTP_CERT_SELF_SIGNED },
		{ "subject name", HTTP_CERT_NAME },
		{ "does not match", HTTP_CERT_NAME },
	};
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcasestr(why, known[i].words) != NULL)
			return known[i].fault;
	return HTTP_CERT_UNKNOWN;
}

enum http_fault
http_fault_of(int code, const char *why, int connected)
{
	switch (code) {
	case 0:
		return HTTP_FINE;
	case NO_HOST:
		return HTTP_NO_NAME;
	case NO_CONNECT:
		return HTTP_NO_CONNECTION;
	case TOO_LATE:
		return connected ? HTTP_LATE : HTTP_NO_CONNECTION_YET;
	case TLS_CONNECT:
		return HTTP_NO_TLS;
	case CERTIFICATE:
		return certificate_fault(why);
	default:
		return HTTP_BROKEN;
	}
}

const char *
http_ca_file(void)
{
	const char *file = getenv("CURL_CA_BUNDLE");
	if (file == NULL || file[0] == '\0')
		file = getenv("SSL_CERT_FILE");
	return file == NULL || file[0] == '\0' ? NULL : file;
}

void
http_head_line(struct buf *head, struct str line)
{
	if (str_starts(line, STR("HTTP/")))
		buf_reset(head);
	buf_adds(head, line);
}

struct str
http_header(const struct http_seen *seen, const char *name)
{
	struct str line, key, value, rest = str_from(seen->head);
	while (rest.n > 0) {
		str_cut(rest, '\n', &line, &rest);
		if (str_cut(line, ':', &key, &value) &&
		    str_eq_fold(key, str_from(name)))
			return str_trim(value);
	}
	return STR_NONE;
}

int
http_date(struct str s, int64_t *out)
{
	static const char *const forms[] = {
		"%a, %d %b %Y %H:%M:%S GMT", /* RFC 9110, 5.6.7 */
		"%b %d %H:%M:%S %Y GMT", /* OpenSSL's */
		"%Y-%m-%d %H:%M:%S GMT", /* of other TLS libraries */
	};
	char text[64];
	s = str_trim(s);
	if (s.n >= sizeof(text))
		return -1;
	snprintf(text, sizeof(text), "%.*s", STR_ARG(s));
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm tm = { 0 };
		const char *end = strptime(text, forms[i], &tm);
		if (end != NULL && *end == '\0') {
			*out = timegm(&tm);
			return 0;
		}
	}
	return -1;
}
