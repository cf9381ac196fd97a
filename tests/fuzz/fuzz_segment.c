/* Calls and flipped bits on a live segment, as the input says: see tests/support/segment_play.h. */
#include "tests/fuzz/fuzz.h"
#include "tests/support/segment_play.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
	segment_play(bytes, count);
	return 0;
}
