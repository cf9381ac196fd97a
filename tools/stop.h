/* SIGINT and SIGTERM as a wish to end well. */
#ifndef TOOLS_STOP_H
#define TOOLS_STOP_H

#include <stdbool.h>

/* From now on the first of either signal sets a flag, and interrupts waits that have a time limit
 * until the process ends; writes go on. A second one kills as usual: the way out of a write to a
 * reader that no longer reads. */
void stop_catch(void);

bool stop_wanted(void);

#endif
