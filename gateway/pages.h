/* Long lists of queues, a page at a time: MaxResults and NextToken. */
#ifndef GATEWAY_PAGES_H
#define GATEWAY_PAGES_H

#include <stdbool.h>

#include "gateway/address.h"
#include "gateway/call.h"

struct page {
	struct call *call;
	json_t *urls;
	char after[NAME_TEXT_BYTES]; /* where it goes on; "": at the start */
	char last[NAME_TEXT_BYTES];
	size_t room;
	bool has_token; /* AWS gives one only to who has set MaxResults */
	bool is_more;
};

/* Of the input. False: one of the two is refused. */
bool page_begin(struct call *call, struct page *ret_page);
/* Does the list go on behind this name? */
bool page_is_before(const struct page *page, const char *name);
/* Takes it; false: there is no room, and the list ends. */
bool page_add(struct page *page, const char *name);
/* Into the output, under this name, if there are any. */
enum call_outcome page_end(struct page *page, const char *member);

#endif
