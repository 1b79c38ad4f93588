#include "action/mailbox.h"

static int
is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9');
}

/* The atext of RFC 5322, 3.2.3, less what mailbox.h leaves out. */
static int
is_local(char c)
{
	return is_alnum(c) || (c != '\0' && strchr("#$&'*+-=?^_{}~", c));
}

/* Atoms with single dots between. */
static int
local_is_good(struct str s)
{
	if (s.n == 0 || s.n > MAILBOX_LOCAL_MAX || s.p[0] == '-')
		return 0;
	for (size_t i = 0; i < s.n; i++) {
		int dot = s.p[i] == '.';
		if (!dot && !is_local(s.p[i]))
			return 0;
		if (dot && (i == 0 || i + 1 == s.n || s.p[i + 1] == '.'))
			return 0;
	}
	return 1;
}

static int
label_is_good(struct str s)
{
	if (s.n == 0 || s.n > MAILBOX_LABEL_MAX || s.p[0] == '-' ||
	    s.p[s.n - 1] == '-')
		return 0;
	for (size_t i = 0; i < s.n; i++)
		if (!is_alnum(s.p[i]) && s.p[i] != '-')
			return 0;
	return 1;
}

/* The last label begins with a letter: 192.0.2.1 is no domain. */
static int
domain_is_good(struct str s)
{
	struct str label, rest = s;
	size_t labels = 0;
	do {
		str_cut(rest, '.', &label, &rest);
		labels++;
		if (!label_is_good(label))
			return 0;
	} while (rest.p != NULL);
	return labels >= 2 && !(label.p[0] >= '0' && label.p[0] <= '9');
}

const char *
mailbox_fault(struct str s)
{
	struct str local, domain;
	if (s.p == NULL || s.n == 0)
		return "there is no address";
	if (s.n > MAILBOX_MAX)
		return "longer than an address may be";
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return "not all ASCII, which few mailers can send to";
	if (!str_cut(s, '@', &local, &domain) || !local_is_good(local) ||
	    !domain_is_good(domain))
		return "not a plain address like name@example.org";
	return NULL;
}

const char *
mailbox_split(struct str s, struct str *name, struct str *address)
{
	struct str head, tail;
	*name = STR_NONE;
	*address = s;
	if (s.p == NULL || !str_cut(s, '<', &head, &tail))
		return mailbox_fault(s);
	if (tail.n == 0 || tail.p[tail.n - 1] != '>')
		return "write it as 'Name <name@example.org>'";
	tail.n--;
	*address = tail;
	head = str_trim(head);
	if (head.n >= 2 && head.p[0] == '"' && head.p[head.n - 1] == '"') {
		head.p++;
		head.n -= 2;
	}
	if (head.n > MAILBOX_NAME_MAX || str_has_control(head) ||
	    !str_is_utf8(head) || str_has_byte(head, '"') ||
	    str_has_byte(head, '\\'))
		return "the name beside the address is too long, or holds a "
		       "quote or a backslash";
	if (head.n > 0)
		*name = head;
	return mailbox_fault(tail);
}

struct str
mailbox_domain(struct str address)
{
	struct str local, domain;
	str_cut(address, '@', &local, &domain);
	return domain;
}
