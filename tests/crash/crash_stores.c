/* Kills a process before a store to a shared word, at any of all the stores that the scripts make, and
 * checks as crash_points does.
 *
 * crash_stores [--seed S] [--seconds N]; --seconds 0: every store of every script (minutes). */
#include "tests/crash/stores.h"

int main(int count, char **values)
{
	return stores_main(count, values, false);
}
