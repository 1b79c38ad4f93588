#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

/*
 * The room config: gatepost.conf, read and checked. In: a file. Out: one struct
 * config, which never changes once it is loaded; or an error that names file,
 * line, and what to do. Everybody else asks it, and reads no setting by
 * himself. config_load.c is the door. config_token.c and config_tree.c make the
 * file a tree, by the table of all keys in config_keys.c; config_fill.c reads
 * values by that table, and config_top.c and those it calls check the rest.
 * Keeps the promise that bad settings are told with their line, and change
 * nothing.
 */

#include "config/rule.h"
#include "config/tier.h"

/* gatepost.conf, read and checked; gatepost.conf(5). Immutable once loaded:
 * threads share it. */
struct config_list {
	const struct str *v;
	size_t n;
};

struct config_platform {
	struct config_list secrets;
	struct str api_token; /* STR_NONE: its API is not asked */
	int64_t reconcile; /* seconds; 0: never */
	struct str api; /* its address, without a slash at the end */
	struct str owner; /* STR_NONE: not checked */
	struct str reference;
	int64_t tolerance; /* seconds */
};

/* Files behind a rule: GET /files/…, one section each. */
enum config_serve { CONFIG_DIRECT, CONFIG_ACCEL, CONFIG_SENDFILE };

struct config_files {
	struct str title; /* "/guides": the path below /files */
	const char *root; /* absolute, links followed if it was there */
	struct str tier; /* this, */
	struct str allow; /* or this; the other is STR_NONE */
	enum config_serve serve;
	struct str accel; /* of CONFIG_ACCEL, no trailing slash */
	struct str join; /* the page for who is turned away; STR_NONE: none */
	int attachment; /* all is to be saved, nothing shown */
	int scripts; /* scripts in pages may run */
	int64_t link_seconds; /* a personal link is good for */
};

/* A section buy: /buy/NAME leads to a shop. */
struct config_buy {
	struct str name;
	struct str url; /* ASCII, http or https, at most CONFIG_URL_MAX */
	struct str parameter; /* of the URL: carries the visitor's user id */
	int64_t seconds; /* a pass made on the way is good for */
};

enum {
	CONFIG_URL_MAX = 1024, /* bytes */
	CONFIG_PARAMETER_MAX = 64, /* bytes */
};

/* For how long a platform may be silent before the owner is told. */
enum { CONFIG_QUIET_AUTO = -1, CONFIG_QUIET_OFF = 0 };

struct config {
	struct arena *arena; /* owns everything here */
	const char *file; /* as opened */
	const char *database; /* absolute path, or postgresql://… */
	const char *listen_url; /* postgresql://…; NULL: not set */
	const char *standby_url; /* the same */
	struct str public_url; /* no trailing slash; STR_NONE: not set */
	struct str cookie_domain; /* lower case; STR_NONE: not set */
	struct config_list allow_origins; /* as browsers write them */
	struct config_list api_keys;
	struct config_list pass_secrets;
	int threads;
	int streams;
	int gate_open_on_error;
	const char *listen_group; /* NULL: not set */
	int64_t grace; /* seconds; of platforms that have none of their own */
	int64_t quiet; /* seconds, CONFIG_QUIET_AUTO or CONFIG_QUIET_OFF */
	struct config_platform platforms[PLATFORM__MAX];
	struct tier_rules rules;
	const struct config_files *files; /* in the file's order */
	size_t n_files;
	const struct config_buy *buys;
	size_t n_buys;
	int64_t signin_seconds; /* a pass got by a mailed link is good for */
	struct rules follow_ups; /* the sections on, and mail */
	const char *const *warnings; /* for check and -t: short Gank secret … */
	size_t n_warnings;
	/* Bits: 1 << n where the nth says that a follow-up cannot be done. It
	 * is outside of the file, and may be mended while the program runs. */
	uint32_t problems;
};

/* Where to look when no -c was given; CONFIG_CLI also tries ./gatepost.conf. */
enum config_door { CONFIG_WEB, CONFIG_CLI };

/* The path of the config, absolute, by the order of gatepost.conf(5): option
 * (may be NULL), GATEPOST_CONFIG, ./, ../gatepost/ seen from the program, and from the
 * web root (config/site.h), SYSCONFDIR.
 * NULL with ERR_CONFIG naming the places looked at. */
char *config_locate(
    struct arena *a, const char *option, enum config_door door, struct err *e);

/* Is it fit for public_url? Slashes at its end are cut off. NULL, or what is
 * wrong, to stand behind its name. */
const char *config_site_fault(struct str *s);

/* 0 and *out, or -1 with ERR_CONFIG "file:line: what is wrong; what to do". */
int config_load(const char *file, struct config **out, struct err *e);
void config_free(struct config *c);

#endif
