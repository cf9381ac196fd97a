/* Whose turn it is: tokens of groups whose heads are READY, pushed by who makes them so, taken by who receives. */
#include "shm/fifo_parts.h"

#include "ring/crashpoint.h"
#include "ringlease.h"

#define TICKET_MASK ((UINT64_C(1) << 48) - 1)

/* ---- push ------------------------------------------------------------------------------------- */

static bool has_newer_tokens(const struct segment *segment)
{
	return tables_list(segment->header, TABLE_TOKENS) != segment->tokens_seen;
}

/* A ticket as a message keeps it: 15 bits of the table's id, 48 of the number. */
static uint64_t ticket_pack(uint32_t table_id, uint64_t ticket)
{
	return (uint64_t)(table_id & 0x7fff) << 48 | (ticket & TICKET_MASK);
}

/* A larger table of tokens; the last region is for as many as there can be messages. */
static int append_tokens(struct segment *segment)
{
	uint32_t order = segment->tokens[segment->token_count - 1].order + 2;
	uint32_t most = segment->capacity_order < TABLE_ORDER_MAX ? segment->capacity_order : TABLE_ORDER_MAX;
	int error;

	if (order > most || segment->token_count == TABLES_OF_A_KIND - 1)
		order = most > TABLE_ORDER_FIRST ? most : TABLE_ORDER_FIRST;
	error = tables_append(segment, TABLE_TOKENS, segment->tokens_seen, order);
	return error ? error : fifo_refresh(segment);
}

/* Pushes to the newest table. 0: there is no room, and no memory for more; then the sweep comes again. */
static uint64_t push_token(struct segment *segment, uint64_t link)
{
	for (;;) {
		uint32_t newest = segment->token_count - 1;
		uint64_t ticket = ready_push(&segment->tokens[newest], link);

		CRASH_POINT(fifo_offered);
		if (has_newer_tokens(segment)) { /* nobody may look there any more */
			if (fifo_refresh(segment) != 0)
				return 0;
			continue;
		}
		if (ticket != 0)
			return ticket_pack(segment->token_id[newest], ticket);
		if (append_tokens(segment) != 0)
			return 0;
	}
}

void fifo_offer(struct segment *segment, struct fifo_links *links, uint64_t link)
{
	uint64_t ticket = push_token(segment, link);

	if (ticket == 0)
		return;
	store_relaxed(&links->ticket, ticket); /* relaxed: for the sweep */
	CRASH_POINT(fifo_ticket_noted);
	seg_notify(segment, 1);
}

/* Is the token that was pushed last for it still there? */
static bool is_offered(const struct segment *segment, const struct fifo_links *links)
{
	uint64_t ticket = load_relaxed(&links->ticket); /* relaxed: a hint */

	if (ticket == 0 || (ticket & TICKET_IS_ATTEMPT))
		return false;
	for (uint32_t i = 0; i < segment->token_count; i++)
		if (ticket >> 48 == (segment->token_id[i] & 0x7fff))
			return !ready_has_passed(&segment->tokens[i], ticket & TICKET_MASK);
	return false;
}

void fifo_offer_once(struct segment *segment, struct fifo_links *links, uint64_t link)
{
	if (!is_offered(segment, links))
		fifo_offer(segment, links, link);
}

/* ---- take ------------------------------------------------------------------------------------- */

/* The first token of all tables, the oldest first. 0: there is none. */
static uint64_t take_token(struct segment *segment, uint64_t *ret_ticket)
{
	for (uint32_t i = 0; i < segment->token_count; i++) {
		uint64_t ticket, token = ready_pop(&segment->tokens[i], &ticket);

		*ret_ticket = ticket_pack(segment->token_id[i], ticket);
		if (token != 0)
			return token;
	}
	return 0;
}

/* Was another one pushed for it since, because it had been leased without this one? Who has just pushed may not
 * have noted his ticket yet. */
static bool is_outdated(uint64_t ticket, uint64_t noted)
{
	uint64_t newer = (noted >> 48) - (ticket >> 48);

	if (noted == 0 || (noted & TICKET_IS_ATTEMPT))
		return false;
	return newer == 0 ? (noted & TICKET_MASK) > (ticket & TICKET_MASK) : (newer & 0x7fff) < 0x4000;
}

/* The link of the message in a token's slot, if it is READY and the head of its group, and this is its turn. 0: it
 * is not. */
static int head_by_token(struct segment *segment, uint64_t token, uint64_t ticket, uint64_t *ret_head)
{
	uint32_t index, at;
	const struct ring *ring = fifo_place(segment, token, &index, &at);
	uint64_t link, head = 0;
	struct slot_word word;
	int found;

	if (ring == NULL)
		return 0;
	word = slot_read(&ring->slots[at]);
	if (word_state(word) != SLOT_READY)
		return 0;
	if (is_outdated(ticket, load_relaxed(&fifo_links(&ring->slots[at])->ticket))) /* relaxed: a hint */
		return 0;
	link = fifo_link(index, at, word);
	found = fifo_head(segment, fifo_group(&ring->slots[at]), &head);
	if (found < 0)
		return found;
	*ret_head = link;
	return found == 1 && head == link;
}

void fifo_takes_turn(struct segment *segment, uint64_t link)
{
	uint32_t index, at;
	const struct ring *ring = fifo_place(segment, link, &index, &at);

	if (ring != NULL)
		store_relaxed(&fifo_links(&ring->slots[at])->ticket, 0); /* relaxed: a hint */
	CRASH_POINT(fifo_ticket_noted);
}

int fifo_next(struct segment *segment, uint64_t *ret_head)
{
	for (;;) {
		uint64_t ticket, token = take_token(segment, &ticket);
		int result;

		CRASH_POINT(fifo_token_taken);
		if (token == 0 && !has_newer_tokens(segment))
			return 0;
		result = token == 0 ? fifo_refresh(segment) : head_by_token(segment, token, ticket, ret_head);
		if (result != 0)
			return result;
	}
}

/* ---- care ------------------------------------------------------------------------------------- */

void fifo_tend_turns(struct segment *segment)
{
	const struct ready *newest = &segment->tokens[segment->token_count - 1];
	int64_t live = seg_live(segment);

	if (segment->token_count > 1 && !ready_any(&segment->tokens[0])) {
		tables_drop_oldest(segment, TABLE_TOKENS, segment->tokens_seen);
	} else if (newest->order >= fifo_order_for(live > 0 ? (uint64_t)live : 0) + ORDER_TOO_LARGE &&
		   !ready_any(newest)) {
		tables_append(segment, TABLE_TOKENS, segment->tokens_seen, TABLE_ORDER_FIRST);
	}
}
