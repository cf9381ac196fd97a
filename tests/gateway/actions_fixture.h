/* Actions, called directly: a gateway with a directory of its own, under a clock that only the test moves. Where
 * something cannot be set up, or is not answered as expected, the test ends. */
#ifndef TEST_ACTIONS_FIXTURE_H
#define TEST_ACTIONS_FIXTURE_H

#include "gateway/gateway.h"
#include "tests/support/queue_fixture.h"

extern struct gateway gateway;

/* For a suite. */
void actions_begin(void);
void actions_end(void);

/* Is carried out: the output, until the next call. Input as of json_pack(), "{s:s}". */
json_t *done(enum call_outcome (*action)(struct call *call), const char *format, ...);
/* Is refused: why. */
const struct failure *refused(enum call_outcome (*action)(struct call *call), const char *format, ...);

/* "": there is none. */
const char *text_of(const json_t *object, const char *name);

#define cr_expect_refused(wanted_code, wanted_text, ...)                                                           \
	do {                                                                                                       \
		const struct failure *failure_ = refused(__VA_ARGS__);                                             \
		cr_expect_eq(failure_->code, wanted_code, "code %d: %s", failure_->code, failure_->message);       \
		cr_expect_str_eq(failure_->message, wanted_text);                                                  \
	} while (0)

/* A queue by CreateQueue, with attributes as pairs of texts up to a NULL. */
void create(const char *name, ...);
/* The attribute's value; "": it is not there. */
const char *attribute(const char *queue, const char *name);
/* "arn:aws:sqs:us-east-1:000000000000:NAME", until the next call. */
const char *arn(const char *name);

#endif
