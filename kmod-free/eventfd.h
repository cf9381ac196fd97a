/* A descriptor that can be polled, and is readable or not as we say. */
#ifndef OS_EVENTFD_H
#define OS_EVENTFD_H

/* Not readable at first; non-blocking, closed by exec. Or a negative errno. */
int os_eventfd_open(void);

/* Makes it readable, and not readable. Each may be repeated. */
void os_eventfd_raise(int fd);
void os_eventfd_lower(int fd);

#endif
