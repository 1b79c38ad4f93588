#include "base/network.h"

#include <arpa/inet.h>
#include <string.h>

enum {
	TEXT_MAX = INET6_ADDRSTRLEN,
	MAPPED = 12, /* bytes before an address of IPv4 in one of IPv6 */
};

static void
add(struct network *out, int bits, const uint8_t *bytes)
{
	uint8_t *step = out->steps[out->n++];
	memset(step, 0, NETWORK_BYTES);
	step[0] = (uint8_t)bits;
	memcpy(step + 1, bytes, (size_t)bits / 8);
}

void
network_of(struct str address, struct network *out)
{
	static const uint8_t v4[MAPPED] = { [10] = 0xFF, [11] = 0xFF };
	char text[TEXT_MAX + 1] = "";
	uint8_t bytes[sizeof(struct in6_addr)];
	out->n = 0;
	if (address.n <= TEXT_MAX && !str_has_byte(address, '\0') &&
	    address.p != NULL)
		memcpy(text, address.p, address.n);
	if (inet_pton(AF_INET, text, bytes) == 1) {
		add(out, 32, bytes);
	} else if (inet_pton(AF_INET6, text, bytes) != 1) {
		add(out, 0, bytes);
	} else if (memcmp(bytes, v4, sizeof(v4)) == 0) {
		add(out, 32, bytes + MAPPED);
	} else {
		add(out, 48, bytes);
		add(out, 56, bytes);
		add(out, 64, bytes);
	}
}
