#ifndef ACTION_ADDRESS_H
#define ACTION_ADDRESS_H

#include <sys/socket.h>

#include "base/str.h"

/* Is it an address of the public internet? Loopback, private, link-local,
 * shared (RFC 6598), multicast and unspecified ones are not, nor are IPv6
 * ones that stand for an IPv4 one of these (RFC 6890). */
int address_is_public(const struct sockaddr *sa);
int address_is_loopback(const struct sockaddr *sa);

/* May a target at that URL be reached at the address? A public one always.
 * Another one where the URL itself names it: by number, or localhost for
 * loopback. So no name that somebody else answers for leads inside. */
int address_may_connect(const char *url, const struct sockaddr *sa);

/* Is that host one of loopback or a private network, by its number or as
 * localhost? */
int address_is_inside(struct str host);

/* The host of an http or https URL without its brackets, and its port, the
 * scheme's own where there is none. */
struct str address_host(const char *url, int *port);

#endif
