#ifndef BASE_NETWORK_H
#define BASE_NETWORK_H

#include <stdint.h>

#include "base/str.h"

/*
 * The networks that an IP address stands for, to count what comes from one
 * place. Of IPv4 that is the address. Of IPv6 a customer has a network of at
 * least 64 bits, often one of 56 or 48 (RFC 6177, 2): each of them counts.
 */
enum {
	NETWORK_STEPS = 3, /* /48, /56 and /64 of IPv6; of IPv4 the first */
	NETWORK_BYTES = 9, /* of one: how many bits, and these */
};

struct network {
	size_t n; /* steps it has */
	uint8_t steps[NETWORK_STEPS][NETWORK_BYTES]; /* the widest first */
};

/* An address of IPv4 written as one of IPv6 is one of IPv4. All that is no
 * address is one network. */
void network_of(struct str address, struct network *out);

#endif
