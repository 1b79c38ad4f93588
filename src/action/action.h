#ifndef ACTION_ACTION_H
#define ACTION_ACTION_H

/*
 * The room action: what goes out. In: an effect and its target. Out: whether it
 * was taken, and whether to try again.
 * Keeps the promise that no buyer chooses where it goes.
 */

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/*
 * What goes out: one effect handed to one action. An action sees what it is
 * told here and nothing else: no database, no configuration, no clock. Each
 * kind has a file of its own with one function action_run_KIND, which may
 * take its settings' time-out and no longer, is called from several threads
 * at once, and may run twice for the same effect: after a crash between the
 * effect and its mark the same id comes again.
 */
enum action_kind {
	ACTION_HTTP,
	ACTION_MAIL,
	ACTION_EXEC,
	ACTION_FORWARD,
	ACTION__MAX
};
extern const char *const action_words[ACTION__MAX]; /* "http", … */

enum {
	ACTION_NAME_MAX = 64, /* bytes of a target's name */
	ACTION_FACTS_MAX = 48,
	ACTION_SECRETS_MAX = 16, /* of one target */
	ACTION_HEADERS_MAX = 16, /* "Name: value" lines of the settings */
	ACTION_ARGV_MAX = 64, /* words of exec */
	ACTION_TEXT_MAX = 64 * 1024, /* bytes of a template, and filled in */
	ACTION_TIMEOUT_MS = 15000, /* unless the settings say otherwise */
	ACTION_TIMEOUT_MAX_MS = 60000,
	ACTION_SAID_MAX = 256, /* bytes of an answer that are kept */
};

/* ---- the settings, from gatepost.conf; they live as long as it ---------- */

enum action_format { ACTION_JSON, ACTION_FORM, ACTION_TEMPLATE };

/* http: also what forward posts to. */
struct action_http {
	const char *url; /* placeholders in path and query only */
	const struct str *secrets; /* the key's bytes, base64 undone */
	size_t n_secrets; /* the first is the newest; 0: not signed */
	enum action_format format;
	struct str body; /* of form and template, with placeholders */
	const char *const *headers; /* "Name: value", ended by NULL */
};

struct action_mail {
	struct str to; /* one address, or {email} */
	struct str from; /* one address */
	const char *template; /* path without suffix; NULL: built-in text */
	struct str text; /* without a template: this, as if in a file;
			    STR_NONE: all there is to tell */
	const char *sendmail; /* path of sendmail(8), or smtp://host[:port] */
	const char *const *names; /* placeholders a template may have, ended
				     by NULL; NULL: any */
};

struct action_exec {
	const char *const *argv; /* literal, argv[0] a path; ended by NULL */
};

struct action_forward {
	const char *url; /* literal */
	struct str secret; /* of the old handler; STR_NONE: not signed */
};

/* One sub-section of a section `on`. */
struct action {
	enum action_kind kind;
	struct str name; /* the target's: shared by all rules that name it */
	int line; /* in the file */
	int timeout_ms;
	int order; /* what is about one person goes out one by one, in order */
	struct str download; /* {download} leads to this path below /files;
				STR_NONE: to none */
	union {
		struct action_http http;
		struct action_mail mail;
		struct action_exec exec;
		struct action_forward forward;
	} u;
};

/* ---- one effect ---------------------------------------------------------- */

/* What a placeholder {name} stands for, and GATEPOST_NAME for exec. */
struct action_fact {
	const char *name; /* lower case */
	struct str value; /* STR_NONE: there is none */
};

/* The delivery behind it, as it was received; for forward. */
struct action_delivery {
	struct str platform;
	struct str content_type;
	struct str body;
	const char *signature; /* "Name: value", made afresh; NULL: none */
};

struct action_effect {
	const char *id; /* the same at every attempt, [a-z0-9_] */
	struct str type; /* "purchase" */
	struct str payload; /* {"type":…,"timestamp":…,"data":{…}} */
	const struct action_fact *facts; /* all there are, in a fixed order */
	size_t n_facts;
	const struct action_delivery *delivery; /* forward only, or NULL */
	int64_t now; /* seconds */
	int attempt; /* 1: the first */
};

enum action_outcome {
	ACTION_DONE,
	ACTION_AGAIN, /* it failed, and may work later */
	ACTION_NEVER, /* it cannot work: trying again is of no use */
	ACTION_GONE, /* nor will any other: the target is to be left alone */
};

struct action_answer {
	enum action_outcome outcome;
	int64_t retry_after; /* seconds, as the target asked; -1: it did not */
	int throttled; /* the target as a whole wants less */
	/* One line for outbox.last_error: what was answered or went wrong. No
	 * secret; nothing of the URL but its host. */
	char said[ACTION_SAID_MAX];
};

typedef void action_run_fn(const struct action *action,
    const struct action_effect *effect, struct arena *arena,
    struct action_answer *answer);

action_run_fn action_run_http, action_run_mail, action_run_exec,
    action_run_forward;

/* By kind. The answer is set in every case. */
action_run_fn action_run;

/* The value of a fact, STR_NONE for one that has none or is not there. */
struct str action_fact(const struct action_effect *effect, const char *name);

/* Sets the outcome and the line; nothing of fmt's values may be a secret. */
void action_say(struct action_answer *answer, enum action_outcome outcome,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
