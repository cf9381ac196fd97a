#include "kmod-free/machine_id.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DIGITS = 2 * OS_MACHINE_ID_BYTES };

static int value_of(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

/* The digits, and then a line feed or nothing. */
static bool parse(const char *text, unsigned char ret_id[OS_MACHINE_ID_BYTES])
{
	if (strspn(text, "0123456789abcdefABCDEF") != DIGITS || (text[DIGITS] != '\0' && text[DIGITS] != '\n'))
		return false;
	for (int i = 0; i < OS_MACHINE_ID_BYTES; i++)
		ret_id[i] = (unsigned char)(value_of(text[2 * i]) << 4 | value_of(text[2 * i + 1]));
	return true;
}

static bool read_from(const char *path, unsigned char ret_id[OS_MACHINE_ID_BYTES])
{
	char text[DIGITS + 2] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	return got > 0 && parse(text, ret_id);
}

int os_machine_id(unsigned char ret_id[OS_MACHINE_ID_BYTES])
{
	const char *given = getenv("RINGLEASE_MACHINE_ID");

	bool is_given = given && *given;

	if (is_given ? parse(given, ret_id)
		     : read_from("/etc/machine-id", ret_id) || read_from("/var/lib/dbus/machine-id", ret_id))
		return 0;
	memset(ret_id, 0, OS_MACHINE_ID_BYTES);
	return is_given ? -EINVAL : -ENOENT;
}
