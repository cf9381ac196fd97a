/* Threads of the library's own in somebody else's process. */
#ifndef OS_THREAD_H
#define OS_THREAD_H

#include <pthread.h>

/* With all signals blocked, for they are the host's threads' to handle. `name`: at most 15 characters. 0, -EAGAIN.
 */
int os_thread_start(const char *name, void *(*run)(void *context), void *context, pthread_t *ret_thread);

#endif
