/* Ids of requests. They tell requests apart and keep no secret, so a fast generator will do. */
#include "gateway/request_id.h"

#include <stdint.h>
#include <sys/random.h>
#include <time.h>

static _Thread_local uint64_t state;

/* splitmix64 */
static uint64_t next(void)
{
	uint64_t z;

	if (state == 0 && getrandom(&state, sizeof(state), 0) != sizeof(state))
		state = (uint64_t)time(NULL) ^ (uint64_t)(uintptr_t)&state;
	z = state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

void request_id_make(char ret_text[37])
{
	static const char digits[] = "0123456789abcdef";
	uint64_t half[2] = {next(), next()};

	half[0] = (half[0] & ~UINT64_C(0xf000)) | 0x4000;
	half[1] = (half[1] & ~(UINT64_C(3) << 62)) | UINT64_C(1) << 63;
	for (int i = 0, digit = 0; i < 36; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			ret_text[i] = '-';
			continue;
		}
		ret_text[i] = digits[half[digit / 16] >> (60 - 4 * (digit % 16)) & 15];
		digit++;
	}
	ret_text[36] = '\0';
}
