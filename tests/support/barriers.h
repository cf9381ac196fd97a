/* Machines with and without membarrier(2). A process that has opened a directory under BARRIERS_OF_KERNEL is
 * reached by barriers from then on, and so are its later children. */
#ifndef TEST_BARRIERS_H
#define TEST_BARRIERS_H

enum barriers {
	BARRIERS_OF_KERNEL,
	BARRIERS_BY_FENCES, /* others' barriers cannot reach us, ours reach others */
	BARRIERS_REFUSED,   /* neither */
};

/* For the calling process and its children; before a directory is opened. */
void barriers_set(enum barriers barriers);

#endif
