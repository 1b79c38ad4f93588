#include "cgi/server/frame.h"

#include <string.h>

/* FastCGI 1.0, section 8 */
enum {
	VERSION_1 = 1,
	TYPE_BEGIN = 1,
	TYPE_ABORT = 2,
	TYPE_END = 3,
	TYPE_PARAMS = 4,
	TYPE_STDIN = 5,
	TYPE_STDOUT = 6,
	ROLE_RESPONDER = 1,
	ROLE_AUTHORIZER = 2,
	FLAG_KEEP_CONN = 1,
	BEGIN_LENGTH = 8,
	END_LENGTH = 8,
};

/* What may come next. */
enum { WANT_BEGIN, WANT_PARAMS, WANT_STDIN };

enum { LENGTH_LONG = 0x80 };

void
frame_init(struct frame *f, size_t body_max)
{
	memset(f, 0, sizeof(*f));
	f->body_max = body_max;
}

static enum frame_answer
wrong(struct frame *f, const char *why)
{
	f->why = why;
	return FRAME_WRONG;
}

/* Bytes of the length that begins with this one (3.4). */
static size_t
length_size(uint8_t first)
{
	return (first & LENGTH_LONG) != 0 ? 4 : 1;
}

static size_t
length_value(const uint8_t *p)
{
	if ((p[0] & LENGTH_LONG) == 0)
		return p[0];
	return (size_t)(p[0] & 0x7F) << 24 | (size_t)p[1] << 16 |
	    (size_t)p[2] << 8 | p[3];
}

/* One more byte of a pair's two lengths. */
static enum frame_answer
pair_length(struct frame *f, uint8_t byte)
{
	f->lengths[f->n_lengths++] = byte;
	size_t first = length_size(f->lengths[0]);
	if (f->n_lengths <= first)
		return FRAME_MORE;
	if (f->n_lengths < first + length_size(f->lengths[first]))
		return FRAME_MORE;
	f->name = length_value(f->lengths);
	f->value = length_value(f->lengths + first);
	f->n_lengths = 0;
	f->in_pair = f->name + f->value > 0;
	/* each fits into 31 bits: the sum does not overflow */
	if (f->name + f->value > FRAME_PARAMS_MAX)
		return wrong(f, "a parameter is longer than all may be");
	if (++f->pairs > FRAME_PARAMS_COUNT)
		return wrong(f, "too many parameters");
	return FRAME_MORE;
}

/* libfcgi hands parameters on as "NAME=value": what would read back as
 * another name or value is refused. */
static enum frame_answer
take_params(struct frame *f, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n;) {
		if (!f->in_pair) {
			if (pair_length(f, p[i++]) != FRAME_MORE)
				return FRAME_WRONG;
			continue;
		}
		size_t *left = f->name > 0 ? &f->name : &f->value;
		size_t k = n - i < *left ? n - i : *left;
		if (memchr(p + i, '\0', k) != NULL)
			return wrong(f, "a NUL in a parameter");
		if (left == &f->name && memchr(p + i, '=', k) != NULL)
			return wrong(f, "a = in a parameter's name");
		*left -= k;
		i += k;
		f->in_pair = f->name + f->value > 0;
	}
	return FRAME_MORE;
}

static enum frame_answer
take_begin(struct frame *f, const uint8_t *p, size_t n)
{
	if (f->have + n > sizeof(f->header))
		return wrong(f, "BEGIN_REQUEST is too long");
	memcpy(f->header + f->have, p, n);
	f->have += n;
	if (f->have < BEGIN_LENGTH)
		return FRAME_MORE;
	int role = f->header[0] << 8 | f->header[1];
	if (role != ROLE_RESPONDER && role != ROLE_AUTHORIZER)
		return wrong(f, "neither responder nor authorizer");
	f->authorizer = role == ROLE_AUTHORIZER;
	f->keep_conn = (f->header[2] & FLAG_KEEP_CONN) != 0;
	f->have = 0;
	return FRAME_MORE;
}

static enum frame_answer
begin_header(struct frame *f, uint16_t id)
{
	if (f->type == TYPE_ABORT)
		return FRAME_ABORTED; /* of a request answered just now */
	if (f->type != TYPE_BEGIN)
		return wrong(f, "a record before BEGIN_REQUEST");
	if (f->content != BEGIN_LENGTH)
		return wrong(f, "BEGIN_REQUEST is not 8 bytes long");
	/* libfcgi 2.4.2 loses its place in it */
	if (f->padding > 0)
		return wrong(f, "padding of BEGIN_REQUEST");
	f->id = id;
	return FRAME_MORE;
}

static enum frame_answer
params_header(struct frame *f)
{
	if (f->type != TYPE_PARAMS)
		return wrong(f, "not PARAMS after BEGIN_REQUEST");
	f->params += f->content;
	if (f->params > FRAME_PARAMS_MAX)
		return wrong(f, "too many bytes of parameters");
	f->last = f->content == 0;
	/* libfcgi 2.4.2 reads it as the next record */
	if (f->last && f->padding > 0)
		return wrong(f, "padding of the empty PARAMS");
	if (f->last && (f->in_pair || f->n_lengths > 0))
		return wrong(f, "PARAMS end inside a parameter");
	return FRAME_MORE;
}

static enum frame_answer
stdin_header(struct frame *f)
{
	if (f->type != TYPE_STDIN)
		return wrong(f, "not STDIN after PARAMS");
	f->body += f->content;
	f->last = f->content == 0;
	if (f->body > f->body_max)
		f->too_large = 1;
	return FRAME_MORE;
}

/* The header is there: may this record come now? */
static enum frame_answer
take_header(struct frame *f)
{
	const uint8_t *h = f->header;
	uint16_t id = (uint16_t)(h[2] << 8 | h[3]);
	f->type = h[1];
	f->content = (size_t)h[4] << 8 | h[5];
	f->padding = h[6];
	f->last = 0;
	f->have = 0;
	if (h[0] != VERSION_1)
		return wrong(f, "not version 1");
	if (id == 0)
		return wrong(f, "a management record");
	if (f->state == WANT_BEGIN)
		return begin_header(f, id);
	if (id != f->id)
		return wrong(f, "another request's id");
	if (f->type == TYPE_ABORT)
		return FRAME_ABORTED;
	return f->state == WANT_PARAMS ? params_header(f) : stdin_header(f);
}

static enum frame_answer
take_content(struct frame *f, const uint8_t *p, size_t n)
{
	if (f->type == TYPE_BEGIN)
		return take_begin(f, p, n);
	if (f->type == TYPE_PARAMS)
		return take_params(f, p, n);
	return FRAME_MORE;
}

/* The record and its padding are there. */
static enum frame_answer
end_record(struct frame *f)
{
	if (f->state == WANT_BEGIN) {
		f->state = WANT_PARAMS;
		return FRAME_MORE;
	}
	if (!f->last)
		return FRAME_MORE;
	if (f->state == WANT_STDIN)
		return FRAME_WHOLE;
	f->state = WANT_STDIN;
	f->head = f->taken;
	return f->authorizer ? FRAME_WHOLE : FRAME_MORE;
}

/* Memory is bounded by bytes on the wire: a content byte can travel with 8
 * bytes of header and 255 of padding. */
static enum frame_answer
check_wire(struct frame *f)
{
	if (f->state != WANT_STDIN)
		return f->taken <= FRAME_HEAD_MAX
		    ? FRAME_MORE
		    : wrong(f, "too many bytes before the body");
	size_t wire = f->taken - f->head;
	if (wire > 2 * f->body_max + FRAME_PARAMS_MAX)
		f->too_large = 1;
	if (wire > f->body_max + FRAME_DROP_MAX)
		return wrong(f, "a body without end");
	return FRAME_MORE;
}

/* At least one byte is taken, from p[0]; a record without content or padding
 * is ended together with its header. */
static enum frame_answer
step(struct frame *f, const uint8_t *p, size_t n, size_t *took)
{
	enum frame_answer answer = FRAME_MORE;
	if (!f->in_record) {
		f->header[f->have++] = p[0];
		*took = 1;
		if (f->have < FRAME_HEADER)
			return FRAME_MORE;
		answer = take_header(f);
		f->in_record = 1;
	} else if (f->content > 0) {
		*took = n < f->content ? n : f->content;
		f->content -= *took;
		answer = take_content(f, p, *took);
	} else {
		*took = n < f->padding ? n : f->padding;
		f->padding -= *took;
	}
	return answer;
}

enum frame_answer
frame_feed(struct frame *f, const void *bytes, size_t n, size_t *used)
{
	const uint8_t *p = bytes;
	size_t i = 0;
	while (i < n) {
		size_t took = 0;
		enum frame_answer answer = step(f, p + i, n - i, &took);
		i += took;
		f->taken += took;
		if (answer == FRAME_MORE)
			answer = check_wire(f);
		if (answer == FRAME_MORE && f->in_record && f->content == 0 &&
		    f->padding == 0) {
			f->in_record = 0;
			answer = end_record(f);
		}
		if (answer != FRAME_MORE) {
			*used = i;
			return answer;
		}
	}
	*used = n;
	return FRAME_MORE;
}

void
frame_end_record(const struct frame *f, uint8_t out[FRAME_HEADER])
{
	const uint8_t record[FRAME_HEADER] = { VERSION_1, TYPE_STDIN,
		(uint8_t)(f->id >> 8), (uint8_t)(f->id & 0xFF) };
	memcpy(out, record, sizeof(record));
}

static void
add_header(struct buf *b, uint8_t type, uint16_t id, size_t n)
{
	const uint8_t header[FRAME_HEADER] = { VERSION_1, type,
		(uint8_t)(id >> 8), (uint8_t)id, (uint8_t)(n >> 8),
		(uint8_t)n };
	buf_add(b, header, sizeof(header));
}

static void
add_record(struct buf *b, uint8_t type, uint16_t id, struct str s)
{
	add_header(b, type, id, s.n);
	buf_adds(b, s);
}

void
frame_stdout_header(struct buf *b, uint16_t id, size_t n)
{
	add_header(b, TYPE_STDOUT, id, n);
}

void
frame_stdout(struct buf *b, uint16_t id, struct str s)
{
	while (s.n > 0) {
		size_t n = s.n < FRAME_CONTENT_MAX ? s.n : FRAME_CONTENT_MAX;
		add_record(b, TYPE_STDOUT, id, (struct str){ s.p, n });
		s.p += n;
		s.n -= n;
	}
}

void
frame_finish(struct buf *b, uint16_t id)
{
	/* application status 0, FCGI_REQUEST_COMPLETE */
	static const char end[END_LENGTH];
	add_record(b, TYPE_STDOUT, id, STR(""));
	add_record(b, TYPE_END, id, (struct str){ end, sizeof(end) });
}
