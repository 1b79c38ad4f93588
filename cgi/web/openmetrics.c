#include "cgi/web/openmetrics.h"

#include <string.h>

static int
is(const struct openmetrics *m, const char *type)
{
	return strcmp(m->family->type, type) == 0;
}

/* What a sample's name has after the family's. */
static const char *
suffix(const struct openmetrics *m)
{
	return is(m, "counter") ? "_total" : is(m, "info") ? "_info" : "";
}

void
openmetrics_begin(struct openmetrics *m, const struct openmetrics_family *f)
{
	m->family = f;
	/* 0.0.4 has the suffix in the family's name, and info is a gauge */
	const char *end = m->is_classic ? suffix(m) : "";
	buf_addf(m->out, "# TYPE %s%s %s\n", f->name, end,
	    m->is_classic && is(m, "info") ? "gauge" : f->type);
	if (f->unit[0] != '\0' && !m->is_classic)
		buf_addf(m->out, "# UNIT %s %s\n", f->name, f->unit);
	buf_addf(m->out, "# HELP %s%s %s\n", f->name, end, f->help);
}

static void
add_name(struct openmetrics *m, const char *const *values)
{
	struct str rest = str_from(m->family->labels), name;
	buf_addf(m->out, "%s%s", m->family->name, suffix(m));
	for (int i = 0; rest.n > 0; i++) {
		str_cut(rest, ' ', &name, &rest);
		buf_addf(m->out, "%c%.*s=\"%s\"", i == 0 ? '{' : ',',
		    STR_ARG(name), values[i]);
	}
	buf_addz(m->out, m->family->labels[0] == '\0' ? " " : "} ");
}

void
openmetrics_add(struct openmetrics *m, const char *const *values, int64_t value)
{
	add_name(m, values);
	buf_addf(m->out, "%lld\n", (long long)value);
}

static void
add_scaled(struct buf *out, int64_t value, int64_t scale)
{
	if (scale == 1)
		buf_addf(out, "%lld\n", (long long)value);
	else
		buf_addf(out, "%lld.%06lld\n", (long long)(value / scale),
		    (long long)(value % scale));
}

void
openmetrics_add_micros(
    struct openmetrics *m, const char *const *values, int64_t micros)
{
	add_name(m, values);
	add_scaled(m->out, micros, 1000000);
}

/* A bound in its canonical form: 1.0, 0.0025 (OpenMetrics, Considerations:
 * Canonical Numbers). */
static void
add_bound(struct buf *out, int64_t bound, int64_t scale)
{
	char text[32];
	snprintf(text, sizeof(text), "%g", (double)bound / (double)scale);
	buf_addf(out, "%s%s", text, strpbrk(text, ".e") == NULL ? ".0" : "");
}

void
openmetrics_add_histogram(
    struct openmetrics *m, struct histogram *h, int64_t scale)
{
	struct histogram_view view;
	const char *name = m->family->name;
	histogram_read(h, &view);
	for (size_t i = 0; i <= h->n; i++) {
		buf_addf(m->out, "%s_bucket{le=\"", name);
		if (i < h->n)
			add_bound(m->out, h->bounds[i], scale);
		else
			buf_addz(m->out, "+Inf");
		buf_addf(m->out, "\"} %lld\n", (long long)view.up_to[i]);
	}
	buf_addf(m->out, "%s_count %lld\n", name, (long long)view.up_to[h->n]);
	buf_addf(m->out, "%s_sum ", name);
	add_scaled(m->out, view.sum, scale);
}

void
openmetrics_end(struct openmetrics *m)
{
	if (!m->is_classic)
		buf_addz(m->out, "# EOF\n");
}
