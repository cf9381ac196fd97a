/* What all threads of the gateway share. */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include <stdbool.h>

#include <ringlease.h>

#include "gateway/call.h"
#include "gateway/recent.h"

struct notes;	    /* notes.h: attributes of queues that the library does not have */
struct moves;	    /* moves.h: message move tasks */
struct credentials; /* security.h */

struct gateway {
	struct rlq_directory *directory;
	struct notes *notes;
	struct moves *moves;
	struct credentials *credentials; /* NULL: signatures are not checked */
	char account[ACCOUNT_TEXT_BYTES];
	char region[REGION_TEXT_BYTES];
	enum rlq_durability durability; /* of queues that are created without saying so */
	bool relaxed_limits;		/* bodies up to what the library takes */
	bool waits_after_delete;	/* CreateQueue within 60 s of DeleteQueue is refused, as by AWS */
	struct recent purged, deleted;	/* queues, by this gateway */
};

#endif
