/* A delivery of Ko-fi's: any bytes, decoded and redacted. */
#include "delivery.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	check_delivery(&platform_kofi, fuzz_input(data, n));
	return 0;
}
