#include "health/health.h"

#include "base/jsonw.h"

const char *const finding_levels[] = { "ok", "note", "PROBLEM" };

#define NAME(name, page, mail) #name,
#define PAGE(name, page, mail) page,
#define MAIL(name, page, mail) #mail[0],
const char *const finding_names[FINDING__MAX] = { FINDINGS(NAME) };
const char *const finding_pages[FINDING__MAX] = { FINDINGS(PAGE) };
const char finding_mails[FINDING__MAX] = { FINDINGS(MAIL) };

void
health_say(const struct health *h, enum finding_level level, enum finding_id id,
    const char *about, const char *text)
{
	const struct finding f = { .id = id,
		.about = about == NULL ? "" : about,
		.level = level,
		.text = text };
	h->fn(h->arg, &f);
}

void
health_say_lines(const struct health *h, enum finding_level level,
    enum finding_id id, const char *text, const char *lines)
{
	const struct finding f = { .id = id,
		.about = "",
		.level = level,
		.text = text,
		.lines = lines };
	h->fn(h->arg, &f);
}

void
finding_print(const struct finding *f, struct buf *b)
{
	buf_addf(b, "%-8s ", finding_levels[f->level]);
	buf_add_visible(b, str_from(f->text));
	if (f->level != FINDING_OK)
		buf_addf(b, "; see %s", finding_pages[f->id]);
	buf_addc(b, '\n');
	struct str line, rest = str_from(f->lines == NULL ? "" : f->lines);
	while (rest.n > 0 && str_cut(rest, '\n', &line, &rest)) {
		buf_addz(b, "           ");
		buf_add_visible(b, line);
		buf_addc(b, '\n');
	}
}

void
finding_json(const struct finding *f, struct str since, struct buf *b)
{
	jsonw_open(b, '{');
	jsonw_text(b, "id", str_from(finding_names[f->id]));
	jsonw_text(
	    b, "about", f->about[0] == '\0' ? STR_NONE : str_from(f->about));
	jsonw_text(b, "level", str_from(finding_levels[f->level]));
	if (since.p != NULL)
		jsonw_text(b, "since", since);
	jsonw_text(b, "text", str_from(f->text));
	jsonw_text(
	    b, "lines", f->lines == NULL ? STR_NONE : str_from(f->lines));
	jsonw_text(b, "page", str_from(finding_pages[f->id]));
	jsonw_close(b, '}');
}
