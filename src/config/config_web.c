#include <string.h>

#include "config/config_reader.h"
#include "config/config_token.h"

enum {
	NAME_MAX_LEN = 64, /* bytes of a buy section's name */
	ORIGINS_MAX = 64,
	DOMAIN_MAX = 253, /* bytes (RFC 1035, 2.3.4) */
	PORT_MAX = 65535,
};

/* ---- addresses ---------------------------------------------------------- */

/* scheme://host[:port] and what follows (RFC 3986, 3). */
struct url {
	struct str scheme;
	struct str host; /* an address of IPv6 with its brackets */
	struct str port; /* STR_NONE: none */
	struct str rest;
};

static int
is_host(struct str s)
{
	if (s.n > 2 && s.p[0] == '[')
		return s.p[s.n - 1] == ']' &&
		    config_has_only((struct str){ s.p + 1, s.n - 2 }, ":.");
	return config_has_only(s, ".-") && s.n <= DOMAIN_MAX && s.p[0] != '.' &&
	    s.p[0] != '-' && memmem(s.p, s.n, "..", 2) == NULL;
}

static int
split_url(struct str s, struct url *out)
{
	const char *mark = s.n == 0 ? NULL : memmem(s.p, s.n, "://", 3);
	int64_t port;
	size_t n = 0;
	*out = (struct url){ .port = STR_NONE };
	if (mark == NULL)
		return -1;
	out->scheme = (struct str){ s.p, (size_t)(mark - s.p) };
	struct str rest = { mark + 3, s.n - out->scheme.n - 3 };
	while (n < rest.n && strchr("/?#", rest.p[n]) == NULL)
		n++;
	out->rest = (struct str){ rest.p + n, rest.n - n };
	out->host = (struct str){ rest.p, n };
	const char *end = memchr(rest.p, ']', n);
	size_t from = end == NULL ? 0 : (size_t)(end - rest.p);
	const char *colon = memchr(rest.p + from, ':', n - from);
	if (colon != NULL) {
		out->host.n = (size_t)(colon - rest.p);
		out->port = (struct str){ colon + 1, n - out->host.n - 1 };
		if (!config_is_digits(out->port, "") || out->port.p[0] == '0' ||
		    str_int64(out->port, 1, PORT_MAX, &port) != 0)
			return -1;
	}
	return config_has_only(out->scheme, "+-.") && is_host(out->host) ? 0
									 : -1;
}

/* Is host that domain, or one inside it? */
static int
is_inside(struct str host, struct str domain)
{
	if (host.n < domain.n)
		return 0;
	size_t before = host.n - domain.n;
	return str_eq_fold((struct str){ host.p + before, domain.n }, domain) &&
	    (before == 0 || host.p[before - 1] == '.');
}

static int
is_loopback(struct str host)
{
	return str_eq_fold(host, STR("localhost")) || str_eq_z(host, "[::1]") ||
	    (str_starts(host, STR("127.")) && config_is_digits(host, "."));
}

/* ---- allow_origin, cookie_domain ---------------------------------------- */

/* As browsers serialize an origin (HTML, 7.1.1), for it is compared byte by
 * byte. */
static int
check_origin(struct config_reader *r, int line, struct str s)
{
	struct url u;
	if (str_has_byte(s, '*'))
		return config_bad(r->e, r->file, line,
		    "allow_origin takes no *, or any page could read what a "
		    "visitor has; name each origin, like "
		    "'https://app.example.org'");
	int bad = split_url(s, &u) != 0 || u.rest.n > 0;
	for (size_t k = 0; k < s.n; k++)
		bad |= s.p[k] >= 'A' && s.p[k] <= 'Z';
	if (bad)
		return config_bad(r->e, r->file, line,
		    "allow_origin takes origins: scheme, host and perhaps a "
		    "port, in lower case, without a slash at the end; write "
		    "it like 'https://app.example.org'");
	if ((str_eq_z(u.scheme, "https") && str_eq_z(u.port, "443")) ||
	    (str_eq_z(u.scheme, "http") && str_eq_z(u.port, "80")))
		return config_bad(r->e, r->file, line,
		    "allow_origin: browsers leave this port out, as it is "
		    "the scheme's own; take :%.*s out",
		    STR_ARG(u.port));
	return 0;
}

static int
read_origins(struct config_reader *r)
{
	const struct config_entry *list = config_values(r, "allow_origin");
	if (list->n > ORIGINS_MAX)
		return config_bad(r->e, r->file,
		    config_line(r, "allow_origin", ORIGINS_MAX),
		    "allow_origin takes at most %d origins", ORIGINS_MAX);
	struct str *v = config_texts(r, list);
	if (v == NULL)
		return config_no_memory(r);
	for (size_t i = 0; i < list->n; i++)
		if (check_origin(r, list->values[i].line, v[i]) != 0)
			return -1;
	r->config->allow_origins = (struct config_list){ v, list->n };
	return 0;
}

/* Browsers take no Domain that is an address, or has no dot (RFC 6265, 5.1.3
 * and 5.3), and drop the cookie without a word. */
static int
is_cookie_domain(struct str s)
{
	size_t last = s.n;
	while (last > 0 && s.p[last - 1] != '.')
		last--;
	return s.n > 0 && s.p[0] != '[' && is_host(s) && last > 0 &&
	    last < s.n &&
	    !config_is_digits((struct str){ s.p + last, s.n - last }, "");
}

static int
read_cookie_domain(struct config_reader *r)
{
	static const char key[] = "cookie_domain";
	struct str s = config_text(r, key);
	struct config *c = r->config;
	struct url site;
	if (s.p == NULL)
		return 0;
	if (!is_cookie_domain(s))
		return config_refuse(r, key,
		    "cookie_domain is a domain: letters, digits, hyphens, at "
		    "least one dot, none in front; write it like "
		    "'example.org', or take the line out");
	if (c->public_url.p == NULL)
		return config_refuse(r, key,
		    "cookie_domain needs public_url, whose host is that "
		    "domain or inside it; set public_url");
	if (split_url(c->public_url, &site) != 0 || !is_inside(site.host, s))
		return config_refuse(r, key,
		    "cookie_domain does not hold the host of public_url, so "
		    "browsers would drop the cookie; write that host, or a "
		    "domain that it is inside of");
	c->cookie_domain = str_lower(r->arena, s);
	return c->cookie_domain.p != NULL ? 0 : config_no_memory(r);
}

/* ---- buy ---------------------------------------------------------------- */

/* Bytes that no URL holds as they are (RFC 3986, 2) have no place in a
 * Location header. */
static int
is_url_tail(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7F ||
		    strchr("\"'<>\\^`{|}", s.p[i]) != NULL)
			return 0;
	return 1;
}

static int
read_url(struct config_reader *r, struct config_buy *buy, struct str *host)
{
	struct str s = config_text(r, "url");
	struct url u;
	if (s.n == 0)
		return config_refuse(r, "url",
		    "buy '%.*s' has no url; write url = "
		    "'https://you.%s/l/product'",
		    STR_ARG(buy->name), platforms[0]->shop_host);
	int good = split_url(s, &u) == 0 && is_url_tail(u.rest);
	int is_http = good && str_eq_fold(u.scheme, STR("http"));
	if (!good || (!is_http && !str_eq_fold(u.scheme, STR("https"))))
		return config_refuse(r, "url",
		    "url is not the address of a page; write it as a browser "
		    "shows it, like 'https://you.%s/l/product'",
		    platforms[0]->shop_host);
	if (is_http && !is_loopback(u.host))
		return config_refuse(r, "url",
		    "url begins with https://; http:// is only for this "
		    "machine");
	if (s.n > CONFIG_URL_MAX)
		return config_refuse(
		    r, "url", "url has at most %d bytes", CONFIG_URL_MAX);
	*host = u.host;
	buy->url = s;
	return 0;
}

/* The parameter in which that shop hands on a user id. At a host of no
 * platform: a Gumroad shop can have a domain of its own. */
static struct str
shop_parameter(const struct config *c, struct str host)
{
	struct str other = STR_NONE;
	for (size_t i = 0; i < PLATFORM__MAX; i++) {
		const struct platform *p = platforms[i];
		struct str own = p->shop_parameter != NULL
		    ? str_from(p->shop_parameter)
		    : c->platforms[i].reference;
		if (p->shop_host != NULL &&
		    is_inside(host, str_from(p->shop_host)))
			return own;
		if (other.p == NULL)
			other = c->platforms[i].reference;
	}
	return other;
}

static int
read_buy(struct config_reader *r, struct config_buy *buy)
{
	struct str parameter = config_text(r, "parameter"), host;
	struct str name = r->in->title;
	buy->name = name;
	if (!config_has_only(name, "._-") || name.n > NAME_MAX_LEN ||
	    str_eq_z(name, ".") || str_eq_z(name, ".."))
		return config_refuse(r, NULL,
		    "the name of a buy has 1 to %d of A-Z a-z 0-9 . _ -, as "
		    "it stands in /buy/NAME",
		    NAME_MAX_LEN);
	if (read_url(r, buy, &host) != 0)
		return -1;
	if (parameter.p == NULL) {
		parameter = shop_parameter(r->config, host);
		if (parameter.p == NULL)
			return config_refuse(r, "url",
			    "the shop at %.*s hands on no id of yours: link to "
			    "it as it is; who buys there signs in by mail",
			    STR_ARG(host));
	}
	if (parameter.n == 0 || parameter.n > CONFIG_PARAMETER_MAX)
		return config_refuse(r, "parameter",
		    "the parameter of a buy has 1 to %d bytes; write it like "
		    "'user_id'",
		    CONFIG_PARAMETER_MAX);
	buy->parameter = parameter;
	return config_fill(r, buy);
}

static int
read_buys(struct config_reader *r)
{
	const struct config_section *first = config_section(r, "buy");
	size_t n = 0, max = config_tree_count(first, "buy");
	struct config_buy *v = arena_alloc(r->arena, (max + 1) * sizeof(*v));
	struct config *c = r->config;
	if (v == NULL)
		return config_no_memory(r);
	for (const struct config_section *s = first; s != NULL;
	     s = config_tree_next(s->next, "buy")) {
		r->in = s;
		if (read_buy(r, &v[n++]) != 0)
			return -1;
	}
	c->buys = v;
	c->n_buys = n;
	if (n > 0 && (c->public_url.n == 0 || c->pass_secrets.n == 0))
		config_warn(r, first->line,
		    "/buy needs public_url and pass_secret, which its "
		    "passes are made with; set both");
	return 0;
}

int
config_web_read(struct config_reader *r)
{
	r->in = r->root;
	if (read_cookie_domain(r) != 0 || read_origins(r) != 0 ||
	    read_buys(r) != 0)
		return -1;
	r->in = config_section(r, "signin");
	return config_fill(r, r->config);
}
