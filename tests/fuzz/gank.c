/* A delivery of Gank's: any bytes, decoded and redacted. */
#include "delivery.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	check_delivery(&platform_gank, fuzz_input(data, n));
	return 0;
}
