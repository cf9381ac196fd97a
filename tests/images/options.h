/* The command line of `images`. */
#ifndef TEST_IMAGES_OPTIONS_H
#define TEST_IMAGES_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum { OPTION_TEXT = 256 };

struct options {
	char victim[OPTION_TEXT], script[OPTION_TEXT];
	uint64_t seed, seconds, images, kills, every, kill_every, step;
	bool engine_only, fifo_only;
};

/* Reads them over the defaults; the victim lies beside the program. Prints the seed. Exits 2 on others. */
struct options images_options_read(int count, char **values);

#endif
