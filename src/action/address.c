#include "action/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

struct block {
	uint32_t net;
	int bits;
};

static int
is_public4(uint32_t a)
{
	static const struct block blocks[] = {
		{ 0x00000000, 8 }, /* this network */
		{ 0x0A000000, 8 }, /* private */
		{ 0x64400000, 10 }, /* shared */
		{ 0x7F000000, 8 }, /* loopback */
		{ 0xA9FE0000, 16 }, /* link-local, and clouds' metadata */
		{ 0xAC100000, 12 }, /* private */
		{ 0xC0000000, 24 }, /* protocol assignments */
		{ 0xC0A80000, 16 }, /* private */
		{ 0xC6120000, 15 }, /* benchmarks */
		{ 0xE0000000, 4 }, /* multicast */
		{ 0xF0000000, 4 }, /* reserved, broadcast */
	};
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		if (a >> (32 - blocks[i].bits) ==
		    blocks[i].net >> (32 - blocks[i].bits))
			return 0;
	return 1;
}

static uint32_t
four(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

static int
is_public6(const uint8_t *p)
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF,
		0xFF };
	static const uint8_t nat64[12] = { 0, 0x64, 0xFF, 0x9B };
	if (memcmp(p, mapped, 12) == 0 || memcmp(p, nat64, 12) == 0)
		return is_public4(four(p + 12));
	if (p[0] == 0x20 && p[1] == 0x02) /* 6to4 */
		return is_public4(four(p + 2));
	/* 2000::/3 is all that has been given out; 2001::/32 is Teredo */
	return (p[0] & 0xE0) == 0x20 && four(p) != 0x20010000;
}

int
address_is_public(const struct sockaddr *sa)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	if (sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof(in));
		return is_public4(ntohl(in.sin_addr.s_addr));
	}
	if (sa->sa_family != AF_INET6)
		return 0;
	memcpy(&in6, sa, sizeof(in6));
	return is_public6(in6.sin6_addr.s6_addr);
}

int
address_is_loopback(const struct sockaddr *sa)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	if (sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof(in));
		return ntohl(in.sin_addr.s_addr) >> 24 == 127;
	}
	if (sa->sa_family != AF_INET6)
		return 0;
	memcpy(&in6, sa, sizeof(in6));
	return IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
}

struct str
address_host(const char *url, int *port)
{
	const char *p = strstr(url, "://");
	struct str host, rest;
	int64_t number;
	*port = str_starts(str_from(url), STR("https")) ? 443 : 80;
	if (p == NULL)
		return STR_NONE;
	p += 3;
	host = (struct str){ p, strcspn(p, "/?#") };
	if (host.n > 0 && host.p[0] == '[') {
		str_cut((struct str){ p + 1, host.n - 1 }, ']', &host, &rest);
		if (rest.n > 0 && rest.p[0] == ':')
			rest = (struct str){ rest.p + 1, rest.n - 1 };
	} else {
		str_cut(host, ':', &host, &rest);
	}
	if (rest.n > 0 && str_int64(rest, 1, 65535, &number) == 0)
		*port = (int)number;
	return host;
}

static int
is_number(struct str host)
{
	if (str_has_byte(host, ':'))
		return 1;
	for (size_t i = 0; i < host.n; i++)
		if (strchr("0123456789.", host.p[i]) == NULL)
			return 0;
	return host.n > 0;
}

int
address_may_connect(const char *url, const struct sockaddr *sa)
{
	int port;
	struct str host = address_host(url, &port);
	if (host.p == NULL)
		return 0;
	return address_is_public(sa) || is_number(host) ||
	    (str_eq_fold(host, STR("localhost")) && address_is_loopback(sa));
}

int
address_is_inside(struct str host)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	char text[64];
	snprintf(text, sizeof(text), "%.*s", STR_ARG(host));
	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		return !address_is_public((const struct sockaddr *)&v4);
	if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
		return !address_is_public((const struct sockaddr *)&v6);
	return str_eq_fold(host, STR("localhost"));
}
