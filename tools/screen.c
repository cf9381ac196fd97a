#include "screen.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "stop.h"

enum { ROWS_IF_UNKNOWN = 24 };

static struct termios before;
static bool has_keys; /* stdin is a terminal, and gives keys without a line feed */

bool screen_begin(void)
{
	struct termios now;

	if (!isatty(STDOUT_FILENO))
		return false;
	if (isatty(STDIN_FILENO) && !tcgetattr(STDIN_FILENO, &before)) {
		now = before;
		now.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		has_keys = !tcsetattr(STDIN_FILENO, TCSANOW, &now);
	}
	fputs("\033[?1049h\033[?25l", stdout); /* the other page, no cursor */
	return true;
}

void screen_end(void)
{
	fputs("\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	if (has_keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &before);
	has_keys = false;
}

void screen_home(void)
{
	fputs("\033[H", stdout);
}

void screen_finish(void)
{
	fputs("\033[J", stdout);
}

size_t screen_rows(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_row ? ROWS_IF_UNKNOWN : size.ws_row;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Was it the key that ends? The end of input is none. */
static bool quit_pressed(void)
{
	char key;
	const ssize_t got = read(STDIN_FILENO, &key, 1);

	if (got <= 0)
		has_keys = false; /* or poll would answer at once for ever */
	return got == 1 && (key == 'q' || key == 'Q');
}

bool screen_wait(int64_t wait_ms)
{
	const int64_t end_ms = now_ms() + wait_ms;

	while (!stop_wanted()) {
		struct pollfd keys = {.fd = has_keys ? STDIN_FILENO : -1, .events = POLLIN};
		const int64_t left_ms = end_ms - now_ms();

		if (left_ms <= 0)
			return true;
		if (poll(&keys, 1, left_ms > 60000 ? 60000 : (int)left_ms) > 0 && quit_pressed())
			return false;
	}
	return false;
}
