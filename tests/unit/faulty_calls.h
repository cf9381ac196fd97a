/* Makes the n-th call of the system under a segment fail. */
#ifndef TEST_FAULTY_CALLS_H
#define TEST_FAULTY_CALLS_H

enum faulty_call {
	FAULTY_FALLOCATE = 1,
	FAULTY_FTRUNCATE = 2,
	FAULTY_LINKAT = 4,
	FAULTY_MMAP = 8,
	FAULTY_ANY = 15,
};

/* From here on the `calls`-th of those calls of this process fails with `error`, once. */
void faulty_calls_begin(enum faulty_call which, int calls, int error);

/* All calls are the system's own again; does nothing if they are. */
void faulty_calls_end(void);

#endif
