/* The terminal that top draws on. */
#ifndef TOOLS_SCREEN_H
#define TOOLS_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Takes the terminal over if stdout is one; returns whether it did. screen_end() gives it back. */
bool screen_begin(void);
void screen_end(void);

/* Begins a picture anew at the top left. */
void screen_home(void);

/* Clears what is left of the former picture. */
void screen_finish(void);

size_t screen_rows(void);

/* Waits until the time is over, a stop signal came, or somebody pressed q; false: time to end. */
bool screen_wait(int64_t wait_ms);

#endif
