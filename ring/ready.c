#include "ring/ready.h"
#include "ring/crashpoint.h"

/* lap:36 | full:1 | slot:24 | ring:3. Laps come again after 2^36; then a ticket of that age would be taken for a
 * new one. */
#define READY_TOKEN_BITS 28
#define READY_FULL (UINT64_C(1) << 27)
#define READY_TOKEN_MASK (READY_FULL - 1)
#define READY_LAP_MASK (UINT64_MAX >> READY_TOKEN_BITS)

static uint64_t lap_of(const struct ready *ready, uint64_t position)
{
	return position >> ready->order & READY_LAP_MASK;
}

static atomic_u64 *cell_of(const struct ready *ready, uint64_t position)
{
	return &ready->cells[position & ((UINT64_C(1) << ready->order) - 1)];
}

static uint64_t cell_empty(uint64_t lap)
{
	return lap << READY_TOKEN_BITS;
}

static uint64_t cell_full(uint64_t lap, uint64_t link)
{
	return lap << READY_TOKEN_BITS | READY_FULL | (link & READY_TOKEN_MASK);
}

/* Is the cell of a later lap than this? Laps are cut, so by distance. */
static bool is_later(uint64_t cell, uint64_t lap)
{
	uint64_t distance = ((cell >> READY_TOKEN_BITS) - lap) & READY_LAP_MASK;

	return distance != 0 && distance <= READY_LAP_MASK / 2;
}

/* Is there no room? Moves ends on that are behind. */
static bool is_full(const struct ready *ready)
{
	for (int steps = 0; steps < READY_STEPS_MAX; steps++) {
		/* relaxed: guesses; the cell decides */
		uint64_t head = load_relaxed(&ready->ends->head);
		uint64_t tail = load_relaxed(&ready->ends->tail);

		if (head > tail)			     /* read in between, or damage */
			raise_seq(&ready->ends->tail, head); /* [P1] as a ticket would */
		if (head > tail || tail - head < UINT64_C(1) << ready->order)
			return false;
		/* relaxed: head is a hint. A pop that was killed, or has yet to move it. */
		if (!is_later(load_relaxed(cell_of(ready, head)), lap_of(ready, head)))
			return true;
		raise_release(&ready->ends->head, head + 1); /* [P3] */
		CRASH_POINT(ready_head_moved);
	}
	return true;
}

uint64_t ready_push(const struct ready *ready, uint64_t link)
{
	for (int tries = 0; tries < READY_TRIES_MAX && !is_full(ready); tries++) {
		/* [P1] The tail, then the cell, then the caller asks for sleepers: who has said before that that he
		 * sleeps is seen, who says so later sees the tail ([P2]). */
		uint64_t position = fetch_add_seq(&ready->ends->tail, 1);
		uint64_t lap = lap_of(ready, position);

		CRASH_POINT(ready_numbered);
		/* [P1] Release of the head that is READY, for who pops ([P2]). */
		if (cas_seq(cell_of(ready, position), cell_empty(lap), cell_full(lap, link))) {
			CRASH_POINT(ready_pushed);
			return position + 1;
		}
	}
	return 0;
}

/* Somebody has this ticket and has not pushed: gives him a moment. */
static uint64_t look_again(const atomic_u64 *cell, uint64_t seen)
{
	for (int look = 0; look < READY_LOOKS; look++) {
		uint64_t now;

		for (int pause = 0; pause < 1 << look / 2; pause++)
			cpu_relax();
		now = load_relaxed(cell); /* relaxed: the CAS decides */
		if (now != seen)
			return now;
	}
	return seen;
}

/* Takes what is in the cell at `head`, or passes it. 0: nothing came of it, look further. */
static uint64_t take_at(const struct ready *ready, uint64_t head, uint64_t seen)
{
	uint64_t lap = lap_of(ready, head), token = 0;

	if (seen == cell_empty(lap))
		seen = look_again(cell_of(ready, head), seen);
	if (!is_later(seen, lap)) {
		/* [P2] Linearisation point of a pop. */
		if (!cas_seq(cell_of(ready, head), seen, cell_empty((lap + 1) & READY_LAP_MASK)))
			return 0;
		if (seen >> READY_TOKEN_BITS == lap && seen & READY_FULL) {
			CRASH_POINT(ready_popped);
			token = LINK_USED | (seen & READY_TOKEN_MASK);
		} else {
			CRASH_POINT(ready_passed);
		}
	}
	raise_release(&ready->ends->head, head + 1); /* [P3] */
	CRASH_POINT(ready_head_moved);
	return token;
}

/* Is there something to take or pass at `*ret_head`? A ticket that is the last, and not pushed yet, is neither: its
 * pusher will ask for sleepers when it is, and to pass it would only make him try again. */
static bool find_first(const struct ready *ready, uint64_t *ret_head, uint64_t *ret_seen)
{
	/* [P3] Head, then [P2] tail, which is not less: but for damage, which pushers mend. Then the cell. */
	uint64_t head = load_acquire(&ready->ends->head);
	uint64_t tail = load_seq(&ready->ends->tail);
	uint64_t size = UINT64_C(1) << ready->order;

	if (head >= tail)
		return false;
	if (tail - head > size + READY_TICKETS_MAX) { /* damage */
		head = tail - size;
		raise_release(&ready->ends->head, head); /* [P3] */
	}
	*ret_head = head;
	*ret_seen = load_seq(cell_of(ready, head)); /* [P2] */
	return tail - head > 1 || *ret_seen != cell_empty(lap_of(ready, head));
}

uint64_t ready_pop(const struct ready *ready, uint64_t *ret_ticket)
{
	uint64_t head, seen;

	for (int steps = 0; steps < READY_STEPS_MAX && find_first(ready, &head, &seen); steps++) {
		uint64_t token = take_at(ready, head, seen);

		if (ret_ticket)
			*ret_ticket = head + 1;
		if (token != 0)
			return token;
	}
	return 0;
}

bool ready_has_passed(const struct ready *ready, uint64_t ticket)
{
	/* [P2], [P3] The cell knows first; head alone knows if there was damage. Who has made a message READY
	 * before he asks, and hears no, is seen by who takes the token: all four are sequentially consistent. */
	return is_later(load_seq(cell_of(ready, ticket - 1)), lap_of(ready, ticket - 1)) ||
	       load_acquire(&ready->ends->head) >= ticket;
}

bool ready_any(const struct ready *ready)
{
	uint64_t head, seen;

	return find_first(ready, &head, &seen); /* [P2] */
}
