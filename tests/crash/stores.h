/* A process ends or stops before a store to a shared word, any of all that the scripts make: what
 * crash_points and stop_continue do at chosen passages, this does at each, in a random order, while there is
 * time. */
#ifndef TEST_CRASH_STORES_H
#define TEST_CRASH_STORES_H

#include <stdbool.h>

/* The main() of a program with --seconds and --seed; returns its exit status. */
int stores_main(int count, char **values, bool stops);

#endif
