#ifndef ACTION_PLACE_H
#define ACTION_PLACE_H

#include "action/action.h"
#include "base/buf.h"

/*
 * Placeholders: {name} in a text of the settings stands for a fact. Only
 * {, letters of a-z or _, and } together look like one; any other { is an
 * ordinary character, so JSON can be written as it is.
 */
enum place_where {
	PLACE_TEXT, /* as it is, on one line: control characters are blanks */
	PLACE_JSON, /* inside a JSON string that the template has opened */
	PLACE_FORM, /* a value of application/x-www-form-urlencoded */
	PLACE_URL, /* a segment of a path or a value of a query, RFC 3986 */
	PLACE_HTML, /* text or a quoted attribute of HTML */
};

/* Appends text with its placeholders filled in, each value escaped for its
 * place. With calm a zero-width space disarms what a chat would act on in a
 * value: mentions (behind the @), and links with a text of their own, in the
 * ways of Slack <url|text> (behind the <) and of Markdown [text](url) (behind
 * the ]). No value: empty. */
void place_fill(struct buf *b, struct str text, enum place_where where,
    int calm, const struct action_effect *effect);

/* How values are escaped in the body of an http target: by its Content-Type,
 * which is JSON for a template that names none. */
enum place_where action_http_place(const struct action_http *h);

/* Appends one value, escaped. */
void place_value(struct buf *b, struct str value, enum place_where where);

/* The first thing in text that looks like a placeholder, {word} with word of
 * a-z and _, and is not among names (ended by NULL): a slip of the pen. 0 when
 * there is none. */
int place_unknown(struct str text, const char *const *names, struct str *out);

/* What to do about the one that was found: a sentence's end, without stop. */
const char *place_advice(struct str word);

/* The part of a URL in front of its query. */
struct str place_path(struct str url);

/* A placeholder in the path of a URL is one segment of it: neither empty nor .
 * nor .. nor with / or \ in it, also where it is percent-encoded, for a buyer
 * must not choose another path. NULL, or what is wrong with the value of *word:
 * a verb and the rest of a sentence. */
const char *place_path_fault(struct str url, const struct action_effect *effect,
    struct arena *a, struct str *word);

/* Does text hold a placeholder? */
int place_has(struct str text, const char *const *names);

#endif
