#include "config/config_names.h"

const char *const effect_names[] = { "type", "at", "event", "user", "email",
	"buyer", "license", "platform", "product", "product_name", "variant",
	"sale", "subscription", "price", "currency", "quantity", "recurrence",
	"tier", "before", "after", "status", "since", "paid_until", "until",
	"test", "reason", "text", "download", "link", NULL };

const struct config_files *
link_section(const struct config *c, struct str path)
{
	const struct config_files *found = NULL;
	for (size_t i = 0; i < c->n_files; i++) {
		struct str title = c->files[i].title;
		if (path.n > title.n + 1 && str_starts(path, title) &&
		    path.p[title.n] == '/' &&
		    (found == NULL || title.n > found->title.n))
			found = &c->files[i];
	}
	return found;
}

struct decode_opts
project_opts(const struct config *c, const struct platform *p)
{
	return (struct decode_opts){
		.reference = c->platforms[platform_index(p)].reference
	};
}
