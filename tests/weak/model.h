/* Memory as C11 lets it be: a machine of views, in the place of the one word that sequential consistency has.
 *
 * Each word keeps the messages written to it that somebody may still read, oldest first. Each actor has a
 * view: of each word the oldest message that it may read. A message carries the view that its writer released
 * with it.
 *
 *   load      any message not older than the view; acquire takes over the message's view
 *   store     at the end; release attaches the writer's view
 *   RMW       reads the newest and writes behind it; what it writes also carries the view of what it read (a
 *             release sequence)
 *   CAS       an RMW, or a load of a message that does not fit
 *   seq_cst   as acquire and release; besides a load reads nothing older than the last seq_cst store to this
 *             word. It says nothing of other words: an acquire load after a seq_cst RMW may be stale.
 *   fences    acquire takes over the views of what was loaded before, release attaches to later stores; the
 *             seq_cst fence also exchanges views with all other such fences
 *
 * Which message a load reads is a choice that the explorer walks (explore_choose). How many times a schedule may
 * read what is not the newest can be bounded, as preemptions can.
 *
 * Plain data is judged, not modelled: whoever reads or writes it must have everything that others did to it in
 * his view, else it is a data race.
 *
 * What this leaves out: docs/adr/0007-weak-memory.md.
 */
#ifndef WEAK_MODEL_H
#define WEAK_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STALE_FREE = 255, /* no bound on stale reads */ };

/* What an order asks for. C11's are sums of them; a weakening takes one away. */
enum {
	ORDER_ACQUIRE = 1,
	ORDER_RELEASE = 2,
	ORDER_SEQ = 4,
	ORDER_ALL = 7,
};

struct model_terms {
	unsigned stale; /* bound on stale reads, or STALE_FREE */
	bool has_data;	/* judges plain data */
	/* seq_cst loads are acquire loads. For what is learnt by relaxed loads: the model walks seq_cst operations
	 * in the order in which they run, C11 need not where one knew of another by such a load alone. */
	bool only_acquires;
};

/* After a scenario was built: its memory as it is now, known to all. */
void model_begin(struct model_terms terms);
/* Was a word written that the model did not keep messages of? Then the search has to begin anew. */
bool model_has_grown(void);
/* Before another scenario: no word is known. */
void model_forget(void);

/* ---- accesses, in the place of <stdatomic.h>'s (sites.h); `order` is a memory_order ------------------ */

uint64_t model_load(const volatile void *word, size_t bytes, int order);
void model_store(volatile void *word, size_t bytes, uint64_t value, int order);
enum model_operation { MODEL_EXCHANGE, MODEL_ADD, MODEL_OR, MODEL_AND };
uint64_t model_change(volatile void *word, size_t bytes, enum model_operation operation, uint64_t operand,
		      int order);
bool model_cas(volatile void *word, size_t bytes, uint64_t expected, uint64_t desired, int order);
bool model_cas_pair(volatile void *words, unsigned __int128 expected, unsigned __int128 desired, int order);
void model_fence(int order);

/* ---- plain data: before it is read or written ---------------------------------------------------------- */

void data_read(const void *word);
void data_written(const void *word);

/* ---- sites: where in the source an access stands -------------------------------------------------------- */

/* Each use of an atomic operation has one; the copies of inline functions have the same name. */
struct site {
	const char *file, *function, *operation;
	int line;
	unsigned char has;  /* what its order asks for */
	unsigned char left; /* what a weakening leaves of it */
	bool is_reached;
};

/* The sites that an actor is amid, innermost first. On the actor's own stack. */
struct site_frame {
	const struct site *site;
	const struct site_frame *outer;
};

void site_enter(struct site_frame *frame, struct site *site);
void site_leave(const struct site_frame *frame);

#endif
