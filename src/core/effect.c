#include "core/effect.h"

const char *const effect_names[] = { "type", "at", "event", "user", "email",
	"buyer", "license", "platform", "product", "product_name", "variant",
	"sale", "subscription", "price", "currency", "quantity", "recurrence",
	"tier", "before", "after", "status", "since", "paid_until", "until",
	"test", "reason", "text", NULL };
