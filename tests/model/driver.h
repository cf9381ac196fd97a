/* What plays a script: a queue with its DLQ behind calls that know nothing of each other but the numbers of
 * messages and receipts. */
#ifndef MODEL_DRIVER_H
#define MODEL_DRIVER_H

#include "tests/model/model.h"

struct driver {
	void *self;
	bool any_turn;	  /* groups are served in any order */
	int64_t slack_ms; /* a lease or delay ends so much later than asked */
	/* NULL, or why such a queue cannot be had: then the script is skipped. */
	const char *(*begin)(void *self, const struct setting *setting);
	void (*end)(void *self);
	enum answer (*send)(void *self, const struct operation *operation, struct told *ret_told);
	/* Receipts are numbered by the driver from 0 in the order in which they were given, over both queues.
	 * `moved` is left alone. */
	enum answer (*receive)(void *self, const struct operation *operation, struct received *ret_received);
	/* DELETE, EXTEND, RELEASE. */
	enum answer (*change)(void *self, const struct operation *operation, int receipt);
	enum answer (*purge)(void *self, enum place place);
	void (*time)(void *self, int64_t ms);
	/* Notices what time has ended, as a prompt engine would. */
	void (*notice)(void *self);
	void (*depth)(void *self, enum place place, struct depth *ret_depth);
	/* The numbers of the messages that are visible in the DLQ. Returns how many. */
	int (*look)(void *self, int *ret_numbers);
};

#endif
