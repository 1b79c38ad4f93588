/* A ping of Gumroad's: any bytes, decoded and redacted. */
#include "delivery.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	check_delivery(&platform_gumroad, fuzz_input(data, n));
	return 0;
}
