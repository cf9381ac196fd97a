/* Plays a string of bytes on a live queue: calls of every kind, and flipped bits all over its segment.
 * Each call must return an error or something well-formed. For the fuzzer and for seeded runs. */
#ifndef TEST_SEGMENT_PLAY_H
#define TEST_SEGMENT_PLAY_H

#include <stddef.h>
#include <stdint.h>

/* Returns how many bits were flipped. Ends the process by abort() on a wrong answer. */
uint64_t segment_play(const uint8_t *bytes, size_t count);

#endif
