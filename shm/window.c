#include "shm/window.h"

/* turn:40 | KiB:24 */
enum { KIB_BITS = 24, LATE_MAX = 1024 };

#define KIB_MAX ((UINT64_C(1) << KIB_BITS) - 1)
#define TURN_MASK (UINT64_MAX >> KIB_BITS)

static uint64_t kib_of(uint64_t word, uint64_t turn)
{
	return word >> KIB_BITS == (turn & TURN_MASK) ? word & KIB_MAX : 0;
}

/* Of all, with what is taken here. */
static uint64_t take_kib(atomic_u64 *word, uint64_t turn, uint64_t kib)
{
	for (;;) {
		uint64_t seen = load_relaxed(word); /* relaxed: the CAS decides */
		uint64_t now = kib_of(seen, turn) + kib;

		/* Others are two turns ahead: we were stopped meanwhile. */
		if ((((seen >> KIB_BITS) - turn - 1) & TURN_MASK) < LATE_MAX)
			return kib;
		now = now < KIB_MAX ? now : KIB_MAX;
		if (cas_seq(word, seen, turn << KIB_BITS | now))
			return now;
	}
}

/* Bytes of all that are left. */
static uint64_t give_kib(atomic_u64 *word, uint64_t turn, uint64_t kib)
{
	for (;;) {
		uint64_t seen = load_relaxed(word); /* relaxed: the CAS decides */
		uint64_t now = kib_of(seen, turn);

		if (seen >> KIB_BITS != (turn & TURN_MASK))
			return 0;
		now = now > kib ? now - kib : 0;
		if (cas_seq(word, seen, turn << KIB_BITS | now))
			return now * 1024;
	}
}

/* A quarter of what each could have if all sent. */
static uint64_t piece_of(const struct segment *segment)
{
	uint64_t handles = load_relaxed(&segment->header->row_used); /* relaxed: about how many */

	return WINDOW_BYTES / 4 / (handles - 1 < SEG_ROW_COUNT ? handles : 1);
}

static void turn_to(struct segment *segment, uint64_t turn)
{
	if (segment->window.turn != turn)
		segment->window = (struct seg_window){.turn = turn, .piece = piece_of(segment)};
}

uint64_t seg_window_use(struct segment *segment, uint64_t begun, uint64_t done, uint64_t bytes)
{
	struct seg_window *window = &segment->window;
	uint64_t turn = begun + 1;

	turn_to(segment, turn);
	if (bytes > window->left) {
		uint64_t kib = ((bytes > window->piece ? bytes : window->piece) + 1023) / 1024;
		atomic_u64 *words = segment->header->window;

		window->next = take_kib(&words[turn % 2], turn, kib) * 1024;
		window->present = kib_of(load_relaxed(&words[begun % 2]), begun) * 1024; /* relaxed: a count */
		window->left = kib * 1024;
	}
	window->left -= bytes;
	return window->next + (done < begun ? window->present : 0);
}

static void carry(atomic_u64 words[2], uint64_t begun)
{
	uint64_t kib = kib_of(load_relaxed(&words[begun % 2]), begun); /* relaxed: a count */

	if (kib > 0)
		take_kib(&words[(begun + 1) % 2], begun + 1, kib);
}

void seg_window_carry(struct segment *segment, uint64_t begun)
{
	carry(segment->header->window, begun);
}

void seg_moves_carry(struct seg_engine_page *page, uint64_t begun)
{
	carry(page->moved, begun);
}

bool seg_moves_admit(struct seg_engine_page *page, uint64_t bytes)
{
	uint64_t kib = (bytes + 1023) / 1024;

	for (;;) {
		uint64_t begun = load_seq(&page->turn_begun), done = load_acquire(&page->turn_done);
		/* relaxed: the CAS decides, and the other one is a count that stands */
		uint64_t seen = load_relaxed(&page->moved[(begun + 1) % 2]);
		uint64_t now = kib_of(seen, begun + 1);
		uint64_t before = done < begun ? kib_of(load_relaxed(&page->moved[begun % 2]), begun) : 0;

		if (now + before > 0 && now + before + kib > MOVES_BYTES / 1024)
			return false;
		now = now + kib < KIB_MAX ? now + kib : KIB_MAX;
		if (cas_seq(&page->moved[(begun + 1) % 2], seen, (begun + 1) << KIB_BITS | now))
			return true;
	}
}

void seg_window_give_back(struct segment *segment, uint64_t begun, uint64_t bytes)
{
	struct seg_window *window = &segment->window;
	uint64_t turn = begun + 1, kib;

	turn_to(segment, turn);
	window->left += bytes;
	if (window->left < 2 * window->piece)
		return;
	kib = (window->left - window->piece) / 1024;
	window->next = give_kib(&segment->header->window[turn % 2], turn, kib);
	window->left -= kib * 1024;
}
