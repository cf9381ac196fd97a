#include "kmod-free/eventfd.h"

#include <errno.h>
#include <sys/eventfd.h>

int os_eventfd_open(void)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Neither can fail but by what is as wanted: it is readable (full), or is not (-EAGAIN). */
void os_eventfd_raise(int fd)
{
	(void)eventfd_write(fd, 1);
}

void os_eventfd_lower(int fd)
{
	eventfd_t value;

	(void)eventfd_read(fd, &value);
}
