#ifndef PLATFORM_DOCUMENT_H
#define PLATFORM_DOCUMENT_H

#include <stddef.h>

#include "platform/platform.h"

/*
 * Deliveries that are JSON, told by a table: which field stands where, of what
 * type, whether it must be there, and what of the fact it fills. The table
 * decodes, describes and redacts; what it cannot say is done by one hook.
 */

enum field_type {
	FIELD_TEXT,
	FIELD_ID, /* a text that platform_identifier takes */
	FIELD_REFERENCE, /* an id of the app's; left out where it is none */
	FIELD_EMAIL, /* left out where it is masked or none */
	FIELD_FLAG, /* true or false; fills an int */
	FIELD_MONTHS, /* a whole number from 1 to 120; fills an int */
	FIELD_COUNT, /* a whole number, also as a text; fills an int64_t */
	FIELD_MINOR, /* money in minor units, also as a text */
	FIELD_DECIMAL, /* money as "12.50"; its currency stands before it */
	FIELD_CURRENCY, /* put into upper case */
	FIELD_TIME, /* RFC 3339; fills an int64_t */
	FIELD_LIST, /* an array, for the hook */
};

enum {
	FIELD_REQUIRED = 1, /* without it the delivery is kept */
	FIELD_STAYS = 2, /* when its person is erased */
	FIELD_PERSON = 4, /* an id of the person: the pseudonym stays */
};

struct field {
	const char *name; /* as `gatepost decode` prints it */
	const char *path; /* "data.usecase_data.usecase"; NULL: never there */
	enum field_type type;
	unsigned flags;
	unsigned events; /* bits by place in document.events; 0: all */
	size_t fills; /* FILLS(member); 0: nothing */
	/* of an array of objects that stays: which of their members do,
	 * "code quantity" */
	const char *members;
};
#define FILLS(member) offsetof(struct fact, member)

struct document_event {
	const char *word; /* the sender's; NULL ends the list */
	const char *shown; /* as `gatepost decode` prints it under "kind" */
	enum fact_kind kind;
	const char *kind_name; /* events.kind, and the column product */
};

/* Why a delivery is kept. Of several the last in this list is told, of equal
 * ones the first. */
enum document_fault {
	DOCUMENT_FINE,
	DOCUMENT_CONTRADICTS, /* the reason status_contradicts_event */
	DOCUMENT_OUT_OF_RANGE, /* out_of_range */
	DOCUMENT_MISSING, /* missing_field */
	DOCUMENT_NO_PLACE, /* the same: what it would stand in is missing */
	DOCUMENT_WRONG_TYPE, /* wrong_type */
};

/* A body as it was read; the JSON lives as long as the arena. */
struct document_reading {
	const struct platform *p;
	const json_t *root;
	struct arena *arena;
	int event; /* place in document.events; -1: none of them */
	enum document_fault fault;
	const char *path; /* of the fault, and what is there */
	const char *shape;
};

struct document {
	/* the field of a form that holds the JSON; NULL: the body is JSON */
	const char *form_field;
	const char *event_path; /* "event" */
	const struct document_event *events;
	const struct field *fields; /* ended by name NULL */
	/* Names the subject, and fills what the table cannot; only for an event
	 * of the list. May complain. */
	void (*settle)(struct document_reading *r, struct fact *f);
};

/* The text of the field with that name, STR_NONE where it is absent or empty;
 * the value itself, or NULL. */
struct str document_text(const struct document_reading *r, const char *name);
const json_t *
document_value(const struct document_reading *r, const char *name);
/* The delivery is kept for that; shape: what is there, as "a text". */
void document_complain(struct document_reading *r, enum document_fault fault,
    const char *name, const char *shape);

/* Of struct platform. */
int document_decode(const struct platform *p, struct str body,
    const struct decode_opts *opts, struct arena *a, struct fact *out,
    struct err *e);
json_t *document_describe(const struct platform *p, const struct fact *f);
int document_redact(const struct platform *p, struct str body,
    const struct redact_opts *opts, struct arena *a, struct redacted *out,
    struct err *e);
/* Takes the secret proof.token out of the body. */
int document_blank(const struct platform *p, struct str body, struct arena *a,
    struct str *out, struct err *e);
/*
 * Makes which->body, in which {fresh} stands for nine letters and digits made
 * from the nonce, {uuid} for a UUID made from it, {now} for the time, {event}
 * for event_path, {token} for the field of a secret in the body. A key is
 * set wherever it stands. What stands there as a text or null becomes a text,
 * or null for "null"; any other value is JSON.
 */
int document_sample(const struct platform *p,
    const struct platform_sample *which, const struct sample_opts *opts,
    struct arena *a, struct str *body, struct err *e);
extern const struct platform_sample document_probe;
/* which->variant_key for the variant, nothing for the product. */
const char *document_sample_key(const struct platform *p,
    const struct platform_sample *which, enum sample_part part,
    struct str value);

/* For proof_body_token: the text of the field proof.token, STR_NONE where the
 * body has none, or more values than any delivery. -1 without memory. */
int document_secret(const struct platform *p, struct str body, struct arena *a,
    struct str *out);

/* 36 characters of hex digits and dashes: a UUID made from seed. */
struct str document_uuid(struct arena *a, struct str seed);

/* Shared by the files of this kind: the body's JSON, which lives as long as the
 * arena; NULL with *reason, or NULL without memory. */
json_t *document_load(const struct platform *p, struct str body,
    struct arena *a, const char **reason, struct err *e);
/* The value at the path, or NULL: absent and null read the same. */
json_t *document_at(const json_t *root, const char *path);
/* The same; *parent: how much of the path leads to what should be an object and
 * is none, which is returned then; 0: all are. */
json_t *document_walk(const json_t *root, const char *path, size_t *parent);
/* The JSON as a body. 0, or -1 without memory. */
int document_dump(const struct platform *p, const json_t *root, struct arena *a,
    struct str *body, struct err *e);
/* Is the field of the reading's event? All are of one that is not known. */
int document_has(const struct document_reading *r, const struct field *f);
/* Its value, where there is one of its type, or NULL. */
json_t *document_fit(const struct document_reading *r, const struct field *f);
/* Reads it into the fact, and complains where it is not as it should be. */
void document_read_field(
    struct document_reading *r, const struct field *f, struct fact *out);

#endif
