#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

#include "action/address.h"
#include "base/time.h"
#include "health/front.h"
#include "health/front_own.h"

enum { LIST_MAX = 1024, DAY = 86400 };

/* ---- DNS ------------------------------------------------------------------ */

static int
is_same(const struct sockaddr *a, const struct sockaddr *b)
{
	struct sockaddr_in in[2];
	struct sockaddr_in6 in6[2];
	if (a->sa_family != b->sa_family)
		return 0;
	if (a->sa_family == AF_INET) {
		memcpy(&in[0], a, sizeof(in[0]));
		memcpy(&in[1], b, sizeof(in[1]));
		return in[0].sin_addr.s_addr == in[1].sin_addr.s_addr;
	}
	memcpy(&in6[0], a, sizeof(in6[0]));
	memcpy(&in6[1], b, sizeof(in6[1]));
	return memcmp(&in6[0].sin6_addr, &in6[1].sin6_addr,
		   sizeof(in6[0].sin6_addr)) == 0;
}

/* Has an interface of this machine that address? */
static int
is_own(const struct ifaddrs *own, const struct sockaddr *sa)
{
	for (; own != NULL; own = own->ifa_next)
		if (own->ifa_addr != NULL &&
		    (own->ifa_addr->sa_family == AF_INET ||
			own->ifa_addr->sa_family == AF_INET6) &&
		    is_same(own->ifa_addr, sa))
			return 1;
	return 0;
}

static void
add_address(struct buf *b, const struct sockaddr_storage *at)
{
	char text[INET6_ADDRSTRLEN] = "";
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	memcpy(&in, at, sizeof(in));
	memcpy(&in6, at, sizeof(in6));
	inet_ntop(at->ss_family,
	    at->ss_family == AF_INET ? (const void *)&in.sin_addr
				     : (const void *)&in6.sin6_addr,
	    text, sizeof(text));
	buf_addf(b, "%s%s", b->n > 0 ? ", " : "", text);
}

/* What is known of the addresses a name has. */
struct addresses {
	size_t n, n_public, n_own;
	struct buf list; /* "203.0.113.5, 2001:db8::5" */
};

static void
say_addresses(const struct front *f, const struct addresses *n)
{
	if (n->n == 0)
		front_say(f, FINDING_PROBLEM, FINDING_name_server,
		    "DNS finds no address for %s: add an A record that leads "
		    "to this machine where the domain is managed, and an AAAA "
		    "record if it has IPv6; or mend public_url",
		    f->host);
	else if (n->n_public == 0)
		front_say(f, FINDING_NOTE, FINDING_name_server,
		    "%s leads to %s, which is not public: platforms cannot "
		    "come that way, and what follows did not leave the machine "
		    "or its network",
		    f->host, n->list.p);
	else if (n->n_own == 0)
		front_say(f, FINDING_NOTE, FINDING_name_server,
		    "%s leads to %s, and no interface of this machine has that "
		    "address: right behind a router, proxy or CDN; else DNS "
		    "leads to another machine",
		    f->host, n->list.p);
	else
		front_say(f, FINDING_OK, FINDING_name_server,
		    "%s leads to %s, this machine", f->host, n->list.p);
}

static int
look_at_name(const struct front *f, const struct ifaddrs *own)
{
	struct sockaddr_storage at[HTTP_ADDRESSES_MAX];
	struct addresses found = { .n = http_addresses(f->url, at) };
	buf_init(&found.list, LIST_MAX);
	for (size_t i = 0; i < found.n; i++) {
		const struct sockaddr *sa = (const struct sockaddr *)&at[i];
		found.n_public += address_is_public(sa) != 0;
		found.n_own += is_own(own, sa) != 0;
		add_address(&found.list, &at[i]);
	}
	say_addresses(f, &found);
	buf_free(&found.list);
	return found.n > 0 ? 0 : -1;
}

/* Was this the way others come? */
static int
left_machine(const struct ifaddrs *own, const char *address)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	const struct sockaddr *sa = (const struct sockaddr *)&in;
	if (inet_pton(AF_INET, address, &in.sin_addr) != 1) {
		if (inet_pton(AF_INET6, address, &in6.sin6_addr) != 1)
			return 0;
		sa = (const struct sockaddr *)&in6;
	}
	return address_is_public(sa) && !is_own(own, sa);
}

/* ---- the certificate ------------------------------------------------------ */

static const char *
certificate_fault(const struct front *f, const struct front_answer *got)
{
	struct arena *a = f->h->arena;
	switch (got->seen.fault) {
	case HTTP_CERT_EXPIRED:
		return "has expired, or begins later than this machine's "
		       "clock says: 'certbot renew', and reload the web server";
	case HTTP_CERT_SELF_SIGNED:
		return arena_printf(a,
		    "is signed by itself alone, and platforms refuse it: "
		    "'certbot --nginx --no-redirect -d %s' (or --apache) gets "
		    "one",
		    f->host);
	case HTTP_CERT_NAME:
		return arena_printf(a,
		    "is for another name: the web server has no server block "
		    "for %s with a certificate of its own: 'certbot --nginx "
		    "--no-redirect -d %s' (or --apache)",
		    f->host, f->host);
	case HTTP_CERT_UNKNOWN:
		return "is of nobody this machine trusts, or comes without "
		       "its chain: let ssl_certificate (SSLCertificateFile) "
		       "name fullchain.pem, not cert.pem";
	default:
		return NULL;
	}
}

/* 1: it is the certificate that no answer came for. */
static int
say_certificate_fault(const struct front *f, const struct front_answer *got)
{
	const char *fault = certificate_fault(f, got);
	if (got->seen.fault == HTTP_NO_TLS)
		front_say(f, FINDING_PROBLEM, FINDING_certificate,
		    "port %d of %s speaks no TLS that suits (%s): write ssl "
		    "behind its listen, with a certificate",
		    f->port, f->host, got->seen.why);
	else if (fault != NULL)
		front_say(f, FINDING_PROBLEM, FINDING_certificate,
		    "the certificate of %s %s (%s)", f->host, fault,
		    got->seen.why);
	return got->seen.fault == HTTP_NO_TLS || fault != NULL;
}

static void
say_certificate(const struct front *f, const struct front_answer *got)
{
	int64_t ends = got->seen.cert_ends;
	int64_t days = (ends - f->h->now) / DAY;
	if (!f->is_https)
		front_say(f, f->is_inside ? FINDING_NOTE : FINDING_PROBLEM,
		    FINDING_certificate,
		    f->is_inside
			? "public_url is http: right as long as only this "
			  "machine or its network asks (%s)"
			: "public_url is http: tokens, passes and buyers' "
			  "data can be read and changed on the way. 'certbot "
			  "--nginx --no-redirect -d %s' (or --apache), then "
			  "write https into public_url and at the platforms",
		    f->host);
	else if (ends == 0)
		front_say(f, FINDING_OK, FINDING_certificate,
		    "the certificate of %s is good; how long was not told",
		    f->host);
	else if (days < FRONT_CERT_DAYS)
		front_say(f, FINDING_PROBLEM, FINDING_certificate,
		    "the certificate of %s ends in %lld days: it is not "
		    "renewed by itself any more. 'systemctl list-timers', "
		    "'certbot renew', and reload the web server",
		    f->host, (long long)days);
	else
		front_say(f, FINDING_OK, FINDING_certificate,
		    "the certificate of %s is good for %lld days more", f->host,
		    (long long)days);
}

/* ---- the clock ------------------------------------------------------------ */

static void
say_clock(const struct front *f, const struct front_answer *got)
{
	int64_t date;
	if (http_date(http_header(&got->seen, "Date"), &date) != 0)
		return;
	int64_t off = time_now() - date;
	int bad = off > FRONT_CLOCK_SLACK || off < -FRONT_CLOCK_SLACK;
	health_say(f->h, bad ? FINDING_PROBLEM : FINDING_OK, FINDING_clock,
	    "public_url",
	    bad ? arena_printf(f->h->arena,
		      "the clock here is %lld s %s that of what answers at "
		      "public_url: signed deliveries and passes are judged by "
		      "it. 'timedatectl set-ntp true', on both",
		      (long long)(off < 0 ? -off : off),
		      off < 0 ? "behind" : "ahead of")
		: "the clock here agrees with the answer from public_url");
}

/* ---- all ------------------------------------------------------------------ */

/* An answer without a word of JSON, for it is asked by load balancers. */
static int
is_health(const struct front_answer *got, long status, const char *text)
{
	return got->got.status == status && str_eq_z(got->body, text);
}

static void
say_reach(const struct front *f, const struct front_answer *got)
{
	struct str to = http_header(&got->seen, "Location");
	if (is_health(got, 200, "ok"))
		front_say(f, FINDING_OK, FINDING_reach,
		    "%s answers from %s after %d ms%s", f->url,
		    got->seen.address, got->seen.first_ms,
		    f->proof->left_machine
			? ""
			: "; this did not leave the machine: no firewall "
			  "before it was passed");
	else if (is_health(got, 503, "unavailable"))
		front_say(f, FINDING_PROBLEM, FINDING_reach,
		    "Gatepost answers at %s, and cannot use its database: "
		    "'journalctl -u gatepost' tells why",
		    f->url);
	else if (got->got.status >= 300 && got->got.status < 400)
		front_say(f, FINDING_PROBLEM, FINDING_reach,
		    "%s leads elsewhere (%ld), to %.*s: write that address's "
		    "beginning as public_url, and at the platforms",
		    f->url, got->got.status, STR_ARG(to));
	else
		front_say(f, FINDING_PROBLEM, FINDING_reach, "%s/healthz: %s",
		    f->url, front_blame(f, got));
}

static int
reach(const struct front *f, const struct ifaddrs *own)
{
	struct http_request request = { .method = "GET" };
	struct front_answer got;
	if (look_at_name(f, own) != 0)
		return -1;
	front_ask(f, "/healthz", &request, &got);
	if (got.rc != 0) {
		if (!say_certificate_fault(f, &got))
			front_say(f, FINDING_PROBLEM, FINDING_reach, "%s: %s",
			    f->url, front_blame(f, &got));
		return -1;
	}
	f->proof->left_machine = left_machine(own, got.seen.address);
	f->proof->reached =
	    is_health(&got, 200, "ok") || is_health(&got, 503, "unavailable");
	say_reach(f, &got);
	say_certificate(f, &got);
	say_clock(f, &got);
	return 0;
}

int
front_reach(const struct front *f)
{
	struct ifaddrs *own = NULL;
	if (getifaddrs(&own) != 0)
		own = NULL;
	int rc = reach(f, own);
	if (own != NULL)
		freeifaddrs(own);
	return rc;
}
