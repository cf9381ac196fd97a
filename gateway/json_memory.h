/* Memory of jansson's trees. */
#ifndef GATEWAY_JSON_MEMORY_H
#define GATEWAY_JSON_MEMORY_H

#include <stdbool.h>

/* From now on each thread keeps the small pieces that it gives back, and takes them again: the tree of a batch is
 * of some hundred, and malloc keeps seven of a size. To be called before there are trees. False: it stays as it is,
 * so that AddressSanitizer sees each piece, or for want of a key for threads. */
bool json_memory_keep(void);

#endif
