#ifndef HEALTH_HEALTH_H
#define HEALTH_HEALTH_H

/*
 * The room health: is all well, and what to do where it is not. In: the
 * settings, the database, this host, and what answers at public_url. Out:
 * findings, each with its level, a sentence and the page to read. `check` and
 * `doctor` print them, watch.h keeps their state and mails the owner, status.h
 * sums them up for monitoring. A look is one function of look.h, and look.c
 * lists them all; findings.h names what can be found.
 */

#include "config/config.h"
#include "health/findings.h"
#include "store/store.h"

enum finding_level { FINDING_OK, FINDING_NOTE, FINDING_PROBLEM };
extern const char *const finding_levels[]; /* "ok", "note", "PROBLEM" */

struct finding {
	enum finding_id id;
	/* what it is about, where one look finds several of a kind; "" */
	const char *about;
	enum finding_level level;
	const char *text; /* what was seen, and what to do: one line */
	const char *lines; /* to paste, one each; NULL: none */
};
typedef void health_fn(void *arg, const struct finding *f);

/* Who looks, at what. Texts of findings live in the arena. */
struct health {
	const struct config *config;
	struct store *store; /* NULL: only what needs none is looked at */
	struct arena *arena;
	int64_t now; /* seconds */
	const char *nginx; /* its settings */
	health_fn *fn;
	void *arg;
};
#define HEALTH_NGINX "/etc/nginx/nginx.conf"

/* When a look is taken: bits. */
enum health_when {
	LOOK_HERE = 1, /* no network: check */
	LOOK_FRONT = 2, /* through public_url and the platforms: doctor */
	LOOK_WHOLE = 4, /* the whole database: check, doctor --deep */
	LOOK_DEEP = 8, /* what others notice: doctor --deep */
};

/* Tells a finding; about may be NULL. */
void health_say(const struct health *h, enum finding_level level,
    enum finding_id id, const char *about, const char *text);
void health_say_lines(const struct health *h, enum finding_level level,
    enum finding_id id, const char *text, const char *lines);

/* As a person reads it, and as JSON:
 *	{"id":"outbox_dead","about":"mail welcome","level":"PROBLEM",
 *	 "since":"…","text":"…","lines":null,"page":"gatepost-failures(7)"}
 * since: RFC 3339, or STR_NONE, which leaves it out. */
void finding_print(const struct finding *f, struct buf *b);
void finding_json(const struct finding *f, struct str since, struct buf *b);

#endif
