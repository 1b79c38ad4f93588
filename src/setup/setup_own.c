#include "setup/setup_own.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void
setup_say(const struct setup *s, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	va_start(ap, fmt);
	int n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	s->opts->say(s->opts->arg, text);
	if (text[0] != '\r')
		s->opts->say(s->opts->arg, "\n");
	free(text);
}

const char *
setup_hook(const struct setup *s, const struct platform *p)
{
	const struct config_list *secrets =
	    &s->config->platforms[platform_index(p)].secrets;
	const char *host = strstr(s->url, "://") + 3;
	if (!p->token_in_path || secrets->n == 0)
		return arena_printf(s->arena, "%s/hooks/%s", s->url, p->name);
	return arena_printf(s->arena, "%.*sgatepost:%.*s@%s/hooks/%s",
	    (int)(host - s->url), s->url, STR_ARG(secrets->v[0]), host,
	    p->name);
}

const char *
setup_text(const struct setup *s, const struct platform *p, const char *text)
{
	static const char place[] = "{hook}";
	const char *at = text == NULL ? NULL : strstr(text, place);
	return at == NULL ? text
			  : arena_printf(s->arena, "%.*s%s%s", (int)(at - text),
				text, setup_hook(s, p), at + sizeof(place) - 1);
}

int
setup_is_of_system(const struct setup *s)
{
	static const char *const folders[] = { "/etc/gatepost/",
		SYSCONFDIR "/gatepost/" };
	int found = 0;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		size_t n = strlen(folders[i]);
		found |= strncmp(s->edit.path, folders[i], n) == 0 &&
		    strchr(s->edit.path + n, '/') == NULL;
	}
	return found;
}
