#include "cgi/web/html.h"

void
html_add(struct buf *b, struct str s)
{
	static const struct {
		char c;
		const char *text;
	} table[] = { { '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" },
		{ '"', "&quot;" }, { '\'', "&#39;" } };
	for (size_t i = 0; i < s.n; i++) {
		size_t k = 0;
		while (k < sizeof(table) / sizeof(table[0]) &&
		    table[k].c != s.p[i])
			k++;
		if (k < sizeof(table) / sizeof(table[0]))
			buf_addz(b, table[k].text);
		else
			buf_addc(b, s.p[i]);
	}
}
